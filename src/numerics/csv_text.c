#include "csv_text.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <csv.h>

#include "check.h"
#include "mcbe/frame.h"
#include "memory.h"
#include "show.h"

#define PIECE 8192

/* The line being collected, which may be several of the file where quotes hold line breaks. */
typedef struct line {
    const char *name; /* of the file */
    int fields_max;
    mcbe_csv_line_t take;
    void *context;
    mcbe_error_t *err;
    mcbe_status_t status; /* the first that went wrong */
    int64_t number;       /* lines of the file before it, blank ones too */
    int64_t breaks;       /* line breaks in its own fields, between quotes */
    int end;              /* byte that ended the one before, -1 for none */
    char *text;           /* owned: its fields, each with a 0 at the end */
    size_t used, capacity;
    const char **fields; /* owned, as the next [count] and more */
    size_t *start;       /* where they begin in the text */
    size_t fields_capacity, start_capacity;
    int count;
} line_t;

/* libcsv is handed a buffer that is large enough for a field and a piece: a field that is too long
 * has been found by the time it would have to grow. Left to itself libcsv tries a smaller one when
 * memory is out. */
#define BUFFER (MCBE_CSV_FIELD_MAX + PIECE + 2)
static void *never_grow(void *old, size_t bytes)
{
    (void)old;
    (void)bytes;
    return NULL;
}

/* Where in the file it has got to. */
static long long here(const line_t *line)
{
    return (long long)(line->number + 1 + line->breaks);
}

static mcbe_status_t too_long(const line_t *line)
{
    return mcbe_fail(line->err, MCBE_ERR_DATA,
                     "'%s' has a field of more than %d bytes in line %lld", line->name,
                     MCBE_CSV_FIELD_MAX, here(line));
}

/* For one more field of so many bytes. */
static mcbe_status_t make_room(line_t *line, size_t bytes)
{
    const size_t count = (size_t)line->count + 1;
    void *text = line->text, *start = line->start;
    void *fields = line->fields;
    mcbe_status_t st;
    MCBE_TRY(mcbe_grow(&text, &line->capacity, line->used + bytes, 1));
    MCBE_TRY(mcbe_grow(&start, &line->start_capacity, count, sizeof *line->start));
    st = mcbe_grow(&fields, &line->fields_capacity, count, sizeof *line->fields);
out:
    line->text = text;
    line->start = start;
    line->fields = fields;
    return st;
}

static mcbe_status_t add_field(line_t *line, const char *field, size_t bytes)
{
    if (bytes > MCBE_CSV_FIELD_MAX) {
        return too_long(line);
    }
    if (memchr(field, 0, bytes)) {
        return mcbe_fail(line->err, MCBE_ERR_DATA,
                         "'%s' has a byte 0 in line %lld; that is no text", line->name, here(line));
    }
    if (line->count == line->fields_max) {
        return mcbe_fail(line->err, MCBE_ERR_DATA, "'%s' has more than %d fields in line %lld",
                         line->name, line->fields_max, here(line));
    }
    const mcbe_status_t st = make_room(line, bytes + 1);
    if (st == MCBE_OK) {
        memcpy(line->text + line->used, field, bytes);
        line->text[line->used + bytes] = '\0';
        line->start[line->count++] = line->used;
        line->used += bytes + 1;
    }
    return st;
}

/* CR LF is one. */
static int64_t count_breaks(const char *field, size_t bytes)
{
    int64_t count = 0;
    for (size_t i = 0; i < bytes; i++) {
        count += field[i] == '\n' || (field[i] == '\r' && (i + 1 == bytes || field[i + 1] != '\n'));
    }
    return count;
}

static void on_field(void *field, size_t bytes, void *context)
{
    line_t *line = context;
    if (line->status == MCBE_OK) {
        line->status = add_field(line, field ? field : "", bytes);
        line->breaks += field ? count_breaks(field, bytes) : 0;
    }
}

/* @param[in] end  CR or LF; -1 at the end of the file */
static void on_line(int end, void *context)
{
    line_t *line = context;
    const int is_second = line->count == 0 && end == '\n' && line->end == '\r'; /* of CR LF */
    if (line->status == MCBE_OK && line->count > 0) {
        for (int i = 0; i < line->count; i++) {
            line->fields[i] = line->text + line->start[i];
        }
        line->status =
            line->take(line->context, line->number + 1, line->fields, line->count, line->err);
    }
    line->number += is_second ? 0 : 1 + line->breaks;
    line->breaks = 0;
    line->count = 0;
    line->used = 0;
    line->end = end;
}

static mcbe_status_t parse_piece(struct csv_parser *parser, const char *text, size_t bytes,
                                 line_t *line)
{
    if (csv_parse(parser, text, bytes, on_field, on_line, line) != bytes &&
        line->status == MCBE_OK) {
        return csv_error(parser) == CSV_ENOMEM
                   ? MCBE_ERR_NOMEM
                   : mcbe_fail(line->err, MCBE_ERR_DATA,
                               "'%s' has a quote in the wrong place in line %lld", line->name,
                               here(line));
    }
    if (line->status == MCBE_OK && parser->entry_pos > MCBE_CSV_FIELD_MAX) {
        return too_long(line);
    }
    return line->status;
}

