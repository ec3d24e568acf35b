"""The search for constants: Gauss-Newton steps with Levenberg's damping on the misfit."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ansatz.equations.expression import Unknown
from ansatz.equations.forward import Forward
from ansatz.equations.misfit import Compared, Measured, Weighing

SMALL = 1e-3
"""A step of so many standard errors ends the search."""


@dataclass
class State:
    """One choice of the constants `[U]` with its answer and what that differs from the data by."""

    constants: np.ndarray
    answer: Any
    compared: list[Compared]


class Search:
    """The search: its forward problem, data and constants."""

    def __init__(
        self,
        forward: Forward,
        sets: Sequence[Measured],
        unknowns: Sequence[Unknown],
        deadline: float | None,
        progress: Callable[[float], None],
    ):
        self.forward, self.sets, self.unknowns = forward, sets, tuple(unknowns)
        self.deadline, self.progress = deadline, progress
        self.iterations, self.longest = 0, 0.0

    def values(self, constants: np.ndarray) -> dict[Any, float]:
        """Return the constants by symbol."""
        return {u.symbol: float(c) for u, c in zip(self.unknowns, constants, strict=True)}

    def scales(self, constants: np.ndarray) -> np.ndarray:
        """Return ∂(constant)/∂θ: θ is the logarithm of positive ones, others are measured by their size."""
        sizes = np.maximum(np.abs(constants), [0.01 * abs(u.start) for u in self.unknowns])
        return np.where(sizes > 0, sizes, 1.0)

    def moved(self, constants: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Return the constants after a step in θ."""
        positive = np.array([u.positive for u in self.unknowns])
        straight = constants + self.scales(constants) * step
        return np.where(positive, constants * np.exp(np.where(positive, step, 0.0)), straight)

    def state(
        self, constants: np.ndarray, tolerance: float, end: float | None, near: Any, *, first: bool = False
    ) -> State | None:
        """Solve for some constants; None where the equation has no solution that could be found."""
        begun = time.monotonic()
        limit = None if first else begun + 20 * self.longest + 5
        if self.deadline is not None:
            limit = self.deadline if limit is None else min(limit, self.deadline)
        values = self.values(constants)
        answer = self.forward.solve(values, tolerance, end=end, near=near, deadline=limit)
        if answer is None:
            return None
        self.longest = max(self.longest, time.monotonic() - begun)
        compared = [one.compared(answer, values, end) for one in self.sets]
        if not all(np.isfinite(one.difference).all() and np.isfinite(one.slopes).all() for one in compared):
            return None
        return State(constants, answer, compared)

    def share(self, state: State) -> float:
        """Return what is left of the data's spread, root mean square over the sets."""
        left = [
            np.mean(c.difference**2) / (np.var(one.values) or one.scale**2)
            for one, c in zip(self.sets, state.compared, strict=True)
        ]
        return float(np.sqrt(np.mean(left)))

    def descend(
        self, state: State, weighing: Weighing, tolerance: float, end: float | None, *,
        rough: bool, most: int = 40,
    ) -> tuple[State, Weighing, bool]:  # fmt: skip
        """Minimize the misfit from a state; `rough` stops when it falls by less than a twentieth."""
        damping, floor = 1e-3, tolerance
        for _ in range(most):
            if self.deadline is not None and time.monotonic() > self.deadline:
                return state, weighing, False
            self.iterations += 1
            r, slopes = weighing.rows(state.compared)
            matrix = slopes * self.scales(state.constants)
            if self._arrived(matrix, r, tolerance):
                return state, weighing, True
            found = None
            for _ in range(14):
                step = _damped(matrix, r, damping)
                trial = self.state(self.moved(state.constants, step), tolerance, end, state.answer)
                size = np.inf if trial is None else np.linalg.norm(weighing.rows(trial.compared)[0])
                if size < np.linalg.norm(r):
                    found, damping = trial, damping / 9
                    break
                if np.abs(step).max() < 1e-2 * tolerance or _tiny(matrix @ step, r, slopes.shape[1]):
                    return state, weighing, True
                damping = max(4 * damping, 1e-6)
            if found is None:
                return state, weighing, False
            fall = 1 - (size / np.linalg.norm(r)) ** 2
            state = found
            if rough and fall < 0.05:
                return state, weighing, True
            if not rough:
                weighing = weighing.updated(state.compared, floor)
        return state, weighing, rough

    def _arrived(self, matrix: np.ndarray, r: np.ndarray, tolerance: float) -> bool:
        step = _damped(matrix, r, 0.0)
        return _tiny(matrix @ step, r, matrix.shape[1]) or bool(np.abs(step).max() < 1e-2 * tolerance)


def _damped(matrix: np.ndarray, r: np.ndarray, damping: float) -> np.ndarray:
    """Return the step that minimizes ‖A δ − r‖² + λ Σ (‖a_i‖ δ_i)², at most a factor or so long."""
    sizes = np.linalg.norm(matrix, axis=0)
    sizes = np.where(sizes == 0, 1.0, sizes)
    stacked = np.concatenate([matrix / sizes, np.sqrt(damping) * np.eye(len(sizes))])
    right = np.concatenate([r, np.zeros(len(sizes))])
    step = np.linalg.lstsq(stacked, right, rcond=1e-10)[0] / sizes
    return step * min(1.0, 0.7 / max(float(np.abs(step).max()), 1e-300))


def _tiny(change: np.ndarray, r: np.ndarray, count: int) -> bool:
    """Tell whether a step is a thousandth of the standard errors: beside the residuals it is nothing."""
    free = max(len(r) - count, 1)
    return bool(np.linalg.norm(change) / np.sqrt(count) <= SMALL * np.linalg.norm(r) / np.sqrt(free))
