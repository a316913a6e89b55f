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

// The library's generator with a fill that leapfrogs: the states of LANES consecutive outputs each
// jump LANES steps at a time, so that the multiplications overlap. Output and recurrence are the
// library's own.
class leapfrog : public pcg64
{
  public:
    void fill(uint64_t *out, size_t count)
    {
        const word128 a = multiplier(), c = increment();
        const word128 jump = (a * a) * (a * a), step = c * (1 + a) * (1 + a * a);
        size_t i = 0;
        if (count >= LANES) {
            word128 state[LANES] = {bump(state_)};
            for (size_t lane = 1; lane < LANES; lane++) {
                state[lane] = bump(state[lane - 1]);
            }
            for (; i + LANES <= count; i += LANES) {
                for (size_t lane = 0; lane < LANES; lane++) {
                    out[i + lane] = output(state[lane]);
                    state_ = state[lane];
                    state[lane] = state[lane] * jump + step;
                }
            }
        }
        for (; i < count; i++) {
            out[i] = (*this)();
        }
    }

  private:
    static constexpr size_t LANES = 4;
};
static_assert(sizeof(leapfrog) == sizeof(pcg64), "leapfrog adds no data");
} // namespace

void mcbe_pcg_seed(mcbe_rng_t *rng, const uint64_t seed[2], const uint64_t sequence[2])
{
    const pcg64 generator(join(seed), join(sequence));
    std::memcpy(rng, &generator, sizeof generator);
}

void mcbe_pcg_fill(mcbe_rng_t *rng, uint64_t *out, size_t count)
{
    leapfrog generator; // a local copy keeps the state in registers
    std::memcpy(static_cast<void *>(&generator), rng, sizeof generator);
    generator.fill(out, count);
    std::memcpy(rng, &generator, sizeof generator);
}
