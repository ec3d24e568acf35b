"""Problems solved at once over all coordinates: boundary-value problems, shapes, conditions left to rows."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ansatz.equations.basis import Layer
from ansatz.equations.evolve import shares
from ansatz.equations.gather import gathering
from ansatz.equations.layout import MODES, Layout
from ansatz.equations.newton import newton
from ansatz.equations.problem import Problem
from ansatz.equations.series import Block, Series, lift_at, product, split

HOPELESS = 1500
"""Problems that could not be solved with this many unknowns are not tried with more."""
UNRESOLVED = 0.03
"""With a larger share of the terms left over at other points, the first estimate of all is not believed."""
TRAPPED = 1e-2
"""Newton's method starts again elsewhere if more of the residual than this share of the first remains."""

BELIEVED, NOISE = 0.75, 1e-12
"""An estimate proved right if the error turned out to be so near to it; smaller ones are mostly rounding."""


@dataclass
class Static:
    """What was found: the series of every field, their coefficients, and the estimated error.

    `rich` and `defect` are the series and the coefficients of the richer answer that it is estimated from,
    `estimated` the differences to that, which `errors` may exceed.
    """

    fields: tuple[Series, ...]
    groups: tuple[tuple[int, ...], ...]
    coefficients: list[np.ndarray]
    rich: tuple[Series, ...] = ()
    defect: list[np.ndarray] = field(default_factory=list)
    errors: dict[str, float] = field(default_factory=dict)
    estimated: dict[str, float] = field(default_factory=dict)
    residual: float = float("inf")
    converged: bool = False
    factorizations: int = 0
    size: int = 0
    remarks: list[str] = field(default_factory=list)

    @property
    def error(self) -> float:
        """The estimated relative L2 error, the largest over the fields."""
        return max(self.errors.values(), default=float("inf"))


def static(
    problem: Problem,
    *,
    accuracy: float = 1e-8,
    limit: int = 3000,
    unknowns: dict[Any, float] | None = None,
    deadline: float | None = None,
    progress: Callable[[float], None] = lambda share: None,
    layout: Layout | None = None,
) -> Static:
    """Solve a problem at growing resolutions until the estimated error is below `accuracy`.

    The estimate is the solution of the linearised equation for the defect in a slightly richer space:
    Newton steps from the answer, prolonged.  Where the estimate of the size before proves wrong, because
    the solution is not smooth, it is not believed to fall faster than errors of such solutions do.
    """
    layout = layout or Layout(problem)
    unknowns = unknowns or {}
    stretches, best, level, stalled = dict(layout.stretches), None, 0, 0
    before: Static | None = None
    while True:
        fields = layout.fields(level, stretches)
        size = sum(int(np.prod(s.shape)) for s in fields)
        if best is not None and (size > limit or level >= len(MODES)):
            break
        if best is not None and not best.converged and size > HOPELESS:
            best.remarks.append(f"Newton's method converged at no resolution up to {best.size} unknowns.")
            break
        if deadline is not None and best is not None and time.monotonic() > deadline:
            best.remarks.append("The time allowed was over before the resolution sufficed.")
            break
        found, first = _solve(layout, fields, unknowns, best), before is None
        if found.converged:
            rich = _solve(layout, layout.fields(level, stretches, richer=True), unknowns, found)
            if rich.converged:
                found.estimated = found.errors = differences(layout, found, rich)
                found.rich, found.defect = rich.fields, rich.coefficients
                if before is not None:
                    found.errors = doubted(found, before, differences(layout, before, rich))
                before = found
        if best is not None and best.converged:
            stalled = stalled + 1 if 0.5 * best.error <= found.error and best.error < 1e-5 else 0
        if best is None or not best.converged or found.error < best.error:
            best = found
        progress(_share(best.error, accuracy))
        enough = best.converged and (best.error <= accuracy or stalled == 2)
        if enough and not (first and _held_out(layout, best, unknowns) > UNRESOLVED):
            break
        if found.converged and level >= 3 and found.error < 1.0:
            stretches = _gathered(layout, found, stretches, max(accuracy, found.error))
        level += 1
    best.residual = _held_out(layout, best, unknowns)
    if resonant(layout, unknowns):
        best.converged, best.errors = False, dict.fromkeys(best.errors, float("inf"))
        best.remarks.append(RESONANCE)
    return best


RESONANCE = (
    "Without its right sides the problem has a solution of its own (a resonance, as y'' = -ω²y between two "
    "ends where sin ω = 0): it has no solution or infinitely many."
)


