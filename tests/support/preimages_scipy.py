"""Preimages of a ReLU layer as one writes it with SciPy: rank and null space by the singular value decomposition, then
the linear program of Algorithm 1 (inverse-stability paper) with the condition for an interior point."""

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import linprog

SMALLEST = 1e-12  # a weight above this is one


def omnidirectional(a):
    """Largest t with A^T c = 0, sum c = 1, c_i >= t, as c = t + u; inside the hull iff it is above 0 (and the rows span
    the space)."""
    rows, k = a.shape
    if rows <= k:
        return False
    equal = np.ones((k + 1, rows + 1))
    equal[:k, :rows] = a.T
    equal[:k, rows] = a.sum(axis=0)
    equal[k, rows] = rows
    result = linprog(np.r_[np.zeros(rows), -1], A_eq=equal, b_eq=np.r_[np.zeros(k), 1], bounds=(0, None), method="highs")
    return result.status == 0 and -result.fun > SMALLEST


def verdict(w, bias, x):
    """What the preimage of ReLU(Wx - bias) is, for rows in general position."""
    positive = w @ x > bias
    n = w.shape[1]
    if positive.sum() >= n and np.linalg.matrix_rank(w[positive]) == n:
        return "singleton"
    basis = null_space(w[positive]) if positive.any() else np.eye(n)
    return "compact" if omnidirectional(w[~positive] @ basis) else "unbounded"
