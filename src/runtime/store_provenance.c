#include "store_internal.h"

#include <stddef.h>
#include <string.h>

#include "check.h"
#include "memory.h"

#define SEGMENTS "provenance/segments"

/* A field of text of a compound type. @return negative on failure */
static herr_t insert_text(hid_t compound, const char *name, size_t offset, size_t size)
{
    hid_t text = H5Tcopy(H5T_C_S1);
    herr_t bad = text < 0 ? -1 : 0;
    if (text >= 0) {
        bad = H5Tset_size(text, size) < 0 ? -1 : H5Tinsert(compound, name, offset, text);
        H5Tclose(text);
    }
    return bad;
}

/* The HDF5 type of mcbe_segment_t in memory; stored without its gaps. To be closed with H5Tclose.
 * @return negative on failure */
static hid_t segment_type(void)
{
    static const mcbe_segment_t size_of = {0};
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(mcbe_segment_t));
    if (type >= 0 &&
        (insert_text(type, "started_utc", offsetof(mcbe_segment_t, started_utc),
                     sizeof size_of.started_utc) < 0 ||
         insert_text(type, "stopped_utc", offsetof(mcbe_segment_t, stopped_utc),
                     sizeof size_of.stopped_utc) < 0 ||
         H5Tinsert(type, "ranks", offsetof(mcbe_segment_t, ranks), H5T_NATIVE_INT64) < 0 ||
         H5Tinsert(type, "units", offsetof(mcbe_segment_t, units), H5T_NATIVE_INT64) < 0 ||
         insert_text(type, "reason", offsetof(mcbe_segment_t, reason), sizeof size_of.reason) <
             0)) {
        H5Tclose(type);
        type = -1;
    }
    return type;
}

static mcbe_status_t write_segments(hid_t file, const mcbe_provenance_t *provenance,
                                    mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const hsize_t count = (hsize_t)provenance->segment_count;
    hid_t packed = -1, type = segment_type();
    if (type >= 0) {
        packed = H5Tcopy(type);
    }
    if (packed < 0 || H5Tpack(packed) < 0) {
        st = mcbe_h5_fail(err, MCBE_ERR_IO, "cannot describe the dataset '%s'", SEGMENTS);
        goto out;
    }
    st = mcbe_h5_write(file, SEGMENTS, type, packed, 1, &count, provenance->segments,
                       "starts of the run, and how each ended", "1", "segment", err);
out:
    if (packed >= 0) {
        H5Tclose(packed);
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    return st;
}

mcbe_status_t mcbe_store_write_provenance(hid_t file, const mcbe_provenance_t *provenance,
                                          mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    hid_t group = H5Gcreate2(file, "provenance", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) {
        return mcbe_h5_fail(err, MCBE_ERR_IO, "cannot build the group 'provenance'");
    }
    for (size_t k = 0; k < provenance->count; k++) {
        MCBE_TRY(
            mcbe_h5_put_text(group, provenance->facts[k].name, provenance->facts[k].value, err));
    }
    MCBE_TRY(write_segments(file, provenance, err));
out:
    H5Gclose(group);
    return st;
}

static mcbe_status_t read_segments(hid_t file, const char *path, mcbe_provenance_t *provenance,
                                   mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    hsize_t count = 0;
    mcbe_segment_t *segments = NULL;
    hid_t type = segment_type();
    if (type < 0) {
        return mcbe_h5_fail(err, MCBE_ERR_IO, "cannot describe the dataset '%s'", SEGMENTS);
    }
    MCBE_TRY(mcbe_h5_shape(file, SEGMENTS, 1, &count, err));
    segments = mcbe_alloc((size_t)count, sizeof *segments);
    if (!segments) {
        st = mcbe_store_no_memory(err, path);
        goto out;
    }
    MCBE_TRY(mcbe_h5_read(file, SEGMENTS, type, 1, &count, segments, err));
    for (size_t k = 0; k < count; k++) {
        if (mcbe_provenance_add_segment(provenance, &segments[k])) {
            st = mcbe_store_no_memory(err, path);
            goto out;
        }
    }
out:
    mcbe_free(segments);
    H5Tclose(type);
    return st;
}

mcbe_status_t mcbe_store_read_segments(const char *path, mcbe_provenance_t *provenance,
                                       mcbe_error_t *err)
{
    hid_t file = -1;
    mcbe_status_t st = mcbe_store_open(path, &file, err);
    if (st) {
        return st;
    }
    st = read_segments(file, path, provenance, err);
    H5Fclose(file);
    return st;
}

/* Text of a file goes to a terminal: nothing in it may act on one. */
static void print_plain(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        fputc(byte < 32 || byte == 127 ? ' ' : byte, out);
    }
}

typedef struct printing {
    FILE *out;
    mcbe_error_t *err;
    mcbe_status_t st;
} printing_t;

static herr_t print_fact(hid_t group, const char *name, const H5A_info_t *info, void *context)
{
    (void)info;
    printing_t *printing = context;
    char *value = NULL;
    printing->st = mcbe_h5_get_text(group, name, &value, printing->err);
    if (printing->st) {
        return -1;
    }
    print_plain(printing->out, name);
    fputs(" = ", printing->out);
    print_plain(printing->out, value);
    fputc('\n', printing->out);
    mcbe_free(value);
    return 0;
}

static void print_segments(FILE *out, const mcbe_provenance_t *provenance)
{
    for (size_t k = 0; k < provenance->segment_count; k++) {
        const mcbe_segment_t *segment = &provenance->segments[k];
        fprintf(out, "segment %zu = ", k + 1);
        print_plain(out, segment->started_utc);
        fputs(" to ", out);
        print_plain(out, segment->stopped_utc[0] ? segment->stopped_utc : "?");
        fprintf(out, ", ranks: %lld, units: %lld, ", (long long)segment->ranks,
                (long long)segment->units);
        print_plain(out, segment->reason);
        fputc('\n', out);
    }
}

mcbe_status_t mcbe_store_provenance(const char *path, FILE *out, mcbe_error_t *err)
{
    hid_t file = -1, group = -1;
    hsize_t next = 0;
    mcbe_provenance_t found = {0};
    printing_t printing = {.out = out, .err = err};
    mcbe_status_t st = mcbe_store_open(path, &file, err);
    if (st) {
        return st;
    }
    group = H5Gopen2(file, "provenance", H5P_DEFAULT);
    if (group < 0) {
        st = mcbe_h5_fail(err, MCBE_ERR_CORRUPT, "'%s' lacks the group 'provenance'", path);
        goto out;
    }
    MCBE_TRY(read_segments(file, path, &found, err));
    if (H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, &next, print_fact, &printing) < 0) {
        st = printing.st ? printing.st
                         : mcbe_h5_fail(err, MCBE_ERR_CORRUPT,
                                        "'%s': the group 'provenance' cannot be read", path);
        goto out;
    }
    print_segments(out, &found);
out:
    mcbe_provenance_free(&found);
    if (group >= 0) {
        H5Gclose(group);
    }
    H5Fclose(file);
    return st;
}