def resonant(layout: Layout, unknowns: dict) -> bool:
    """Tell whether a linear problem with as many rows as functions is singular at a good resolution."""
    if not layout.pointwise.linear:
        return False
    chosen = None
    for level in range(7):
        fields = layout.fields(level, dict(layout.stretches))
        if not layout._square(fields) or sum(int(np.prod(s.shape)) for s in fields) > 700:
            break
        chosen = fields
    if chosen is None:
        return False
    zero = [np.zeros(s.shape) for s in chosen]
    jacobian = np.concatenate([b.jacobian(b.jets(zero), unknowns) for b in layout.blocks(chosen)])
    columns = np.linalg.norm(jacobian, axis=0)
    sizes = np.linalg.svd(jacobian / np.where(columns > 0, columns, 1.0), compute_uv=False)
    return bool(sizes[-1] < 1e-13 * sizes[0])


def _share(error: float, accuracy: float) -> float:
    return float(np.clip(np.log(max(min(error, 1.0), 1e-300)) / np.log(accuracy), 0.0, 1.0))


def _solve(layout: Layout, fields: tuple[Series, ...], unknowns: dict, before: Static | None) -> Static:
    blocks = layout.blocks(fields)

    def jets(x: np.ndarray, block: Block) -> dict:
        return block.jets(split(x, fields))

    def residual(x: np.ndarray) -> np.ndarray:
        return np.concatenate([b.residual(jets(x, b), unknowns) for b in blocks])

    def jacobian(x: np.ndarray) -> np.ndarray:
        return np.concatenate([b.jacobian(jets(x, b), unknowns) for b in blocks])

    size = sum(int(np.prod(s.shape)) for s in fields)
    linear = all(b.pointwise.linear for b in blocks)
    start = np.zeros(size)
    known = before if before is not None and before.converged and not linear else None
    if known is not None:
        start = _prolonged(layout, known, fields)
    scale = _size_of_lifts(layout, fields)
    solved = newton(residual, jacobian, start, linear=linear, steps=40, size_of_rest=scale)
    if not linear and known is None and not solved.residual <= TRAPPED * np.linalg.norm(residual(start)):
        other = newton(residual, jacobian, _elsewhere(fields), steps=40, size_of_rest=scale)
        solved = other if other.residual < solved.residual else solved
    return Static(
        fields, layout.groups, split(solved.x, fields),
        converged=solved.converged, factorizations=solved.factorizations, size=size,
    )  # fmt: skip


def _size_of_lifts(layout: Layout, fields: Sequence[Series]) -> float:
    points = sample(layout, 9)
    zeros = [np.zeros([len(p) for p in points])] * len(fields)
    return max(float(np.abs(v).max()) for v in _with_lifts(layout, fields, zeros, points))


def _elsewhere(fields: Sequence[Series]) -> np.ndarray:
    """Return smooth random coefficients, always the same."""
    random = np.random.default_rng(0)
    shapes = [s.shape for s in fields]
    return np.concatenate(
        [(random.standard_normal(k) / (1 + np.indices(k).sum(0)) ** 2).ravel() for k in shapes]
    )


def _prolonged(layout: Layout, before: Static, fields: Sequence[Series]) -> np.ndarray:
    parts = []
    for old, new, c in zip(before.fields, fields, before.coefficients, strict=True):
        array = c
        for axis, (a, b) in enumerate(zip(old.layers, new.layers, strict=True)):
            moved = np.moveaxis(array, axis, 0)
            if isinstance(b, Layer):
                x = b.nodes(2 * b.size)
                source, target = a.table(x, 0)[0], b.table(x, 0)[0]
            else:
                x = b.shape.interior(2 * b.size)
                zero = (0,) * len(b.shape.bounds)
                source, target = a.tables(x, {zero})[zero], b.tables(x, {zero})[zero]
            values = source @ moved.reshape(len(moved), -1)
            found = np.linalg.lstsq(target, values, rcond=1e-13)[0]
            array = np.moveaxis(found.reshape(b.size, *moved.shape[1:]), 0, axis)
        parts.append(array.ravel())
    return np.concatenate(parts)


