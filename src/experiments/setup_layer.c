#include "setup.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "memory.h"

/* Rows of a bias from a file must be finite and small enough for products with them to be. */
#define BIAS_MAX 1e100

typedef enum convention { CONVENTION_AUTO, CONVENTION_MINUS, CONVENTION_PLUS } convention_t;

const mcbe_key_t mcbe_bias_family_keys[] = {
    {.path = "name",
     .type = MCBE_KEY_STRING,
     .flags = MCBE_KEY_UNIQUE | MCBE_KEY_NAME,
     .help = "Name under which results are stored."},
    {.path = "kind",
     .type = MCBE_KEY_ENUM,
     .words = "constant normal file",
     .help = "The same value in every row, drawn from N(0, variance), or read from a file."},
    {.path = "value",
     .type = MCBE_KEY_REAL,
     .fallback = "0",
     .min = -1e100,
     .max = 1e100,
     .help = "Value of a constant bias, in the unit of bias_scale."},
    {.path = "variance",
     .type = MCBE_KEY_REAL,
     .fallback = "1",
     .min = 0,
     .max = 1e100,
     .help = "Variance of a normal bias, in the squared unit of bias_scale."},
    {.path = "path",
     .type = MCBE_KEY_STRING,
     .flags = MCBE_KEY_LATE,
     .fallback = "''",
     .help = "The m numbers of kind file, in the units of W (bias_scale: "
             "absolute): " MCBE_MATRIX_FILE_FORMS "; for a stack of matrices a row of m numbers "
             "for each. Its SHA-256 joins the fingerprint."},
    {.path = "convention",
     .type = MCBE_KEY_ENUM,
     .flags = MCBE_KEY_LATE,
     .fallback = "auto",
     .words = "auto minus plus",
     .help =
         "What the numbers of a file are: alpha of ReLU(Wx - alpha) (minus), or b of ReLU(Wx + b) "
         "(plus), as PyTorch and Keras have it; auto is plus for .safetensors, else minus."},
    {.path = NULL},
};

int mcbe_setup_is_constant(const mcbe_bias_family_t *family, double value)
{
    return family->kind == MCBE_BIAS_CONSTANT && family->value == value;
}

/* Read what a key refers to; its SHA-256 becomes a fact. @param[in] fact  path of that */
static mcbe_status_t load(mcbe_config_t *config, const char *key, const char *reference,
                          const char *fact, mcbe_matrix_file_t *file, mcbe_npy_t *array,
                          mcbe_error_t *err)
{
    mcbe_error_t reason = {0};
    mcbe_status_t st = mcbe_matrix_file_parse(file, reference, &reason);
    if (st == MCBE_ERR_DATA) {
        st = mcbe_config_reject(config, err, key, "%s", reason.text);
    }
    MCBE_TRY(st);
    MCBE_TRY(mcbe_config_add_digest(config, fact, file->reference.path, err));
    MCBE_TRY(mcbe_matrix_file_load(array, file, err));
out:
    return st;
}

/* --- the weight matrix of a file, or a stack of them --- */

static int is_layer(int64_t m, int64_t n)
{
    return n >= 1 && m >= n && n <= MCBE_MAX_N && m <= MCBE_MAX_M;
}

/* @param[in] array  as it is to be used; transposed: of the file, which is to be spoken of */
static mcbe_status_t check_layer(const mcbe_setup_t *setup, const mcbe_npy_t *array, int transposed,
                                 mcbe_error_t *err)
{
    const char *name = setup->frame_path;
    if (array->columns == 0) {
        return mcbe_fail(
            err, MCBE_ERR_DATA,
            "'%s' holds a vector of %lld numbers; a weight matrix of m rows of length n "
            "is needed",
            name, (long long)array->rows);
    }
    if (!is_layer(array->rows, array->columns)) {
        char stack[64] = "";
        if (array->count > 0) {
            snprintf(stack, sizeof stack, ", %lld of them by its first dimension",
                     (long long)array->count);
        }
        return mcbe_fail(
            err, MCBE_ERR_DATA,
            "'%s' holds a %lld x %lld matrix%s%s; a weight matrix has m rows of length n with "
            "1 <= n <= m, n up to %d, m up to %d%s",
            name, (long long)(transposed ? array->columns : array->rows),
            (long long)(transposed ? array->rows : array->columns), stack,
            transposed ? ", which frame.transpose turns round" : "", MCBE_MAX_N, MCBE_MAX_M,
            !is_layer(array->columns, array->rows) ? ""
            : transposed ? "; as it stands it is one (frame.transpose: false)"
                         : "; its transpose is one (frame.transpose: true)");
    }
    return MCBE_OK;
}

