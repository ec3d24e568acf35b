"""Finite differences of fourth order on any nodes: the weights that are exact for polynomials."""

from math import factorial
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

ORDER = 4


class Axis(NamedTuple):
    """The nodes of a coordinate; `backward` stencils never look ahead (time), `period` closes the axis."""

    nodes: np.ndarray
    backward: bool = False
    period: float = 0.0


def weights(nodes: np.ndarray, place: float, order: int) -> np.ndarray:
    """Return w with Σ w_i f(nodes[i]) = f^(order)(place) for polynomials of degree below `len(nodes)`.

    >>> weights(np.array([-1.0, 0.0, 1.0]), 0.0, 2).round(12).tolist()
    [1.0, -2.0, 1.0]
    """
    size = float(np.abs(nodes - place).max()) or 1.0
    powers = np.vander((nodes - place) / size, increasing=True).T
    right = np.zeros(len(nodes))
    right[order] = factorial(order) / size**order
    return np.linalg.solve(powers, right)


def differentiation(axis: Axis, order: int) -> Any:
    """Return the sparse matrix of a derivative at the nodes `[N, N]`."""
    count = len(axis.nodes)
    if order == 0:
        return scipy.sparse.identity(count, format="csr")
    width = min(order + ORDER - (1 if axis.backward else 0), count)
    if not axis.backward and order % 2 == 0:
        width = min(width + 1, count)
    rows, columns, values = [], [], []
    for j in range(count):
        start = j - width + 1 if axis.backward else j - width // 2
        if axis.period:
            chosen = np.arange(start, start + width)
            nodes = axis.nodes[chosen % count] + axis.period * (chosen // count)
            chosen = chosen % count
        else:
            start = min(max(start, 0), count - width)
            chosen = np.arange(start, start + width)
            nodes = axis.nodes[chosen]
        rows += [j] * width
        columns += chosen.tolist()
        values += weights(nodes, axis.nodes[j], order).tolist()
    return scipy.sparse.csr_matrix((values, (rows, columns)), shape=(count, count))
