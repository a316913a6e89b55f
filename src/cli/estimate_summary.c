#include "estimate_summary.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "mcbe/stats.h"
#include "memory.h"
#include "result.h"

/* The first unit of a result file, mostly the only one. */
typedef struct unit {
    const mcbe_result_t *result;
    const char *file; /* its path, NULL if it is not kept */
    const mcbe_cell_t *cell;
    const mcbe_record_t *record;
    double *values; /* owned, [m], workspace */
} unit_t;

/* Number of a column by its path, -1 for what the run does not have. */
static int find_column(const unit_t *unit, const char *format, va_list args)
{
    const mcbe_layout_t *layout = &unit->result->session.layout;
    char path[192];
    vsnprintf(path, sizeof path, format, args);
    for (int i = 0; i < layout->count; i++) {
        if (!strcmp(layout->columns[i].path, path)) {
            return i;
        }
    }
    return -1;
}

/* A scalar; NaN for what the run does not have. */
static double scalar(const unit_t *unit, const char *format, ...) MCBE_PRINTF(2, 3);
static double scalar(const unit_t *unit, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int column = find_column(unit, format, args);
    va_end(args);
    return column >= 0
               ? mcbe_record_scalar(unit->record, &unit->result->session.layout, unit->cell, column)
               : (double)NAN;
}

/* An array of m or n numbers. @return 0 for what the run does not have */
static int array(const unit_t *unit, double *values, const char *format, ...) MCBE_PRINTF(3, 4);
static int array(const unit_t *unit, double *values, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int column = find_column(unit, format, args);
    va_end(args);
    if (column >= 0) {
        mcbe_record_get_f64(unit->record, &unit->result->session.layout, unit->cell, column,
                            values);
    }
    return column >= 0;
}

/* Room for the value of a key: the longest is a file's path with a dataset behind it. */
#define SETTING_MAX (2 * 4096)

/* A key or a fact; "" if there is none. */
static const char *setting(const unit_t *unit, const char *path, char value[SETTING_MAX])
{
    if (mcbe_config_lookup(unit->result->info.config_resolved, path, value, SETTING_MAX) !=
        MCBE_OK) {
        value[0] = '\0';
    }
    return value;
}

/* What a layer with the bias i is. */
static const char *form_of(const unit_t *unit, int i, char value[SETTING_MAX])
{
    char path[48];
    snprintf(path, sizeof path, "biases[%d].form", i);
    setting(unit, path, value);
    return *value ? value : strcpy(value, "relu(Wx-alpha)");
}

static const char *verdict_of(const unit_t *unit, const char *bias)
{
    static const char *const words[] = {"refuted", "proven", "undecided"};
    const double verdict = scalar(unit, "trials/verdict/%s", bias);
    return verdict >= 0.0 && verdict <= 2.0 ? words[(int)verdict] : "unknown";
}

/* The largest distance of alpha* to the exact one; NaN where that is not known. */
static double excess(const unit_t *unit, double *exact)
{
    double largest = (double)NAN;
    if (array(unit, unit->values, "alpha/data") && array(unit, exact, "alpha/exact")) {
        for (int64_t j = 0; j < unit->cell->m; j++) {
            const double distance = unit->values[j] - exact[j];
            largest = isfinite(distance) ? fmax(largest, distance) : largest;
        }
    }
    return largest;
}

/* --- words --- */

static void print_layer(const unit_t *unit)
{
    char text[SETTING_MAX], radius[SETTING_MAX];
    printf("layer        %s, n = %lld, m = %lld\n", setting(unit, "frame.path", text),
           (long long)unit->cell->n, (long long)unit->cell->m);
    if (unit->result->info.trials > 1) {
        printf("trial        0 of %lld, here and below; the file (-o) has them all\n",
               (long long)unit->result->info.trials);
    }
    printf("K            %s", setting(unit, "domain.kind", text));
    if (!strcmp(text, "sphere") || !strcmp(text, "ball") || !strcmp(text, "shell")) {
        printf(" of radius %s", setting(unit, "domain.radius", radius));
    }
    printf("\npoints       %.0f (%s), of which %.0f lowered alpha*\n",
           scalar(unit, "trials/samples"), setting(unit, "sampling.design", text),
           scalar(unit, "trials/updates"));
    if (!isnan(scalar(unit, "trials/search_evaluations"))) {
        printf("search       %.0f points evaluated\n", scalar(unit, "trials/search_evaluations"));
    }
}

