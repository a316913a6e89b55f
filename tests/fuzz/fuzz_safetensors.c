/* Safetensors: the tensor "w", and the only one. */

#include "fuzz.h"
#include "safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"w", NULL};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        mcbe_npy_t array;
        mcbe_error_t err = {0};
        void *copy = NULL;
        FILE *in = fuzz_open(data, size, &copy);
        const mcbe_status_t st = mcbe_safetensors_parse(&array, in, "fuzz", names[i], &err);
        fclose(in);
        free(copy);
        fuzz_check_array(st, &array, &err);
    }
    return 0;
}
