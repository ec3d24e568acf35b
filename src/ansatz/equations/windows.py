"""The march over time windows: their lengths, the growth of the layers, and the error that adds up."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ansatz.equations.march import Evolution, Step, Window
from ansatz.equations.newton import Solved
from ansatz.equations.resolution import time_tail

UNKNOWNS = 2600
"""About so many unknowns in one window: their Jacobian takes a second to factor on two cores."""
RESTARTS = 4
SHORTEST = 1e-5
"""No window is made shorter than this share of the whole time for the sake of accuracy."""


@dataclass
class March:
    """What a march found: its windows, and why it stopped.

    `defect` are windows of the estimated error itself, solved from the linearised equation in a richer space.
    """

    evolution: Evolution
    windows: list[Window] = field(default_factory=list)
    defect: list[Window] = field(default_factory=list)
    rich: Evolution | None = None
    remarks: list[str] = field(default_factory=list)
    factorizations: int = 0
    converged: bool = True
    tail: float = 0.0
    """The largest share of the last coefficients of a space layer, over the windows."""


def march(
    evolution: Evolution,
    *,
    tolerance: float = 1e-10,
    limit: int = UNKNOWNS,
    estimate: bool = True,
    known: dict[Any, float] | None = None,
    deadline: float | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> March:
    """Solve an evolution problem window by window.

    A window is accepted when Newton's method converged and the last coefficients in time are below
    `tolerance` of the largest; the space layers grow while their last coefficients are above it and the
    unknowns of a window stay under `limit`.
    """
    marcher = _Marcher(evolution, tolerance, limit, estimate, known or {})
    whole = evolution.end - evolution.start
    while marcher.now < evolution.end - 1e-12 * whole:
        if deadline is not None and time.monotonic() > deadline and marcher.result.windows:
            marcher.stop(f"The time allowed was over at {marcher.now:.4g}; the answer ends there.")
            break
        step, solved, window = marcher.attempt()
        if marcher.shortened(solved, window):
            continue
        if not solved.converged:
            marcher.stop(f"Newton's method did not converge from {marcher.now:.6g}; the answer ends there.")
            break
        if marcher.refined(window):
            continue
        marcher.accept(step, solved, window)
        progress((marcher.now - evolution.start) / whole)
    return marcher.result


class _Marcher:
    """Where a march stands: at `now`, with what the last window carries on, and the next window's length."""

    def __init__(
        self, evolution: Evolution, tolerance: float, limit: int, estimate: bool, known: dict[Any, float]
    ):
        self.tolerance, self.limit, self.estimated, self.known = tolerance, limit, estimate, known
        self.whole = evolution.end - evolution.start
        self.restarts, self.spread, self.tail = 0, 0.0, 0.0
        self.scales = evolution.scales(known)
        self.length = self.whole
        if not evolution.pointwise.linear or evolution.space <= 1:
            self.length = self.whole / 8
        self.result = March(evolution)
        self.begin(evolution.resolving(tolerance, limit, known))

    def begin(self, evolution: Evolution) -> None:
        """Start at the initial values."""
        self.evolution, self.now = evolution, evolution.start
        self.carried = evolution.carried(self.known)
        self.errors: list[np.ndarray] | None = None
        self.tables: dict = {}
        self.rich_tables: dict = {}
        self.result = March(evolution, remarks=self.result.remarks, factorizations=self.result.factorizations)

    @property
    def modes(self) -> int:
        """The modes in time of a window."""
        return self.evolution.modes(self.limit)

    def attempt(self) -> tuple[Step, Solved, Window]:
        """Solve the next window at its present length."""
        left = self.evolution.end - self.now
        self.length = left if left - self.length < 0.2 * self.length else self.length
        last = self.length >= left * (1 - 1e-12)
        end = self.evolution.end if last else self.now + self.length
        step = self.evolution.step(self.now, end, self.modes, self.tables)
        solved = step.solve(self.carried, self.known, scale=max(self.scales))
        self.result.factorizations += solved.factorizations
        window = step.window(solved.x, self.carried)
        if not all(self.scales) and solved.converged:
            sizes = self.evolution.shared([float(np.abs(c).max()) for c in window.coefficients])
            self.scales = [s or size for s, size in zip(self.scales, sizes, strict=True)]
        return step, solved, window

    def shortened(self, solved: Solved, window: Window) -> bool:
        """Make the window shorter if it does not resolve the solution in time."""
        self.tail = time_tail(window, self.scales) if solved.converged else float("inf")
        wanted = max(self.tolerance, 0.1 * self.spread)
        if self.tail <= wanted or self.length <= SHORTEST * self.whole:
            return False
        factor = (wanted / self.tail) ** (1 / (self.modes - 1)) if np.isfinite(self.tail) else 0.3
        self.length *= float(np.clip(0.9 * factor, 0.1, 0.75))
        return True

    def refined(self, window: Window) -> bool:
        """Gather the points of the space layers or enlarge them, if they do not resolve the solution."""
        self.spread = self.evolution.tail(window, self.scales)
        if self.spread <= self.tolerance:
            return False
        if self.restarts < RESTARTS:
            gathered = self.evolution.gathered(window, max(self.tolerance, self.spread))
            if gathered is not None:
                self.restarts += 1
                self.begin(gathered.resolving(self.tolerance, self.limit, self.known))
                return True
        grown = self.evolution.grown(window, self.tolerance, self.limit, self.scales)
        if grown is None:
            return False
        self.carried = self.evolution.moved(self.carried, grown)
        self.result.windows = self.evolution.rewritten(self.result.windows, grown)
        if self.errors is not None and self.result.rich is not None:
            rich = grown.richer()
            self.errors = self.result.rich.moved(self.errors, rich)
            self.result.defect = self.result.rich.rewritten(self.result.defect, rich)
            self.result.rich = rich
        self.evolution = self.result.evolution = grown
        self.tables, self.rich_tables = {}, {}
        return True

    def accept(self, step: Step, solved: Solved, window: Window) -> None:
        """Keep a window, estimate its error, and go to its end."""
        self.result.tail = max(self.result.tail, self.spread)
        if self.estimated:
            self.estimate(step, solved.x)
        self.carried = step.end_of(solved.x, self.carried)
        self.result.windows.append(window)
        sizes = [float(np.abs(c).max()) for c in window.coefficients]
        self.scales = [max(s, size) for s, size in zip(self.scales, sizes, strict=True)]
        self.now = step.end
        grow = (max(self.tolerance, 0.1 * self.spread) / max(self.tail, 1e-17)) ** (1 / (self.modes - 1))
        self.length *= self.evolution.stride(0.85 * grow)

    def estimate(self, step: Step, x: np.ndarray) -> None:
        """Solve the linearised equation for the defect of a window in a richer space."""
        if self.result.rich is None:
            self.result.rich = step.evolution.richer()
        rich = self.result.rich
        lifted = step.evolution.moved(self.carried, rich)
        if self.errors is None:
            self.errors = [e - c for e, c in zip(rich.carried(self.known), lifted, strict=True)]
        finer = rich.step(step.start, step.end, self.modes + 2, self.rich_tables)
        base = step.prolonged(x, finer)
        total = [c + e for c, e in zip(lifted, self.errors, strict=True)]
        difference = finer.solve(total, self.known, start=base, steps=1).x - base
        self.result.defect.append(finer.window(difference, self.errors))
        self.errors = finer.end_of(difference, self.errors)

    def stop(self, remark: str) -> None:
        """Say why the march ends early."""
        self.result.converged = False
        self.result.remarks.append(remark)
