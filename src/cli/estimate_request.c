#include "estimate_request.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli.h"
#include "json.h"
#include "launch.h"
#include "memory.h"

/* What stands if no flag says otherwise. */
static const char defaults[] = "experiment: estimate\n"
                               "frame: {ensemble: file}\n"
                               "bias_scale: absolute\n"
                               "sampling: {samples: 100000}\n"
                               "exact: {enabled: true}\n"
                               "polytope: {enabled: true}\n";

/* Values of an option that may be repeated. */
typedef struct texts {
    const char **text; /* owned, [count], the texts borrowed */
    int count;
} texts_t;

/* Values as they came. */
typedef struct given {
    const char *weights, *bias, *convention, *domain, *samples, *design, *search;
    texts_t set, data, test;
} given_t;

/* Append an override whose value the writer appends to the stream. @return NULL if memory is out */
static FILE *begin_override(const char *key, char **text, size_t *size)
{
    FILE *out = open_memstream(text, size);
    if (out) {
        fprintf(out, "%s=", key);
    }
    return out;
}

static mcbe_status_t end_override(mcbe_estimate_request_t *request, FILE *out, char **text)
{
    const int bad = !out || fclose(out) != 0;
    char *copy = bad ? NULL : mcbe_strdup(*text);
    free(*text);
    *text = NULL;
    if (!copy) {
        return MCBE_ERR_NOMEM;
    }
    request->overrides[request->options.override_count++] = copy;
    return MCBE_OK;
}

static mcbe_status_t add_override(mcbe_estimate_request_t *request, const char *key,
                                  const char *value, int quote)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = begin_override(key, &text, &size);
    if (out && quote) {
        mcbe_json_text(out, value); /* which is YAML, too */
    } else if (out) {
        fputs(value, out);
    }
    return end_override(request, out, &text);
}

/* An override that stands for a flag. */
static mcbe_status_t add_flag(mcbe_estimate_request_t *request, const char *name, const char *value,
                              const char *key, int quote)
{
    if (!value) {
        return MCBE_OK;
    }
    request->flags[request->flag_count++] =
        (struct mcbe_estimate_flag){.name = name, .value = value, .key = key};
    return add_override(request, key, value, quote);
}

/* The word for a convention, NULL if there is none. */
static const char *find_convention(const char *text)
{
    static const struct {
        const char *text, *word;
    } known[] = {
        {"relu(Wx-alpha)", "minus"}, {"relu(Wx+b)", "plus"}, {"minus", "minus"}, {"plus", "plus"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(text, known[i].text)) {
            return known[i].word;
        }
    }
    return NULL;
}

/* An override that stands for all uses of a flag. */
static mcbe_status_t add_list(mcbe_estimate_request_t *request, const char *name,
                              const texts_t *texts, const char *key)
{
    char *text = NULL;
    size_t size = 0;
    if (texts->count == 0) {
        return MCBE_OK;
    }
    request->flags[request->flag_count++] =
        (struct mcbe_estimate_flag){.name = name, .value = texts->text[0], .key = key};
    FILE *out = begin_override(key, &text, &size);
    for (int i = 0; i < texts->count && out; i++) {
        fputs(i ? ", " : "[", out);
        mcbe_json_text(out, texts->text[i]);
    }
    if (out) {
        fputs("]", out);
    }
    return end_override(request, out, &text);
}

static mcbe_status_t add_bias(mcbe_estimate_request_t *request, const given_t *given,
                              mcbe_error_t *err)
{
    const char *convention = given->convention ? find_convention(given->convention) : "auto";
    char *text = NULL;
    size_t size = 0;
    if (!convention) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "mcbe estimate: --convention is '%s'; relu(Wx-alpha) or relu(Wx+b) is "
                         "needed",
                         given->convention);
    }
    if (!given->bias) {
        return given->convention
                   ? mcbe_fail(err, MCBE_ERR_USAGE,
                               "mcbe estimate: --convention '%s' says what the numbers of a bias "
                               "are; it needs --bias",
                               given->convention)
                   : MCBE_OK;
    }
    request->flags[request->flag_count++] =
        (struct mcbe_estimate_flag){.name = "--bias", .value = given->bias, .key = "biases"};
    FILE *out = begin_override("biases", &text, &size);
    if (out) {
        fprintf(out, "[{name: zero, kind: constant, value: 0}, "
                     "{name: given, kind: file, path: ");
        mcbe_json_text(out, given->bias);
        fprintf(out, ", convention: %s}]", convention);
    }
    return end_override(request, out, &text);
}

