"""The chain from ids to alpha* once more, in NumPy and without a screen: what the program must give bit for bit.

Written from docs/method.md. Every operation below is one IEEE 754 rounds exactly, in the documented order."""

import functools
import math

import numpy as np

WORD = (1 << 64) - 1
PCG_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
FRAME, SAMPLE, BIAS, RADIUS, BANK_A, BANK_B, HOLDOUT = 1, 2, 3, 4, 5, 6, 9  # purposes
BLOCK = 256                               # samples, n <= 1024
GROUP = 64                                # draws turned into normals in one go
CENTERS, NOISES = 256, 64                 # of a block of the crossed design


def splitmix(z):
    z = (z + 0x9E3779B97F4A7C15) & WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def stream(seed, n, m, trial, purpose, block):
    """PCG64, seeded with the hash of an address."""
    words = []
    for lane in range(4):
        word = splitmix(lane)
        for field in (seed, n, m, trial, purpose, block):
            word = splitmix(word ^ field)
        words.append(word)
    start, sequence = words[0] << 64 | words[1], words[2] << 64 | words[3]
    increment = (sequence << 1 | 1) & ((1 << 128) - 1)
    generator = np.random.PCG64()
    generator.state = {"bit_generator": "PCG64", "has_uint32": 0, "uinteger": 0, "state": {
        "state": ((increment + start) * PCG_MULTIPLIER + increment) & ((1 << 128) - 1), "inc": increment}}
    return generator


def horner(x, *coefficients):
    total = np.float32(coefficients[0])
    for coefficient in coefficients[1:]:
        total = total * x + np.float32(coefficient)
    return total


def minus_two_log(u):
    bits = u.view(np.uint32)
    exponent = (bits - np.uint32(0x3F3504F3)).view(np.int32) >> 23
    f = (bits - (exponent.view(np.uint32) << np.uint32(23))).view(np.float32) - np.float32(1)
    p = horner(f, -0.0763449296, 0.127615750, -0.131601825, 0.142017588, -0.166233569, 0.200012267, -0.250008196,
               0.333333313)
    square = f * f
    tail = square * f * p - np.float32(0.5) * square
    exponent = exponent.astype(np.float32)
    return np.float32(-2) * (exponent * np.float32(0.693359375) +
                             (f + (tail + exponent * np.float32(-2.12194440e-4))))


def box_muller(bits):
    """A pair of fp32 normals from each 64-bit draw."""
    high, low = (bits >> np.uint64(32)).astype(np.uint32), bits.astype(np.uint32)
    u = ((high >> 1).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-31)
    radius = np.sqrt(minus_two_log(u))
    quadrant = low >> 30
    x = ((low << 2) ^ np.uint32(0x80000000)).view(np.int32).astype(np.float32) * np.float32(math.pi / 2 * 2.0**-32)
    z = x * x
    sine = x + x * z * horner(z, -1.95172994e-4, 8.33217800e-3, -0.166666552)
    cosine = np.float32(1) - np.float32(0.5) * z + z * z * horner(z, 2.44384519e-5, -1.38873677e-3, 4.16666456e-2)
    first, second = np.where(quadrant & 1, (sine, cosine), (cosine, sine))
    return (radius * np.where((quadrant + 1) & 2, -first, first),
            radius * np.where(quadrant & 2, -second, second))


def normals(generator, count):
    """64 draws give 64 cosines, then 64 sines; a last group may be smaller."""
    draws = (count + 1) // 2
    cosines, sines = box_muller(generator.random_raw(draws))
    groups = [part[start:start + GROUP] for start in range(0, draws, GROUP) for part in (cosines, sines)]
    return np.concatenate(groups)[:count]


def power(y, n):
    result = 1.0
    while n:
        if n & 1:
            result *= y
        y *= y
        n >>= 1
    return result


def root(value, n):
    y = 1.0
    while True:
        slope = power(y, n - 1)
        following = y - (y * slope - value) / (n * slope)
        if not following < y:
            return y
        y = following


def norms(rows):
    """|w_j|, the sum in index order. A power of two scales the largest entry below 1; it changes no bit here."""
    total = np.zeros(len(rows))
    for column in rows.T:
        total += column * column
    return np.sqrt(total)


def frame(seed, n, m, trial, unit_rows=False):
    """W and its row norms."""
    rows = normals(stream(seed, n, m, trial, FRAME, 0), m * n).astype(np.float64).reshape(m, n)
    if unit_rows:
        rows = rows / norms(rows)[:, None]
    return rows, norms(rows)


