"""Eigenvalue problems: the k lowest levels E of L u = E M u, with an error for each, and their fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from ansatz.equations.drift import left_over
from ansatz.equations.eigen_box import BoxProblem, Discrete, split_rows
from ansatz.equations.eigen_fields import chosen_fields
from ansatz.equations.pencil import Choice, Side, Spectrum, choose_levels, shift_near, side_of, spectrum
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.problem import Condition, Problem
from ansatz.equations.series import Series
from ansatz.errors import BadInput

ALLOWED = 1.5
"""By what share of the limit the discretization that errors are estimated from may exceed it."""
NOISE = 1e3
"""Steps below so many times the rounding tell nothing about how fast the levels settle."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Eigenvalues with their errors and fields.

    `values: [k]` in order, degenerate ones as often as they occur; `errors: [k]` estimated absolute errors;
    `coefficients[level][field]` belong to `series[field]`, of which axis i stands for the coordinates
    `groups[i]`.  The fields of a level have ∫ Σ |u|² = 1 and are positive where |u| is largest (complex
    fields: real there); those of degenerate levels are orthogonal.  `tail` is the largest share of the last
    coefficients.
    """

    values: np.ndarray
    errors: np.ndarray
    series: tuple[Series, ...]
    groups: tuple[tuple[int, ...], ...]
    coefficients: tuple[tuple[np.ndarray, ...], ...]
    converged: bool
    tail: float
    remarks: tuple[str, ...] = ()

    def field(self, level: int, number: int, points: np.ndarray, index: Sequence[int] = ()) -> np.ndarray:
        """Return a field of a level, or its derivative of the orders `index`, at `points: [N, d]`."""
        points = np.asarray(points, np.float64)
        index = tuple(index) or (0,) * points.shape[1]
        value: Any = None
        for layer, group in zip(self.series[number].layers, self.groups, strict=True):
            if len(group) == 1:
                table = layer.table(points[:, group[0]], index[group[0]])[index[group[0]]]
            else:
                key = tuple(index[c] for c in group)
                table = layer.tables(points[:, list(group)], {key})[key]
            c = self.coefficients[level][number]
            value = np.tensordot(table, c, 1) if value is None else np.einsum("ni,ni...->n...", table, value)
        return value


def eigen(problem: Problem, accuracy: float = 1e-8, limit: int = 2600) -> Levels:
    """Return the lowest levels of a problem that declares an eigenvalue, `problem.levels` of them.

    The conditions are built into the ansatz or divided out of it; what is left is A c = E B c.  The size is
    raised until no level moves by more than `accuracy` · max(1, |E|); values that do not settle are dropped
    as spurious.  Where the spectrum is bounded above and not below, the highest levels are returned, where
    it is bounded on neither side, those nearest to 0; `remarks` say so.

    Args:
        problem: linear in the fields and in the eigenvalue, with homogeneous conditions.
        accuracy: the error aimed at, relative to max(1, |E|).
        limit: the largest number of unknowns.

    Raises:
        BadInput: the problem is no eigenvalue problem, or has an unknown constant or an integral condition.
    """
    pointwise = _checked(problem)
    if problem.shape is None:
        return _Search(problem, BoxProblem(problem, pointwise), accuracy, limit).run()
    from ansatz.equations.eigen_shape import ShapeProblem

    return _Search(problem, ShapeProblem(problem, pointwise), accuracy, limit).run()


class _Search:
    """The sizes tried one after another until the levels stand still."""

    def __init__(self, problem: Problem, method: Any, accuracy: float, limit: int):
        self.problem, self.method, self.accuracy, self.limit = problem, method, accuracy, limit
        self.pairs = _pairs(problem)
        self.count = problem.levels * (2 if self.pairs else 1)
        self.side: Side = "lowest"
        self.remarks: list[str] = []

    def run(self) -> Levels:
        """Return the levels."""
        sizes, shift, gathered = [self.method.start()], -0.3711, False
        found = self.method.discrete(sizes[0], shift)
        fine, tails = spectrum(found.a, found.b, shift, self.count), np.ones(len(sizes[0]))
        choice, before, settled = Choice(np.zeros(0, int), np.zeros(0), False), None, 0
        while settled < (1 if choice.clear else 2):
            larger = self.method.grown(sizes[-1], tails)
            if self.method.unknowns(larger) > self.limit:
                break
            coarse, before = fine, choice.drifts
            sizes.append(larger)
            found = self.method.discrete(larger, shift)
            fine = spectrum(found.a, found.b, shift, self.count)
            choice = self._compared(fine, coarse)
            full = len(choice.places) == self.count
            settled = settled + 1 if full and choice.drifts.max() < self.accuracy else 0
            if len(choice.places):
                shift = shift_near(fine.values[choice.places].real, self.side)
                vectors = found.reduction @ fine.vectors[:, choice.places].real
                tails = self.method.tails(found, vectors)
                if not settled and not gathered and self._is_slow(found, tails):
                    gathered = self.method.gather(found, vectors, self.accuracy)
        errors = self._errors(fine, choice, before, sizes, shift)
        return self._levels(found, fine, choice, errors, tails, settled > 0)

    def _is_slow(self, found: Discrete, tails: np.ndarray) -> bool:
        """Tell whether the fields are resolved to some digits and the next size may not be enough."""
        return bool(1e-12 < tails.max() < 0.03) and len(found.a) > 100

    def _compared(self, fine: Spectrum, coarse: Spectrum) -> Choice:
        if fine.whole:
            self.side = side_of(fine)
        return choose_levels(fine, coarse, self.count, self.side, self.accuracy)

    def _levels(
        self, found: Discrete, fine: Spectrum, choice: Choice, errors: Any, tails: np.ndarray, converged: bool
    ) -> Levels:
        if not len(choice.places):
            raise BadInput(
                f"No two sizes up to {self.limit} unknowns agree on a real level {self.problem.eigenvalue}; "
                f"check the sign of the highest derivative and the conditions."
            )
        values = fine.values[choice.places].real
        vectors = found.reduction @ _real_columns(fine.vectors[:, choice.places])
        order = np.argsort(values, kind="stable")
        values, errors, vectors = values[order], errors[order], vectors[:, order]
        values, errors, vectors = chosen_fields(values, errors, vectors, found.samples, self.pairs)
        parts = split_rows(vectors, found.series)
        coefficients = tuple(
            tuple(part[:, k].reshape(s.shape) for part, s in zip(parts, found.series, strict=True))
            for k in range(len(values))
        )
        return Levels(
            values, errors, found.series, found.groups, coefficients, converged, float(tails.max()),
            tuple(self._remarks(len(values), choice, converged)),
        )  # fmt: skip

    def _errors(
        self, fine: Spectrum, choice: Choice, before: np.ndarray | None, sizes: list, shift: float
    ) -> np.ndarray:
        """Return the errors of levels: how far they are from those of a slightly larger discretization.

        Where that is too large the drift from the size before counts, times the ratio by which drifts fall.
        Below either is what rounding does to the pencil.
        """
        values = fine.values[choice.places]
        scale = np.maximum(1.0, np.abs(values))
        larger = self.method.richer(sizes[-1])
        if self.method.unknowns(larger) <= ALLOWED * self.limit:
            found = self.method.discrete(larger, shift)
            rich = spectrum(found.a, found.b, shift, self.count)
            steps = _distances(values, rich.values)
            rounding = _rounding(values, rich.values, shift)
            three = (max(sizes[-2]), max(sizes[-1]), max(larger)) if len(sizes) > 1 else None
            if three is not None and three[0] < three[1] < three[2]:
                slow = left_over(choice.drifts * scale, steps, three)
                steps = np.where(steps > NOISE * rounding, slow, 1.0) * steps
        else:
            ratio = np.ones(len(values))
            if before is not None and len(before) == len(values):
                ratio = np.clip(choice.drifts / np.maximum(before, 1e-300), self.method.fastest, 1.0)
            steps, rounding = choice.drifts * ratio * scale, _rounding(values, values, shift)
        return np.maximum(np.maximum(steps, rounding), np.abs(values.imag))

    def _remarks(self, count: int, choice: Choice, converged: bool) -> list[str]:
        name, remarks = self.problem.eigenvalue, []
        if self.side == "highest":
            remarks.append(
                f"There is no lowest {name}: the values are unbounded below; the highest are given."
            )
        if self.side == "nearest":
            remarks.append(f"{name} is unbounded below and above; the values nearest to 0 are given.")
        if count < self.problem.levels:
            remarks.append(f"Only {count} of {self.problem.levels} values of {name} were found.")
        if not converged:
            drift = f"{choice.drifts.max():.1e}"
            remarks.append(
                f"The last two sizes differ by {drift} of max(1, |{name}|), above {self.accuracy:g}."
            )
        return remarks


def _distances(values: Any, others: Any) -> np.ndarray:
    """Return how far values are from others, each of which is the partner of one, nearest first."""
    gaps = np.abs(values[:, None] - others[None])
    found = np.zeros(len(values))
    for _ in range(len(values)):
        one, other = np.unravel_index(gaps.argmin(), gaps.shape)
        found[one] = gaps[one, other]
        gaps[one], gaps[:, other] = np.inf, np.inf
    return found


def _rounding(values: Any, all_values: Any, shift: float) -> np.ndarray:
    """Return what rounding does to values E: μ = 1/(E - shift) is as exact as the largest μ allows."""
    largest = 1 / np.abs(all_values - shift).min()
    return np.finfo(np.float64).eps * np.abs(values - shift) ** 2 * largest


def _real_columns(vectors: Any) -> np.ndarray:
    """Return real vectors that span the same: of a pair made complex by rounding, both parts."""
    turned: Any = vectors * np.exp(
        -1j * np.angle(vectors[np.abs(vectors).argmax(axis=0), range(vectors.shape[1])])
    )
    real = turned.real.copy()
    for k in range(1, vectors.shape[1]):
        if (
            np.allclose(vectors[:, k], vectors[:, k - 1].conj(), atol=1e-12)
            and np.abs(vectors[:, k].imag).any()
        ):
            real[:, k - 1], real[:, k] = vectors[:, k].real, vectors[:, k].imag
    return real


def _pairs(problem: Problem) -> tuple[tuple[int, int], ...]:
    """Return the numbers of the real and imaginary parts, if all fields are parts of complex ones."""
    pairs = tuple(
        (problem.fields.index(re), problem.fields.index(im)) for re, im in problem.complex_fields.values()
    )
    return pairs if 2 * len(pairs) == len(problem.fields) else ()


def _checked(problem: Problem) -> Pointwise:
    """Return the equations ready for evaluation, or say why they are no eigenvalue problem."""
    symbol = problem.eigenvalue
    if symbol is None:
        raise BadInput("The problem declares no eigenvalue; declare one with eigenvalue('E', k=3).")
    if problem.unknowns:
        raise BadInput(
            f"The problem has the eigenvalue {symbol} and the unknown constant {problem.unknowns[0].symbol}; "
            f"give that constant a value."
        )
    if len(problem.equations) != len(problem.fields):
        raise BadInput(
            f"There are {len(problem.equations)} equations for {len(problem.fields)} fields; "
            f"an eigenvalue problem has as many of them as fields."
        )
    pointwise = Pointwise(problem.equations, problem.fields, problem.coordinates, [symbol])
    for equation, expression, slopes in zip(
        problem.equations, pointwise.expressions, pointwise.slopes, strict=True
    ):
        _refuse(f"The equation {equation} = 0", expression, slopes, pointwise, symbol)
    if not any(pointwise.by_unknown):
        raise BadInput(f"No equation contains the eigenvalue {symbol}; write it as -u'' = {symbol}*u.")
    for condition in problem.conditions:
        _check_condition(condition, problem)
    return pointwise


def _check_condition(condition: Condition, problem: Problem) -> None:
    if condition.kind == "periodic":
        return
    if condition.kind == "integral":
        raise BadInput(
            f"The condition {condition.text} is an integral; levels are normalized to 1, so leave it out."
        )
    normals = {
        one: sympy.Dummy(real=True)
        for one in condition.residual.atoms(sympy.Function)
        if str(one.func) == "dn"
    }
    residual: Any = condition.residual.xreplace(normals)
    symbol: Any = problem.eigenvalue
    pointwise = Pointwise([residual], problem.fields, problem.coordinates, [symbol])
    extra = {jet: slope for jet in normals.values() if (slope := sympy.diff(residual, jet)) != 0}
    pointwise.symbols |= {(-1 - n, ()): jet for n, jet in enumerate(normals.values())}
    slopes = {**pointwise.slopes[0], **extra}
    _refuse(
        f"The condition {condition.text}", pointwise.expressions[0], slopes, pointwise, problem.eigenvalue
    )


def _refuse(what: str, expression: Any, slopes: Any, pointwise: Pointwise, symbol: Any) -> None:
    """Raise BadInput unless an expression is linear and homogeneous in the fields and linear in E."""
    jets = set(pointwise.symbols.values())
    if any(
        sympy.simplify(slope).free_symbols & jets for slope in slopes.values() if slope.free_symbols & jets
    ):
        raise BadInput(f"{what} is not linear in the fields; levels are defined for linear equations.")
    if any(sympy.simplify(sympy.diff(slope, symbol, 2)) != 0 for slope in slopes.values()):
        raise BadInput(f"{what} is not linear in {symbol}; write it as L u = {symbol} M u.")
    rest = sympy.simplify(expression.xreplace(dict.fromkeys(jets, sympy.S.Zero)))
    if rest != 0:
        raise BadInput(f"{what} has the term {rest} without a field; a level needs homogeneous equations.")
