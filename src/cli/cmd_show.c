#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli.h"
#include "json.h"
#include "result.h"
#include "show_certificate.h"
#include "show_midpoints.h"
#include "show_units.h"

static void print_json_head(const mcbe_store_info_t *info)
{
    const struct {
        const char *name, *value;
    } texts[] = {{"experiment", info->experiment},     {"mcbe_version", info->mcbe_version},
                 {"git_sha1", info->git_sha1},         {"created_utc", info->created_utc},
                 {"command_line", info->command_line}, {"fingerprint", info->fingerprint},
                 {"config", info->config_text},        {"config_resolved", info->config_resolved}};
    printf("{\n  \"version\": [%d, %d],\n", info->major, info->minor);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        printf("  \"%s\": ", texts[i].name);
        mcbe_json_text(stdout, texts[i].value);
        printf(",\n");
    }
    printf("  \"seed\": %lld,\n  \"complete\": %s,\n  \"units\": %lld,\n  \"units_done\": %lld,\n"
           "  \"shard\": %d,\n  \"shard_count\": %d,\n  \"cell_count\": %lld,\n  \"trials\": %lld",
           (long long)info->seed, info->complete ? "true" : "false", (long long)info->units,
           (long long)info->units_done, info->shard.index, info->shard.count,
           (long long)info->cell_count, (long long)info->trials);
}

static void print_head(const char *path, const mcbe_store_info_t *info)
{
    printf("file         %s, format %d.%d\n", path, info->major, info->minor);
    printf("experiment   %s\n", info->experiment);
    printf("state        %s, %lld of %lld units\n", info->complete ? "complete" : "not complete",
           (long long)info->units_done, (long long)info->units);
    if (info->shard.count > 1) {
        printf("shard        %d of %d (counted from 0)\n", info->shard.index, info->shard.count);
    }
    printf("cells        %lld, %lld trial%s each\n", (long long)info->cell_count,
           (long long)info->trials, info->trials > 1 ? "s" : "");
    printf("seed         %lld\n", (long long)info->seed);
    printf("fingerprint  %s\n", info->fingerprint);
    printf("written      %s by mcbe %s (%.12s)\n", info->created_utc, info->mcbe_version,
           info->git_sha1);
    printf("command      %s\n", info->command_line);
}

/* What needs the units themselves. */
static mcbe_status_t show_units(const char *path, int json, int cells, int trials, int midpoints,
                                mcbe_error_t *err)
{
    mcbe_result_t result;
    mcbe_status_t st = mcbe_result_open(&result, path, err);
    if (st != MCBE_OK) {
        return st;
    }
    if (cells) {
        MCBE_TRY(mcbe_show_units(&result, MCBE_SHOW_CELLS, json));
    }
    if (trials) {
        MCBE_TRY(mcbe_show_units(&result, MCBE_SHOW_TRIALS, json));
    }
    if (midpoints) {
        MCBE_TRY(mcbe_show_midpoints(&result, path, json, err));
    }
out:
    mcbe_result_close(&result);
    return st;
}

static mcbe_status_t show_certificate(const char *path, const char *number, const char *folder,
                                      int with_others, mcbe_error_t *err)
{
    char *end = NULL;
    errno = 0;
    const long long k = strtoll(number, &end, 10);
    if (errno || k < 0 || *end || end == number) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "mcbe show: --certificate is '%s'; a number from 0 on is needed", number);
    }
    if (with_others) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "mcbe show: --certificate goes with -o only; ask for the rest separately");
    }
    return mcbe_show_certificate(path, k, folder, err);
}

mcbe_status_t mcbe_cmd_show(int argc, char **argv, mcbe_error_t *err)
{
    static const struct option known[] = {{"json", no_argument, NULL, 'j'},
                                          {"cells", no_argument, NULL, 'c'},
                                          {"trials", no_argument, NULL, 't'},
                                          {"provenance", no_argument, NULL, 'p'},
                                          {"certificate", required_argument, NULL, 'k'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"midpoints", no_argument, NULL, 'm'},
                                          {NULL, 0, NULL, 0}};
    mcbe_store_info_t info = {0};
    const char *path = NULL, *number = NULL, *folder = NULL;
    int json = 0, cells = 0, trials = 0, midpoints = 0, provenance = 0;
    mcbe_status_t st;
    for (int option; (option = getopt_long(argc, argv, ":o:", known, NULL)) != -1;) {
        json |= option == 'j';
        cells |= option == 'c';
        trials |= option == 't';
        midpoints |= option == 'm';
        provenance |= option == 'p';
        number = option == 'k' ? optarg : number;
        folder = option == 'o' ? optarg : folder;
        if (!strchr("jctmpko", option)) {
            return mcbe_cli_bad_option("show", argc, argv, option, err);
        }
    }
    MCBE_TRY(mcbe_cli_one_argument("show", "the result file", argc, argv, &path, err));
    if (number) {
        return show_certificate(path, number, folder,
                                json || cells || trials || midpoints || provenance, err);
    }
    if (folder) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "mcbe show: -o %s: a folder is written to with --certificate K only",
                         folder);
    }
    MCBE_TRY(mcbe_store_peek(path, &info, err));
    if (json && provenance) {
        st = mcbe_fail(err, MCBE_ERR_USAGE,
                       "mcbe show: --json and --provenance exclude each other; ask twice");
        goto out;
    }
    if (json) {
        print_json_head(&info);
    } else {
        print_head(path, &info);
    }
    if (cells || trials || midpoints) {
        MCBE_TRY(show_units(path, json, cells, trials, midpoints, err));
    }
    if (json) {
        printf("\n}\n");
    }
    if (provenance) {
        printf("\n");
        MCBE_TRY(mcbe_store_provenance(path, stdout, err));
    }
out:
    mcbe_store_info_free(&info);
    return st;
}
