#!/usr/bin/env python3
"""Prints the expected bounds of tests/unit/test_stats_bounds.c, from their definitions as finite sums in 60 digits.

Needs mpmath. Where N is too large for the sum of wait-and-judge, its limit for N to infinity at fixed N * eps is used
(Poisson counts); the relative difference is about 1 / N.
"""
import mpmath as mp

mp.mp.dps = 60


def falling_root(function):
    """The root of a function that is positive below it, on (0, 1), to 40 digits, found on a logarithmic scale."""
    low, high = mp.mpf(10) ** -30, 1 - mp.mpf(10) ** -30
    for _ in range(150):
        middle = mp.sqrt(low * high)
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return high


def clopper_pearson(k, s, beta):
    """P(at most k of s) = beta."""
    def at_most_k(p):
        term = total = mp.exp(s * mp.log1p(-p))
        for i in range(k):
            term *= mp.mpf(s - i) / (i + 1) * p / (1 - p)
            total += term
        return total
    return falling_root(lambda p: at_most_k(p) - beta)


def wait_and_judge(k, n, beta):
    """beta / (N + 1) sum_{i = K}^N C(i, K) t^(i - K) = C(N, K) t^(N - K), eps = 1 - t."""
    def difference(eps):
        t = 1 - eps
        term = total = mp.mpf(1)
        for i in range(k, n):
            term *= mp.mpf(i + 1) / (i + 1 - k) * t
            total += term
        return term - beta / (n + 1) * total  # the last term is the right-hand side
    return falling_root(difference)


def wait_and_judge_limit(k, n, beta):
    """c = N eps solves beta P(at least K + 1) = (K + 1) P(exactly K + 1) for a Poisson count of mean c."""
    def difference(eps):
        c = n * eps
        exactly = mp.exp(-c + (k + 1) * mp.log(c) - mp.loggamma(k + 2))
        return (k + 1) * exactly - beta * mp.gammainc(k + 1, 0, c, regularized=True)
    return falling_root(difference)


def show(function, rows):
    for a, b, beta in rows:
        print(f"    {{{a}, {b}, {beta}, {mp.nstr(function(a, b, mp.mpf(float(beta))), 17)}}},")


print("clopper_pearson")
show(clopper_pearson, [(k, s, beta) for s in (10, 1000) for k in (0, 1, 9) if k < s for beta in ("0.05", "1e-9")]
     + [(0, 1, "0.3"), (1, 2, "0.05"), (8, 1000, "0.05"), (8, 10000, "0.05"), (49, 10000, "0.05"), (99, 10000, "0.05"),
        (9, 20, "0.95"), (150, 1000000, "0.05"), (3, 1000000000, "0.05"), (9, 1000000000, "1e-9"),
        (0, 10**15, "0.05"), (3, 10**15, "0.05"), (149, 10**15, "1e-12")])
print("wait_and_judge")
show(wait_and_judge, [(0, 1, "0.05"), (0, 10, "0.05"), (9, 10, "0.05"), (5, 10, "0.9"), (9, 1000, "0.05"),
                      (0, 1000, "1e-9"), (500, 1000, "0.05"), (999, 1000, "0.05"), (9, 10000, "0.05"),
                      (42, 10000, "0.05"), (64, 10000, "0.05")])
print("wait_and_judge, limit")
show(wait_and_judge_limit, [(0, 10**12, "0.05"), (9, 10**12, "0.05"), (3, 10**15, "0.5"), (150, 10**15, "1e-9")])