/* Which matrix of the file a trial has. */
static int64_t matrix_of(const mcbe_setup_t *setup, int64_t trial)
{
    MCBE_BUG_ASSERT(setup->file.count == 0 || trial < setup->file.count);
    return setup->file.count > 0 ? trial : 0;
}

mcbe_status_t mcbe_setup_frame_of_file(mcbe_frame_t *frame, const mcbe_setup_t *setup,
                                       int64_t trial, mcbe_error_t *err)
{
    const mcbe_npy_t *file = &setup->file;
    const double *w = file->values + matrix_of(setup, trial) * file->rows * file->columns;
    return mcbe_frame_copy(frame, (int)file->rows, (int)file->columns, w, (ptrdiff_t)file->columns,
                           setup->normalize_rows, err);
}

/* The entries of those that are wanted, so that a run does not begin with what it cannot use. */
static mcbe_status_t check_entries(const mcbe_setup_t *setup, const mcbe_config_t *config,
                                   mcbe_error_t *err)
{
    const int64_t count = setup->file.count;
    const int64_t wanted =
        mcbe_config_has(config, "trials") ? mcbe_config_int(config, "trials") : 1;
    const int64_t checked = count == 0 ? 1 : wanted < count ? wanted : count;
    mcbe_status_t st = MCBE_OK;
    for (int64_t i = 0; i < checked && st == MCBE_OK; i++) {
        mcbe_error_t reason = {0};
        mcbe_frame_t frame;
        st = mcbe_setup_frame_of_file(&frame, setup, i, &reason);
        mcbe_frame_free(&frame);
        if (st != MCBE_OK && st != MCBE_ERR_NOMEM) {
            st = count > 0 ? mcbe_fail(err, st, "'%s', matrix %lld from 0: %s", setup->frame_path,
                                       (long long)i, reason.text)
                           : mcbe_fail(err, st, "%s", reason.text);
        }
    }
    return st;
}

mcbe_status_t mcbe_setup_trials(const mcbe_setup_t *setup, const mcbe_config_t *config,
                                int64_t *trials, mcbe_error_t *err)
{
    const int64_t count = setup->file.count, wanted = mcbe_config_int(config, "trials");
    if (count > 0 && !mcbe_config_given(config, "trials")) {
        return mcbe_config_reject(config, err, "trials",
                                  "is not given; '%s' has %lld matrices, one for each trial: 1 to "
                                  "%lld are possible",
                                  setup->frame_path, (long long)count, (long long)count);
    }
    if (count > 0 && wanted > count) {
        return mcbe_config_reject(config, err, "trials",
                                  "%lld; '%s' has %lld matrices, one for each trial",
                                  (long long)wanted, setup->frame_path, (long long)count);
    }
    *trials = wanted;
    return MCBE_OK;
}

mcbe_status_t mcbe_setup_load_frame(mcbe_setup_t *setup, mcbe_config_t *config, mcbe_error_t *err)
{
    const int given = setup->frame_path[0] != '\0';
    const int transposed = mcbe_config_bool(config, "frame.transpose");
    mcbe_matrix_file_t file = {0};
    mcbe_npy_t array = {0};
    mcbe_status_t st;
    if (setup->ensemble != MCBE_ENSEMBLE_FILE) {
        return given || transposed
                   ? mcbe_config_reject(config, err, given ? "frame.path" : "frame.transpose",
                                        "has a meaning only for frame.ensemble: file")
                   : MCBE_OK;
    }
    if (!given) {
        return mcbe_config_reject(config, err, "frame.path",
                                  "is empty; frame.ensemble: file needs the name of a file");
    }
    MCBE_TRY(load(config, "frame.path", setup->frame_path, "frame.sha256", &file, &array, err));
    if (transposed && array.columns > 0) {
        MCBE_TRY(mcbe_matrix_transpose(&array));
    }
    MCBE_TRY(check_layer(setup, &array, transposed, err));
    setup->file = array;
    array = (mcbe_npy_t){0};
    st = check_entries(setup, config, err);
out:
    mcbe_npy_free(&array);
    mcbe_matrix_file_free(&file);
    return st;
}

/* --- biases --- */

