/* Provenance: the facts that are there, those that must not be, and the table of starts. */

#include <sys/stat.h>

#include "mcbe/cpu.h"
#include "mcbe/version.h"
#include "provenance.h"
#include "records.h"

static char *const arguments[] = {"mcbe",   "run",       "a b.yml", "--set",
                                  "seed=1", "it's here", "",        "grid.n=[2,3]"};

static mcbe_provenance_t collect(void)
{
    mcbe_provenance_t provenance = {0};
    assert_int_equal(mcbe_provenance_collect(&provenance, COUNT_OF(arguments), arguments), MCBE_OK);
    return provenance;
}

static void assert_fact(const mcbe_provenance_t *provenance, const char *name, const char *value)
{
    const char *found = mcbe_provenance_get(provenance, name);
    assert_non_null(found);
    assert_string_equal(found, value);
}

static void a_fact_is_kept_and_replaced(void **state)
{
    (void)state;
    mcbe_provenance_t provenance = {0};
    char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(mcbe_provenance_add(&provenance, "ranks", "%d", 4), MCBE_OK);
    assert_int_equal(mcbe_provenance_add(&provenance, "hosts", "%s", longer), MCBE_OK);
    assert_int_equal(mcbe_provenance_add(&provenance, "ranks", "%d", 8), MCBE_OK);
    assert_int_equal(provenance.count, 2);
    assert_fact(&provenance, "ranks", "8");
    assert_fact(&provenance, "hosts", longer);
    assert_null(mcbe_provenance_get(&provenance, "rank"));
    mcbe_provenance_free(&provenance);
    assert_int_equal(provenance.count, 0);
    mcbe_provenance_free(&provenance); /* accepts a zeroed one */
}

static void build_and_process_are_described(void **state)
{
    (void)state;
    static const char *const names[] = {"git_sha1",       "git_dirty", "build_type", "compiler",
                                        "compiler_flags", "hdf5",      "libc",       "system",
                                        "cores",          "cpu_model", "user"};
    char folder[4096];
    mode_t before = umask(0027);
    mcbe_provenance_t provenance = collect();
    for (size_t k = 0; k < COUNT_OF(names); k++) {
        const char *value = mcbe_provenance_get(&provenance, names[k]);
        if (!value || !*value) {
            fail_msg("no fact '%s'", names[k]);
        }
    }
    assert_fact(&provenance, "mcbe_version", MCBE_VERSION);
    assert_fact(&provenance, "blas", mcbe_blas_config());
    assert_fact(&provenance, "blas_core", mcbe_blas_core());
    assert_fact(&provenance, "cpu_path", mcbe_cpu_path());
    assert_fact(&provenance, "folder", getcwd(folder, sizeof folder));
    assert_fact(&provenance, "umask", "027");
    assert_int_equal(umask(before), 0027); /* looking at it has not changed it */
    mcbe_provenance_free(&provenance);
}

/* A shell given the line back starts the same run. */
static void command_line_can_be_pasted(void **state)
{
    (void)state;
    mcbe_provenance_t provenance = collect();
    assert_fact(&provenance, "command_line",
                "mcbe run 'a b.yml' --set seed=1 'it'\\''s here' '' 'grid.n=[2,3]'");
    mcbe_provenance_free(&provenance);
}

static void environment_is_taken_by_allow_list(void **state)
{
    (void)state;
    static const char *const wanted[] = {"SLURM_JOB_ID",         "OMPI_MCA_btl",
                                         "OMPI_COMM_WORLD_SIZE", "OMP_NUM_THREADS",
                                         "OPENBLAS_CORETYPE",    "MCBE_CPU"};
    static const char *const unwanted[] = {"SLURM_JWT_TOKEN", "SLURM_SECRET",      "MCBE_API_KEY",
                                           "MCBE_PASSWORD",   "OMPI_MCA_auth_KEY", "AWS_REGION",
                                           "XSLURM_JOB_ID",   "OMPI_UNIVERSE"};
    for (size_t k = 0; k < COUNT_OF(wanted); k++) {
        setenv(wanted[k], "a = value", 1);
    }
    for (size_t k = 0; k < COUNT_OF(unwanted); k++) {
        setenv(unwanted[k], "hidden", 1);
    }
    mcbe_provenance_t provenance = collect();
    for (size_t k = 0; k < COUNT_OF(wanted); k++) {
        assert_fact(&provenance, wanted[k], "a = value");
        unsetenv(wanted[k]);
    }
    for (size_t k = 0; k < COUNT_OF(unwanted); k++) {
        assert_null(mcbe_provenance_get(&provenance, unwanted[k]));
        unsetenv(unwanted[k]);
    }
    for (size_t k = 0; k < provenance.count; k++) {
        assert_string_not_equal(provenance.facts[k].value, "hidden");
    }
    mcbe_provenance_free(&provenance);
}

