/* Records of a run that asked less of every unit: marked, kept beside, replaced, never taken for finished. */

#include "config.h"
#include "job.h"
#include "journal.h"
#include "stores.h"

#define JOURNAL "out.h5.journal"
#define LESS "*sampling.samples = 600\nseed = 5\n+trials = 2\n"
#define MORE "*sampling.samples = 900\nseed = 5\n+trials = 4\n"

static void more_may_be_asked_of_every_unit(void **state)
{
    (void)state;
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_config_compare(LESS, MORE, NULL), MCBE_OK);
    assert_int_equal(mcbe_config_compare(MORE, LESS, &err), MCBE_ERR_FINGERPRINT);
    ASSERT_SAYS(err, "key 'sampling.samples': the file has 900, this run asks for 600; it may only "
                     "grow");
    err = (mcbe_error_t){0};
    assert_true(mcbe_config_asks_more(LESS, MORE, &err));
    ASSERT_SAYS(err, "sampling.samples");
    ASSERT_SAYS(err, "600");
    ASSERT_SAYS(err, "900");
    assert_null(strstr(err.text, "trials"));
    assert_false(mcbe_config_asks_more(LESS, LESS, NULL));
    assert_false(mcbe_config_asks_more("+trials = 1\n", "+trials = 2\n", NULL));
    /* written before the key could grow */
    assert_true(mcbe_config_asks_more("sampling.samples = 600\n", MORE, NULL));
    assert_int_equal(mcbe_config_compare("sampling.samples = 600\nseed = 5\n", MORE, NULL),
                     MCBE_ERR_FINGERPRINT); /* it has no trials */
    char of_less[65], of_more[65];
    mcbe_config_fingerprint(LESS, of_less);
    mcbe_config_fingerprint(MORE, of_more);
    assert_string_equal(of_less, of_more);
}

static mcbe_record_t earlier_record(const fixture_t *f, int64_t cell, int64_t trial)
{
    mcbe_record_t record = small_record(&f->plan, &f->layout, cell, trial);
    record.earlier = 1;
    record.words[0] ^= 1;
    return record;
}

static void earlier_records_finish_nothing(void **state)
{
    (void)state;
    fixture_t f;
    begin(&f, 2);
    mcbe_record_t record = earlier_record(&f, 0, 1);
    const int64_t words = record.words[0];
    assert_int_equal(mcbe_store_put(f.store, &record, NULL), MCBE_OK);
    assert_null(record.words);
    assert_int_equal(mcbe_store_done_count(f.store), 0);
    assert_int_equal(mcbe_store_earlier_count(f.store), 1);
    assert_null(mcbe_store_get(f.store, 0, 1));
    assert_null(mcbe_store_earlier(f.store, 0, 0));
    assert_int_equal(mcbe_store_earlier(f.store, 0, 1)->words[0], words);
    /* another one takes its place */
    record = earlier_record(&f, 0, 1);
    record.words[0] ^= 2;
    assert_int_equal(mcbe_store_put(f.store, &record, NULL), MCBE_OK);
    assert_int_equal(mcbe_store_earlier_count(f.store), 1);
    assert_int_equal(mcbe_store_earlier(f.store, 0, 1)->words[0], words ^ 2);
    /* and so does the finished one, which differs */
    put_unit(&f, 0, 1);
    assert_int_equal(mcbe_store_done_count(f.store), 1);
    assert_int_equal(mcbe_store_earlier_count(f.store), 0);
    assert_null(mcbe_store_earlier(f.store, 0, 1));
    assert_non_null(mcbe_store_get(f.store, 0, 1));
    /* which stays, and stays as it is */
    record = earlier_record(&f, 0, 1);
    assert_int_equal(mcbe_store_put(f.store, &record, NULL), MCBE_OK);
    assert_null(record.words);
    assert_int_equal(mcbe_store_get(f.store, 0, 1)->words[0], words ^ 1);
    assert_int_equal(mcbe_store_earlier_count(f.store), 0);
    /* what does not fit is refused all the same */
    record = earlier_record(&f, 0, 0);
    record.word_count--;
    assert_int_equal(mcbe_store_put(f.store, &record, NULL), MCBE_ERR_DATA);
    mcbe_record_free(&record);
    end(&f);
}