/* A bias from a file belongs to given layers as they are. */
static mcbe_status_t check_single(const mcbe_setup_t *setup, const mcbe_config_t *config,
                                  const char *key, int *m, mcbe_error_t *err)
{
    int n;
    if (!mcbe_setup_fixed_shape(setup, m, &n)) {
        return mcbe_config_reject(
            config, err, key,
            "file; a bias from a file belongs to one layer, so frame.ensemble "
            "must be file or a polyhedron");
    }
    if (setup->scale_by_norm) {
        return mcbe_config_reject(config, err, key,
                                  "file; such a bias is in the units of W, so bias_scale must be "
                                  "absolute");
    }
    if (setup->normalize_rows) {
        return mcbe_config_reject(
            config, err, key,
            "file; such a bias belongs to W as it is, so frame.normalize_rows "
            "must be false");
    }
    return MCBE_OK;
}

/* One bias in a row or a column; of a stack of layers one in each row. */
static mcbe_status_t check_bias_shape(const mcbe_setup_t *setup, const char *name,
                                      const mcbe_npy_t *array, int m, mcbe_error_t *err)
{
    const int64_t layers = mcbe_npy_matrices(&setup->file);
    const int64_t rows = array->rows, columns = array->columns > 0 ? array->columns : 1;
    const int in_rows = rows == layers && columns == m,
              in_a_column = setup->file.count == 0 && rows == m && columns == 1;
    char stack[32] = "";
    if ((in_rows || in_a_column) && array->count == 0) {
        return MCBE_OK;
    }
    if (array->count > 0) {
        snprintf(stack, sizeof stack, "%lld x ", (long long)array->count);
    }
    return setup->file.count > 0
               ? mcbe_fail(err, MCBE_ERR_DATA,
                           "'%s' holds %s%lld x %lld numbers; the biases of %lld layers with m = "
                           "%d rows are %lld x %d",
                           name, stack, (long long)rows, (long long)columns, (long long)layers, m,
                           (long long)layers, m)
               : mcbe_fail(err, MCBE_ERR_DATA,
                           "'%s' holds %s%lld x %lld numbers; the bias of a layer with m = %d rows "
                           "has %d of them, in a row or a column",
                           name, stack, (long long)rows, (long long)columns, m, m);
}

/* Turn what was read into the biases of ReLU(Wx - bias). */
static mcbe_status_t take_bias(const mcbe_setup_t *setup, const char *name, mcbe_npy_t *array,
                               int m, int adds, mcbe_bias_family_t *family, mcbe_error_t *err)
{
    const int64_t layers = mcbe_npy_matrices(&setup->file);
    const mcbe_status_t st = check_bias_shape(setup, name, array, m, err);
    if (st != MCBE_OK) {
        return st;
    }
    for (int64_t j = 0; j < layers * m; j++) {
        if (!(fabs(array->values[j]) <= BIAS_MAX)) {
            return mcbe_fail(err, MCBE_ERR_VALUE,
                             "'%s': entry %lld of bias %lld (from 0) is %g; finite numbers up to "
                             "1e100 in size are allowed",
                             name, (long long)(j % m), (long long)(j / m), array->values[j]);
        }
        array->values[j] = (adds ? -array->values[j] : array->values[j]) + 0.0; /* no -0.0 */
    }
    family->file = array->values;
    array->values = NULL;
    return MCBE_OK;
}

static mcbe_status_t load_bias(const mcbe_setup_t *setup, mcbe_config_t *config, int i,
                               mcbe_error_t *err)
{
    const char *reference = mcbe_config_record_string(config, "biases", i, "path");
    const int convention = mcbe_config_record_enum(config, "biases", i, "convention");
    char kind[48], path[48], digest[48], form[48];
    mcbe_matrix_file_t file = {0};
    mcbe_npy_t array = {0};
    mcbe_status_t st;
    int m = 0;
    snprintf(kind, sizeof kind, "biases[%d].kind", i);
    snprintf(path, sizeof path, "biases[%d].path", i);
    snprintf(digest, sizeof digest, "biases[%d].sha256", i);
    snprintf(form, sizeof form, "biases[%d].form", i);
    MCBE_TRY(check_single(setup, config, kind, &m, err));
    MCBE_TRY(load(config, path, reference, digest, &file, &array, err));
    const int adds = convention == CONVENTION_AUTO ? mcbe_matrix_file_adds_bias(&file)
                                                   : convention == CONVENTION_PLUS;
    MCBE_TRY(take_bias(setup, reference, &array, m, adds, &setup->families[i], err));
    st = mcbe_config_add_fact(config, form, adds ? "relu(Wx+b)" : "relu(Wx-alpha)");
out:
    mcbe_npy_free(&array);
    mcbe_matrix_file_free(&file);
    return st;
}

