#include "h5.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"

/* Elements of a chunk: large enough that its checksum costs nothing, small enough to be held. */
#define CHUNK_ELEMENTS 65536
#define MAX_RANK 8
/* Bytes by which a file in memory grows. */
#define MEMORY_STEP ((size_t)1 << 20)

/* To be used where the failure is HDF5's; needs st, err and a label out. */
#define H5_TRY(call, status, ...)                                                                  \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            st = mcbe_h5_fail(err, (status), __VA_ARGS__);                                         \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

void mcbe_h5_quiet(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void mcbe_h5_library(char text[32])
{
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, 32, "%u.%u.%u", major, minor, release);
}

/* What is worth telling of an error stack. */
typedef struct cause {
    char innermost[256];
    int error_number; /* 0 if the stack names none */
    int locking;
} cause_t;

static herr_t look_at_entry(unsigned position, const H5E_error2_t *entry, void *context)
{
    (void)position;
    cause_t *cause = context;
    const char *text = entry->desc ? entry->desc : "";
    if (cause->innermost[0] == '\0') {
        snprintf(cause->innermost, sizeof cause->innermost, "%s", text);
    }
    const char *number = strstr(text, "errno = ");
    if (number && cause->error_number == 0) {
        sscanf(number, "errno = %d", &cause->error_number);
    }
    cause->locking |= strstr(text, "unable to lock file") != NULL;
    return 0;
}

mcbe_status_t mcbe_h5_fail(mcbe_error_t *err, mcbe_status_t status, const char *format, ...)
{
    cause_t cause = {0};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, look_at_entry, &cause);
    char what[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const char *why = cause.error_number ? strerror(cause.error_number) : cause.innermost;
    return mcbe_fail(err, status, "%s%s%s%s", what, *why ? ": " : "", why,
                     cause.locking ? " (HDF5 could not lock the file; where the file system has no "
                                     "locks, set HDF5_USE_FILE_LOCKING=FALSE)"
                                   : "");
}

/* Name of the file an object belongs to, for sentences. */
static void name_file(hid_t object, char *text, size_t size)
{
    if (H5Fget_name(object, text, size) < 0) {
        snprintf(text, size, "?");
    }
}

mcbe_status_t mcbe_h5_create(const char *name, hid_t *file, mcbe_error_t *err)
{
    mcbe_h5_quiet();
    mcbe_status_t st = MCBE_OK;
    hid_t access = -1;
    *file = -1;
    H5_TRY(access = H5Pcreate(H5P_FILE_ACCESS), MCBE_ERR_IO, "cannot build '%s'", name);
    H5_TRY(H5Pset_fapl_core(access, MEMORY_STEP, 0), MCBE_ERR_IO, "cannot build '%s'", name);
    *file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5_TRY(*file, MCBE_ERR_IO, "cannot build '%s'", name);
out:
    if (access >= 0) {
        H5Pclose(access);
    }
    return st;
}

mcbe_status_t mcbe_h5_image(hid_t file, void **image, size_t *bytes, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    void *copy = NULL;
    ssize_t size = 0;
    char name[512];

    name_file(file, name, sizeof name);
    H5_TRY(H5Fflush(file, H5F_SCOPE_LOCAL), MCBE_ERR_IO, "cannot build '%s'", name);
    H5_TRY(size = H5Fget_file_image(file, NULL, 0), MCBE_ERR_IO, "cannot build '%s'", name);
    copy = mcbe_alloc((size_t)size, 1);
    if (!copy) {
        st = mcbe_fail(err, MCBE_ERR_NOMEM, "no memory for the %zd bytes of '%s'", size, name);
        goto out;
    }
    H5_TRY(H5Fget_file_image(file, copy, (size_t)size), MCBE_ERR_IO, "cannot build '%s'", name);
    *image = copy;
    *bytes = (size_t)size;
    copy = NULL;
out:
    mcbe_free(copy);
    return st;
}

/* Says in the system's words what HDF5 would wrap in its own: a file that is missing, a folder, or
 * not ours to read. */
static mcbe_status_t check_openable(const char *path, mcbe_error_t *err)
{
    struct stat facts;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts) != 0) {
        mcbe_status_t st =
            mcbe_fail(err, MCBE_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return st;
    }
    close(fd);
    if (!S_ISREG(facts.st_mode)) {
        return mcbe_fail(err, MCBE_ERR_IO, "'%s' is %s, not a file", path,
                         S_ISDIR(facts.st_mode) ? "a folder" : "not a regular file");
    }
    return MCBE_OK;
}