static void earlier_records_of_other_shards_are_dropped(void **state)
{
    (void)state;
    fixture_t f;
    begin(&f, 2);
    assert_int_equal(mcbe_store_restrict(f.store, (mcbe_shard_t){.index = 0, .count = 2}), MCBE_OK);
    int64_t kept = 0;
    for (int64_t unit = 0; unit < 6; unit++) {
        mcbe_record_t record = earlier_record(&f, unit / 2, unit % 2);
        assert_int_equal(mcbe_store_put(f.store, &record, NULL), MCBE_OK);
        assert_null(record.words);
        kept += mcbe_store_owns(f.store, unit);
    }
    assert_int_equal(mcbe_store_earlier_count(f.store), kept);
    assert_int_equal(kept, mcbe_store_owned(f.store));
    end(&f);
}

/* What a file and a journal hold, seen from a configuration that asks for more or the same. */
typedef struct seen {
    int units, earlier;
} seen_t;

static mcbe_status_t count(void *context, mcbe_record_t *record, mcbe_error_t *err)
{
    seen_t *seen = context;
    (void)err;
    seen->units++;
    seen->earlier += record->earlier;
    return MCBE_OK;
}

static mcbe_status_t look(const char *listing, seen_t *seen, mcbe_error_t *err)
{
    mcbe_journal_t *journal = NULL;
    *seen = (seen_t){0};
    mcbe_status_t st = mcbe_journal_open(&journal, JOURNAL, listing, count, seen, NULL, NULL, err);
    mcbe_journal_close(&journal);
    return st;
}

/* Two units, then three for more. @param[in] repeat  also say what is known already */
static void write_mixed_journal(const fixture_t *f, int repeat)
{
    mcbe_journal_t *journal = NULL;
    unlink(JOURNAL);
    assert_int_equal(mcbe_journal_open(&journal, JOURNAL, LESS, NULL, NULL, NULL, NULL, NULL),
                     MCBE_OK);
    for (int64_t unit = 0; unit < 5; unit++) {
        mcbe_record_t record = small_record(&f->plan, &f->layout, unit / 2, unit % 2);
        if (repeat || unit == 2) {
            assert_int_equal(mcbe_journal_append_listing(journal, unit < 2 ? LESS : MORE, NULL),
                             MCBE_OK);
        }
        assert_int_equal(mcbe_journal_append(journal, &record, NULL), MCBE_OK);
        mcbe_record_free(&record);
    }
    mcbe_journal_close(&journal);
}

static int64_t size_of_journal(void)
{
    struct stat facts;
    assert_int_equal(stat(JOURNAL, &facts), 0);
    return facts.st_size;
}

static void a_journal_knows_what_was_asked_of_its_units(void **state)
{
    (void)state;
    fixture_t f;
    seen_t seen;
    mcbe_error_t err = {0};
    begin(&f, 2);
    write_mixed_journal(&f, 1);
    const int64_t repeated = size_of_journal();
    write_mixed_journal(&f, 0);
    assert_int_equal(repeated, size_of_journal());
    assert_int_equal(look(MORE, &seen, NULL), MCBE_OK);
    assert_int_equal(seen.units, 5);
    assert_int_equal(seen.earlier, 2);
    assert_int_equal(look("*sampling.samples = 1000\nseed = 5\n+trials = 4\n", &seen, NULL),
                     MCBE_OK);
    assert_int_equal(seen.earlier, 5);
    assert_int_equal(look(LESS, &seen, &err), MCBE_ERR_FINGERPRINT);
    ASSERT_SAYS(err, "'" JOURNAL "' was continued with another configuration");
    ASSERT_SAYS(err, "the file has 900, this run asks for 600; it may only grow");
    assert_int_equal(size_of_journal(), repeated);
    end(&f);
}