/* Fields that have no meaning for the kind of a family. */
static mcbe_status_t check_fields(const mcbe_config_t *config, int i, mcbe_bias_kind_t kind,
                                  mcbe_error_t *err)
{
    static const char *const kinds[] = {"constant", "normal", "file"};
    static const struct {
        const char *field;
        mcbe_bias_kind_t kind;
    } fields[] = {{"value", MCBE_BIAS_CONSTANT},
                  {"variance", MCBE_BIAS_NORMAL},
                  {"path", MCBE_BIAS_FILE},
                  {"convention", MCBE_BIAS_FILE}};
    mcbe_status_t st = MCBE_OK;
    char path[64];
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        if (fields[k].kind != kind &&
            mcbe_config_record_given(config, "biases", i, fields[k].field)) {
            snprintf(path, sizeof path, "biases[%d].%s", i, fields[k].field);
            st = mcbe_config_reject(config, err, path, "has no meaning for a %s bias", kinds[kind]);
        }
    }
    if (kind == MCBE_BIAS_FILE && !mcbe_config_record_string(config, "biases", i, "path")[0]) {
        snprintf(path, sizeof path, "biases[%d].path", i);
        st = mcbe_config_reject(config, err, path, "is empty; kind: file needs the name of a file");
    }
    return st;
}

mcbe_status_t mcbe_setup_read_families(mcbe_setup_t *setup, int layer_known, mcbe_config_t *config,
                                       mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const int count = mcbe_config_records(config, "biases");
    setup->families = mcbe_alloc((size_t)count, sizeof *setup->families);
    if (!setup->families) {
        return MCBE_ERR_NOMEM;
    }
    setup->family_count = count;
    for (int i = 0; i < count; i++) {
        mcbe_bias_family_t *family = setup->families + i;
        family->name = mcbe_config_record_string(config, "biases", i, "name");
        family->kind = (mcbe_bias_kind_t)mcbe_config_record_enum(config, "biases", i, "kind");
        family->value = mcbe_config_record_real(config, "biases", i, "value");
        family->variance = mcbe_config_record_real(config, "biases", i, "variance");
        mcbe_status_t own = check_fields(config, i, family->kind, err);
        if (own == MCBE_OK && family->kind == MCBE_BIAS_FILE && layer_known) {
            own = load_bias(setup, config, i, err);
        }
        st = own != MCBE_OK ? own : st;
    }
    return st;
}

mcbe_status_t mcbe_setup_bias(const mcbe_setup_t *setup, int family_index,
                              const mcbe_stream_key_t *key, double *bias)
{
    const mcbe_bias_family_t *family = setup->families + family_index;
    const size_t m = (size_t)key->m;
    if (family->kind != MCBE_BIAS_NORMAL) {
        const int64_t first = family->file ? matrix_of(setup, key->trial) * key->m : 0;
        for (size_t j = 0; j < m; j++) {
            bias[j] = family->file ? family->file[first + (int64_t)j] : family->value;
        }
        return MCBE_OK;
    }
    float *normals = mcbe_alloc(m, sizeof *normals);
    if (!normals) {
        return MCBE_ERR_NOMEM;
    }
    mcbe_stream_key_t stream = *key;
    mcbe_rng_t rng;
    stream.purpose = MCBE_PURPOSE_BIAS;
    stream.block = family_index;
    mcbe_rng_init(&rng, &stream);
    mcbe_rng_normals(&rng, normals, m);
    const double sd = sqrt(family->variance);
    for (size_t j = 0; j < m; j++) {
        bias[j] = sd * (double)normals[j];
    }
    mcbe_free(normals);
    return MCBE_OK;
}

mcbe_status_t mcbe_setup_biases(const mcbe_setup_t *setup, const mcbe_stream_key_t *key,
                                const mcbe_frame_t *frame, double *biases)
{
    const double *unit = mcbe_setup_bias_unit(setup, frame);
    mcbe_status_t st = MCBE_OK;
    for (int i = 0; i < setup->family_count && st == MCBE_OK; i++) {
        double *bias = biases + (size_t)i * (size_t)key->m;
        st = mcbe_setup_bias(setup, i, key, bias);
        for (int64_t j = 0; j < key->m && unit; j++) {
            bias[j] *= unit[j];
        }
    }
    return st;
}

const double *mcbe_setup_bias_unit(const mcbe_setup_t *setup, const mcbe_frame_t *frame)
{
    return setup->scale_by_norm ? frame->norm : NULL;
}
