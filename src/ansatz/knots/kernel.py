"""The search for a smaller diagram on the sequences of `flat`: rounds of removals, passes, R3 and pushes."""

from typing import Any

from ansatz.knots.flat import (
    ABOVE,
    ARCS,
    BEST,
    CIRCLES,
    HIGH,
    KEPT,
    LOGGED,
    LOW,
    PATIENCE,
    RANDOM,
    STAMP,
    STUCK,
    TOP,
    N,
    draw,
    drop,
    join,
    mark,
    new,
    push,
    reduce,
    slide,
    some_dart,
)  # fmt: skip

OPEN, TRIES = -1, 8
"""The mark of an open end; arcs that are tried in a round."""


def begin(W: Any, n: int, random: int) -> None:
    """Start from the diagram in the first 4n places of A, where all else may be left from another."""
    A, C, S, M, B = W[0], W[1], W[2], W[3], W[11]
    live = 0
    for d in range(4 * n):
        B[d], S[d], M[d] = A[d], 4 * n - 1 - d, 1
        live += int(A[d] != d)
    for d in range(4 * n, len(A)):
        A[d], B[d], M[d] = d, d, 0
    C[N], C[BEST], C[CIRCLES] = live // 4, live // 4, int(live == 0)
    C[RANDOM], C[LOGGED], C[TOP], C[LOW], C[HIGH], C[KEPT], C[STUCK] = random, 0, 4 * n, 0, n, 0, 0


def push_if_stuck(W: Any, kinks: bool) -> None:
    """After long without a gain make a few R2+, with R3 between them, from the best if far above it."""
    A, C = W[0], W[1]
    if C[STUCK] <= C[PATIENCE]:
        return
    C[STUCK] = 0
    if C[N] > C[BEST] + C[ABOVE]:
        B = W[11]
        C[N], C[LOGGED], C[LOW] = C[BEST], C[KEPT], 0
        for d in range(len(B)):
            A[d] = B[d]
    for _ in range(1 + draw(C, 4)):
        push(W, kinks)
        for _ in range((0, 1, 3)[draw(C, 3)]):
            slide(W)


def some_arc(W: Any) -> tuple[int, int]:
    """Return the dart along which a random arc at one level leaves, and how often it crosses."""
    A, s, length = W[0], some_dart(W), 0
    e = A[s]
    while (s ^ e) & 1 == 0:
        s, e = A[s ^ 2], s ^ 2
    level = e & 1
    while e & 1 == level:
        e = A[e ^ 2]
        length += 1
    return s, length


def lay_one_anew(W: Any) -> bool:
    """Lay a random arc anew, long ones rather: where crossings go, or mostly where their number stays."""
    A, C, E = W[0], W[1], W[7]
    for _ in range(TRIES):
        s, longest = 0, 0
        for _ in range(C[ARCS]):
            first, length = some_arc(W)
            if length > longest:
                s, longest = first, length
        e = A[s]
        level, high = e & 1, 0
        while e & 1 == level:
            E[high] = e
            high += 1
            e = A[e ^ 2]
        t, low, i = e, 0, 0
        while i < high:
            if E[i] >> 2 == s >> 2 or E[i] >> 2 == t >> 2:
                if 2 * (i - low) < high - low:
                    s, low = E[i] ^ 2, i + 1
                else:
                    t, high = E[i], i
                i = low - 1
            i += 1
        if low < high and s != t and lay(W, s, t, low, high):
            return True
    return False


def lay(W: Any, s: int, t: int, low: int, high: int) -> bool:
    """Lay the arc from s to t that enters crossings at E[low], …, E[high - 1] where it is shorter.

    Where it stays as long nine times in ten.  Tell whether it was moved; otherwise it lies where it lay.
    """
    A, C, G, E, R, U = W[0], W[1], W[4], W[7], W[8], W[9]
    C[STAMP] += 1
    stamp, written, whole = C[STAMP], 0, True
    for i in range(low, high):
        G[E[i] >> 2] = stamp
    for i in range(low, high):
        e = E[i]
        g = A[e + 1 if e & 3 != 3 else e - 3]
        for _ in range(low, high):
            if G[g >> 2] == stamp:
                g = A[g ^ 2]
        R[i] = g
    for i in range(low, high):
        d = E[i] + 1 if E[i] & 3 != 3 else E[i] - 3
        before, after = A[d], A[d ^ 2]
        if before == d ^ 2:
            whole = False
            break
        U[written], U[written + 1], U[written + 2], U[written + 3] = before, d, after, d ^ 2
        written += 4
        A[before], A[after] = after, before
    if whole:
        s_end, t_end = A[s], A[t]
        A[s], A[t] = OPEN, OPEN
        goal = find(W, s, t, high - low)
        if goal >= 0 and worthwhile(W, goal, low, high):
            draw_arc(W, s, t, low, high, goal, written)
            return True
        A[s], A[t] = s_end, t_end
    for i in range(written - 2, -1, -2):
        A[U[i]] = U[i + 1]
    return False


