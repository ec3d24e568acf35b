"""A diagram on flat sequences of integers, with its removals, R3, R1+ and R2+, to be run plain or compiled.

The functions index and count, nothing else, so that the same code runs on lists in plain Python and on int64
arrays compiled by numba, to the same moves.  A diagram with the search's state is one tuple of sequences:

    0   A  α; -1 at the two ends of an arc that is taken up
    1   C  counters, by the names below
    2   S  darts still to be looked at, and 3, M, whether a dart is among them
    4   G  the stamp of when a crossing was taken out
    5   L  a dart's face, and 6, K, the stamp of when that was found
    7   E  where the arc enters crossings, and 8, R, its old route
    9   U  what to write back: dart, partner, …
    10  H  scratch of R3, the identity otherwise
    11  B  the best diagram
    12  Z  the log: kind of move, number of integers, integers, …
    13  F  of each face: first dart, the face it is reached from, by which dart, depth, ties
"""

from typing import Any

N, CIRCLES, RANDOM, LOGGED, TOP, LOW, HIGH, STAMP, BEST, KEPT, STUCK, PATIENCE, ABOVE, ARCS = range(14)
"""Crossings, circles, the random state, integers in the log, darts on the stack, the least number that may be
free, one above the greatest number in use, the last stamp, the best number of crossings, the log's length at
it, and rounds since; rounds without a gain before a push, how many crossings above the best the search goes
back to it, and from how many arcs the longest is tried."""
KINDS = ("R1-", "R2-", "R3", "R1+", "R2+", "PASS")
MODULUS, FACTOR = 2**31 - 1, 48271
"""The random sequence: x ← 48271 x mod 2³¹ - 1."""


def draw(C: Any, bound: int) -> int:
    """Return a random integer from 0 to bound - 1."""
    C[RANDOM] = C[RANDOM] * FACTOR % MODULUS
    return C[RANDOM] % bound


def mark(W: Any, d: int) -> None:
    """Put a dart on the stack: the face left of it has changed."""
    if W[3][d] == 0:
        W[3][d] = 1
        W[2][W[1][TOP]] = d
        W[1][TOP] += 1


def join(W: Any, d: int, e: int) -> None:
    """Join two darts by an edge."""
    W[0][d] = e
    W[0][e] = d
    mark(W, d)
    mark(W, e)


def new(W: Any) -> int:
    """Return the number of a new crossing, the least that is free."""
    A, C = W[0], W[1]
    c = C[LOW]
    while A[4 * c] != 4 * c:
        c += 1
    C[LOW] = c + 1
    C[N] += 1
    if c >= C[HIGH]:
        C[HIGH] = c + 1
    return c


def drop(W: Any, c: int) -> None:
    """Free the number of a crossing whose strands are taken out."""
    A, C = W[0], W[1]
    for d in range(4 * c, 4 * c + 4):
        A[d] = d
    C[N] -= 1
    if c < C[LOW]:
        C[LOW] = c


def remove(W: Any, c: int) -> None:
    """Remove a crossing; both strands run straight on."""
    A = W[0]
    for d in range(4 * c, 4 * c + 2):
        before, after = A[d], A[d + 2]
        if before == d + 2:
            W[1][CIRCLES] += 1
        else:
            join(W, before, after)
    drop(W, c)


def write(W: Any, kind: int, count: int, first: int, second: int, third: int) -> None:
    """Write down a move of one to three integers."""
    C, Z = W[1], W[12]
    at = C[LOGGED]
    Z[at], Z[at + 1], Z[at + 2], Z[at + 3], Z[at + 4] = kind, count, first, second, third
    C[LOGGED] = at + 2 + count


