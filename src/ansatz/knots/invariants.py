"""Invariants that every move keeps: the Alexander polynomial, the determinant, the Jones polynomial.

They prove that a diagram is *not* the unknot where they differ from 1; that one equals 1 proves nothing by
itself (the Alexander polynomial of the Conway knot is 1).
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ansatz.errors import BadInput
from ansatz.knots.codes import to_pd
from ansatz.knots.diagram import Diagram, turn
from ansatz.knots.moves import alive, darts, face_labels

PRIME = 2**31 - 1
SMALL_PRIME = 32749
"""The largest prime below 2¹⁵, whose residues have products in int32."""
Polynomial = dict[int, int]


def alexander(diagram: Diagram, prime: int = PRIME) -> list[int]:
    """Return the coefficients of the Alexander polynomial Δ(t) modulo a prime, lowest first, with Δ(1) = 1.

    With the lower strand from south to north, a crossing has the row ``t (SW - NW) + NE - SE`` in the faces
    around it; the minor without the columns of two faces that share an edge is Δ up to ±t^m (Alexander 1928).
    It is computed at n + 1 values of t by elimination, O(n⁴) in NumPy, and interpolated.  Coefficients are
    residues between -prime/2 and prime/2: the integers themselves where those are that small.

    >>> from ansatz.knots.codes import from_braid
    >>> alexander(from_braid([1, -2, 1, -2])), alexander(from_braid([1] * 5))
    ([-1, 3, -1], [1, -1, 1, -1, 1])
    """
    _only_knots(diagram, "Alexander polynomial")
    n = diagram.crossings
    if not n + 1 < prime <= PRIME or not _is_prime(prime):
        raise BadInput(f"The modulus {prime} must be a prime between {n + 2} and 2³¹ - 1.")
    constant, linear = _region_rows(diagram)
    t = np.arange(1, n + 2, dtype=np.int64)
    matrices = (constant[None] + linear[None] * t[:, None, None]) % prime
    return _normalized(_interpolated(t, _determinants(matrices, prime), prime), prime)


def determinant(diagram: Diagram, prime: int = PRIME) -> int:
    """Return det(K) = |Δ(-1)| modulo a prime, as the residue that is nearer to 0, without its sign.

    >>> from ansatz.knots.codes import from_braid
    >>> determinant(from_braid([1, -2, 1, -2])), determinant(from_braid([1, 1, 1]))
    (5, 3)
    """
    _only_knots(diagram, "determinant")
    constant, linear = _region_rows(diagram)
    value = int(_determinants((constant - linear)[None] % prime, prime)[0])
    return min(value, prime - value)


def jones(diagram: Diagram) -> Polynomial:
    """Return the Jones polynomial V(t) of a knot as powers and coefficients, by the Kauffman bracket.

    ``⟨D⟩``, with ``A⟨ab|cd⟩ + A⁻¹⟨bc|da⟩`` for a row [a, b, c, d] of the PD code and ``-A² - A⁻²`` for a
    circle, is summed crossing by crossing over the pairings of the edges still open; then
    ``V = (-A³)^(-w) ⟨D⟩`` at ``A = t^(-1/4)`` (Kauffman 1987).  Time and memory grow exponentially with the
    edges that are open at once: seconds at some 40 crossings.

    >>> from ansatz.knots.codes import from_braid
    >>> jones(from_braid([1, 1, 1]))
    {1: 1, 3: 1, 4: -1}
    """
    _only_knots(diagram, "Jones polynomial")
    states: dict[tuple[tuple[int, int], ...], Polynomial] = {(): {0: 1}}
    for a, b, c, d in _in_order(to_pd(diagram)):
        following: dict[tuple[tuple[int, int], ...], Polynomial] = {}
        for pairs, value in states.items():
            for power, arcs in ((1, ((a, b), (c, d))), (-1, ((b, c), (d, a)))):
                joined, loops = _joined(pairs, arcs)
                total = following.setdefault(joined, {})
                for exponent, coefficient in _times_loops(value, loops).items():
                    total[exponent + power] = total.get(exponent + power, 0) + coefficient
        states = following
    bracket = _without_a_loop(states[()]) if diagram.crossings else {0: 1}
    writhe = diagram.writhe
    found = {(3 * writhe - e) // 4: c * (-1) ** (writhe % 2) for e, c in bracket.items() if c}
    return dict(sorted(found.items()))


def determinants(alpha: Int[Array, " D"], primes: tuple[int, ...] = (SMALL_PRIME,)) -> Int[Array, " primes"]:
    """Return det(K) of a knot modulo each of some primes below 2¹⁵, as `determinant`, under jit and vmap.

    The row of a crossing is ``F₀ + F₁ - F₂ - F₃`` in the faces left of its darts; O(N³) for each prime.

    >>> from ansatz.knots.codes import from_braid
    >>> from ansatz.knots.moves import room
    >>> jax.jit(determinants)(room(from_braid([1, 1, 1]), 4).alpha).tolist()
    [3]
    """
    if not all(2 < prime < 2**15 for prime in primes):
        raise BadInput(f"The primes are {primes}; for products in int32 they must be odd and below 32768.")
    values = jax.vmap(_determinant, in_axes=(None, 0))(_dehn_rows(alpha), jnp.asarray(primes, jnp.int32))
    return jnp.minimum(values, jnp.asarray(primes, jnp.int32) - values)


@functools.cache
def _is_prime(number: int) -> bool:
    return number > 1 and all(number % q for q in range(2, math.isqrt(number) + 1))


def _only_knots(diagram: Diagram, what: str) -> None:
    if diagram.components != 1:
        raise BadInput(f"The {what} is of knots here; this diagram has {diagram.components} components.")


def _region_rows(diagram: Diagram) -> tuple[np.ndarray, np.ndarray]:
    """Return Alexander's matrix without two columns as constant + t · linear, int64 [n, n]."""
    face = {d: i for i, cycle in enumerate(diagram.faces()) for d in cycle}
    entering = {d for strand in diagram.strands() for d in strand}
    n = diagram.crossings
    constant, linear = np.zeros((n, n + 2), np.int64), np.zeros((n, n + 2), np.int64)
    for row, c in enumerate(diagram.live()):
        south = 4 * c if 4 * c in entering else 4 * c + 2
        southeast, northeast, northwest, southwest = (face[turn(south, k)] for k in range(4))
        for matrix, plus, minus in ((linear, southwest, northwest), (constant, northeast, southeast)):
            matrix[row, plus] += 1
            matrix[row, minus] -= 1
    if n == 0:
        return constant[:, :0], linear[:, :0]
    first = 4 * diagram.live()[0]
    beside = [face[first], face[int(np.asarray(diagram.alpha)[first])]]
    return np.delete(constant, beside, axis=1), np.delete(linear, beside, axis=1)


