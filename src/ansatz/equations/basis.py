"""One-dimensional frozen layers: Chebyshev polynomials and Fourier modes that keep conditions exactly.

A layer is a list of functions φ_1 … φ_n of one coordinate with all derivatives in closed form.  Linear
homogeneous conditions (a value, a slope, a mixture at an end) are built into the functions: neighbours
are combined such that every single function satisfies them (Shen 1994), so that every sum does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from ansatz.equations.stretch import Stretch
from ansatz.errors import BadInput

Parity = Literal["", "even", "odd"]


@dataclass(frozen=True)
class Functional:
    """A linear condition on a function of one coordinate: Σ_k weights[k] · f^(k)(place) = 0."""

    place: float
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Layer:
    """Functions of one coordinate on `stretch.low … stretch.high` that satisfy `conditions`.

    `modes` counts the functions before they are combined; `parity` keeps the even or the odd ones about
    the middle, on half of the points.
    """

    stretch: Stretch
    modes: int
    conditions: tuple[Functional, ...] = ()
    parity: Parity = ""
    kind: Literal["chebyshev", "fourier"] = "chebyshev"
    cache: dict = field(default_factory=dict, compare=False, repr=False)

    @property
    def size(self) -> int:
        """How many functions there are."""
        return self.combination.shape[1]

    @cached_property
    def combination(self) -> np.ndarray:
        """The matrix `[modes, size]` whose columns are the coefficients of the functions."""
        rows = np.array([self._row(c) for c in self.conditions]).reshape(-1, self.modes)
        if not len(rows):
            return np.eye(self.modes)
        count = len(rows)
        if count >= self.modes:
            raise BadInput(f"A layer of {self.modes} functions cannot satisfy {count} conditions.")
        columns = np.zeros((self.modes, self.modes - count))
        for k in range(self.modes - count):
            block = rows[:, k : k + count + 1]
            scaled = block / np.maximum(np.abs(block).max(axis=1, keepdims=True), 1e-300)
            columns[k : k + count + 1, k] = np.linalg.svd(scaled)[2][-1]
        if np.linalg.cond(columns) > 1e8:
            columns = np.linalg.svd(rows / np.linalg.norm(rows, axis=1, keepdims=True))[2][count:].T
        return columns

    def _row(self, condition: Functional) -> np.ndarray:
        tables = self.plain(np.array([condition.place]), len(condition.weights) - 1)
        return np.tensordot(np.array(condition.weights), np.stack([table[0] for table in tables]), 1)

    def table(self, x: np.ndarray, order: int) -> list[np.ndarray]:
        """Return the functions and their derivatives up to `order` at `x: [N]`, each `[N, size]`."""
        return [table @ self.combination for table in self.plain(x, order)]

    def plain(self, x: np.ndarray, order: int) -> list[np.ndarray]:
        """Return the functions before they are combined, with their derivatives, each `[N, modes]`."""
        x = np.asarray(x, np.float64)
        if self.kind == "fourier":
            return [
                _fourier(self._angle(x), self.modes, self.parity, k) * self._speed**k
                for k in range(order + 1)
            ]
        indices = self._indices()
        reference = self.stretch.reference(x)
        total = int(indices[-1]) + 1
        values = np.polynomial.chebyshev.chebvander(reference, total - 1)
        tables = [values[:, indices]]
        matrix = self._differentiation(total)
        powered = np.eye(total)
        for _ in range(order):
            powered = matrix @ powered
            tables.append(values @ powered[:, indices])
        return self.stretch.chain(x, tables)

    def nodes(self, count: int = 0) -> np.ndarray:
        """Return collocation points, as many as there are functions unless told: dense where the layer is."""
        count = count or self.size
        if self.kind == "fourier":
            share = (np.arange(count) + 0.5) / count
            share = 0.5 + 0.5 * share if self.parity else share
            return self.stretch.low + (self.stretch.high - self.stretch.low) * share
        total = 2 * count if self.parity else count
        angles = (2 * np.arange(total) + 1) * np.pi / (2 * total)
        return self.stretch.place(np.sort(np.cos(angles))[-count:])

    def quadrature(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return points and weights that integrate over the whole interval."""
        if self.kind == "fourier":
            length = self.stretch.high - self.stretch.low
            x = self.stretch.low + length * (np.arange(count) + 0.5) / count
            return x, np.full(count, length / count)
        from scipy.special import roots_legendre

        x, weights = roots_legendre(count)
        return self.stretch.place(x), weights * self.stretch.slope(x)

    def fit(self, values_of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return the coefficients `[size]` of the least-squares fit to a function of x."""
        x = self.nodes(2 * self.size + 2)
        return np.linalg.lstsq(self.table(x, 0)[0], values_of(x), rcond=None)[0]

    def resized(self, modes: int) -> "Layer":
        """Return the same layer with another number of modes; the first functions stay as they are."""
        return Layer(self.stretch, modes, self.conditions, self.parity, self.kind)

    def _indices(self) -> np.ndarray:
        if not self.parity:
            return np.arange(self.modes)
        return 2 * np.arange(self.modes) + (self.parity == "odd")

    def _differentiation(self, total: int) -> np.ndarray:
        if total not in self.cache:
            self.cache[total] = _chebyshev_differentiation(total)
        return self.cache[total]

    @property
    def _speed(self) -> float:
        return 2 * np.pi / (self.stretch.high - self.stretch.low)

    def _angle(self, x: np.ndarray) -> np.ndarray:
        middle = 0.5 * (self.stretch.low + self.stretch.high) if self.parity else self.stretch.low
        return (x - middle) * self._speed


def _chebyshev_differentiation(total: int) -> np.ndarray:
    """Return D with (Σ c_k T_k)' = Σ (D c)_k T_k."""
    rows, columns = np.meshgrid(np.arange(total), np.arange(total), indexing="ij")
    matrix = np.where((columns > rows) & ((columns - rows) % 2 == 1), 2.0 * columns, 0.0)
    matrix[0] /= 2
    return matrix


def _fourier(angle: np.ndarray, modes: int, parity: Parity, order: int) -> np.ndarray:
    """Return 1, cos s, sin s, cos 2s, … (one parity: only the cosines or sines), differentiated."""
    if parity == "even":
        k, phase = np.arange(modes), np.zeros(modes)
    elif parity == "odd":
        k, phase = np.arange(1, modes + 1), np.ones(modes)
    else:
        k, phase = (np.arange(modes) + 1) // 2, (np.arange(modes) + 1) % 2 * (np.arange(modes) > 0)
    return k**order * np.cos(angle[:, None] * k + 0.5 * np.pi * (order - phase))


def radau(count: int) -> np.ndarray:
    """Return the Gauss-Radau points on [-1, 1] with the right end: the stages of Radau IIA.

    The inner ones are the roots of the Jacobi polynomial P^(1,0), eigenvalues of a tridiagonal matrix
    (Golub & Welsch 1969).

    >>> radau(2).round(12).tolist()
    [-0.333333333333, 1.0]
    """
    k = np.arange(count - 1)
    beside = np.sqrt(k[1:] * (k[1:] + 1)) / (2 * k[1:] + 1)
    matrix = np.diag(-1 / ((2 * k + 1) * (2 * k + 3))) + np.diag(beside, 1) + np.diag(beside, -1)
    return np.append(np.linalg.eigvalsh(matrix), 1.0)
