#!/usr/bin/env python3
"""Check an exported certificate with NumPy alone.

    mcbe show results.h5 --certificate 0 -o evidence
    scripts/check_certificate.py evidence

The folder holds W.npy (m x n), bias.npy (m) and x.npy (n). The layer ReLU(W x - bias) can be inverted near x only if
at least n of its rows are active there: <x, w_j> >= bias_j. Fewer are a proof that it cannot. Products are rounded, so a
row counts as active unless it is inactive beyond every rounding error: |error of a sum of n products| <= n eps |x| |w_j|.
Exit code 0: the certificate holds; 1: it does not; 2: the folder cannot be read.
"""

import pathlib
import sys

import numpy as np


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) == 2 else 2
    folder = pathlib.Path(sys.argv[1])
    try:
        w, bias, x = (np.load(folder / f"{name}.npy").astype(np.float64) for name in ("W", "bias", "x"))
    except (OSError, ValueError) as error:
        print(f"{folder}: {error}", file=sys.stderr)
        return 2
    if w.ndim != 2 or bias.shape != w.shape[:1] or x.shape != w.shape[1:]:
        print(f"{folder}: shapes do not fit: W {w.shape}, bias {bias.shape}, x {x.shape}", file=sys.stderr)
        return 2
    m, n = w.shape
    if not all(np.all(np.isfinite(values)) for values in (w, bias, x)):
        print(f"{folder}: W, bias and x must be finite numbers", file=sys.stderr)
        return 2
    norms = np.linalg.norm(w, axis=1)
    margin = 8 * n * np.finfo(np.float64).eps * np.linalg.norm(x) * norms
    c = w @ x
    doubtful = np.abs(c - bias) <= margin
    active = int(np.count_nonzero(c >= bias - margin))
    print(f"W is {m} x {n}, |x| = {np.linalg.norm(x):.12g}; {active} rows are active at x"
          f" ({np.count_nonzero(doubtful)} of them within rounding), n = {n}")
    holds = np.linalg.norm(x) > 0 and active < n
    print("certificate holds: the layer is not injective at x" if holds else "certificate does NOT hold")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
