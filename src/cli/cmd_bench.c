#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "check.h"
#include "cli.h"
#include "mcbe/cpu.h"
#include "provenance.h"

#define REPEATS 7
#define PEAK_SECONDS 0.05

/* Sizes of the phase diagram's dearest cells, one small matrix, and a layer as wide as an image.
 * Timing of the last starts late: every new witness is a point computed in fp64, and there are
 * about m ln(N) of them whatever N is. */
static const mcbe_bench_case_t full[] = {
    {"paired_30_150", MCBE_DESIGN_PAIRED, 30, 150, 0, 16777216, 1048576},
    {"paired_10_67", MCBE_DESIGN_PAIRED, 10, 67, 0, 1048576, 1048576},
    {"iid_30_150", MCBE_DESIGN_IID, 30, 150, 0, 1048576, 131072},
    {"iid_784_1568", MCBE_DESIGN_IID, 784, 1568, 262144, 16384, 1024},
};
static const mcbe_bench_case_t quick[] = {
    {"paired_30_150", MCBE_DESIGN_PAIRED, 30, 150, 0, 65536, 65536},
    {"iid_30_150", MCBE_DESIGN_IID, 30, 150, 0, 16384, 16384},
    {"iid_128_256", MCBE_DESIGN_IID, 128, 256, 0, 2048, 2048},
};
#define QUICK_REPEATS 3
#define QUICK_PEAK_SECONDS 0.005

/* What every line says of where it was measured. */
typedef struct place {
    const char *cpu; /* borrowed */
    mcbe_bench_peaks_t peaks;
} place_t;

static const char *design_name(mcbe_design_t design)
{
    return design == MCBE_DESIGN_PAIRED ? "paired" : "iid";
}

/* Shares of the timed points: by bytes, by fp32, in full. */
static void shares_of(const mcbe_bench_case_t *what, const mcbe_stages_t *stages, double shares[3])
{
    const double samples = (double)what->samples;
    shares[0] = (double)stages->by_bytes / samples;
    shares[1] = (double)stages->by_real / samples;
    shares[2] = (double)stages->canonical / samples;
}

static void print_text(const char *name, const char *text)
{
    printf("\"%s\": \"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            putchar('\\');
        }
        putchar(*text);
    }
    printf("\", ");
}

static void print_json(const mcbe_bench_case_t *what, const mcbe_bench_result_t *r,
                       const place_t *place)
{
    const double flops = 2.0 * what->n * what->m;
    double shares[3];
    shares_of(what, &r->stages, shares);
    printf("{\"kind\": \"kernel\", \"case\": \"%s\", \"valid\": true, \"design\": \"%s\", ",
           what->name, design_name(what->design));
    printf("\"n\": %d, \"m\": %d, \"samples\": %lld, \"warm_samples\": %lld, "
           "\"checked_samples\": %lld, ",
           what->n, what->m, (long long)what->samples, (long long)what->warm,
           (long long)what->checked);
    print_text("path", mcbe_cpu_path());
    print_text("blas", mcbe_blas_config());
    print_text("blas_core", mcbe_blas_core());
    print_text("cpu", place->cpu);
    printf("\"ranks\": 1, \"repeats\": %d, \"ns_min\": %.6g, \"ns_median\": %.6g, ", r->repeats,
           r->ns_min, r->ns_median);
    printf("\"share_bytes\": %.6g, \"share_real\": %.6g, \"share_canonical\": %.6g, ", shares[0],
           shares[1], shares[2]);
    printf("\"selection_ns\": %.6g, \"selection_block\": %d, \"sgemm_ns\": %.6g, "
           "\"sgemm_block\": %d, \"dgemm_ns\": %.6g, \"dgemm_block\": %d, ",
           r->selection.ns, r->selection.block, r->sgemm.ns, r->sgemm.block, r->dgemm.ns,
           r->dgemm.block);
    printf("\"times_selection\": %.4g, \"times_sgemm\": %.4g, \"times_dgemm\": %.4g, ",
           r->selection.ns / r->ns_median, r->sgemm.ns / r->ns_median, r->dgemm.ns / r->ns_median);
    printf("\"flops\": %.6g, \"peak_f32\": %.4g, \"peak_f64\": %.4g, \"peak_bytes\": %.4g, "
           "\"load_first\": %.4g, \"load_second\": %.4g, ",
           flops, place->peaks.fma_f32, place->peaks.fma_f64, place->peaks.bytes,
           place->peaks.load_first, place->peaks.load_second);
    printf("\"times_peak_f32\": %.4g, \"times_peak_f64\": %.4g}\n",
           1e9 * flops / place->peaks.fma_f32 / r->ns_median,
           1e9 * flops / place->peaks.fma_f64 / r->ns_median);
}