static mcbe_status_t parse_all(mcbe_inflow_t *in, struct csv_parser *parser, line_t *line)
{
    char piece[PIECE];
    size_t got = 1;
    mcbe_status_t st = MCBE_OK;
    for (int first = 1; got > 0; first = 0) {
        MCBE_TRY(mcbe_inflow_read(in, piece, sizeof piece, &got, line->err));
        const size_t mark = first && got >= 3 && memcmp(piece, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        MCBE_TRY(parse_piece(parser, piece + mark, got - mark, line));
    }
    if (csv_fini(parser, on_field, on_line, line) != 0 && line->status == MCBE_OK) {
        line->status = csv_error(parser) == CSV_ENOMEM
                           ? MCBE_ERR_NOMEM
                           : mcbe_fail(line->err, MCBE_ERR_DATA,
                                       "'%s' ends inside quotes, which begin in line %lld",
                                       line->name, here(line));
    }
    st = line->status;
out:
    return st;
}

mcbe_status_t mcbe_csv_read(mcbe_inflow_t *in, char delimiter, int fields_max, mcbe_csv_line_t take,
                            void *context, mcbe_error_t *err)
{
    struct csv_parser parser;
    mcbe_status_t st = MCBE_ERR_NOMEM;
    line_t line = {.name = in->name,
                   .fields_max = fields_max,
                   .take = take,
                   .context = context,
                   .err = err,
                   .end = -1};
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) != 0) {
        goto out;
    }
    csv_set_delim(&parser, (unsigned char)delimiter);
    csv_set_realloc_func(&parser, never_grow);
    csv_set_free_func(&parser, mcbe_free);
    parser.entry_buf = mcbe_alloc(BUFFER, 1);
    parser.entry_size = BUFFER;
    if (plain && parser.entry_buf && make_room(&line, 1) == MCBE_OK) {
        const locale_t before = uselocale(plain);
        st = parse_all(in, &parser, &line);
        (void)uselocale(before);
    }
    csv_free(&parser);
out:
    mcbe_free(line.start);
    mcbe_free(line.fields);
    mcbe_free(line.text);
    if (plain) {
        freelocale(plain);
    }
    return st;
}

int mcbe_csv_number(const char *field, double *value)
{
    char *end;
    *value = strtod(field, &end);
    return end != field && *end == '\0';
}

int mcbe_csv_is_name(const char *field)
{
    double number;
    const unsigned char first = (unsigned char)field[0];
    return (isalpha(first) || first == '_' || first >= 0x80) && !mcbe_csv_number(field, &number) &&
           strcasecmp(field, "na") != 0;
}

/* A matrix under construction. */
typedef struct matrix {
    mcbe_npy_t *array;
    size_t capacity;
    const char *name;
    int started; /* the first line, names or not, is over */
} matrix_t;

static mcbe_status_t take_row(void *context, int64_t number, const char *const *fields, int count,
                              mcbe_error_t *err)
{
    matrix_t *matrix = context;
    mcbe_npy_t *array = matrix->array;
    const int first = !matrix->started;
    matrix->started = 1;
    for (int k = 0; k < count && first; k++) {
        if (mcbe_csv_is_name(fields[k])) {
            return MCBE_OK;
        }
    }
    if (array->rows == 0) {
        array->columns = count;
    }
    if (count != array->columns) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has %d fields in line %lld, and %lld in those before", matrix->name,
                         count, (long long)number, (long long)array->columns);
    }
    void *values = array->values;
    const size_t used = (size_t)array->rows * (size_t)count;
    const mcbe_status_t st =
        mcbe_grow(&values, &matrix->capacity, used + (size_t)count, sizeof *array->values);
    array->values = values;
    for (int k = 0; k < count && st == MCBE_OK; k++) {
        double value;
        if (!mcbe_csv_number(fields[k], &value) || !isfinite(value)) {
            char shown[MCBE_SHOWN_MAX];
            mcbe_show(fields[k], shown);
            return mcbe_fail(err, MCBE_ERR_DATA,
                             "'%s' has '%s' in line %lld, field %d; a finite number is needed",
                             matrix->name, shown, (long long)number, k + 1);
        }
        array->values[used + (size_t)k] = value;
    }
    array->rows += st == MCBE_OK;
    return st;
}

static mcbe_status_t read_matrix(mcbe_npy_t *array, mcbe_inflow_t *in, mcbe_error_t *err)
{
    matrix_t matrix = {.array = array, .name = in->name};
    mcbe_status_t st = mcbe_csv_read(in, ',', MCBE_MAX_M, take_row, &matrix, err);
    if (st == MCBE_OK && array->rows == 0) {
        st = mcbe_fail(err, MCBE_ERR_DATA, "'%s' has no line of numbers", in->name);
    }
    return st;
}

mcbe_status_t mcbe_csv_load(mcbe_npy_t *array, const char *path, mcbe_error_t *err)
{
    return mcbe_npy_read(array, NULL, path, read_matrix, err);
}

mcbe_status_t mcbe_csv_parse(mcbe_npy_t *array, FILE *stream, const char *name, mcbe_error_t *err)
{
    return mcbe_npy_read(array, stream, name, read_matrix, err);
}
