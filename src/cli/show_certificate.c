#include "show_certificate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sys/stat.h>

#include "check.h"
#include "file.h"
#include "memory.h"
#include "npy.h"
#include "result.h"

/* One certificate and the unit it is from. */
typedef struct choice {
    mcbe_certificate_t certificate; /* owned */
    int64_t cell, trial;
} choice_t;

/* The k-th certificate of a file, counted over its units in their order. */
static mcbe_status_t choose(const mcbe_result_t *result, const char *path, int64_t k,
                            choice_t *choice, mcbe_error_t *err)
{
    const mcbe_session_t *session = &result->session;
    const mcbe_experiment_t *experiment = session->experiment;
    int64_t before = 0;
    for (int64_t u = 0; u < mcbe_plan_units(&session->plan) && experiment->certificates; u++) {
        const int64_t cell = u / session->plan.trials, trial = u % session->plan.trials;
        const mcbe_cell_t *shape = &session->plan.cells[cell];
        const mcbe_record_t *record = mcbe_store_get(result->store, cell, trial);
        const int64_t here =
            record ? experiment->certificates(session->params, shape, &session->layout, record) : 0;
        if (k < before + here) {
            choice->cell = cell;
            choice->trial = trial;
            return experiment->certificate(session->params, shape, trial, &session->layout, record,
                                           k - before, &choice->certificate);
        }
        before += here;
    }
    return mcbe_fail(err, MCBE_ERR_USAGE,
                     "mcbe show: --certificate %lld: '%s' holds %lld certificate%s, counted from 0",
                     (long long)k, path, (long long)before, before == 1 ? "" : "s");
}

static mcbe_status_t save(const char *folder, const char *name, const double *values, int64_t rows,
                          int64_t columns, mcbe_error_t *err)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = mcbe_alloc(size, 1);
    if (!path) {
        return MCBE_ERR_NOMEM;
    }
    snprintf(path, size, "%s/%s", folder, name);
    mcbe_status_t st = mcbe_npy_save(path, values, rows, columns, err);
    mcbe_free(path);
    return st;
}

static mcbe_status_t save_all(const char *folder, const mcbe_certificate_t *certificate,
                              mcbe_error_t *err)
{
    mcbe_status_t st;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot make the folder '%s': %s", folder,
                         strerror(errno));
    }
    MCBE_TRY(save(folder, "W.npy", certificate->w, certificate->m, certificate->n, err));
    MCBE_TRY(save(folder, "bias.npy", certificate->bias, certificate->m, 0, err));
    MCBE_TRY(save(folder, "x.npy", certificate->x, certificate->n, 0, err));
out:
    return st;
}

mcbe_status_t mcbe_show_certificate(const char *path, int64_t k, const char *folder,
                                    mcbe_error_t *err)
{
    mcbe_result_t result;
    choice_t choice = {0};
    char suffix[48];
    char *own = NULL;
    mcbe_status_t st = mcbe_result_open(&result, path, err);
    if (st != MCBE_OK) {
        return st;
    }
    MCBE_TRY(choose(&result, path, k, &choice, err));
    if (!folder) {
        snprintf(suffix, sizeof suffix, ".certificate-%lld", (long long)k);
        folder = own = mcbe_file_suffixed(path, suffix);
        if (!own) {
            st = MCBE_ERR_NOMEM;
            goto out;
        }
    }
    MCBE_TRY(save_all(folder, &choice.certificate, err));
    printf("certificate  %lld of %s\n", (long long)k, path);
    printf("layer        n = %d, m = %d, cell %lld, trial %lld\n", choice.certificate.n,
           choice.certificate.m, (long long)choice.cell, (long long)choice.trial);
    printf("bias         %s\n", choice.certificate.bias_name);
    printf("says         at x only %d of %d rows are active, fewer than n = %d: the layer is not "
           "injective there\n",
           choice.certificate.active, choice.certificate.m, choice.certificate.n);
    printf("written      %s/W.npy bias.npy x.npy\n", folder);
    printf("check        scripts/check_certificate.py %s\n", folder);
out:
    mcbe_free(own);
    mcbe_free(choice.certificate.x);
    mcbe_free(choice.certificate.bias);
    mcbe_free(choice.certificate.w);
    mcbe_result_close(&result);
    return st;
}