static void print_head(const place_t *place)
{
    const mcbe_bench_peaks_t *peaks = &place->peaks;
    printf("cpu     %s, one core, path %s\nblas    %s, core %s\n", place->cpu, mcbe_cpu_path(),
           mcbe_blas_config(), mcbe_blas_core());
    printf("peak    %.1f GFLOP/s fp32, %.1f GFLOP/s fp64, %.1f G byte operations/s\n",
           1e-9 * peaks->fma_f32, 1e-9 * peaks->fma_f64, 1e-9 * peaks->bytes);
    printf("load    %.1f GB/s from the first level cache, %.1f GB/s from the second\n\n",
           1e-9 * peaks->load_first, 1e-9 * peaks->load_second);
    printf("%-14s %10s %9s %9s   %7s %7s %9s   %10s %10s %10s   %s\n", "case", "samples", "ns min",
           "ns median", "bytes", "real", "canonical", "selection", "dgemm", "sgemm",
           "times faster than each");
}

static void print_row(const mcbe_bench_case_t *what, const mcbe_bench_result_t *r)
{
    double shares[3];
    shares_of(what, &r->stages, shares);
    printf("%-14s %10lld %9.2f %9.2f   %6.2f%% %6.2f%% %8.4f%%   %10.1f %10.1f %10.1f   ",
           what->name, (long long)what->samples, r->ns_min, r->ns_median, 100.0 * shares[0],
           100.0 * shares[1], 100.0 * shares[2], r->selection.ns, r->dgemm.ns, r->sgemm.ns);
    printf("%.1f  %.2f  %.2f\n", r->selection.ns / r->ns_median, r->dgemm.ns / r->ns_median,
           r->sgemm.ns / r->ns_median);
}

static mcbe_status_t run_cases(const mcbe_bench_case_t *cases, size_t count, int repeats,
                               const place_t *place, int json, mcbe_error_t *err)
{
    if (!json) {
        print_head(place);
    }
    for (size_t i = 0; i < count; i++) {
        mcbe_bench_result_t result;
        mcbe_status_t st = mcbe_bench_run(&cases[i], repeats, &result);
        if (st != MCBE_OK) {
            return st;
        }
        if (!result.valid) {
            return mcbe_fail(err, MCBE_ERR_INTERNAL,
                             "mcbe bench: case %s is not timed because it is wrong: %s",
                             cases[i].name, result.why);
        }
        if (json) {
            print_json(&cases[i], &result, place);
        } else {
            print_row(&cases[i], &result);
        }
        fflush(stdout);
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_cmd_bench(int argc, char **argv, mcbe_error_t *err)
{
    static const struct option known[] = {
        {"json", no_argument, NULL, 'j'}, {"quick", no_argument, NULL, 'q'}, {NULL, 0, NULL, 0}};
    mcbe_provenance_t provenance = {0};
    place_t place;
    int json = 0, short_run = 0;
    mcbe_status_t st;
    for (int option; (option = getopt_long(argc, argv, ":", known, NULL)) != -1;) {
        json |= option == 'j';
        short_run |= option == 'q';
        if (option != 'j' && option != 'q') {
            return mcbe_cli_bad_option("bench", argc, argv, option, err);
        }
    }
    if (optind < argc) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "mcbe bench: '%s' is one argument too many; it takes only options",
                         argv[optind]);
    }
    MCBE_TRY(mcbe_cpu_check(err));
    mcbe_blas_single_thread();
    MCBE_TRY(mcbe_provenance_collect(&provenance, argc, argv));
    place.cpu = mcbe_provenance_get(&provenance, "cpu_model");
    MCBE_TRY(mcbe_bench_peak(short_run ? QUICK_PEAK_SECONDS : PEAK_SECONDS, &place.peaks));
    st = short_run
             ? run_cases(quick, sizeof quick / sizeof *quick, QUICK_REPEATS, &place, json, err)
             : run_cases(full, sizeof full / sizeof *full, REPEATS, &place, json, err);
out:
    mcbe_provenance_free(&provenance);
    return st;
}