static void print_alpha(const unit_t *unit, const mcbe_summary_t *alpha)
{
    const double level = mcbe_config_real(unit->result->session.config, "bound.level");
    char method[SETTING_MAX], fresh[SETTING_MAX];
    printf("alpha*       min %.6g, mean %.6g, max %.6g; %lld of %lld rows at +inf\n", alpha->min,
           alpha->mean, alpha->max, (long long)alpha->infinite, (long long)unit->cell->m);
    printf(
        "fewest       %.0f rows active at bias 0 at a visited point; below n = %lld the layer is "
        "not injective there\n",
        scalar(unit, "trials/min_active"), (long long)unit->cell->n);
    const double rectified = scalar(unit, "trials/rectified_alpha");
    if (!isnan(rectified)) {
        printf("fresh        %s points: %.0f would lower alpha*; at alpha* p_I = %.6g\n",
               setting(unit, "holdout.samples", fresh), scalar(unit, "trials/holdout_violations"),
               rectified);
    }
    const double tested = scalar(unit, "trials/test_rectified_alpha");
    if (!isnan(tested)) {
        printf("test set     at alpha* p_I = %.6g\n", tested);
    }
    const double bound = scalar(unit, "trials/violation_bound");
    if (!isnan(bound)) {
        printf("bound        another point of K lowers alpha* with probability at most %.6g (%s, "
               "level %g)\n",
               bound, setting(unit, "bound.method", method), level);
    }
}

static void print_exact(const unit_t *unit, double distance)
{
    const double injective = scalar(unit, "trials/exact_injective");
    const double low = scalar(unit, "trials/constant_low");
    if (injective >= 0.0) {
        printf("exact        at bias 0 the layer is %s on all of R^n\n",
               injective == 1.0   ? "injective"
               : injective == 0.0 ? "not injective"
                                  : "on the edge: injectivity is undecided");
    }
    if (!isnan(distance)) {
        printf("             alpha* is at most %.6g above the exact one\n", distance);
    }
    if (!isnan(low)) {
        printf(
            "polytope     a constant bias (alpha) up to %.6g is injective on K, one above %.6g is "
            "not\n",
            low, scalar(unit, "trials/constant_high"));
    }
}

static void print_biases(const unit_t *unit)
{
    const mcbe_config_t *config = unit->result->session.config;
    const int tested = !isnan(scalar(unit, "trials/test_rectified_alpha"));
    int certificates = 0, adds = 0;
    char form[SETTING_MAX];
    printf("\nbias\tform\tp_H\tp_I%s\tverdict\tactive\n", tested ? "\tp_I_test" : "");
    for (int i = 0; i < mcbe_config_records(config, "biases"); i++) {
        const char *name = mcbe_config_record_string(config, "biases", i, "name");
        const double active = scalar(unit, "certificates/%s/active", name);
        printf("%s\t%s\t%.6g\t%.6g\t", name, form_of(unit, i, form),
               scalar(unit, "trials/hamming/%s", name), scalar(unit, "trials/rectified/%s", name));
        if (tested) {
            printf("%.6g\t", scalar(unit, "trials/test_rectified/%s", name));
        }
        printf("%s\t", verdict_of(unit, name));
        adds |= !strcmp(form, "relu(Wx+b)");
        if (active >= 0.0) {
            printf("%.0f\n", active);
            certificates++;
        } else {
            printf("-\n");
        }
    }
    if (adds) {
        printf("\nform         relu(Wx+b) has alpha = -b: a row counts for p_H where b is at least "
               "-alpha*\n");
    }
    if (unit->file) {
        printf("\nfile         %s\n", unit->file);
    }
    for (int k = 0; k < certificates && unit->file; k++) {
        printf("certificate  mcbe show %s --certificate %d\n", unit->file, k);
    }
    if (certificates > 0 && !unit->file) {
        printf("\ncertificate  with -o FILE the point is kept; --json prints it\n");
    }
}

/* --- JSON --- */

static void json_pair(const char *name, double value)
{
    printf("\"%s\": ", name);
    mcbe_json_number(stdout, value);
}

static void json_setting(const unit_t *unit, const char *name, const char *path)
{
    char text[SETTING_MAX];
    printf("\"%s\": ", name);
    mcbe_json_text(stdout, setting(unit, path, text));
}

static void json_point(const double *x, int64_t n)
{
    printf("[");
    for (int64_t k = 0; k < n; k++) {
        printf("%s", k ? ", " : "");
        mcbe_json_number(stdout, x[k]);
    }
    printf("]");
}

