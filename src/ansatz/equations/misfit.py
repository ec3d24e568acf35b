"""How far an answer is from measurements, and what the measurements say about the constants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ansatz.equations.pointwise import Jet, Pointwise
from ansatz.equations.problem import Observation
from ansatz.errors import BadInput

OWN = 10
"""A set of measurements with so many more values than constants gets a standard deviation of its own."""
SINGULAR = 1e-6


class Compared(NamedTuple):
    """One set of measurements beside an answer: the differences `[n]` and ∂(model)/∂(constants) `[n, U]`."""

    difference: np.ndarray
    slopes: np.ndarray


class Measured:
    """A set of measurements made ready; values that are NaN count as missing."""

    def __init__(self, observation: Observation, fields: Sequence[Any], pointwise: Pointwise):
        coordinates = pointwise.coordinates
        if missing := [c.name for c in coordinates if c not in observation.points]:
            raise BadInput(f"The measurements of {observation.field} have no column {missing[0]!r}.")
        values = np.asarray(observation.values, np.float64)
        kept = ~np.isnan(values)
        self.name, self.values, self.sigma = str(observation.field), values[kept], observation.sigma
        self.points = [np.asarray(observation.points[c], np.float64)[kept] for c in coordinates]
        if self.sigma is not None and not self.sigma > 0:
            raise BadInput(f"The standard deviation of {self.name} is {self.sigma}; it must be positive.")
        self.pointwise = Pointwise([observation.field], fields, coordinates, pointwise.unknowns)

    @property
    def scale(self) -> float:
        """The root mean square of the values, or 1."""
        return float(np.sqrt(np.mean(self.values**2))) if self.values.any() else 1.0

    def compared(self, answer: Any, values: Mapping[Any, float], end: float | None = None) -> Compared:
        """Return the differences from an answer; those at times after `end` are left out."""
        rows = slice(None) if end is None else self.points[0] <= end
        points, measured = [p[rows] for p in self.points], self.values[rows]
        at = answer.at(points, self.pointwise.jets)
        known = self.known(points, {jet: one[0] for jet, one in at.items()}, values)
        model = self.pointwise.residuals(known, measured.shape)[0]
        slopes = np.zeros((len(measured), len(self.pointwise.unknowns)))
        for jet, slope in self.pointwise.slopes_at(0, known).items():
            slopes += np.broadcast_to(slope, measured.shape)[:, None] * at[jet][1]
        for symbol, slope in self.pointwise.unknown_slopes_at(0, known, measured.shape).items():
            slopes[:, self.pointwise.unknowns.index(symbol)] += slope
        return Compared(measured - model, slopes)

    def shifted(self, answer: Any, defect: Any, values: Mapping[Any, float]) -> np.ndarray:
        """Return by how much the model changes where a small `defect` is added to the answer."""
        at = answer.at(self.points, self.pointwise.jets)
        known = self.known(self.points, {jet: one[0] for jet, one in at.items()}, values)
        extra = defect.at(self.points, self.pointwise.jets)
        total = np.zeros(len(self.values))
        for jet, slope in self.pointwise.slopes_at(0, known).items():
            total += slope * extra[jet][0]
        return total

    def known(
        self, points: Sequence[np.ndarray], jets: Mapping[Jet, np.ndarray], values: Mapping[Any, float]
    ) -> dict[Any, Any]:
        """Return what every symbol in the measured expression stands for."""
        known: dict[Any, Any] = dict(zip(self.pointwise.coordinates, points, strict=True)) | dict(values)
        return known | {self.pointwise.symbols[jet]: value for jet, value in jets.items()}


@dataclass
class Weighing:
    """The standard deviations of the sets; `told` unless there are too few values to estimate them."""

    sets: Sequence[Measured]
    sigmas: list[float]
    told: bool = True

    @classmethod
    def first(cls, sets: Sequence[Measured]) -> "Weighing":
        """Weigh each set by its size until residuals are known."""
        return cls(sets, [one.sigma or 0.01 * one.scale for one in sets])

    def rows(self, compared: Sequence[Compared]) -> tuple[np.ndarray, np.ndarray]:
        """Return the weighted differences `[n]` and slopes `[n, U]`."""
        pairs = list(zip(compared, self.sigmas, strict=True))
        return (
            np.concatenate([one.difference / sigma for one, sigma in pairs]),
            np.concatenate([one.slopes / sigma for one, sigma in pairs]),
        )

    def updated(self, compared: Sequence[Compared], floor: float) -> "Weighing":
        """Estimate the standard deviations that were not given from the residuals.

        σ_k² = ‖r_k‖² / (n_k − Σ leverages), for each set by itself where it is large, for the others
        together; at least `floor` of a set's size, below which a difference is the solver's.
        """
        r, slopes = self.rows(compared)
        scaled, sizes = _scaled(slopes)
        leverage = (np.linalg.qr(scaled[:, sizes > 0])[0] ** 2).sum(1)
        counts = [len(one.difference) for one in compared]
        ends = np.cumsum(counts)
        parts = [slice(end - n, end) for end, n in zip(ends, counts, strict=True)]
        free = [n - float(leverage[p].sum()) for n, p in zip(counts, parts, strict=True)]
        squares = [float(r[p] @ r[p]) for p in parts]
        pooled = [k for k, n in enumerate(counts) if self.sets[k].sigma is None and not self._large(n)]
        left = sum(free[k] for k in pooled)
        together = np.sqrt(sum(squares[k] for k in pooled) / left) if left > 0.5 else 1.0
        found = []
        for k, one in enumerate(self.sets):
            share = together if k in pooled else np.sqrt(squares[k] / max(free[k], 0.5))
            least = floor * one.scale
            found.append(one.sigma or max(self.sigmas[k] * share, least))
        return Weighing(self.sets, [float(s) for s in found], left > 0.5 or not pooled)

    def _large(self, count: int) -> bool:
        return count >= OWN + len(self.sets[0].pointwise.unknowns)


def covariance(slopes: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return (SᵀS)⁻¹ of weighted slopes `[n, U]`, and what cannot be told apart.

    Constants of which the data say nothing have an infinite variance.
    """
    scaled, sizes = _scaled(slopes)
    silent = [int(k) for k in np.flatnonzero(sizes == 0)]
    remarks = [f"The data do not depend on {names[k]}: it stays where the search started." for k in silent]
    told = [int(k) for k in np.flatnonzero(sizes > 0)]
    full = np.zeros((len(names), len(names)))
    full[silent, silent] = np.inf
    if told:
        _, singular, right = np.linalg.svd(scaled[:, told], full_matrices=False)
        for k in np.flatnonzero(singular < SINGULAR * singular[0]):
            mixed = [names[one] for one, share in zip(told, right[k], strict=True) if abs(share) > 0.1]
            remarks.append(f"The data cannot tell {' and '.join(mixed)} apart: only a combination of them.")
        inverse = (right.T / np.maximum(singular, 1e-150) ** 2) @ right
        full[np.ix_(told, told)] = inverse / np.outer(sizes[told], sizes[told])
    return full, remarks


def _scaled(slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.linalg.norm(slopes, axis=0)
    return slopes / np.where(sizes == 0, 1.0, sizes), sizes
