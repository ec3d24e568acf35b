"""What invariants say of the unknotting number and the genus, from a Seifert matrix, exactly."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ansatz.knots.diagram import Diagram, orbits, turn
from ansatz.knots.invariants import determinant, jones
from ansatz.knots.play import play
from ansatz.knots.seifert import alexander_of, bareiss, inertia, seifert
from ansatz.knots.sketch import Sketch

FIELDS = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31)
"""The primes over which Alexander modules are looked at."""
FACTORED, BRACKETS = 10**10, 20
"""The largest determinant that is factored, and the most crossings for which the Jones polynomial is made."""


class Bounds(NamedTuple):
    """Lower bounds of a knot's unknotting number, by name, and bounds of its genus on both sides."""

    unknotting: dict[str, int]
    genus: tuple[int, int]

    @property
    def changes(self) -> int:
        """Return the largest lower bound of the unknotting number."""
        return max(self.unknotting.values())


def bounds(diagram: Diagram) -> Bounds:
    """Return what classical invariants prove of the unknotting number u and of the genus g.

    signature   u ≥ |σ| / 2, since a crossing change moves σ by 2 or not at all (Murasugi 1965)
    slice       u ≥ |s| / 2, with what the diagram says of Rasmussen's s: see `slice_torus`
    module      u ≥ the least number of generators of the Alexander module (Nakanishi 1981), of which the
                dimension of the kernel of V - tVᵀ over a field is a lower bound
    linking     u ≥ 2 unless the double branched cover has a generator with linking form ±2 / det, of the sign
                of σ where σ = ±2 (Lickorish 1985)
    alternating u ≥ 2 if the diagram is alternating and no change of one crossing unties it (McCoy 2017)
    nontrivial  u ≥ 1 where the Alexander polynomial or, up to 20 crossings, the Jones polynomial is not 1

    ``deg Δ / 2 ≤ g ≤ (n - s + 1) / 2`` with the s circles of Seifert's algorithm on this diagram.

    >>> from ansatz.knots.table import named
    >>> {name: value for name, value in bounds(named("7_4")).unknotting.items() if value}
    {'signature': 1, 'slice': 1, 'module': 1, 'linking': 2, 'alternating': 2, 'nontrivial': 1}
    >>> bounds(named("10_139")).changes, bounds(named("8_3")).changes, bounds(named("8_19")).genus
    (4, 2, (3, 3))
    """
    surface = seifert(diagram)
    v = surface.matrix
    delta, sigma = alexander_of(v), inertia(v + v.T)
    found = {
        "signature": abs(sigma) // 2,
        "slice": (max(slice_torus(diagram), slice_torus(diagram.mirrored()), 0) + 1) // 2,
        "module": module_rank(v),
        "linking": 0 if abs(sigma) > 2 or cut_by_one(v, sigma) else 2,
        "alternating": 2 if is_alternating(diagram) and not any(_one_change_may_untie(diagram)) else 0,
        "nontrivial": int(delta != [1] or (diagram.crossings <= BRACKETS and jones(diagram) != {0: 1})),
    }
    return Bounds(found, ((len(delta) - 1) // 2, surface.genus))


def slice_torus(diagram: Diagram) -> int:
    """Return a lower bound of Rasmussen's s, which is at most twice the slice genus and so at most 2u.

    ``w - O + 2 P - 1`` with the writhe w, the O circles of Seifert's algorithm, and the P parts into which
    positive crossings join them (Kawamura 2015, Lobb 2011); equal to s, twice the genus, where no crossing is
    negative.

    >>> from ansatz.knots.codes import torus
    >>> slice_torus(torus(3, 4)), slice_torus(torus(3, -4))
    (6, -6)
    """
    if not diagram.crossings:
        return 0
    alpha, signs = np.asarray(diagram.alpha).tolist(), diagram.signs()
    entering = [d for strand in diagram.strands() for d in strand]
    turned, inside = list(range(len(alpha))), set(entering)
    for d in entering:
        way = turn(d, 1)
        turned[d] = alpha[turn(d, 3) if way in inside else way]
    circles = orbits(turned, entering)
    circle = {d: i for i, cycle in enumerate(circles) for d in cycle}
    part = list(range(len(circles)))
    for c, sign in signs.items():
        if sign > 0:
            one, other = (part[circle[4 * c + k]] for k in range(4) if 4 * c + k in inside)
            part = [one if p == other else p for p in part]
    return diagram.writhe - len(circles) + 2 * len(set(part)) - 1


def is_alternating(diagram: Diagram) -> bool:
    """Tell whether every edge goes from above to below, in a diagram with crossings."""
    alpha = np.asarray(diagram.alpha)
    d = np.array(diagram.darts(), np.int64)
    return len(d) > 0 and bool(((d ^ alpha[d]) & 1).all())


def may_untie(diagram: Diagram, changes: int) -> bool:
    """Tell whether signature, determinant and Alexander polynomial let so many changes untie a diagram."""
    if changes == 0 and determinant(diagram) != 1:
        return False
    v = seifert(diagram).matrix
    return abs(inertia(v + v.T)) <= 2 * changes and (changes > 0 or alexander_of(v) == [1])


def _one_change_may_untie(diagram: Diagram) -> Iterator[bool]:
    """Yield for each crossing whether its change may untie the diagram."""
    for c in diagram.live():
        changed = Sketch(diagram)
        play(changed, ("XC", 4 * c), check=False)
        yield may_untie(changed.diagram(), 0)


def module_rank(v: np.ndarray) -> int:
    """Return the largest dimension of the kernel of V - tVᵀ over the fields of `FIELDS`, t in the field.

    >>> from ansatz.knots.table import named
    >>> [module_rank(seifert(named(name)).matrix) for name in ("unknot", "3_1", "8_18")]
    [0, 1, 2]
    """
    most = 0
    for p in FIELDS:
        t = [t for t in range(2, p) if t <= pow(t, -1, p)]
        most = max([most, *(len(v) - r for r in _ranks((v - np.array(t)[:, None, None] * v.T) % p, p))])
    return most


def cut_by_one(v: np.ndarray, sigma: int) -> bool:
    """Tell whether the linking form of V + Vᵀ is as one crossing change to the unknot needs it.

    With ``M = V + Vᵀ`` the form of a vector x is q / det, ``q = -det [[M, x], [xᵀ, 0]]``; x generates where q
    is prime to det, and ε2q must then be a square modulo each prime of det, for one sign ε.  True where no
    such x is found.

    >>> from ansatz.knots.table import named
    >>> [cut_by_one(seifert(named(name)).matrix, -2) for name in ("7_2", "7_4")]
    [True, False]
    """
    m = v + v.T
    det = bareiss(m)
    size = abs(det)
    if size == 1 or size > FACTORED:
        return True
    primes = _primes(size)
    for x in _small_vectors(len(m)):
        q = -bareiss(np.block([[m, x[:, None]], [x[None], np.zeros((1, 1), np.int64)]]))
        if all(q % p for p in primes):
            q = q if det > 0 else -q
            signs = (1, -1) if abs(sigma) != 2 else (sigma // 2,)
            return any(all(pow(2 * e * q % p, (p - 1) // 2, p) == 1 for p in primes) for e in signs)
    return True


def _ranks(a: np.ndarray, p: int) -> list[int]:
    """Return the ranks of matrices of residues `[batch, n, n]` modulo a small prime."""
    found = []
    for matrix in a:
        rows, rank = matrix.copy(), 0
        for k in range(rows.shape[1]):
            filled = np.flatnonzero(rows[rank:, k])
            if not len(filled):
                continue
            rows[[rank, rank + filled[0]]] = rows[[rank + filled[0], rank]]
            rows[rank] = rows[rank] * pow(int(rows[rank, k]), -1, p) % p
            below = rows[rank + 1 :]
            below[:] = (below - below[:, [k]] * rows[rank]) % p
            rank += 1
        found.append(rank)
    return found


def _primes(n: int) -> list[int]:
    """Return the prime factors of an odd number."""
    found, q = [], 3
    while q * q <= n:
        if n % q == 0:
            found.append(q)
            while n % q == 0:
                n //= q
        q += 2
    return found + [n] * (n > 1)


def _small_vectors(size: int) -> list[np.ndarray]:
    """Return the unit vectors, their sums and differences in pairs."""
    one = np.eye(size, dtype=np.int64)
    pairs = [(i, j) for i in range(size) for j in range(i)]
    return [*one, *(one[i] + s * one[j] for i, j in pairs for s in (1, -1))]
