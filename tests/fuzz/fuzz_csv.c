/* CSV: as points, in the ways the first byte chooses, and as a matrix. */

#include "csv_text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = {',', ';', '\t', 0};
    static const char *const labels[] = {NULL, "last", "0", "class"};
    if (size == 0) {
        return 0;
    }
    const unsigned choice = data[0];
    const mcbe_data_options_t options = {.format = MCBE_DATA_CSV,
                                         .header = (mcbe_data_header_t)((choice >> 4 & 3) % 3),
                                         .delimiter = delimiters[choice & 3],
                                         .label = labels[choice >> 2 & 3]};
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    void *copy = NULL;
    fuzz_dataset(data + 1, size - 1, &options);
    FILE *in = fuzz_open(data + 1, size - 1, &copy);
    const mcbe_status_t st = mcbe_csv_parse(&array, in, "fuzz", &err);
    fclose(in);
    free(copy);
    fuzz_check_array(st, &array, &err);
    return 0;
}
