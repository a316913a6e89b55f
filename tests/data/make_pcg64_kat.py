#!/usr/bin/env python3
"""Make pcg64_kat.txt: known answers for the random streams, computed without any code of mcbe.

Usage: make_pcg64_kat.py > pcg64_kat.txt

The integers come from NumPy's PCG64. The hash of a stream's key and the normals are computed here a
second time, in Python integers and in NumPy's fp32 arithmetic, one rounding an operation. A change of
the file means that every number mcbe draws has changed: MCBE_STREAM_VERSION must then rise.
"""

import numpy as np

MASK64 = 2**64 - 1
MASK128 = 2**128 - 1
MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645  # PCG's 128-bit LCG
INVERSE = pow(MULTIPLIER, -1, 2**128)
LAST = 999  # a late output, which shows that the state is carried on

# (initstate, initseq): PCG's demonstration, the corners of both words, and numbers without a pattern
PAIRS = [
    (42, 54),
    (0, 0),
    (1, 0),
    (0, 1),
    (MASK128, MASK128),
    (1 << 64, 1 << 64),
    (1 << 127, 1 << 127),
    (0x0123456789ABCDEFFEDCBA9876543210, 0x0F1E2D3C4B5A69788796A5B4C3D2E1F0),
    (0x9E3779B97F4A7C15F39CC0605CEDC834, 0xBB67AE8584CAA73B3C6EF372FE94F82B),
]

# seed, n, m, trial, purpose, block
KEYS = [
    (0, 1, 1, 0, 1, 0),
    (20240101, 30, 150, 0, 2, 0),
    (20240101, 30, 150, 0, 2, 1),
    (20240101, 150, 30, 0, 2, 0),
    (MASK64, 3072, 12288, 9, 4, 2**40),
    (1, 2, 3, 4, 3, 5),
]


def pcg64(initstate, initseq):
    """NumPy's generator in the state that PCG's srandom(initstate, initseq) leaves."""
    increment = (initseq << 1 | 1) & MASK128
    state = increment  # one step from 0
    state = ((state + initstate) * MULTIPLIER + increment) & MASK128
    generator = np.random.PCG64()
    generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": increment},
        "has_uint32": 0,
        "uinteger": 0,
    }
    return generator


def initstate_for_first(word, initseq):
    """The initstate whose first output is 64 ones (word = 1...1) or 64 zeros (word = 0)."""
    increment = (initseq << 1 | 1) & MASK128
    wanted = word  # the high half is 0, and its exclusive or with the low half is the word
    state = (wanted - increment) * INVERSE & MASK128
    return ((state - increment) * INVERSE - increment) & MASK128


def splitmix64(value):
    z = (value + 0x9E3779B97F4A7C15) & MASK64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK64
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK64
    return z ^ z >> 31


def keyed(fields):
    words = []
    for lane in range(4):
        chain = splitmix64(lane)
        for field in fields:
            chain = splitmix64(chain ^ (field & MASK64))
        words.append(chain)
    return pcg64(words[0] << 64 | words[1], words[2] << 64 | words[3])


def horner(coefficients, x):
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + np.float32(coefficient)
    return value


def box_muller(outputs):
    """The rule of mcbe_rng_normals for one group of outputs, in NumPy's fp32."""
    f32 = np.float32
    high = (outputs >> np.uint64(32)).astype(np.uint32)
    low = (outputs & np.uint64(0xFFFFFFFF)).astype(np.uint32)

    u = ((high >> np.uint32(1)).astype(f32) + f32(0.5)) * f32(2**-31)
    fraction, exponent = np.frexp(u)  # fraction in [1/2, 1)
    below = fraction < np.uint32(0x3F3504F3).view(f32)  # sqrt(1/2)
    f = np.where(below, fraction * f32(2), fraction) - f32(1)
    exponent = (exponent - below).astype(f32)
    p = horner(
        [-0.0763449296, 0.127615750, -0.131601825, 0.142017588, -0.166233569, 0.200012267]
        + [-0.250008196, 0.333333313],
        f,
    )
    square = f * f
    tail = square * f * p - f32(0.5) * square
    log = exponent * f32(0.693359375) + (f + (tail + exponent * f32(-2.12194440e-4)))
    radius = np.sqrt(f32(-2) * log)

    x = ((low << np.uint32(2)) ^ np.uint32(0x80000000)).view(np.int32).astype(f32)
    x = x * f32(np.pi / 2 * 2**-32)
    z = x * x
    sine = x + x * z * horner([-1.95172994e-4, 8.33217800e-3, -0.166666552], z)
    cosine = (f32(1) - f32(0.5) * z) + z * z * horner([2.44384519e-5, -1.38873677e-3, 4.16666456e-2], z)
    quarter_turns = low >> np.uint32(30)
    cosines = np.choose(quarter_turns, [cosine, -sine, -cosine, sine])
    sines = np.choose(quarter_turns, [sine, cosine, -sine, -cosine])
    return np.concatenate([radius * cosines, radius * sines])


def halves(number):
    return "%016x %016x" % (number >> 64, number & MASK64)


def main():
    print("# Known answers of the random streams, made by make_pcg64_kat.py. All numbers are hexadecimal.")
    print("# pcg: seed and sequence, high word first; outputs 0 to 3 and %d" % LAST)
    extremes = [(initstate_for_first(word, 54), 54) for word in (MASK64, 0)]
    for initstate, initseq in PAIRS + extremes:
        outputs = pcg64(initstate, initseq).random_raw(LAST + 1)
        words = " ".join("%016x" % outputs[i] for i in (0, 1, 2, 3, LAST))
        print("pcg", halves(initstate), halves(initseq), words)
    print("# key: seed n m trial purpose block; outputs 0 and 1")
    for fields in KEYS:
        outputs = keyed(fields).random_raw(2)
        print("key", " ".join("%x" % field for field in fields), "%016x %016x" % tuple(outputs))
    print("# normals: the same key; of 130 normals the bits of numbers 0, 63, 64, 127, 128, 129")
    for fields in KEYS:
        generator = keyed(fields)
        normals = np.concatenate([box_muller(generator.random_raw(count)) for count in (64, 1)])
        bits = " ".join("%08x" % word for word in normals.view(np.uint32)[[0, 63, 64, 127, 128, 129]])
        print("normals", " ".join("%x" % field for field in fields), bits)


if __name__ == "__main__":
    main()
