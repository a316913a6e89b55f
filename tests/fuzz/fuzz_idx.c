/* IDX: as points and as labels. */

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_dataset(data, size, &(mcbe_data_options_t){.format = MCBE_DATA_IDX});
    return 0;
}
