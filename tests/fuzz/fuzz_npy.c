/* NumPy: as a matrix, as points and as labels. */

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    void *copy = NULL;
    fuzz_dataset(data, size, &(mcbe_data_options_t){.format = MCBE_DATA_NPY});
    FILE *in = fuzz_open(data, size, &copy);
    const mcbe_status_t st = mcbe_npy_parse(&array, in, "fuzz", &err);
    fclose(in);
    free(copy);
    fuzz_check_array(st, &array, &err);
    return 0;
}