/* Does --set touch what a search depends on? */
static int sets_domain(const given_t *given)
{
    for (int i = 0; i < given->set.count; i++) {
        if (!strncmp(given->set.text[i], "domain.kind", strlen("domain.kind")) ||
            !strncmp(given->set.text[i], "domain.radial", strlen("domain.radial"))) {
            return 1;
        }
    }
    return 0;
}

static int is_bounded(const given_t *given)
{
    const char *domain = given->domain;
    if (!domain) {
        return given->data.count == 0;
    }
    return !strcmp(domain, "sphere") || !strcmp(domain, "ball") || !strcmp(domain, "shell");
}

/* Asked for, or by itself where K is one that search can walk on. */
static mcbe_status_t add_search(mcbe_estimate_request_t *request, const given_t *given)
{
    mcbe_status_t st = MCBE_OK;
    const int wanted =
        given->search ? strcmp(given->search, "0") != 0 : is_bounded(given) && !sets_domain(given);
    if (wanted) {
        MCBE_TRY(add_override(request, "search.enabled", "true", 0));
        MCBE_TRY(add_flag(request, "--search", given->search, "search.evaluations", 0));
    }
out:
    return st;
}

static mcbe_status_t translate(mcbe_estimate_request_t *request, const given_t *given,
                               mcbe_error_t *err)
{
    mcbe_status_t st;
    if (!given->weights) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "mcbe estimate: --weights FILE[:DATASET] is missing; it names the m x n "
                         "weight matrix");
    }
    MCBE_TRY(add_flag(request, "--weights", given->weights, "frame.path", 1));
    MCBE_TRY(add_bias(request, given, err));
    MCBE_TRY(add_list(request, "--data", &given->data, "data.path"));
    MCBE_TRY(add_list(request, "--test", &given->test, "data.test_path"));
    MCBE_TRY(add_flag(request, "--domain", given->domain, "domain.kind", 0));
    if (given->data.count > 0 && !given->domain) {
        MCBE_TRY(add_override(request, "domain.kind", "smoothing", 0));
    }
    MCBE_TRY(add_flag(request, "--samples", given->samples, "sampling.samples", 0));
    MCBE_TRY(add_flag(request, "--design", given->design, "sampling.design", 0));
    MCBE_TRY(add_search(request, given));
    for (int i = 0; i < given->set.count; i++) {
        char *copy = mcbe_strdup(given->set.text[i]);
        if (!copy) {
            st = MCBE_ERR_NOMEM;
            goto out;
        }
        request->overrides[request->options.override_count++] = copy;
    }
out:
    return st;
}

/* Where the value of an option goes, NULL for one without a value of its own. */
static const char **place_of(given_t *given, int option)
{
    switch (option) {
    case 'w':
        return &given->weights;
    case 'b':
        return &given->bias;
    case 'c':
        return &given->convention;
    case 'd':
        return &given->domain;
    case 'n':
        return &given->samples;
    case 'g':
        return &given->design;
    case 'r':
        return &given->search;
    default:
        return NULL;
    }
}

