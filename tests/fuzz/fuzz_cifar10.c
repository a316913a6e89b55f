/* CIFAR-10's binary version, plain and packed. */

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_dataset(data, size, &(mcbe_data_options_t){.format = MCBE_DATA_CIFAR10});
    return 0;
}