/* How a start ended is told by a second record of it where no file tells. */
static void a_journal_tells_how_a_start_ended(void **state)
{
    (void)state;
    fixture_t f;
    mcbe_journal_t *journal = NULL;
    mcbe_provenance_t found = {0};
    begin(&f, 2);
    unlink(JOURNAL);
    assert_int_equal(mcbe_journal_open(&journal, JOURNAL, LESS, NULL, NULL, NULL, NULL, NULL),
                     MCBE_OK);
    assert_int_equal(mcbe_journal_append_segment(journal, &f.provenance, NULL), MCBE_OK);
    mcbe_record_t record = small_record(&f.plan, &f.layout, 0, 0);
    assert_int_equal(mcbe_journal_append(journal, &record, NULL), MCBE_OK);
    mcbe_record_free(&record);
    mcbe_provenance_end_segment(&f.provenance, 1, "stop file");
    assert_int_equal(mcbe_journal_append_segment(journal, &f.provenance, NULL), MCBE_OK);
    mcbe_journal_close(&journal);
    assert_int_equal(mcbe_journal_open(&journal, JOURNAL, LESS, NULL, NULL, &found, NULL, NULL),
                     MCBE_OK);
    mcbe_journal_close(&journal);
    assert_int_equal(found.segment_count, 1);
    assert_string_equal(found.segments[0].reason, "stop file");
    assert_int_equal(found.segments[0].units, 1);
    mcbe_provenance_free(&found);
    end(&f);
}

static mcbe_status_t write_listing(void)
{
    mcbe_journal_t *journal = NULL;
    unlink("other");
    mcbe_status_t st = mcbe_journal_open(&journal, "other", LESS, NULL, NULL, NULL, NULL, NULL);
    if (st == MCBE_OK) {
        st = mcbe_journal_append_listing(journal, MORE, NULL);
    }
    mcbe_journal_close(&journal);
    return st;
}

/* Three records through a message and back. */
static mcbe_status_t travel(const fixture_t *f)
{
    mcbe_job_t job = {0}, arrived = {0};
    char *parcel = NULL;
    size_t bytes = 0;
    mcbe_status_t st = mcbe_job_init(&job, &f->plan, &f->layout, 0, 1);
    if (st == MCBE_OK) {
        assert_int_equal(job.count, 3);
        for (int64_t i = 0; i < 3; i++) {
            job.records[i].rank = 7 + i;
            job.records[i].seconds = 0.5;
            job.records[i].words[0] = 11 * i;
        }
        st = mcbe_job_pack(&job, &parcel, &bytes);
    }
    if (st == MCBE_OK) {
        st = mcbe_job_unpack(parcel, bytes, &arrived);
    }
    if (st == MCBE_OK) {
        assert_int_equal(arrived.count, 3);
        for (int64_t i = 0; i < 3; i++) {
            assert_same_record(&arrived.records[i], &job.records[i]);
        }
    }
    mcbe_free(parcel);
    mcbe_job_free(&arrived);
    mcbe_job_free(&job);
    return st;
}

static void records_travel_as_they_are(void **state)
{
    (void)state;
    fixture_t f;
    const mcbe_job_t none = {0};
    mcbe_job_t arrived;
    char *parcel = NULL;
    size_t bytes = 1;
    begin(&f, 2);
    f.plan.cells[1].joins = f.plan.cells[2].joins = 1;
    assert_int_equal(travel(&f), MCBE_OK);
    assert_int_equal(mcbe_job_pack(&none, &parcel, &bytes), MCBE_OK);
    assert_null(parcel);
    assert_int_equal(bytes, 0);
    assert_int_equal(mcbe_job_unpack(NULL, 0, &arrived), MCBE_OK);
    assert_int_equal(arrived.count, 0);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(travel(&f));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(write_listing());
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(more_may_be_asked_of_every_unit),
        UNIT_TEST(earlier_records_finish_nothing),
        UNIT_TEST(earlier_records_of_other_shards_are_dropped),
        UNIT_TEST(a_journal_knows_what_was_asked_of_its_units),
        UNIT_TEST(a_journal_tells_how_a_start_ended),
        UNIT_TEST(records_travel_as_they_are),
    };
    return cmocka_run_group_tests_name("extending", tests, NULL, NULL);
}