/* Does it begin with HDF5's signature? (H5Fis_hdf5 would want to lock the file.) */
static int has_signature(const char *path)
{
    static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    unsigned char start[sizeof signature] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : pread(fd, start, sizeof start, 0);
    if (fd >= 0) {
        close(fd);
    }
    return got == (ssize_t)sizeof start && memcmp(start, signature, sizeof start) == 0;
}

mcbe_status_t mcbe_h5_open(const char *path, hid_t *file, mcbe_error_t *err)
{
    mcbe_h5_quiet();
    *file = -1;
    mcbe_status_t st = check_openable(path, err);
    if (st) {
        return st;
    }
    if (!has_signature(path)) {
        return mcbe_fail(err, MCBE_ERR_DATA, "'%s' is not an HDF5 file", path);
    }
    *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (*file >= 0) {
        return MCBE_OK;
    }
    cause_t cause = {0};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, look_at_entry, &cause);
    return mcbe_h5_fail(err, cause.error_number ? MCBE_ERR_IO : MCBE_ERR_CORRUPT,
                        "cannot open '%s'", path);
}

static mcbe_status_t put_attribute(hid_t object, const char *name, hid_t file_type,
                                   hid_t memory_type, int count, const void *data,
                                   mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    hid_t space = -1, attribute = -1;
    hsize_t length = (hsize_t)count;
    char file[512];

    name_file(object, file, sizeof file);
    space = count ? H5Screate_simple(1, &length, NULL) : H5Screate(H5S_SCALAR);
    H5_TRY(space, MCBE_ERR_IO, "cannot build '%s', attribute '%s'", file, name);
    attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5_TRY(attribute, MCBE_ERR_IO, "cannot build '%s', attribute '%s'", file, name);
    H5_TRY(H5Awrite(attribute, memory_type, data), MCBE_ERR_IO, "cannot build '%s', attribute '%s'",
           file, name);
out:
    if (attribute >= 0) {
        H5Aclose(attribute);
    }
    if (space >= 0) {
        H5Sclose(space);
    }
    return st;
}

/* The type of text attributes: UTF-8 of any length. To be closed with H5Tclose. */
static hid_t text_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 &&
        (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
        H5Tclose(type);
        type = -1;
    }
    return type;
}

mcbe_status_t mcbe_h5_put_text(hid_t object, const char *name, const char *text, mcbe_error_t *err)
{
    hid_t type = text_type();
    if (type < 0) {
        return mcbe_h5_fail(err, MCBE_ERR_IO, "cannot describe the text attribute '%s'", name);
    }
    mcbe_status_t st = put_attribute(object, name, type, type, 0, &text, err);
    H5Tclose(type);
    return st;
}

mcbe_status_t mcbe_h5_put_i64(hid_t object, const char *name, int64_t value, mcbe_error_t *err)
{
    return put_attribute(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, 0, &value, err);
}

mcbe_status_t mcbe_h5_put_dataset_i64(hid_t file, const char *path, const char *name, int64_t value,
                                      mcbe_error_t *err)
{
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    if (dataset < 0) {
        return mcbe_h5_fail(err, MCBE_ERR_IO, "cannot open the dataset '%s' again", path);
    }
    mcbe_status_t st = mcbe_h5_put_i64(dataset, name, value, err);
    H5Dclose(dataset);
    return st;
}

mcbe_status_t mcbe_h5_put_ints(hid_t object, const char *name, int count, const int *values,
                               mcbe_error_t *err)
{
    MCBE_BUG_ASSERT(count > 0);
    return put_attribute(object, name, H5T_STD_I32LE, H5T_NATIVE_INT, count, values, err);
}