def values_of(
    fields: Sequence[Series], coefficients: Sequence[np.ndarray], groups: Any, points: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Return v, the fields less their lifts, on a tensor grid."""
    found = []
    for s, c in zip(fields, coefficients, strict=True):
        tables = []
        for layer, p in zip(s.layers, points, strict=True):
            zero = (0,) * (p.shape[1] if p.ndim == 2 else 1)
            tables.append(layer.table(p, 0)[0] if p.ndim == 1 else layer.tables(p, {zero})[zero])
        found.append(product(c, tables))
    return found


def sample(layout: Layout, count: int = 0, seed: int = 5) -> list[np.ndarray]:
    """Return a grid that no solve uses, for errors and held-out residuals."""
    count = count or {1: 400, 2: 40, 3: 16}.get(len(layout.groups), 8)
    found = []
    for group in layout.groups:
        if len(group) == 1:
            low, high = (float(v) for v in layout.problem.intervals[layout.problem.coordinates[group[0]]])
            found.append(low + (high - low) * (np.arange(count) + 0.4142) / count)
        else:
            found.append(layout.shape.interior(600, seed=seed))
    return found


def differences(layout: Layout, coarse: Static, fine: Static) -> dict[str, float]:
    """Return the relative L2 differences of two answers by field."""
    points = sample(layout)
    old = values_of(coarse.fields, coarse.coefficients, layout.groups, points)
    new = values_of(fine.fields, fine.coefficients, layout.groups, points)
    sizes = [float(np.linalg.norm(v)) for v in _with_lifts(layout, fine.fields, new, points)]
    gaps = [float(np.linalg.norm(a - b)) for a, b in zip(old, new, strict=True)]
    return shares(layout.problem, gaps, sizes)


def doubted(found: Static, before: Static, seen: dict[str, float]) -> dict[str, float]:
    """Return the errors of an answer, given what is `seen` now of those of the size before.

    A kink or a jump between the points shifts two answers in like ways, or not, as the points happen to
    lie: their difference then tells little.  Where that showed before, an error is taken to be at least
    what was seen there times the square of the ratio of the resolutions.
    """
    finer = (before.size / found.size) ** (2 / sum(map(len, found.groups)))
    return {
        name: value
        if before.estimated[name] < NOISE or BELIEVED < seen[name] / before.estimated[name] < 1 / BELIEVED
        else max(value, seen[name] * finer)
        for name, value in found.estimated.items()
    }


def _with_lifts(
    layout: Layout, fields: Sequence[Series], values: Sequence[np.ndarray], points: Sequence[np.ndarray]
) -> list:
    zero = tuple(0 for _ in layout.problem.coordinates)
    block = Block(layout.pointwise, fields, points, groups=layout.groups)
    whole = []
    for s, v in zip(fields, values, strict=True):
        extra = lift_at(s.lift, zero, layout.problem.coordinates, block.values, block.shape)
        whole.append(v if extra is None else v + extra)
    return whole


def _held_out(layout: Layout, found: Static, unknowns: dict) -> float:
    """Return the residual over the size of its terms: of the equations at held-out points, of conditions."""
    points = sample(layout)
    worst = _relative(
        Block(layout.pointwise, found.fields, points, groups=layout.groups), found, unknowns, points
    )
    for block in layout.conditions(found.fields):
        worst = max(worst, _relative(block, found, unknowns, points))
    return worst


def _relative(block: Block, found: Static, unknowns: dict, points: Sequence[np.ndarray]) -> float:
    """Return the size of a block's rows over the largest of their terms, as large as in the whole domain.

    The size is what nine rows in ten stay below: at a corner the highest derivatives of a right answer may
    be infinite.
    """
    jets = block.jets(found.coefficients)
    rows = block.residual(jets, unknowns) / block.weight
    rows = rows if block.quadrature is None else rows / float(np.sum(block.quadrature))
    values = block.values | {block.pointwise.symbols[jet]: value for jet, value in jets.items()} | unknowns
    inside = Block(block.pointwise, found.fields, points, groups=block.groups).jets(found.coefficients)
    terms = 0.0
    for k in range(len(block.pointwise.expressions)):
        for jet, slope in block.pointwise.slopes_at(k, values).items():
            terms = max(terms, _rms(slope) * _rms(inside[jet]))
    return float(np.quantile(np.abs(rows), 0.9)) / (terms or 1.0)


def _rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _gathered(layout: Layout, found: Static, stretches: dict, accuracy: float) -> dict:
    """Gather points along the axes on which that saves functions."""
    chosen = dict(stretches)
    for axis, group in enumerate(layout.groups):
        mine: Any = [s.layers[axis] for s in found.fields]
        number, *others = group
        if others or mine[0].kind == "fourier":
            continue
        slices = []
        for s, c in zip(found.fields, found.coefficients, strict=True):
            moved = np.moveaxis(c, axis, 0).reshape(c.shape[axis], -1)
            layers: Any = s.layers
            slices.append(layers[axis].combination @ moved)
        if (stretch := gathering(mine, slices, accuracy)) is not None:
            chosen[number] = stretch
    return chosen
