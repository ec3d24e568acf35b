"""The search of `kernel` with a clock, in plain Python or compiled by numba where that is installed.

It makes the moves of `simplify`, in an order of its own; compiled, at a hundredth of the cost.
"""

import functools
import importlib.util
import inspect
import math
import time
import types
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ansatz.errors import BadInput
from ansatz.knots import flat, kernel
from ansatz.knots.certificate import standard
from ansatz.knots.diagram import Diagram
from ansatz.knots.play import Move
from ansatz.knots.simplify import Simplified

SLICES, LOG = {False: 16, True: 1024}, 1 << 12
"""Rounds between two looks at the clock, in plain Python and compiled; integers in the first log."""
SETTINGS = {True: (3, 2, 3), False: (8, 12, 3)}
"""With passes and without: rounds without a gain before a push; how many crossings above the best the search
goes back to it; from how many arcs the longest is tried."""
Report = Callable[["Search", float], None]


def untie(
    diagram: Diagram,
    *,
    seconds: float | int = 10.0,
    rounds: int | None = None,
    seed: int = 0,
    passes: bool = True,
    compiled: bool = False,
    report: Report | None = None,
) -> Simplified:
    """Look for a smaller diagram of the same knot, with a budget of seconds or of rounds.

    Without `passes` only R1, R2 and R3 are made.  The same seed and rounds give the same moves, `compiled` by
    numba or not; they start from ``certificate.standard(diagram)``.  `report` is called now and then with the
    search and the seconds spent.

    >>> from ansatz.knots.codes import from_gauss
    >>> culprit = from_gauss("-1 2 -3 4 -5 6 7 8 -9 10 -4 5 -6 3 -2 -7 -10 1 -8 9")
    >>> untie(culprit).untied
    True
    """
    if seconds <= 0 or (rounds is not None and rounds < 1):
        raise BadInput(f"The budget is {seconds} s and {rounds} rounds; both must be positive.")
    if diagram.components != 1:
        raise BadInput(f"The diagram has {diagram.components} components; only knots are untied.")
    began, start = time.perf_counter(), standard(diagram)
    search = Search(np.asarray(start.alpha).tolist(), seed, compiled=compiled)
    search.go_on(seconds, rounds, passes, report)
    return Simplified(start, search.smallest(), search.moves(), search.rounds, time.perf_counter() - began)


class Search:
    """A search of `kernel`, in lists or compiled in arrays; it can be used for one diagram after another.

    >>> search = Search([1, 0, 3, 2])
    >>> search.run(1)
    >>> search.crossings, search.moves()
    (0, [('R1-', 0)])
    """

    def __init__(self, alpha: Sequence[int], seed: int = 0, *, compiled: bool = False):
        self.compiled, self._search, self._begin = False, kernel.search, kernel.begin
        self._make_room(len(alpha) // 4)
        if compiled:
            self.compile()
        self.load(alpha, seed)

    def _make_room(self, n: int) -> None:
        size = 4 * n + 4 * max(32, n // 2)
        wide, log = 2 * size + 24, LOG + 5 * size
        sizes = (size, 14, size, size, size // 4, size, size, size, size, wide, size, size, log, 5 * size)
        state = [[0] * length for length in sizes]
        state[10] = list(range(size))
        self.state: tuple[Any, ...] = tuple(state)
        if self.compiled:
            self.compile()

    def load(self, alpha: Sequence[int], seed: int = 0) -> None:
        """Begin anew, from a diagram's α."""
        n = len(alpha) // 4
        if n + max(32, n // 2) > len(self.state[0]) // 4:
            self._make_room(n)
        self.rounds = 0
        self.state[0][: 4 * n] = alpha
        self._begin(self.state, n, (seed * 7919 + 12345) % (flat.MODULUS - 1) + 1)

    @property
    def crossings(self) -> int:
        """Return the number of crossings where the search is."""
        return int(self.state[1][flat.N])

    @property
    def best(self) -> int:
        """Return the least number of crossings that was met."""
        return int(self.state[1][flat.BEST])

    def compile(self) -> None:
        """Go on in compiled code."""
        functions = compiled_kernel()
        self.state = tuple(np.array(one, np.int64) for one in self.state)
        self.compiled, self._search, self._begin = True, functions["search"], functions["begin"]

    def run(self, rounds: int, passes: bool = True) -> None:
        """Search for some more rounds, fewer where no crossing is left."""
        self.state[1][flat.PATIENCE :] = SETTINGS[passes]
        while rounds and (self.crossings or not self.rounds):
            done = int(self._search(self.state, rounds, passes))
            self.rounds += done
            rounds -= done
            if not self.crossings:
                return
            if rounds:
                log = self.state[12]
                wider = np.concatenate([log, log]) if self.compiled else [*log, *log]
                self.state = (*self.state[:12], wider, *self.state[13:])

    def go_on(
        self,
        seconds: float | int,
        rounds: int | None = None,
        passes: bool = True,
        report: Report | None = None,
    ) -> None:
        """Search until no crossing is left, the time is over, or so many rounds are made in all."""
        began, most = time.perf_counter(), math.inf if rounds is None else rounds
        first = True
        while first or (self.crossings and self.rounds < most):
            self.run(int(min(most - self.rounds, SLICES[self.compiled])), passes)
            spent, first = time.perf_counter() - began, False
            if report is not None:
                report(self, spent)
            if spent >= seconds:
                return

    def moves(self, whole: bool = False) -> list[Move]:
        """Return the moves to the smallest diagram, or the whole way to where the search is."""
        log, end, at, found = self.state[12], int(self.state[1][flat.LOGGED if whole else flat.KEPT]), 0, []
        log = log[:end].tolist() if self.compiled else log
        while at < end:
            following = at + 2 + log[at + 1]
            found.append((flat.KINDS[log[at]], *log[at + 2 : following]))
            at = following
        return found

    def smallest(self) -> Diagram:
        """Return the smallest diagram, with the numbers that the moves lead to closed up."""
        return Diagram(np.array(self.state[11], np.int32), int(self.best == 0)).resized()


def may_compile() -> bool:
    """Tell whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


@functools.cache
def compiled_kernel() -> dict[str, Any]:
    """Return the functions of `flat` and `kernel` compiled by numba; `BadInput` where that is missing."""
    try:
        import numba  # type: ignore[import-not-found]
    except ImportError:
        raise BadInput("The compiled search needs numba; install it with ansatz[fast].") from None
    namespace = vars(flat) | vars(kernel)
    sources = b"".join(Path(str(module.__file__)).read_bytes() for module in (flat, kernel))
    for name, value in list(namespace.items()):
        if isinstance(value, types.FunctionType):
            # A function whose arguments are checked when it is called stands around the one to compile.
            made = types.FunctionType(inspect.unwrap(value).__code__, namespace, name)
            # numba keeps what it compiled by this name and by the function's own file, not by those it calls.
            made.__qualname__ = f"{name}_{zlib.crc32(sources):08x}"
            namespace[name] = numba.njit(cache=True)(made)
    return namespace