def _determinants(matrices: np.ndarray, prime: int) -> np.ndarray:
    """Return the determinants modulo a prime of residues `[batch, n, n]`, by elimination."""
    a = matrices.copy()
    batch, n, _ = a.shape
    every, value = np.arange(batch), np.ones(batch, np.int64)
    for k in range(n):
        pivot = k + np.argmax(a[:, k:, k] != 0, axis=1)
        rows = a[every, pivot]
        a[every, pivot] = a[:, k]
        a[:, k] = rows
        head = rows[:, k]
        value = value * np.where(pivot == k, head, prime - head) % prime
        factor = a[:, k + 1 :, k] * _inverses(head, prime)[:, None] % prime
        a[:, k + 1 :, k:] = (a[:, k + 1 :, k:] - factor[:, :, None] * rows[:, None, k:] % prime) % prime
    return value


def _inverses(residues: np.ndarray, prime: int) -> np.ndarray:
    """Return x^(prime - 2) elementwise: the inverse of x, and 0 for 0."""
    power, result, exponent = residues % prime, np.ones_like(residues), prime - 2
    while exponent:
        if exponent & 1:
            result = result * power % prime
        power = power * power % prime
        exponent >>= 1
    return result


def _interpolated(t: np.ndarray, values: np.ndarray, prime: int) -> list[int]:
    """Return the coefficients of the polynomial through (t, values), modulo a prime, by differences."""
    n, divided = len(t), values.copy()
    for k in range(1, n):
        step = _inverses((t[k:] - t[:-k]) % prime, prime)
        divided[k:] = (divided[k:] - divided[k - 1 : -1]) * step % prime
    result = np.zeros(n, np.int64)
    for k in range(n - 1, -1, -1):
        shifted = np.concatenate([[0], result[:-1]])
        result = (shifted - t[k] * result) % prime
        result[0] = (result[0] + divided[k]) % prime
    return result.tolist()