def points(seed, n, m, trial, block, kind="sphere", radius=1.0, inner_radius=0.5, radial="analytic",
           nonnegative=False, purpose=SAMPLE):
    """fp32 coordinates [n][BLOCK] and fp64 factors [BLOCK] of the points of one block."""
    generator = stream(seed, n, m, trial, purpose, block)
    x = normals(generator, n * BLOCK).reshape(n, BLOCK)
    if nonnegative:
        x = np.abs(x)
    if kind == "gaussian":
        return x, np.ones(BLOCK)
    scale = 1 / norms(x.T.astype(np.float64))
    if radial == "sampled" and kind in ("ball", "shell"):
        hollow = power(inner_radius / radius, n) if kind == "shell" else 0.0
        if purpose == SAMPLE:
            generator = stream(seed, n, m, trial, RADIUS, block)
        draws = generator.random_raw(BLOCK)
        uniforms = ((draws >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
        scale *= [radius * root(hollow + u * (1.0 - hollow), n) for u in uniforms.tolist()]
    return x, scale


def finish(values, kind="sphere", radius=1.0, inner_radius=0.5, radial="analytic", **_):
    """From minima over directions to alpha* on K."""
    if kind == "gaussian" or (radial == "sampled" and kind in ("ball", "shell")):
        return values
    factors = {"sphere": radius, "ball": np.where(values < 0, radius, 0.0),
               "shell": np.where(values < 0, radius, inner_radius)}[kind]
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(values), values, values * factors)


def bias(seed, n, m, trial, family, variance):
    """The biases of a normal family, by its number in the list of families."""
    return math.sqrt(variance) * normals(stream(seed, n, m, trial, BIAS, family), m).astype(np.float64)


def row_points(rows, row_norms):
    """The directions of the rows as fp32 coordinates with factors, like `points`."""
    x = (rows / row_norms[:, None]).astype(np.float32).T
    return x, 1 / norms(x.T.astype(np.float64))


def many_points(seed, n, m, trial, count, **options):
    """The first points, as fp64 coordinates [n][count] and factors [count]."""
    blocks = [points(seed, n, m, trial, block, **options) for block in range(math.ceil(count / BLOCK))]
    x = np.concatenate([block[0] for block in blocks], axis=1)[:, :count]
    return x.astype(np.float64), np.concatenate([block[1] for block in blocks])[:count]


def below(generator, bound, count):
    """Whole numbers from 0 to bound - 1: the upper halves of products, but for those that would favour some."""
    excess, found = ((1 << 64) - bound) % bound, []
    while len(found) < count:
        product = int(generator.random_raw()) * bound
        if product & WORD >= excess:
            found.append(product >> 64)
    return found


def paired_points(seed, n, m, trial, count):
    """The first directions of the paired design, as fp64 sums [n][count] and factors [count]."""
    shell = [math.isqrt(sample) for sample in range(count)]
    place = [sample - l * l for sample, l in enumerate(shell)]
    pairs = [(l, r) if r <= l else (r - l - 1, l) for l, r in zip(shell, place)]
    blocks = range(shell[-1] // BLOCK + 1)
    banks = [np.concatenate([normals(stream(seed, n, m, trial, purpose, block), n * BLOCK).reshape(n, BLOCK)
                             for block in blocks], axis=1).astype(np.float64) for purpose in (BANK_A, BANK_B)]
    x = banks[0][:, [a for a, _ in pairs]] + banks[1][:, [b for _, b in pairs]]
    return x, 1 / norms(x.T)


def scott(data):
    """Deviations of the noise of a density estimate around fp32 points [count][n]."""
    count, n = data.shape
    values = data.astype(np.float64)
    mean = np.add.accumulate(values)[-1] / count
    squares = np.add.accumulate((values - mean) ** 2)[-1]
    return root(1.0 / count, n + 4) * np.sqrt(squares / (count - 1))


def cloud_points(seed, n, m, trial, count, data, deviation, crossed=False):
    """The first points around data [M][n] fp32 with noise of these deviations [n], as fp64 coordinates [n][count]."""
    def noise(purpose, block, width):
        generator = stream(seed, n, m, trial, purpose, block)
        x = normals(generator, n * width).reshape(n, width)
        return generator, (deviation[:, None] * x.astype(np.float64)).astype(np.float32)

    blocks = []
    for block in range(math.ceil(count / (CENTERS * NOISES if crossed else BLOCK))):
        if crossed:
            centers = data[below(stream(seed, n, m, trial, BANK_A, block), len(data), CENTERS)].T
            _, noises = noise(BANK_B, block, NOISES)
            sums = noises.astype(np.float64)[:, :, None] + centers.astype(np.float64)[:, None, :]
            blocks.append(sums.reshape(n, -1))
        else:
            generator, noises = noise(SAMPLE, block, BLOCK)
            blocks.append((data[below(generator, len(data), BLOCK)].T + noises).astype(np.float64))
    return np.concatenate(blocks, axis=1)[:, :count]


def coefficients(rows, x, scale):
    """[m][points], sums in index order."""
    c = np.zeros((len(rows), x.shape[1]))
    for k in range(len(x)):
        c += rows[:, k, None] * x[k]
    return c * scale + 0.0


def tolerances(row_norms, x, scale):
    """By how much a coefficient [m][points] may miss its bias in an active row."""
    return 8 * len(x) * np.finfo(np.float64).eps * (norms(x.T) * scale) * row_norms[:, None]


def among_largest(c, n):
    """The coefficients of the rows that are among the n largest, ties to the lowest index; +inf for the others."""
    largest = np.zeros(c.shape, bool)
    np.put_along_axis(largest, np.argsort(-c, axis=0, kind="stable")[:n], True, axis=0)
    return np.where(largest, c, np.inf)


def sampled(n, c, ids):
    """Minima [m] over points of coefficients [m][points], their witnesses, and how many points lowered an entry and
    which was the last, by trying every point on every row."""
    values = among_largest(c, n)
    start = np.full((len(c), 1), np.inf)
    before = np.minimum.accumulate(np.concatenate([start, values], axis=1), axis=1)[:, :-1]
    lowering = np.flatnonzero((values < before).any(axis=0))
    minima = values.min(axis=1)
    return minima, np.where(np.isinf(minima), -1, ids[values.argmin(axis=1)]), len(lowering), ids[lowering[-1]]


def active_rows(rows, row_norms, x, bias):
    """How many rows are active at points [n][count], within the tolerance."""
    scale = np.ones(x.shape[1])
    return (coefficients(rows, x, scale) >= bias[:, None] - tolerances(row_norms, x, scale)).sum(axis=0)


def unit(seed, n, m, trial, samples, unit_rows=False, init_rows=False, **domain):
    """All quantities of one unit, by trying every sample on every row."""
    rows, row_norms = frame(seed, n, m, trial, unit_rows)
    x, scale = many_points(seed, n, m, trial, samples, **domain)
    ids = np.arange(samples)
    if init_rows:
        first = row_points(rows, row_norms)
        x, scale = np.concatenate([first[0], x], axis=1), np.concatenate([first[1], scale])
        ids = np.concatenate([-2 - np.arange(m), ids])
    x = x.astype(np.float64)
    c = coefficients(rows, x, scale)
    active = (c >= -tolerances(row_norms, x, scale)).sum(axis=0)
    minima, witnesses, updates, last_update = sampled(n, c, ids)
    return {
        "alpha/data": finish(minima, **domain),
        "alpha/direction": minima,
        "alpha/row_norm": row_norms,
        "witness/sample": witnesses,
        "trials/samples": len(ids),
        "trials/updates": updates,
        "trials/last_update": last_update,
        "trials/min_active": active.min(),
        "trials/min_active_sample": ids[active.argmin()],
        "trials/unconstrained": np.isinf(minima).sum(),
    }


def curves(seed, n, m, trial, iterations, tests, unit_rows=False, init_rows=False, **domain):
    """The curves of one unit: alpha* after each number of points from all of them at once, held against every test
    point."""
    rows, row_norms = frame(seed, n, m, trial, unit_rows)
    values = among_largest(coefficients(rows, *many_points(seed, n, m, trial, max(iterations), **domain)), n)
    start = np.full(m, np.inf)
    if init_rows:
        x, scale = row_points(rows, row_norms)
        start = among_largest(coefficients(rows, x.astype(np.float64), scale), n).min(axis=1)
    x, scale = many_points(seed, n, m, trial, tests, purpose=HOLDOUT, **domain)
    c, tolerance = coefficients(rows, x, scale), tolerances(row_norms, x, scale)
    found = {"no_update": [], "rectified": [], "infinite": [], "alpha_mean": []}
    for iteration in iterations:
        minima = np.minimum(start, values[:, :iteration].min(axis=1))
        on_domain = finish(minima, **domain)
        finite = on_domain[np.isfinite(on_domain)].tolist()
        found["no_update"].append((among_largest(c, n) >= minima[:, None]).all(axis=0).sum() / tests)
        found["rectified"].append(((c >= minima[:, None] - tolerance).sum(axis=0) >= n).sum() / tests)
        found["infinite"].append(m - len(finite))
        found["alpha_mean"].append(functools.reduce(float.__add__, finite, 0.0) / len(finite))
    return found
