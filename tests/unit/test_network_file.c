/* Network files, whole ones and ones that are wrong in one place each. */

#include "network_file.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "h5.h"
#include "unit.h"

#define PATH "net.h5"

/* What is wrong with a file. */
typedef enum flaw {
    NONE,
    SINGLE, /* fp32 weights: nothing wrong with them */
    FILETYPE,
    NO_FILETYPE,
    VERSION,
    NO_VERSION,
    NO_INPUT,
    INPUT_LENGTH,
    INPUT_EMPTY,
    NO_LAYERS,
    NO_LAYER_COUNT,
    MORE_LAYERS,
    KIND,
    NO_KIND,
    NO_STRIDE,
    STRIDE_TEXT,
    STRIDE_ZERO,
    NO_WEIGHT,
    WEIGHT_RANK,
    WEIGHT_INTEGERS,
    WEIGHT_CHANNELS,
    WEIGHT_EMPTY,
    WEIGHT_HUGE,
    WEIGHT_NAN,
    NO_BIAS,
    BIAS_LENGTH,
    DENSE_ON_IMAGE,
    DENSE_WIDTH
} flaw_t;

static void put_text(hid_t object, const char *name, const char *text)
{
    assert_int_equal(mcbe_h5_put_text(object, name, text, NULL), MCBE_OK);
}

static void put_ints(hid_t object, const char *name, int count, const int *values)
{
    assert_int_equal(mcbe_h5_put_ints(object, name, count, values, NULL), MCBE_OK);
}

static void put_numbers(hid_t file, const char *path, flaw_t flaw, int rank, const hsize_t *dims,
                        const double *values)
{
    const hid_t type = flaw == SINGLE            ? H5T_IEEE_F32LE
                       : flaw == WEIGHT_INTEGERS ? H5T_STD_I32LE
                                                 : H5T_IEEE_F64LE;
    assert_int_equal(
        mcbe_h5_write(file, path, H5T_NATIVE_DOUBLE, type, rank, dims, values, "", "1", "", NULL),
        MCBE_OK);
}

