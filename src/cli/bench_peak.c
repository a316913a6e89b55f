#include "bench.h"
#include "bench_baseline.h"
#include "clock.h"
#include "memory.h"

#define REPEATS 5
#define FIRST_ROUNDS 1000

/* Bytes read over and over: well inside the first and the second level cache of a core. */
#define FIRST_LEVEL (16 << 10)
#define SECOND_LEVEL (256 << 10)

typedef double (*loop_t)(int64_t rounds, double *sink);

/* Operations a second, the best of some runs of about `seconds` each: a peak is a maximum. */
static double rate_of(loop_t loop, double seconds)
{
    const mcbe_clock_t clock = mcbe_clock_monotonic();
    double best = 0.0, sink = 1.0;
    int64_t rounds = FIRST_ROUNDS;
    for (int i = 0; i < REPEATS;) {
        sink = 1.0;
        const double start = mcbe_clock_now(&clock);
        const double operations = loop(rounds, &sink);
        const double spent = mcbe_clock_now(&clock) - start;
        if (spent < seconds) {
            rounds *= 2;
            continue;
        }
        best = operations / spent > best ? operations / spent : best;
        i++;
    }
    return best;
}

/* Bytes a second. */
static double load_rate(const mcbe_peak_loops_t *peaks, const float *data, int64_t bytes,
                        double seconds)
{
    const mcbe_clock_t clock = mcbe_clock_monotonic();
    const int64_t count = bytes / (int64_t)sizeof *data;
    double best = 0.0;
    volatile double sink = 0.0;
    int64_t passes = 1;
    for (int i = 0; i < REPEATS;) {
        const double start = mcbe_clock_now(&clock);
        for (int64_t pass = 0; pass < passes; pass++) {
            sink = sink + peaks->load(data, count);
        }
        const double spent = mcbe_clock_now(&clock) - start;
        if (spent < seconds) {
            passes *= 2;
            continue;
        }
        const double rate = (double)bytes * (double)passes / spent;
        best = rate > best ? rate : best;
        i++;
    }
    return best;
}

mcbe_status_t mcbe_bench_peak(double seconds, mcbe_bench_peaks_t *peaks)
{
    const mcbe_peak_loops_t *loops = mcbe_peak_loops_in_use();
    float *data = mcbe_alloc(SECOND_LEVEL / sizeof *data, sizeof *data);
    if (!data) {
        return MCBE_ERR_NOMEM;
    }
    for (size_t i = 0; i < SECOND_LEVEL / sizeof *data; i++) {
        data[i] = 1.0F; /* pages that were never written may all be the one page of zeros */
    }
    peaks->fma_f32 = rate_of(loops->fma_f32, seconds);
    peaks->fma_f64 = rate_of(loops->fma_f64, seconds);
    peaks->bytes = rate_of(loops->bytes, seconds);
    peaks->load_first = load_rate(loops, data, FIRST_LEVEL, seconds);
    peaks->load_second = load_rate(loops, data, SECOND_LEVEL, seconds);
    mcbe_free(data);
    return MCBE_OK;
}
