/* The journal: what it holds survives every way of dying, and nothing it holds can hurt the reader.
 */

#include <fcntl.h>
#include <signal.h>

#include "journal.h"
#include "records.h"

#define PATH "out.h5.journal"
#define LISTING "experiment = test\nseed = 1\n"
/* magic 8, marker 4, version 4, length 8, listing, checksum 4 */
#define HEADER_BYTES (8 + 4 + 4 + 8 + (sizeof LISTING - 1) + 4)
/* magic 4, kind 4, length 8; cell, trial, seconds, rank 32; words; checksum 4 */
#define UNIT_BYTES(words) (16 + 32 + 8 * (size_t)(words) + 4)

static void put_32(unsigned char *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static void put_64(unsigned char *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

static void crc_has_known_answers(void **state)
{
    (void)state;
    unsigned char bytes[32] = {0};
    assert_int_equal(mcbe_crc32c(0, "", 0), 0);
    assert_int_equal(mcbe_crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(mcbe_crc32c(mcbe_crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
    /* RFC 3720, appendix B.4 */
    assert_int_equal(mcbe_crc32c(0, bytes, 32), 0x8A9136AA);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(mcbe_crc32c(0, bytes, 32), 0x62A8AB43);
    for (int k = 0; k < 32; k++) {
        bytes[k] = (unsigned char)k;
    }
    assert_int_equal(mcbe_crc32c(0, bytes, 32), 0x46DD794E);
}

/* What every test writes: two units, a segment, two more units. */
typedef struct fixture {
    mcbe_plan_t plan;
    mcbe_layout_t layout;
    mcbe_record_t records[4];
    mcbe_provenance_t provenance;
    size_t ends[6]; /* bytes up to the end of the header and of each record */
} fixture_t;

static mcbe_journal_t *open_new(void)
{
    mcbe_journal_t *journal = NULL;
    unlink(PATH);
    assert_int_equal(mcbe_journal_open(&journal, PATH, LISTING, NULL, NULL, NULL, NULL, NULL),
                     MCBE_OK);
    return journal;
}

static size_t size_of(const char *path)
{
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    return (size_t)facts.st_size;
}

static fixture_t write_journal(void)
{
    fixture_t f = {.plan = small_plan(2), .layout = small_layout()};
    mcbe_journal_t *journal = open_new();
    assert_int_equal(mcbe_provenance_start_segment(&f.provenance, 4), MCBE_OK);
    f.ends[0] = size_of(PATH);
    for (int k = 0; k < 4; k++) {
        f.records[k] = small_record(&f.plan, &f.layout, k % 3, k / 3);
        if (k == 2) {
            assert_int_equal(mcbe_journal_append_segment(journal, &f.provenance, NULL), MCBE_OK);
            f.ends[3] = size_of(PATH);
        }
        assert_int_equal(mcbe_journal_append(journal, &f.records[k], NULL), MCBE_OK);
        f.ends[k < 2 ? k + 1 : k + 2] = size_of(PATH);
    }
    assert_int_equal(mcbe_journal_sync(journal, NULL), MCBE_OK);
    mcbe_journal_close(&journal);
    assert_null(journal);
    mcbe_journal_close(&journal); /* accepts NULL inside */
    return f;
}

static void drop(fixture_t *f)
{
    for (int k = 0; k < 4; k++) {
        mcbe_record_free(&f->records[k]);
    }
    mcbe_provenance_free(&f->provenance);
    mcbe_layout_free(&f->layout);
    mcbe_plan_free(&f->plan);
}

/* Takes the units of a journal and expects them to be those of the fixture, in order. */
typedef struct reader {
    const fixture_t *fixture;
    int seen;
    int stop_at; /* number of the unit that is refused, or -1 */
} reader_t;

static mcbe_status_t compare_unit(void *context, mcbe_record_t *record, mcbe_error_t *err)
{
    reader_t *reader = context;
    assert_true(reader->seen < 4);
    if (reader->seen == reader->stop_at) {
        return mcbe_fail(err, MCBE_ERR_DATA, "enough");
    }
    assert_same_record(record, &reader->fixture->records[reader->seen++]);
    if (reader->seen % 2) { /* some take the memory, some leave it */
        mcbe_free(record->words);
        *record = (mcbe_record_t){0};
    }
    return MCBE_OK;
}

static mcbe_status_t reopen(const fixture_t *f, int *seen, int64_t *torn, mcbe_error_t *err)
{
    reader_t reader = {.fixture = f, .stop_at = -1};
    mcbe_journal_t *journal = NULL;
    mcbe_status_t st =
        mcbe_journal_open(&journal, PATH, "unused", compare_unit, &reader, NULL, torn, err);
    mcbe_journal_close(&journal);
    *seen = reader.seen;
    return st;
}

static void what_is_appended_is_read(void **state)
{
    (void)state;
    fixture_t f = write_journal();
    int seen = 0;
    int64_t torn = -1;
    char *listing = NULL;
    assert_int_equal(mcbe_journal_peek(PATH, &listing, NULL), MCBE_OK);
    assert_string_equal(listing, LISTING);
    mcbe_free(listing);
    assert_int_equal(reopen(&f, &seen, &torn, NULL), MCBE_OK);
    assert_int_equal(seen, 4);
    assert_int_equal(torn, 0);
    assert_false(is_there(PATH ".tmp"));
    drop(&f);
}

/* The layout that docs/file-format.md promises, byte by byte. */
static void bytes_are_as_documented(void **state)
{
    (void)state;
    fixture_t f = write_journal();
    size_t bytes = 0;
    unsigned char *data = slurp(PATH, &bytes);
    unsigned char expected[HEADER_BYTES + UNIT_BYTES(10)] = "mcbejrnl";
    put_32(expected + 8, 0x01020304);
    put_32(expected + 12, 1);
    put_64(expected + 16, sizeof LISTING - 1);
    memcpy(expected + 24, LISTING, sizeof LISTING - 1);
    put_32(expected + HEADER_BYTES - 4, mcbe_crc32c(0, expected, HEADER_BYTES - 4));
    unsigned char *unit = expected + HEADER_BYTES; /* cell 0, trial 0: m = 3, 10 words */
    const double seconds = 0.5;
    memcpy(unit, "MCRj", 4);
    put_32(unit + 4, 1);
    put_64(unit + 8, 32 + 80);
    memcpy(unit + 32, &seconds, 8);
    memcpy(unit + 48, f.records[0].words, 80);
    put_32(unit + 128, mcbe_crc32c(0, unit, 128));
    assert_int_equal(f.ends[0], HEADER_BYTES);
    assert_int_equal(f.ends[1], sizeof expected);
    assert_int_equal(f.ends[3] - f.ends[2], 16 + 24 + 21 + 21 + 32 + 4);
    assert_memory_equal(data, expected, sizeof expected);
    mcbe_free(data);
    drop(&f);
}

/* Units that end within the first `bytes` bytes. */
static int units_within(const fixture_t *f, size_t bytes)
{
    int units = 0;
    for (int r = 1; r <= 5; r++) {
        units += r != 3 && f->ends[r] <= bytes;
    }
    return units;
}

static void a_torn_tail_is_cut_off(void **state)
{
    (void)state;
    fixture_t f = write_journal();
    size_t bytes = 0;
    unsigned char *data = slurp(PATH, &bytes);
    for (size_t length = f.ends[0]; length <= bytes; length++) {
        size_t good = f.ends[0];
        for (int r = 1; r <= 5; r++) {
            good = f.ends[r] <= length ? f.ends[r] : good;
        }
        int seen = 0;
        int64_t torn = -1;
        spill(PATH, data, length);
        assert_int_equal(reopen(&f, &seen, &torn, NULL), MCBE_OK);
        assert_int_equal(seen, units_within(&f, length));
        assert_int_equal(torn, length - good);
        assert_file_holds(PATH, data, good);
    }
    mcbe_free(data);
    drop(&f);
}

static void appending_goes_on_after_a_torn_tail(void **state)
{
    (void)state;
    fixture_t f = write_journal();
    size_t bytes = 0;
    unsigned char *data = slurp(PATH, &bytes);
    mcbe_journal_t *journal = NULL;
    assert_int_equal(truncate(PATH, (off_t)bytes - 5), 0);
    assert_int_equal(mcbe_journal_open(&journal, PATH, LISTING, NULL, NULL, NULL, NULL, NULL),
                     MCBE_OK);
    assert_int_equal(mcbe_journal_append(journal, &f.records[3], NULL), MCBE_OK);
    mcbe_journal_close(&journal);
    assert_file_holds(PATH, data, bytes);
    mcbe_free(data);
    drop(&f);
}

static void a_damaged_header_is_refused_and_left_alone(void **state)
{
    (void)state;
    fixture_t f = write_journal();
    size_t bytes = 0;
    unsigned char *data = slurp(PATH, &bytes);
    int seen = 0;
    for (size_t length = 1; length < f.ends[0]; length++) {
        spill(PATH, data, length);
        mcbe_status_t st = reopen(&f, &seen, NULL, NULL);
        assert_true(st == MCBE_ERR_DATA || (length < 16 && st == MCBE_ERR_VERSION));
        assert_file_holds(PATH, data, length);
    }
    drop(&f);
    mcbe_free(data);
}

/* Whatever byte is changed, the reader gives the units before it, or refuses a changed header. */
static void a_flipped_byte_ends_the_reading_there(void **state)
{
    (void)state;
    fixture_t f = write_journal();
    size_t bytes = 0;
    unsigned char *data = slurp(PATH, &bytes);
    static const unsigned char masks[] = {0x01, 0x80, 0xff};
    for (size_t k = 0; k < bytes * COUNT_OF(masks); k++) {
        size_t place = k / COUNT_OF(masks);
        int seen = 0;
        int64_t torn = 0;
        data[place] ^= masks[k % COUNT_OF(masks)];
        spill(PATH, data, bytes);
        mcbe_status_t st = reopen(&f, &seen, &torn, NULL);
        if (place < f.ends[0]) {
            assert_true(st == MCBE_ERR_DATA || st == MCBE_ERR_VERSION);
            assert_file_holds(PATH, data, bytes);
        } else {
            assert_int_equal(st, MCBE_OK);
            assert_int_equal(seen, units_within(&f, place));
            assert_true(torn > 0);
        }
        data[place] ^= masks[k % COUNT_OF(masks)];
    }
    mcbe_free(data);
    drop(&f);
}

/* Set four bytes of the header or of the first record and make its checksum right again. */
static void forge(const fixture_t *f, size_t place, uint32_t value)
{
    size_t bytes = 0;
    unsigned char *data = slurp(PATH, &bytes);
    size_t start = place < f->ends[0] ? 0 : f->ends[0];
    size_t end = (start == 0 ? f->ends[0] : f->ends[1]) - 4;
    put_32(data + place, value);
    put_32(data + end, mcbe_crc32c(0, data + start, end - start));
    spill(PATH, data, bytes);
    mcbe_free(data);
}

static void assert_refused(size_t place, uint32_t value, mcbe_status_t status, const char *words)
{
    fixture_t f = write_journal();
    mcbe_error_t err = {0};
    int seen = 0;
    size_t bytes = 0;
    forge(&f, place, value);
    unsigned char *data = slurp(PATH, &bytes);
    assert_int_equal(reopen(&f, &seen, NULL, &err), status);
    ASSERT_SAYS(err, words);
    ASSERT_SAYS(err, "'" PATH "'");
    assert_file_holds(PATH, data, bytes);
    mcbe_free(data);
    drop(&f);
}

static void what_it_does_not_know_it_refuses(void **state)
{
    (void)state;
    assert_refused(0, 0, MCBE_ERR_DATA, "is not a journal of mcbe");
    assert_refused(8, 0x04030201, MCBE_ERR_VERSION, "another byte order");
    assert_refused(12, 2, MCBE_ERR_VERSION, "is of format version 2, this program reads 1");
    assert_refused(HEADER_BYTES + 4, 7, MCBE_ERR_DATA, "does not know (kind 7, 112 bytes");
}

/* A length beyond the file is damage, not a request for memory. */
static void lengths_are_bounded_by_the_file(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {0x7fffffff, 0xffffffff};
    for (size_t k = 0; k < COUNT_OF(lengths); k++) {
        fixture_t f = write_journal();
        mcbe_error_t err = {0};
        int seen = -1;
        int64_t torn = 0;
        forge(&f, HEADER_BYTES + 8 + 4, lengths[k]); /* upper half of the first record's length */
        assert_int_equal(reopen(&f, &seen, &torn, NULL), MCBE_OK);
        assert_int_equal(seen, 0);
        assert_int_equal(torn, f.ends[5] - f.ends[0]);
        forge(&f, 16 + 4, lengths[k]);
        assert_int_equal(reopen(&f, &seen, NULL, &err), MCBE_ERR_DATA);
        ASSERT_SAYS(err, "ends within its header");
        drop(&f);
    }
}

static void no_journal_and_an_empty_file_are_the_same(void **state)
{
    (void)state;
    char *listing = PATH;
    unlink(PATH);
    assert_int_equal(mcbe_journal_peek(PATH, &listing, NULL), MCBE_OK);
    assert_null(listing);
    spill(PATH, "", 0);
    listing = PATH;
    assert_int_equal(mcbe_journal_peek(PATH, &listing, NULL), MCBE_OK);
    assert_null(listing);
    mcbe_journal_t *journal = NULL;
    assert_int_equal(mcbe_journal_open(&journal, PATH, LISTING, NULL, NULL, NULL, NULL, NULL),
                     MCBE_OK);
    mcbe_journal_close(&journal);
    assert_int_equal(mcbe_journal_peek(PATH, &listing, NULL), MCBE_OK);
    assert_string_equal(listing, LISTING);
    mcbe_free(listing);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    mcbe_journal_t *journal = NULL;
    mcbe_error_t err = {0};
    char *listing = NULL;
    mkdir("folder", 0700);
    assert_int_equal(mcbe_journal_open(&journal, "folder", LISTING, NULL, NULL, NULL, NULL, &err),
                     MCBE_ERR_IO);
    assert_null(journal);
    ASSERT_SAYS(err, "cannot open the journal 'folder': Is a directory");
    assert_int_equal(mcbe_journal_peek("folder", &listing, NULL), MCBE_ERR_DATA);
    mcbe_error_clear(&err);
    assert_int_equal(
        mcbe_journal_open(&journal, "nowhere/j", LISTING, NULL, NULL, NULL, NULL, &err),
        MCBE_ERR_IO);
    ASSERT_SAYS(err, "cannot make the journal 'nowhere/j': No such file or directory");
}

static void a_refused_unit_leaves_the_file_alone(void **state)
{
    (void)state;
    fixture_t f = write_journal();
    mcbe_journal_t *journal = NULL;
    reader_t reader = {.fixture = &f, .stop_at = 1};
    size_t bytes = 0;
    unsigned char *data = slurp(PATH, &bytes);
    data[bytes - 1] ^= 1; /* a torn tail, too */
    spill(PATH, data, bytes);
    assert_int_equal(
        mcbe_journal_open(&journal, PATH, LISTING, compare_unit, &reader, NULL, NULL, NULL),
        MCBE_ERR_DATA);
    assert_null(journal);
    assert_int_equal(reader.seen, 1);
    assert_file_holds(PATH, data, bytes);
    mcbe_free(data);
    drop(&f);
}

static void a_full_disk_costs_one_record_at_most(void **state)
{
    (void)state;
    fixture_t f = write_journal();
    mcbe_journal_t *journal = NULL;
    mcbe_error_t err = {0};
    size_t bytes = 0;
    unsigned char *data = slurp(PATH, &bytes);
    assert_int_equal(truncate(PATH, (off_t)f.ends[4]), 0);
    assert_int_equal(mcbe_journal_open(&journal, PATH, LISTING, NULL, NULL, NULL, NULL, NULL),
                     MCBE_OK);
    limit_files(f.ends[4] + 20); /* room for a part of the record */
    mcbe_status_t st = mcbe_journal_append(journal, &f.records[3], &err);
    limit_files(RLIM_INFINITY);
    assert_int_equal(st, MCBE_ERR_IO);
    ASSERT_SAYS(err, "cannot append to the journal '" PATH "': File too large");
    assert_file_holds(PATH, data, f.ends[4]);
    /* once there is room again the run may go on */
    assert_int_equal(mcbe_journal_append(journal, &f.records[3], NULL), MCBE_OK);
    mcbe_journal_close(&journal);
    assert_file_holds(PATH, data, bytes);
    mcbe_free(data);
    drop(&f);
}

static void no_half_header_on_a_full_disk(void **state)
{
    (void)state;
    mcbe_journal_t *journal = NULL;
    mcbe_error_t err = {0};
    char temporary[64];
    snprintf(temporary, sizeof temporary, PATH ".tmp.%ld", (long)getpid());
    unlink(PATH);
    limit_files(10);
    mcbe_status_t st = mcbe_journal_open(&journal, PATH, LISTING, NULL, NULL, NULL, NULL, &err);
    limit_files(RLIM_INFINITY);
    assert_int_equal(st, MCBE_ERR_IO);
    ASSERT_SAYS(err, "cannot make the journal '" PATH "': File too large");
    assert_false(is_there(PATH));
    assert_false(is_there(temporary));
}

/* Three starts: the first ended by itself and the result file knows it; the second was killed after
 * a commit, the third before one. */
static void segments_survive_in_the_journal(void **state)
{
    (void)state;
    fixture_t f = {.plan = small_plan(2), .layout = small_layout()};
    mcbe_record_t record = small_record(&f.plan, &f.layout, 0, 0);
    mcbe_provenance_t wrote = {0}, found = {0};
    mcbe_journal_t *journal = open_new();
    static const int units[] = {1, 2, 3};
    for (int start = 0; start < 3; start++) {
        assert_int_equal(mcbe_provenance_start_segment(&wrote, 2 + start), MCBE_OK);
        assert_int_equal(mcbe_journal_append_segment(journal, &wrote, NULL), MCBE_OK);
        for (int k = 0; k < units[start]; k++) {
            assert_int_equal(mcbe_journal_append(journal, &record, NULL), MCBE_OK);
        }
    }
    mcbe_journal_close(&journal);

    const mcbe_segment_t ended = {.started_utc = "2024-01-01T00:00:00Z",
                                  .stopped_utc = "2024-01-01T01:00:00Z",
                                  .ranks = 2,
                                  .units = 1,
                                  .reason = "stop file"};
    const mcbe_segment_t committed = {
        .started_utc = "2024-01-02T00:00:00Z", .ranks = 3, .units = 1, .reason = "running"};
    assert_int_equal(mcbe_provenance_add_segment(&found, &ended), MCBE_OK);
    assert_int_equal(mcbe_provenance_add_segment(&found, &committed), MCBE_OK);
    assert_int_equal(mcbe_journal_open(&journal, PATH, LISTING, NULL, NULL, &found, NULL, NULL),
                     MCBE_OK);
    mcbe_journal_close(&journal);
    assert_int_equal(mcbe_provenance_start_segment(&found, 9), MCBE_OK);

    assert_int_equal(found.segment_count, 4);
    assert_string_equal(found.segments[0].reason, "stop file");
    assert_int_equal(found.segments[0].units, 1);
    assert_string_equal(found.segments[1].started_utc, "2024-01-02T00:00:00Z");
    assert_string_equal(found.segments[1].reason, "killed");
    assert_int_equal(found.segments[1].units, 2);
    assert_string_equal(found.segments[2].started_utc, wrote.segments[2].started_utc);
    assert_string_equal(found.segments[2].reason, "killed");
    assert_string_equal(found.segments[2].stopped_utc, "");
    assert_int_equal(found.segments[2].ranks, 4);
    assert_int_equal(found.segments[2].units, 3);
    assert_string_equal(found.segments[3].reason, "running");
    mcbe_provenance_free(&found);
    mcbe_provenance_free(&wrote);
    mcbe_record_free(&record);
    drop(&f);
}

static mcbe_status_t read_once(const fixture_t *f)
{
    mcbe_provenance_t provenance = {0};
    mcbe_journal_t *journal = NULL;
    reader_t reader = {.fixture = f, .stop_at = -1};
    mcbe_status_t st =
        mcbe_journal_open(&journal, PATH, LISTING, compare_unit, &reader, &provenance, NULL, NULL);
    mcbe_journal_close(&journal);
    mcbe_provenance_free(&provenance);
    return st;
}

static mcbe_status_t write_once(const fixture_t *f)
{
    mcbe_journal_t *journal = NULL;
    unlink("other");
    mcbe_status_t st = mcbe_journal_open(&journal, "other", LISTING, NULL, NULL, NULL, NULL, NULL);
    if (st == MCBE_OK) {
        st = mcbe_journal_append_segment(journal, &f->provenance, NULL);
    }
    if (st == MCBE_OK) {
        st = mcbe_journal_append(journal, &f->records[1], NULL);
    }
    mcbe_journal_close(&journal);
    return st;
}

static mcbe_status_t peek_once(void)
{
    char *listing = NULL;
    mcbe_status_t st = mcbe_journal_peek(PATH, &listing, NULL);
    mcbe_free(listing);
    return st;
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    fixture_t f = write_journal();
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(read_once(&f));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(write_once(&f));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(peek_once());
    drop(&f);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {UNIT_TEST(crc_has_known_answers),
                                       UNIT_TEST(what_is_appended_is_read),
                                       UNIT_TEST(bytes_are_as_documented),
                                       UNIT_TEST(a_torn_tail_is_cut_off),
                                       UNIT_TEST(appending_goes_on_after_a_torn_tail),
                                       UNIT_TEST(a_damaged_header_is_refused_and_left_alone),
                                       UNIT_TEST(a_flipped_byte_ends_the_reading_there),
                                       UNIT_TEST(what_it_does_not_know_it_refuses),
                                       UNIT_TEST(lengths_are_bounded_by_the_file),
                                       UNIT_TEST(no_journal_and_an_empty_file_are_the_same),
                                       UNIT_TEST(what_is_no_file_is_refused),
                                       UNIT_TEST(a_refused_unit_leaves_the_file_alone),
                                       UNIT_TEST(a_full_disk_costs_one_record_at_most),
                                       UNIT_TEST(no_half_header_on_a_full_disk),
                                       UNIT_TEST(segments_survive_in_the_journal),
                                       UNIT_TEST(survives_failed_allocations)};
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
