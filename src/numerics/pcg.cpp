#include "pcg.h"

#include <cstring>
#include <type_traits>

#include <pcg_random.hpp>

static_assert(sizeof(pcg64) == sizeof(mcbe_rng_t), "mcbe_rng_t must hold a pcg64");
static_assert(std::is_trivially_copyable<pcg64>::value, "a pcg64 must be plain bytes");

namespace
{
using word128 = pcg64::state_type;

word128 join(const uint64_t words[2])
{
    return (static_cast<word128>(words[0]) << 64) | words[1];
}
} // namespace

void mcbe_pcg_seed(mcbe_rng_t *rng, const uint64_t seed[2], const uint64_t sequence[2])
{
    const pcg64 generator(join(seed), join(sequence));
    std::memcpy(rng, &generator, sizeof generator);
}

void mcbe_pcg_fill(mcbe_rng_t *rng, uint64_t *out, size_t count)
{
    pcg64 generator; // a local copy keeps the state in registers
    std::memcpy(static_cast<void *>(&generator), rng, sizeof generator);
    for (size_t i = 0; i < count; i++) {
        out[i] = generator();
    }
    std::memcpy(rng, &generator, sizeof generator);
}