def reduce(W: Any) -> None:
    """Make every R1- and R2-, and keep the diagram if it is the smallest."""
    A, C, S, M = W[0], W[1], W[2], W[3]
    while C[TOP]:
        C[TOP] -= 1
        d = S[C[TOP]]
        M[d] = 0
        a = A[d]
        if a == d:
            continue
        following = d + 1 if d & 3 != 3 else d - 3
        if a == following:
            write(W, 0, 1, d, 0, 0)
            remove(W, d >> 2)
        elif (d ^ a) & 1 == 0 and d >> 2 != a >> 2 and A[a - 1 if a & 3 else a + 3] == following:
            write(W, 1, 1, d, 0, 0)
            remove(W, d >> 2)
            remove(W, a >> 2)
    if C[N] < C[BEST]:
        B = W[11]
        for d in range(4 * C[HIGH]):
            B[d] = A[d]
        for d in range(4 * C[HIGH], len(B)):
            B[d] = d
        C[BEST], C[KEPT], C[STUCK] = C[N], C[LOGGED], 0


def some_dart(W: Any) -> int:
    """Return a random dart that is there."""
    A, C = W[0], W[1]
    d = draw(C, 4 * C[HIGH])
    while A[d] == d:
        d = draw(C, 4 * C[HIGH])
    return d


def slide(W: Any) -> None:
    """Make an R3, the first from a random dart on, if there is one."""
    A, C = W[0], W[1]
    size = 4 * C[HIGH]
    first = draw(C, size)
    for place in range(first, first + size):
        d = place if place < size else place - size
        a = A[d]
        if a == d:
            continue
        e = a - 1 if a & 3 else a + 3
        a = A[e]
        g = a - 1 if a & 3 else a + 3
        a = A[g]
        if (a - 1 if a & 3 else a + 3) != d or e == d:
            continue
        level = (d & 1) + (e & 1) + (g & 1)
        if 0 < level < 3 and d >> 2 != e >> 2 and e >> 2 != g >> 2 and g >> 2 != d >> 2:
            write(W, 2, 1, d, 0, 0)
            exchange(W, d, e, g)
            return


def exchange(W: Any, d: int, e: int, g: int) -> None:
    """Exchange, on each strand of a triangle, the two crossings that it meets."""
    A, H, U = W[0], W[10], W[9]
    count = 0
    for side in (d, e, g):
        a = A[side]
        for x, y in ((side ^ 2, a), (a ^ 2, side)):
            H[x] = y
            H[y] = x
            U[count], U[count + 1] = x, y
            count += 2
    for i in range(12):
        U[12 + i] = H[A[H[U[i]]]]
    for i in range(12):
        H[U[i]] = U[i]
    for i in range(12):
        join(W, U[i], U[12 + i])


def push(W: Any, kinks: bool) -> None:
    """Make a random R2+; with `kinks` now and then an R1+ instead."""
    A, C = W[0], W[1]
    if C[N] + 2 > len(A) // 4:
        return
    d = some_dart(W)
    if kinks and draw(C, 8) == 0:
        j, e, c = draw(C, 2), A[d], new(W)
        write(W, 3, 2, d, j, 0)
        join(W, 4 * c + j, 4 * c + j + 1)
        join(W, d, 4 * c + j + 2)
        join(W, e, 4 * c + ((j + 3) & 3))
        return
    length, e = 0, d
    while length == 0 or e != d:
        a = A[e]
        e = a - 1 if a & 3 else a + 3
        length += 1
    for _ in range(draw(C, length)):
        a = A[e]
        e = a - 1 if a & 3 else a + 3
    if e == d or A[d] == e:
        return
    o = draw(C, 2)
    write(W, 4, 3, d, e, o)
    d_end, e_end = A[d], A[e]
    P, Q = 4 * new(W), 4 * new(W)
    join(W, P + o, d)
    join(W, P + o + 1, Q + ((o + 3) & 3))
    join(W, P + o + 2, Q + o + 2)
    join(W, P + ((o + 3) & 3), e_end)
    join(W, Q + o, d_end)
    join(W, Q + o + 1, e)