/* A dataset that takes up next to nothing in the file, whatever it claims. */
static void put_claim(hid_t file, const char *path, int rank, const hsize_t *dims)
{
    const hid_t space = H5Screate_simple(rank, dims, NULL);
    const hid_t dataset =
        H5Dcreate2(file, path, H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(dataset >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
}

static hid_t put_layer(hid_t file, int number, const char *kind)
{
    char name[32];
    snprintf(name, sizeof name, "layers/%d", number);
    const hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(group >= 0);
    if (kind) {
        put_text(group, "kind", kind);
    }
    return group;
}

static void put_root(hid_t file, flaw_t flaw)
{
    const int version[] = {flaw == VERSION ? 2 : 1, 7};
    const int input[] = {flaw == INPUT_EMPTY ? 0 : 1, 2, 3};
    if (flaw != NO_FILETYPE) {
        put_text(file, "filetype", flaw == FILETYPE ? "mcbe-results" : "mcbe-network");
    }
    if (flaw != NO_VERSION) {
        put_ints(file, "version", 2, version);
    }
    if (flaw != NO_INPUT) {
        put_ints(file, "input", flaw == INPUT_LENGTH ? 2 : 3, input);
    }
    if (flaw != NO_LAYER_COUNT) {
        const int64_t layers = flaw == NO_LAYERS ? 0 : flaw == MORE_LAYERS ? 6 : 5;
        assert_int_equal(mcbe_h5_put_i64(file, "layers", layers, NULL), MCBE_OK);
    }
}

static void put_conv(hid_t file, flaw_t flaw)
{
    const double weight[8] = {1, flaw == WEIGHT_NAN ? (double)NAN : 2, 3, 4}, bias[] = {0.5, -0.5};
    const hsize_t shape[] = {2, flaw == WEIGHT_CHANNELS ? 2 : 1, 1, 2};
    const hsize_t biases = flaw == BIAS_LENGTH ? 1 : 2;
    const hsize_t huge[] = {1 << 20, 1, (hsize_t)1 << 40, 1}, empty[] = {0, 1, 1, 2};
    const int stride[] = {flaw == STRIDE_ZERO ? 0 : 1, 1}, padding[] = {0, 1};
    const hid_t group = put_layer(file, 0, flaw == NO_KIND ? NULL : flaw == KIND ? "lstm" : "conv");
    if (flaw == STRIDE_TEXT) {
        put_text(group, "stride", "1, 1");
    } else if (flaw != NO_STRIDE) {
        put_ints(group, "stride", 2, stride);
    }
    put_ints(group, "padding", 2, padding);
    H5Gclose(group);
    if (flaw == WEIGHT_HUGE || flaw == WEIGHT_EMPTY) {
        put_claim(file, "layers/0/weight", 4, flaw == WEIGHT_HUGE ? huge : empty);
    } else if (flaw != NO_WEIGHT) {
        put_numbers(file, "layers/0/weight", flaw, flaw == WEIGHT_RANK ? 2 : 4, shape, weight);
    }
    if (flaw != NO_BIAS) {
        put_numbers(file, "layers/0/bias", flaw == SINGLE ? SINGLE : NONE, 1, &biases, bias);
    }
}

/* 1 x 2 x 3 -> conv 2 x 2 x 4 -> relu -> max-pool 2 x 1 x 2 -> 4 -> dense 1. */
static void write_network(flaw_t flaw)
{
    const int pool[] = {2, 2}, none[] = {0, 0};
    const double weight[] = {1, 10, 100, 1000, 10000}, bias[] = {0.25};
    const hsize_t shape[] = {1, flaw == DENSE_WIDTH ? 5 : 4}, one = 1;
    hid_t file, group;
    void *image = NULL;
    size_t bytes;
    assert_int_equal(mcbe_h5_create(PATH, &file, NULL), MCBE_OK);
    put_root(file, flaw);
    H5Gclose(H5Gcreate2(file, "layers", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    put_conv(file, flaw);
    H5Gclose(put_layer(file, 1, "relu"));
    group = put_layer(file, 2, "max-pool");
    put_ints(group, "size", 2, pool);
    put_ints(group, "stride", 2, pool);
    put_ints(group, "padding", 2, none);
    H5Gclose(group);
    H5Gclose(put_layer(file, 3, flaw == DENSE_ON_IMAGE ? "relu" : "flatten"));
    H5Gclose(put_layer(file, 4, "dense"));
    put_numbers(file, "layers/4/weight", flaw == SINGLE ? SINGLE : NONE, 2, shape, weight);
    put_numbers(file, "layers/4/bias", flaw == SINGLE ? SINGLE : NONE, 1, &one, bias);
    assert_int_equal(mcbe_h5_image(file, &image, &bytes, NULL), MCBE_OK);
    H5Fclose(file);
    FILE *out = fopen(PATH, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(image, 1, bytes, out), bytes);
    assert_int_equal(fclose(out), 0);
    mcbe_free(image);
}

/* Channel 0 is x_c-1 + 2 x_c + 0.5 with 0 outside of the row, channel 1 3 x_c-1 + 4 x_c - 0.5. Input
 * rows (1 2 3), (0 0 -1): channel 0 (2.5 5.5 8.5 3.5), (0.5 0.5 -1.5 -0.5), pooled 5.5 and 8.5;
 * channel 1 (3.5 10.5 17.5 8.5), ..., pooled 10.5 and 17.5. */
static void whole_files_are_read(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 0, 0, -1}, expected = 5.5 + 85 + 1050 + 17500 + 0.25;
    const flaw_t forms[] = {NONE, SINGLE};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        mcbe_network_t network;
        mcbe_error_t err = {0};
        double y = 0;
        write_network(forms[i]);
        assert_int_equal(mcbe_network_load(&network, PATH, &err), MCBE_OK);
        assert_string_equal(err.text, "");
        assert_int_equal(network.count, 5);
        assert_int_equal(mcbe_network_forward(&network, 5, 1, x, &y), MCBE_OK);
        assert_true(y == expected);
        mcbe_network_free(&network);
    }
}

/* Refused with one sentence that names the file and holds `words`. */
static void assert_refused(const char *path, mcbe_status_t status, const char *words)
{
    mcbe_network_t network;
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_network_load(&network, path, &err), status);
    if (!strstr(err.text, words)) {
        print_error("%s\n", err.text);
    }
    assert_non_null(strstr(err.text, words));
    assert_non_null(strstr(err.text, path));
    assert_null(strchr(err.text, '\n'));
    mcbe_network_free(&network);
}

static void wrong_files_are_refused_by_name(void **state)
{
    (void)state;
    const struct {
        flaw_t flaw;
        mcbe_status_t status;
        const char *words;
    } cases[] = {
        {FILETYPE, MCBE_ERR_DATA, "not a network file of mcbe"},
        {NO_FILETYPE, MCBE_ERR_DATA, "not a network file of mcbe"},
        {VERSION, MCBE_ERR_VERSION, "is a network file of version 2.7, this program reads 1.x"},
        {NO_VERSION, MCBE_ERR_CORRUPT, "lacks the attribute 'version'"},
        {NO_INPUT, MCBE_ERR_CORRUPT, "lacks the attribute 'input'"},
        {INPUT_LENGTH, MCBE_ERR_CORRUPT, "the attribute 'input' is not"},
        {INPUT_EMPTY, MCBE_ERR_DATA, "the network's input is 0 x 2 x 3"},
        {NO_LAYERS, MCBE_ERR_DATA, "says it has 0 layers; 1 to 10000 are allowed"},
        {NO_LAYER_COUNT, MCBE_ERR_CORRUPT, "lacks the attribute 'layers'"},
        {MORE_LAYERS, MCBE_ERR_CORRUPT, "lacks the group 'layers/5'"},
        {KIND, MCBE_ERR_DATA, "layer 0 is of kind 'lstm'; dense, conv, relu, max-pool and flatten"},
        {NO_KIND, MCBE_ERR_CORRUPT, "attribute: 'kind' (layer 0)"},
        {NO_STRIDE, MCBE_ERR_CORRUPT, "attribute: 'stride' (layer 0)"},
        {STRIDE_TEXT, MCBE_ERR_CORRUPT, "the attribute 'stride' is not"},
        {STRIDE_ZERO, MCBE_ERR_DATA, "layer 0 (conv) has a window of height 1 with stride 0"},
        {NO_WEIGHT, MCBE_ERR_CORRUPT, "lacks the dataset 'layers/0/weight'"},
        {WEIGHT_RANK, MCBE_ERR_CORRUPT, "dataset 'layers/0/weight' has 2 dimensions, not 4"},
        {WEIGHT_INTEGERS, MCBE_ERR_CORRUPT, "'layers/0/weight' is of another type"},
        {WEIGHT_CHANNELS, MCBE_ERR_DATA,
         "the weights of layer 0 (conv) take 2 channels, but the layer gets 1"},
        {WEIGHT_EMPTY, MCBE_ERR_DATA, "has 0 entries along axis 0"},
        {WEIGHT_HUGE, MCBE_ERR_DATA, "has 1099511627776 entries along axis 2; 1 to 67108864 are"},
        {WEIGHT_NAN, MCBE_ERR_VALUE, "layer 0: entry 1 of its weight is nan"},
        {NO_BIAS, MCBE_ERR_CORRUPT, "lacks the dataset 'layers/0/bias'"},
        {BIAS_LENGTH, MCBE_ERR_CORRUPT, "'layers/0/bias' has 1 entries along axis 0, not 2"},
        {DENSE_ON_IMAGE, MCBE_ERR_DATA, "layer 4 (dense) gets an image of 2 x 1 x 2"},
        {DENSE_WIDTH, MCBE_ERR_DATA,
         "the weights of layer 4 (dense) take 5 numbers, but the layer gets 4"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        write_network(cases[i].flaw);
        assert_refused(PATH, cases[i].status, cases[i].words);
    }
}

static void what_is_no_hdf5_file_is_refused(void **state)
{
    (void)state;
    assert_refused("missing.h5", MCBE_ERR_IO, "No such file or directory");
    assert_int_equal(mkdir("folder.h5", 0755), 0);
    assert_refused("folder.h5", MCBE_ERR_IO, "is a folder, not a file");
    FILE *out = fopen("text.h5", "w");
    assert_non_null(out);
    fputs("layers: 3\n", out);
    assert_int_equal(fclose(out), 0);
    assert_refused("text.h5", MCBE_ERR_DATA, "is not an HDF5 file");
}

static void files_cut_short_are_refused(void **state)
{
    (void)state;
    struct stat facts;
    write_network(NONE);
    assert_int_equal(stat(PATH, &facts), 0);
    for (long cut = 0; cut < (long)facts.st_size; cut += 257) {
        write_network(NONE);
        assert_int_equal(truncate(PATH, cut), 0);
        assert_refused(PATH, cut < 8 ? MCBE_ERR_DATA : MCBE_ERR_CORRUPT, "");
    }
}

/* The checksum of HDF5 sees a weight that has changed on the disk. */
static void changed_weights_are_refused(void **state)
{
    (void)state;
    const double thousand = 1000;
    char bytes[65536];
    write_network(NONE);
    FILE *file = fopen(PATH, "r+b");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    size_t place = 0;
    while (place + 8 <= size && memcmp(bytes + place, &thousand, 8) != 0) {
        place++;
    }
    assert_true(place + 8 <= size);
    fseek(file, (long)place, SEEK_SET);
    fputc(bytes[place] ^ 1, file);
    assert_int_equal(fclose(file), 0);
    assert_refused(PATH, MCBE_ERR_CORRUPT, "dataset 'layers/4/weight' cannot be read");
}

static mcbe_status_t load_and_free(void)
{
    mcbe_network_t network;
    const mcbe_status_t st = mcbe_network_load(&network, PATH, NULL);
    mcbe_network_free(&network);
    return st;
}

static void failed_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    write_network(NONE);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(load_and_free());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(whole_files_are_read),
        UNIT_TEST(wrong_files_are_refused_by_name),
        UNIT_TEST(what_is_no_hdf5_file_is_refused),
        UNIT_TEST(files_cut_short_are_refused),
        UNIT_TEST(changed_weights_are_refused),
        UNIT_TEST(failed_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