/* Read an attribute of one element (count 0) or of a list, if it is of the type's class. */
static mcbe_status_t get_attribute(hid_t object, const char *name, hid_t memory_type, int count,
                                   void *data, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    hid_t attribute = -1, type = -1, space = -1;
    H5T_class_t class = H5Tget_class(memory_type);
    char file[512];

    name_file(object, file, sizeof file);
    H5_TRY(attribute = H5Aopen(object, name, H5P_DEFAULT), MCBE_ERR_CORRUPT,
           "'%s' lacks the attribute '%s'", file, name);
    H5_TRY(type = H5Aget_type(attribute), MCBE_ERR_CORRUPT, "'%s', attribute '%s'", file, name);
    H5_TRY(space = H5Aget_space(attribute), MCBE_ERR_CORRUPT, "'%s', attribute '%s'", file, name);
    if (H5Tget_class(type) != class ||
        (class == H5T_STRING && H5Tis_variable_str(type) != H5Tis_variable_str(memory_type)) ||
        H5Sget_simple_extent_npoints(space) != (count ? count : 1)) {
        st = mcbe_fail(err, MCBE_ERR_CORRUPT, "'%s': the attribute '%s' is not %s", file, name,
                       class == H5T_STRING ? "text"
                       : count             ? "a list of integers"
                                           : "an integer");
        goto out;
    }
    H5_TRY(H5Aread(attribute, memory_type, data), MCBE_ERR_CORRUPT, "'%s', attribute '%s'", file,
           name);
out:
    if (space >= 0) {
        H5Sclose(space);
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    if (attribute >= 0) {
        H5Aclose(attribute);
    }
    return st;
}

mcbe_status_t mcbe_h5_get_text(hid_t object, const char *name, char **text, mcbe_error_t *err)
{
    hid_t type = text_type();
    if (type < 0) {
        return mcbe_h5_fail(err, MCBE_ERR_IO, "cannot describe the text attribute '%s'", name);
    }
    char *theirs = NULL;
    mcbe_status_t st = get_attribute(object, name, type, 0, &theirs, err);
    if (st == MCBE_OK) {
        /* HDF5 may give an empty text back as NULL */
        char *copy = mcbe_strdup(theirs ? theirs : "");
        if (copy) {
            *text = copy;
        } else {
            st = mcbe_fail(err, MCBE_ERR_NOMEM, "no memory for the attribute '%s'", name);
        }
        H5free_memory(theirs);
    }
    H5Tclose(type);
    return st;
}

mcbe_status_t mcbe_h5_get_i64(hid_t object, const char *name, int64_t *value, mcbe_error_t *err)
{
    return get_attribute(object, name, H5T_NATIVE_INT64, 0, value, err);
}

mcbe_status_t mcbe_h5_get_ints(hid_t object, const char *name, int count, int *values,
                               mcbe_error_t *err)
{
    MCBE_BUG_ASSERT(count > 0);
    return get_attribute(object, name, H5T_NATIVE_INT, count, values, err);
}

/* Chunks of at most CHUNK_ELEMENTS with checksums, and no time stamps: equal data, equal bytes.
 * @return a negative value on failure */
static hid_t dataset_properties(int rank, const hsize_t *dims)
{
    hsize_t chunk[MAX_RANK], room = CHUNK_ELEMENTS, elements = 1;
    for (int k = rank - 1; k >= 0; k--) {
        elements *= dims[k];
        chunk[k] = dims[k] < room ? dims[k] : room;
        room = chunk[k] > 0 ? room / chunk[k] : room;
        room = room > 0 ? room : 1;
    }
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (properties < 0) {
        return properties;
    }
    /* HDF5 has no chunks for a dataset without elements */
    if (H5Pset_obj_track_times(properties, 0) < 0 ||
        (elements > 0 &&
         (H5Pset_chunk(properties, rank, chunk) < 0 || H5Pset_fletcher32(properties) < 0))) {
        H5Pclose(properties);
        return -1;
    }
    return properties;
}

mcbe_status_t mcbe_h5_write(hid_t file, const char *path, hid_t memory_type, hid_t file_type,
                            int rank, const hsize_t *dims, const void *data,
                            const char *description, const char *units, const char *axes,
                            mcbe_error_t *err)
{
    MCBE_BUG_ASSERT(rank >= 1 && rank <= MAX_RANK);
    mcbe_status_t st = MCBE_OK;
    hid_t links = -1, properties = -1, space = -1, dataset = -1;
    char name[512];

    name_file(file, name, sizeof name);
    H5_TRY(links = H5Pcreate(H5P_LINK_CREATE), MCBE_ERR_IO, "cannot build '%s'", name);
    H5_TRY(H5Pset_create_intermediate_group(links, 1), MCBE_ERR_IO, "cannot build '%s'", name);
    H5_TRY(properties = dataset_properties(rank, dims), MCBE_ERR_IO, "cannot build '%s'", name);
    H5_TRY(space = H5Screate_simple(rank, dims, NULL), MCBE_ERR_IO, "cannot build '%s'", name);
    dataset = H5Dcreate2(file, path, file_type, space, links, properties, H5P_DEFAULT);
    H5_TRY(dataset, MCBE_ERR_IO, "cannot build '%s', dataset '%s'", name, path);
    if (H5Sget_simple_extent_npoints(space) > 0) {
        H5_TRY(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), MCBE_ERR_IO,
               "cannot build '%s', dataset '%s'", name, path);
    }
    MCBE_TRY(mcbe_h5_put_text(dataset, "description", description, err));
    MCBE_TRY(mcbe_h5_put_text(dataset, "units", units, err));
    MCBE_TRY(mcbe_h5_put_text(dataset, "axes", axes, err));
out:
    /* closing writes what the chunk cache still holds */
    if (dataset >= 0 && H5Dclose(dataset) < 0 && st == MCBE_OK) {
        st = mcbe_h5_fail(err, MCBE_ERR_IO, "cannot build '%s', dataset '%s'", name, path);
    }
    if (space >= 0) {
        H5Sclose(space);
    }
    if (properties >= 0) {
        H5Pclose(properties);
    }
    if (links >= 0) {
        H5Pclose(links);
    }
    return st;
}