def _normalized(coefficients: list[int], prime: int) -> list[int]:
    """Return a polynomial without its factor t^m, with value 1 at t = 1, its residues nearest to 0."""
    filled = [i for i, c in enumerate(coefficients) if c]
    if not filled:
        raise BadInput("The Alexander polynomial came out as 0, which no knot has: the diagram is not one.")
    kept = coefficients[filled[0] : filled[-1] + 1]
    if sum(kept) % prime != 1:
        kept = [prime - c if c else 0 for c in kept]
    return [c - prime if c > prime // 2 else c for c in kept]


def _dehn_rows(alpha: Int[Array, " D"]) -> Int[Array, "N N"]:
    """Return the rows of `determinants` without the columns of two faces, and the identity below them.

    Faces are numbered by their least darts; those on both sides of the first edge are left out.
    """
    live, label, d = alive(alpha), face_labels(alpha), darts(alpha)
    N = alpha.shape[-1] // 4
    rank = jnp.cumsum(live & (label == d), dtype=jnp.int32)[label] - 1
    beside = rank[alpha[jnp.argmax(live)]]
    column = jnp.where((rank == 0) | (rank == beside), N, rank - 1 - (rank > beside).astype(jnp.int32))
    row = jnp.cumsum(live[::4], dtype=jnp.int32)[d >> 2] - 1
    sign = jnp.where((d & 2) > 0, jnp.int32(-1), jnp.int32(1))
    rows = jnp.zeros((N, N), jnp.int32).at[jnp.where(live, row, N), column].add(sign, mode="drop")
    used = jnp.arange(N, dtype=jnp.int32) < jnp.sum(live[::4], dtype=jnp.int32)
    return rows + jnp.diag(jnp.where(used, jnp.int32(0), jnp.int32(1)))


def _determinant(matrix: Int[Array, "N N"], prime: Int[Array, ""]) -> Int[Array, ""]:
    """Return the determinant modulo a prime below 2¹⁵, by elimination."""
    N = matrix.shape[0]
    at = jnp.arange(N, dtype=jnp.int32)

    def eliminate(k, state):
        a, value = state
        pivot = jnp.argmax((a[:, k] != 0) & (at >= k)).astype(jnp.int32)
        a = a.at[jnp.stack([k, pivot])].set(a[jnp.stack([pivot, k])])
        row = a[k]
        head = row[k]
        factor = jnp.where(at > k, a[:, k] * _small_inverse(head, prime) % prime, 0)
        a = (a - factor[:, None] * row[None] % prime) % prime
        return a, value * jnp.where(pivot == k, head, prime - head) % prime

    return jax.lax.fori_loop(jnp.int32(0), jnp.int32(N), eliminate, (matrix % prime, jnp.int32(1)))[1]


def _small_inverse(x: Int[Array, ""], prime: Int[Array, ""]) -> Int[Array, ""]:
    """Return x^(prime - 2) for a prime below 2¹⁵."""

    def square(bit, state):
        power, result = state
        result = jnp.where(((prime - 2) >> bit) & 1 == 1, result * power % prime, result)
        return power * power % prime, result

    return jax.lax.fori_loop(jnp.int32(0), jnp.int32(15), square, (x, jnp.ones_like(x)))[1]


def _in_order(rows: list[list[int]]) -> list[list[int]]:
    """Return the rows so that each shares as many edges as it can with those before it."""
    left, seen, ordered = list(rows), set(), []
    while left:
        best = max(left, key=lambda row: sum(label in seen for label in row))
        left.remove(best)
        seen.update(best)
        ordered.append(best)
    return ordered


def _joined(
    pairs: tuple[tuple[int, int], ...], arcs: tuple[tuple[int, int], ...]
) -> tuple[tuple[tuple[int, int], ...], int]:
    """Return which open edges are joined when arcs are added, and how many circles that closes."""
    partner = dict(pairs) | {b: a for a, b in pairs}
    loops = 0
    for arc in arcs:
        ends = []
        for label in arc:
            end = partner.pop(label, label)
            partner.pop(end, None)
            ends.append(end)
        if ends[0] == ends[1]:
            loops += 1
        else:
            partner[ends[0]], partner[ends[1]] = ends[1], ends[0]
    return tuple(sorted((a, b) for a, b in partner.items() if a < b)), loops


def _times_loops(value: Polynomial, loops: int) -> Polynomial:
    """Return a polynomial in A times (-A² - A⁻²)^loops."""
    for _ in range(loops):
        product: Polynomial = {}
        for exponent, coefficient in value.items():
            for shift in (2, -2):
                product[exponent + shift] = product.get(exponent + shift, 0) - coefficient
        value = product
    return value


def _without_a_loop(value: Polynomial) -> Polynomial:
    """Return a polynomial in A divided by -A² - A⁻², which divides it."""
    left, quotient = dict(value), {}
    while left := {e: c for e, c in left.items() if c}:
        top = max(left)
        quotient[top - 2] = -left[top]
        left[top - 4] = left.get(top - 4, 0) - left[top]
        del left[top]
    return quotient