static void json_biases(const unit_t *unit)
{
    const mcbe_config_t *config = unit->result->session.config;
    char form[SETTING_MAX];
    printf("  \"biases\": [");
    for (int i = 0; i < mcbe_config_records(config, "biases"); i++) {
        const char *name = mcbe_config_record_string(config, "biases", i, "name");
        const double active = scalar(unit, "certificates/%s/active", name);
        printf("%s\n    {\"name\": ", i ? "," : "");
        mcbe_json_text(stdout, name);
        printf(", \"form\": \"%s\", ", form_of(unit, i, form));
        json_pair("p_H", scalar(unit, "trials/hamming/%s", name));
        printf(", ");
        json_pair("p_I", scalar(unit, "trials/rectified/%s", name));
        printf(", ");
        json_pair("p_I_test", scalar(unit, "trials/test_rectified/%s", name));
        printf(", \"verdict\": \"%s\", \"certificate\": ", verdict_of(unit, name));
        if (active >= 0.0 && array(unit, unit->values, "certificates/%s/x", name)) {
            printf("{\"active\": %.0f, \"x\": ", active);
            json_point(unit->values, unit->cell->n); /* n <= m */
            printf("}}");
        } else {
            printf("null}");
        }
    }
    printf("\n  ]\n}\n");
}

static void json_all(const unit_t *unit, const mcbe_summary_t *alpha, double distance)
{
    static const char *const names[] = {"samples",
                                        "updates",
                                        "min_active",
                                        "search_evaluations",
                                        "holdout_violations",
                                        "rectified_alpha",
                                        "test_rectified_alpha",
                                        "exact_injective",
                                        "constant_low",
                                        "constant_high"};
    printf("{\n  ");
    json_setting(unit, "weights", "frame.path");
    printf(",\n  \"n\": %lld, \"m\": %lld,\n  ", (long long)unit->cell->n,
           (long long)unit->cell->m);
    if (unit->result->info.trials > 1) {
        printf("\"trial\": 0, \"trials\": %lld,\n  ", (long long)unit->result->info.trials);
    }
    json_setting(unit, "domain", "domain.kind");
    printf(", ");
    json_setting(unit, "design", "sampling.design");
    printf(",\n  \"alpha\": {");
    json_pair("min", alpha->min);
    printf(", ");
    json_pair("mean", alpha->mean);
    printf(", ");
    json_pair("max", alpha->max);
    printf(", \"infinite\": %lld}", (long long)alpha->infinite);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        printf(",\n  ");
        json_pair(names[i], scalar(unit, "trials/%s", names[i]));
    }
    printf(",\n  ");
    json_pair("exact_excess", distance);
    printf(",\n  \"violation_bound\": {");
    json_pair("value", scalar(unit, "trials/violation_bound"));
    printf(", ");
    json_setting(unit, "method", "bound.method");
    printf(", ");
    json_pair("level", mcbe_config_real(unit->result->session.config, "bound.level"));
    printf("},\n  \"file\": ");
    if (unit->file) {
        mcbe_json_text(stdout, unit->file);
    } else {
        printf("null");
    }
    printf(",\n");
    json_biases(unit);
}

mcbe_status_t mcbe_estimate_summary(const char *path, int kept, int json, mcbe_error_t *err)
{
    mcbe_result_t result;
    mcbe_summary_t alpha;
    double *exact = NULL;
    mcbe_status_t st = mcbe_result_open(&result, path, err);
    if (st != MCBE_OK) {
        return st;
    }
    unit_t unit = {.result = &result,
                   .file = kept ? path : NULL,
                   .cell = result.session.plan.cells,
                   .record = mcbe_store_get(result.store, 0, 0)};
    unit.values = mcbe_alloc((size_t)unit.cell->m, sizeof *unit.values);
    exact = mcbe_alloc((size_t)unit.cell->m, sizeof *exact);
    if (!unit.values || !exact) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    const double distance = excess(&unit, exact);
    (void)array(&unit, unit.values, "alpha/data");
    mcbe_summarize(unit.values, unit.cell->m, &alpha);
    if (json) {
        json_all(&unit, &alpha, distance);
    } else {
        print_layer(&unit);
        print_alpha(&unit, &alpha);
        print_exact(&unit, distance);
        print_biases(&unit);
    }
out:
    mcbe_free(exact);
    mcbe_free(unit.values);
    mcbe_result_close(&result);
    return st;
}