static void every_start_is_a_segment(void **state)
{
    (void)state;
    mcbe_provenance_t provenance = {0};
    const mcbe_segment_t *segment;
    assert_int_equal(mcbe_provenance_start_segment(&provenance, 4), MCBE_OK);
    mcbe_provenance_end_segment(&provenance, 3, MCBE_SEGMENT_RUNNING);
    segment = &provenance.segments[0];
    assert_int_equal(strlen(segment->started_utc), 20);
    assert_string_equal(segment->stopped_utc, "");
    assert_string_equal(segment->reason, "running");
    assert_int_equal(segment->ranks, 4);
    assert_int_equal(segment->units, 3);
    mcbe_provenance_end_segment(&provenance, 5, "time limit");
    assert_int_equal(strlen(segment->stopped_utc), 20);
    assert_string_equal(segment->reason, "time limit");
    assert_int_equal(segment->units, 5);
    mcbe_provenance_free(&provenance);
}

static void who_never_said_why_was_killed(void **state)
{
    (void)state;
    mcbe_provenance_t provenance = {0};
    assert_int_equal(mcbe_provenance_start_segment(&provenance, 1), MCBE_OK);
    mcbe_provenance_end_segment(&provenance, 1, "signal");
    assert_int_equal(mcbe_provenance_start_segment(&provenance, 1), MCBE_OK);
    assert_int_equal(mcbe_provenance_start_segment(&provenance, 1), MCBE_OK);
    assert_int_equal(provenance.segment_count, 3);
    assert_string_equal(provenance.segments[0].reason, "signal");
    assert_string_equal(provenance.segments[1].reason, "killed");
    assert_string_equal(provenance.segments[2].reason, "running");
    mcbe_provenance_free(&provenance);
}

static void a_segment_from_a_file_is_ended(void **state)
{
    (void)state;
    mcbe_provenance_t provenance = {0};
    mcbe_segment_t segment;
    memset(&segment, 'x', sizeof segment); /* no string in it has an end */
    assert_int_equal(mcbe_provenance_add_segment(&provenance, &segment), MCBE_OK);
    assert_int_equal(strlen(provenance.segments[0].started_utc), 20);
    assert_int_equal(strlen(provenance.segments[0].stopped_utc), 20);
    assert_int_equal(strlen(provenance.segments[0].reason), 31);
    mcbe_provenance_free(&provenance);
}

static mcbe_status_t collect_once(void)
{
    mcbe_provenance_t provenance = {0};
    mcbe_status_t st = mcbe_provenance_collect(&provenance, COUNT_OF(arguments), arguments);
    if (st == MCBE_OK) {
        st = mcbe_provenance_start_segment(&provenance, 1);
    }
    mcbe_provenance_free(&provenance);
    return st;
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(collect_once());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_fact_is_kept_and_replaced),    UNIT_TEST(build_and_process_are_described),
        UNIT_TEST(command_line_can_be_pasted),     UNIT_TEST(environment_is_taken_by_allow_list),
        UNIT_TEST(every_start_is_a_segment),       UNIT_TEST(who_never_said_why_was_killed),
        UNIT_TEST(a_segment_from_a_file_is_ended), UNIT_TEST(survives_failed_allocations)};
    return cmocka_run_group_tests_name("provenance", tests, NULL, NULL);
}