def after(A: Any, d: int, t: int) -> int:
    """Return the dart that follows d around the face left of it, past open ends; ``-2 - d`` of it past t."""
    a = A[d]
    e, met = a - 1 if a & 3 else a + 3, False
    while A[e] == OPEN:
        met = met or e == t
        e = e - 1 if e & 3 else e + 3
    return -2 - e if met else e


def label(W: Any, first: int, face: int, t: int) -> bool:
    """Number the face left of a dart; tell whether the open end t lies in it."""
    A, C, L, K, F = W[0], W[1], W[5], W[6], W[13]
    F[5 * face], met, d = first, False, first
    while True:
        L[d], K[d] = face, C[STAMP]
        d = after(A, d, t)
        if d < OPEN:
            met, d = True, -2 - d
        if d == first:
            return met


def find(W: Any, s: int, t: int, most: int) -> int:
    """Return the face with the open end t, at most so many edges from the one with s, breadth first; or -1.

    Faces know the one they were reached from, and by which edge, drawn at random among the shortest ways.
    """
    A, C, L, K, F = W[0], W[1], W[5], W[6], W[13]
    first = s
    while A[first] == OPEN:
        first = first - 1 if first & 3 else first + 3
    F[1], F[3] = -1, 0
    if label(W, first, 0, t):
        return 0
    goal, here, count = -1, 0, 1
    while here < count and F[5 * here + 3] < (most if goal < 0 else F[5 * goal + 3]):
        depth, first = F[5 * here + 3] + 1, F[5 * here]
        d = first
        while True:
            a = A[d]
            if K[a] != C[STAMP]:
                met = label(W, a, count, t)
                F[5 * count + 1], F[5 * count + 2], F[5 * count + 3], F[5 * count + 4] = here, d, depth, 1
                if met and goal < 0:
                    goal = count
                count += 1
            elif F[5 * L[a] + 3] == depth:
                face = L[a]
                F[5 * face + 4] += 1
                if draw(C, F[5 * face + 4]) == 0:
                    F[5 * face + 1], F[5 * face + 2] = here, d
            d = after(A, d, t)
            if d < OPEN:
                d = -2 - d
            if d == first:
                break
        here += 1
    return goal


def worthwhile(W: Any, goal: int, low: int, high: int) -> bool:
    """Tell whether the route to a face is to be taken: it is shorter, or another as long and luck has it."""
    C, R, F = W[1], W[8], W[13]
    if F[5 * goal + 3] < high - low:
        return True
    same, face = True, goal
    for i in range(high - 1, low - 1, -1):
        same = same and F[5 * face + 2] == R[i]
        face = F[5 * face + 1]
    return not same and draw(C, 10) > 0


def draw_arc(W: Any, s: int, t: int, low: int, high: int, goal: int, written: int) -> None:
    """Draw an arc that is taken up along the route to a face, and write the pass down."""
    A, C, E, U, F, Z = W[0], W[1], W[7], W[9], W[13], W[12]
    level, steps, at = E[low] & 1, F[5 * goal + 3], C[LOGGED]
    for i in range(low, high):
        drop(W, E[i] >> 2)
    for i in range(0, written, 2):
        mark(W, U[i])
    Z[at], Z[at + 1], Z[at + 2], Z[at + 3] = 5, 2 + steps, s, high - low
    C[LOGGED], face = at + 4 + steps, goal
    for i in range(steps - 1, -1, -1):
        Z[at + 4 + i] = F[5 * face + 2]
        face = F[5 * face + 1]
    head = s
    for i in range(steps):
        g, c = Z[at + 4 + i], 4 * new(W)
        join(W, c + 1 + level, A[g])
        join(W, c + ((3 + level) & 3), g)
        join(W, c + 2 + level, head)
        head = c + level
    join(W, head, t)


def search(W: Any, rounds: int, passes: bool) -> int:
    """Search for some rounds, or until there is no crossing or no room in the log; return the rounds made."""
    C = W[1]
    room = len(W[12]) - 4 * len(W[0]) - 400
    for done in range(rounds):
        reduce(W)
        if C[N] == 0 or C[LOGGED] > room:
            return done
        C[STUCK] += 1
        push_if_stuck(W, not passes)
        moved = passes and lay_one_anew(W)
        if C[N] and (not moved or draw(C, 2) == 0):
            slide(W)
    reduce(W)
    return rounds
