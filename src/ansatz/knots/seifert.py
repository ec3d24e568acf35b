"""The Seifert matrix of a knot diagram, and what follows from it: signature, Alexander polynomial, genus.

Seifert's algorithm smooths every crossing along the orientation; the circles that remain bound disks, and a
twisted band at each crossing joins them to a surface.  Its homology has a loop around every face of the
diagram; in each region that the circles leave on the sphere the loops of the faces add up to nothing, so one
face of each region is left out.  All numbers are exact integers, of any size.
"""

from typing import Any, NamedTuple

import numpy as np

from ansatz.errors import BadInput
from ansatz.knots.diagram import Diagram, turn


class Surface(NamedTuple):
    """Seifert's surface of a diagram: the number of its circles, and the linking numbers of its loops.

    ``matrix[i, j]``, int64 `[2g, 2g]`, is lk(xᵢ, xⱼ⁺) for loops x and their copies x⁺ off the surface.
    """

    circles: int
    matrix: np.ndarray

    @property
    def genus(self) -> int:
        """Return g, the genus of the surface: an upper bound of the knot's."""
        return len(self.matrix) // 2


def seifert(diagram: Diagram) -> Surface:
    """Return Seifert's surface of a knot diagram with its matrix V, O(n²); ``det(V - Vᵀ) = 1``.

    At a crossing of sign ε let F be the face in front, between the two ways out, B the one behind, and R the
    one to the right.  The loops of F and B run along its band in opposite directions, which adds -ε/2 to
    V[F, F] and V[B, B], (ε + 1)/2 to V[F, B] and (ε - 1)/2 to V[B, F].  All disks lie below the sphere, each
    to the left of its circle: the circle on the right has its disk below the band, where the loop of R passes
    under those of B and F, which adds 1 to V[B, R] and -1 to V[F, R].

    >>> from ansatz.knots.codes import from_braid
    >>> seifert(from_braid([1, 1, 1])).circles, seifert(from_braid([1, 1, 1])).matrix.tolist()
    (2, [[-1, 1], [0, -1]])
    """
    if diagram.components != 1:
        raise BadInput(
            f"The Seifert matrix is of knots here; this diagram has {diagram.components} components."
        )
    if not diagram.crossings:
        return Surface(1, np.zeros((0, 0), np.int64))
    cycles = diagram.faces()
    face = {d: i for i, cycle in enumerate(cycles) for d in cycle}
    entering = {d for strand in diagram.strands() for d in strand}
    doubled, region = np.zeros((len(cycles), len(cycles)), np.int64), list(range(len(cycles)))
    for c, sign in diagram.signs().items():
        south = 4 * c if 4 * c in entering else 4 * c + 2
        right, front, _, behind = (face[turn(south, k + (sign < 0))] for k in range(4))
        doubled[[front, behind], [front, behind]] -= sign if front != behind else 2 * sign
        doubled[front, behind] += sign + 1
        doubled[behind, front] += sign - 1
        doubled[behind, right] += 2
        doubled[front, right] -= 2
        one, other = region[front], region[behind]
        region = [one if r == other else r for r in region]
    kept = [i for i, r in enumerate(region) if r in region[:i]]
    return Surface(len(set(region)) - 1, doubled[np.ix_(kept, kept)] // 2)


def signature(diagram: Diagram) -> int:
    """Return the signature σ of V + Vᵀ: -2 for the right-handed trefoil, whose crossings are positive.

    >>> from ansatz.knots.codes import from_braid
    >>> signature(from_braid([1, 1, 1])), signature(from_braid([1, -2, 1, -2]))
    (-2, 0)
    """
    matrix = seifert(diagram).matrix
    return inertia(matrix + matrix.T)


def alexander_of(matrix: np.ndarray) -> list[int]:
    """Return the coefficients of det(V - tVᵀ) for a Seifert matrix V, lowest first, without its factor t^m.

    They are smaller than the bound b that the rows' sums of absolute values give (Hadamard's would do), so
    one determinant at t = 2^k > 2b has them as its digits.

    >>> alexander_of(np.array([[-1, 1], [0, -1]]))
    [1, -1, 1]
    """
    bound = 1
    for row in (abs(matrix) + abs(matrix.T)).sum(1).tolist():
        bound *= max(row, 1)
    base = 1 << (bound.bit_length() + 1)
    value, digits = bareiss(matrix.astype(object) - base * matrix.T.astype(object)), []
    while value:
        digit = (value + base // 2) % base - base // 2
        digits.append(digit)
        value = (value - digit) // base
    first = next((i for i, digit in enumerate(digits) if digit), 0)
    return digits[first:]


def bareiss(matrix: Any) -> int:
    """Return the determinant of a matrix of integers of any size, without fractions (Bareiss 1968).

    >>> bareiss([[0, 2], [3, 10**30]])
    -6
    """
    a, last, sign = np.array(matrix, object), 1, 1
    while len(a):
        at = next((i for i, row in enumerate(a) if row[0]), None)
        if at is None:
            return 0
        if at:
            a[[0, at]], sign = a[[at, 0]], -sign
        head = a[0, 0]
        a, last = (a[1:, 1:] * head - np.outer(a[1:, 0], a[0, 1:])) // last, head
    return int(sign * last)


def inertia(matrix: Any) -> int:
    """Return how many more eigenvalues of a symmetric matrix of integers are positive than negative.

    Bareiss' steps with the same pivots for rows and columns: each pivot is a principal minor, and a change of
    sign from one to the next is a negative eigenvalue (Jacobi).  Where the diagonal is 0 one row and column
    is added to another.

    >>> inertia([[0, 1], [1, 0]]), inertia([[-2, 1], [1, -2]]), inertia([[0, 0], [0, 3]])
    (0, -2, 1)
    """
    a, last, total = np.array(matrix, object), 1, 0
    while len(a):
        at = next((i for i in range(len(a)) if a[i, i]), None)
        if at is None:
            filled = np.argwhere(a != 0)
            if not len(filled):
                break
            at, other = filled[0]
            a[at] += a[other]
            a[:, at] += a[:, other]
        rest = [i for i in range(len(a)) if i != at]
        head, column = a[at, at], a[rest, at]
        total += 1 if (head > 0) == (last > 0) else -1
        a, last = (a[np.ix_(rest, rest)] * head - np.outer(column, column)) // last, head
    return total