static mcbe_status_t parse(mcbe_estimate_request_t *request, given_t *given, int argc, char **argv,
                           mcbe_error_t *err)
{
    static const struct option known[] = {{"weights", required_argument, NULL, 'w'},
                                          {"bias", required_argument, NULL, 'b'},
                                          {"convention", required_argument, NULL, 'c'},
                                          {"domain", required_argument, NULL, 'd'},
                                          {"samples", required_argument, NULL, 'n'},
                                          {"design", required_argument, NULL, 'g'},
                                          {"search", required_argument, NULL, 'r'},
                                          {"data", required_argument, NULL, 'a'},
                                          {"test", required_argument, NULL, 't'},
                                          {"set", required_argument, NULL, 's'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"fresh", no_argument, NULL, 'f'},
                                          {"progress", required_argument, NULL, 'p'},
                                          {"json", no_argument, NULL, 'j'},
                                          {NULL, 0, NULL, 0}};
    mcbe_status_t st = MCBE_OK;
    for (int option; (option = getopt_long(argc, argv, ":o:", known, NULL)) != -1;) {
        const char **place = place_of(given, option);
        if (place) {
            *place = optarg;
        } else if (option == 's') {
            given->set.text[given->set.count++] = optarg;
        } else if (option == 'a') {
            given->data.text[given->data.count++] = optarg;
        } else if (option == 't') {
            given->test.text[given->test.count++] = optarg;
        } else if (option == 'o') {
            request->options.output = optarg;
        } else if (option == 'f') {
            request->options.fresh = 1;
        } else if (option == 'j') {
            request->json = 1;
        } else if (option == 'p') {
            MCBE_TRY(mcbe_launch_progress("estimate", optarg, &request->options.progress, err));
        } else {
            return mcbe_cli_bad_option("estimate", argc, argv, option, err);
        }
    }
    if (optind < argc) {
        st =
            mcbe_fail(err, MCBE_ERR_USAGE,
                      "mcbe estimate: '%s' is one argument too many; the weight matrix is given by "
                      "--weights",
                      argv[optind]);
    }
out:
    return st;
}

mcbe_status_t mcbe_estimate_request_read(mcbe_estimate_request_t *request, int argc, char **argv,
                                         mcbe_error_t *err)
{
    given_t given = {.set.text = mcbe_alloc((size_t)argc, sizeof *given.set.text),
                     .data.text = mcbe_alloc((size_t)argc, sizeof *given.data.text),
                     .test.text = mcbe_alloc((size_t)argc, sizeof *given.test.text)};
    mcbe_status_t st;
    request->options.config_path = "mcbe estimate";
    request->options.config_text = defaults;
    /* every argument makes two overrides at most */
    request->overrides = mcbe_alloc(2 * (size_t)argc + 2, sizeof *request->overrides);
    if (!given.set.text || !given.data.text || !given.test.text || !request->overrides) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    MCBE_TRY(parse(request, &given, argc, argv, err));
    MCBE_TRY(translate(request, &given, err));
    request->options.overrides = (const char *const *)request->overrides;
out:
    mcbe_free(given.test.text);
    mcbe_free(given.data.text);
    mcbe_free(given.set.text);
    return st;
}

void mcbe_estimate_request_free(mcbe_estimate_request_t *request)
{
    for (int i = 0; i < request->options.override_count; i++) {
        mcbe_free(request->overrides[i]);
    }
    mcbe_free(request->overrides);
    request->overrides = NULL;
}

/* The flag whose override a sentence starts with. @param[out] rest  what follows the place */
static const struct mcbe_estimate_flag *find_flag(const mcbe_estimate_request_t *request,
                                                  const char *sentence, const char **rest)
{
    static const char prefix[] = "--set ", mark[] = ": key '";
    const char *at = strstr(sentence, mark);
    if (strncmp(sentence, prefix, strlen(prefix)) != 0 || !at) {
        return NULL;
    }
    *rest = at + strlen(": ");
    for (int i = 0; i < request->flag_count; i++) {
        const size_t length = strlen(request->flags[i].key);
        if (!strncmp(sentence + strlen(prefix), request->flags[i].key, length) &&
            sentence[strlen(prefix) + length] == '=') {
            return &request->flags[i];
        }
    }
    return NULL;
}

void mcbe_estimate_request_name_flags(const mcbe_estimate_request_t *request, mcbe_error_t *err)
{
    mcbe_error_t named = {0};
    for (char *line = err->text, *next; line && *line; line = next) {
        const char *rest = NULL;
        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        const struct mcbe_estimate_flag *flag = find_flag(request, line, &rest);
        if (flag) {
            (void)mcbe_fail(&named, err->status, "%s %s: %s", flag->name, flag->value, rest);
        } else {
            (void)mcbe_fail(&named, err->status, "%s", line);
        }
    }
    *err = named;
}