static mcbe_status_t shape_of(hid_t dataset, const char *name, const char *path, int rank,
                              hsize_t *dims, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    hid_t space = -1;
    H5_TRY(space = H5Dget_space(dataset), MCBE_ERR_CORRUPT, "'%s', dataset '%s'", name, path);
    int found = H5Sget_simple_extent_ndims(space);
    if (found != rank) {
        st = mcbe_fail(err, MCBE_ERR_CORRUPT, "'%s': dataset '%s' has %d dimensions, not %d", name,
                       path, found, rank);
        goto out;
    }
    H5_TRY(H5Sget_simple_extent_dims(space, dims, NULL), MCBE_ERR_CORRUPT, "'%s', dataset '%s'",
           name, path);
out:
    if (space >= 0) {
        H5Sclose(space);
    }
    return st;
}

mcbe_status_t mcbe_h5_shape(hid_t file, const char *path, int rank, hsize_t *dims,
                            mcbe_error_t *err)
{
    char name[512];
    name_file(file, name, sizeof name);
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    if (dataset < 0) {
        return mcbe_h5_fail(err, MCBE_ERR_CORRUPT, "'%s' lacks the dataset '%s'", name, path);
    }
    mcbe_status_t st = shape_of(dataset, name, path, rank, dims, err);
    H5Dclose(dataset);
    return st;
}

mcbe_status_t mcbe_h5_read(hid_t file, const char *path, hid_t memory_type, int rank,
                           const hsize_t *dims, void *data, mcbe_error_t *err)
{
    MCBE_BUG_ASSERT(rank >= 1 && rank <= MAX_RANK);
    mcbe_status_t st = MCBE_OK;
    hid_t dataset = -1, type = -1;
    hsize_t found[MAX_RANK];
    char name[512];

    name_file(file, name, sizeof name);
    H5_TRY(dataset = H5Dopen2(file, path, H5P_DEFAULT), MCBE_ERR_CORRUPT,
           "'%s' lacks the dataset '%s'", name, path);
    H5_TRY(type = H5Dget_type(dataset), MCBE_ERR_CORRUPT, "'%s', dataset '%s'", name, path);
    if (H5Tget_class(type) != H5Tget_class(memory_type)) {
        st = mcbe_fail(err, MCBE_ERR_CORRUPT, "'%s': dataset '%s' is of another type than expected",
                       name, path);
        goto out;
    }
    MCBE_TRY(shape_of(dataset, name, path, rank, found, err));
    for (int k = 0; k < rank; k++) {
        if (found[k] != dims[k]) {
            st = mcbe_fail(err, MCBE_ERR_CORRUPT,
                           "'%s': dataset '%s' has %llu entries along axis %d, not %llu", name,
                           path, (unsigned long long)found[k], k, (unsigned long long)dims[k]);
            goto out;
        }
    }
    H5_TRY(H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), MCBE_ERR_CORRUPT,
           "'%s': dataset '%s' cannot be read", name, path);
out:
    if (type >= 0) {
        H5Tclose(type);
    }
    if (dataset >= 0) {
        H5Dclose(dataset);
    }
    return st;
}
