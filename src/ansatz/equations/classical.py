"""A classical answer beside ours: finite differences in one and two coordinates, SciPy for initial values."""

import time
from typing import Any, NamedTuple

import numpy as np
import scipy.integrate
import scipy.optimize
import scipy.sparse
import scipy.sparse.linalg
import sympy

from ansatz.equations.finite_differences import Axis, differentiation
from ansatz.equations.impose import Imposed, impose
from ansatz.equations.lower import evaluate
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.stretch import Stretch

NODES = {1: 4001, 2: 97}


class Check(NamedTuple):
    """How far a classical method's answer is from ours, relative and L2.

    `difference` is that at the finer of two grids (or of SciPy), `coarse` that at the coarser; where both
    answers are right, the first is a fraction of the second: the classical error.
    """

    method: str
    difference: float
    coarse: float
    seconds: float
    sentence: str


def compare(solution: Any) -> Check:
    """Solve the problem of a solution by a classical method and return how well the two agree."""
    problem, begun = solution.problem, time.monotonic()
    reason = _refused(problem)
    if reason:
        return Check("none", float("nan"), float("nan"), 0.0, f"No classical check: {reason}.")
    if (
        len(problem.coordinates) == 1
        and problem.time is not None
        and (found := _initial_value(solution)) is not None
    ):
        seconds = time.monotonic() - begun
        return Check("DOP853", found, float("nan"), seconds, f"SciPy's DOP853 differs by {found:.1e}.")
    fine = NODES[len(problem.coordinates)]
    differences = [_finite_differences(solution, count) for count in ((fine + 1) // 2, fine)]
    coarse, last = differences
    order = float(np.log2(coarse / last)) if last > 0 else float("inf")
    agree = last < max(1e-8, 3 * solution.error) or (last < 0.7 * coarse and last < 0.1)
    words = (
        f"Finite differences on {fine} nodes an axis differ by {last:.1e}, on half as many by {coarse:.1e}"
    )
    ending = (
        f", of order {order:.1f}: they converge to our answer, within its error."
        if agree
        else ": the two do not agree."
    )
    return Check("finite differences", last, coarse, time.monotonic() - begun, words + ending)


def _refused(problem: Any) -> str:
    if problem.shape is not None:
        return "finite differences here need a box"
    if len(problem.coordinates) > 2:
        return "finite differences here go up to two coordinates"
    if problem.eigenvalue is not None or problem.unknowns:
        return "levels and unknown constants are checked by their own errors"
    imposed = impose(problem)
    if imposed.rest:
        return f"the condition {imposed.rest[0].text!r} has no place on a grid"
    bare = [
        n
        for n in range(len(problem.fields))
        if not any(e.field == n for e in imposed.exact) and not any(f == n for f, _ in imposed.periodic)
    ]
    if bare:
        return f"{problem.fields[bare[0]].func.__name__} has no conditions of its own"
    if len(problem.equations) != len(problem.fields):
        return "there are not as many equations as fields"
    return ""


def _initial_value(solution: Any) -> float | None:
    """Return the difference from SciPy's DOP853, or None where the highest derivatives are not explicit."""
    problem = solution.problem
    t, fields = problem.time, problem.fields
    orders = [problem.order(f, t) for f in fields]
    highest = [
        sympy.Derivative(f, (t, k)) if k > 1 else sympy.Derivative(f, t)
        for f, k in zip(fields, orders, strict=True)
    ]
    names = [sympy.Dummy() for _ in fields]
    equations = [e.doit().xreplace(dict(zip(highest, names, strict=True))) for e in problem.equations]
    found = sympy.solve(equations, names, dict=True)
    imposed = impose(problem)
    starts = [imposed.initial(n, 0) for n in range(len(fields))]
    if (
        len(found) != 1
        or len(found[0]) != len(names)
        or any(len(s) != k for s, k in zip(starts, orders, strict=True))
    ):
        return None
    pointwise = Pointwise([found[0][name] for name in names], fields, problem.coordinates)
    low, high = (float(v) for v in problem.intervals[t])
    places = np.concatenate([[0], np.cumsum(orders)])
    at = {jet: places[jet[0]] + jet[1][0] for jet in pointwise.jets}

    def right(now: float, y: np.ndarray) -> np.ndarray:
        values: dict[Any, Any] = {t: np.array(now)} | {
            pointwise.symbols[j]: np.array(y[k]) for j, k in at.items()
        }
        tops = pointwise.residuals(values, ())
        return np.concatenate(
            [np.append(y[places[n] + 1 : places[n + 1]], tops[n]) for n in range(len(fields))]
        )

    start = np.array([float(v) for s in starts for v in s])
    times = np.linspace(low, high, 501)
    answer = scipy.integrate.solve_ivp(
        right, (low, high), start, "DOP853", times, rtol=1e-12, atol=1e-13 * max(1.0, np.abs(start).max())
    )
    if not answer.success:
        return None
    return max(
        _relative(answer.y[places[n]], solution.field(f.func.__name__)(times)) for n, f in enumerate(fields)
    )


def _relative(theirs: np.ndarray, ours: np.ndarray) -> float:
    return float(np.linalg.norm(theirs - ours) / (np.linalg.norm(ours) or 1.0))


def _finite_differences(solution: Any, count: int) -> float:
    """Return the difference from a solution on a grid of `count` nodes an axis, by Newton from our answer."""
    problem, imposed = solution.problem, impose(solution.problem)
    pointwise = Pointwise(problem.equations, problem.fields, problem.coordinates)
    axes = _axes(solution, imposed, count)
    grids = np.meshgrid(*(a.nodes for a in axes), indexing="ij")
    shape, size = grids[0].shape, grids[0].size
    ours = [np.asarray(solution.field(f.func.__name__)(*grids)).ravel() for f in problem.fields]
    matrices = {index: _matrix(axes, index) for _, index in pointwise.jets}
    rows, kept = _conditions(problem, imposed, axes, shape)
    owner = _owners(pointwise, len(problem.fields))
    places = dict(zip(problem.coordinates, (g.ravel() for g in grids), strict=True))
    u = np.concatenate(ours)
    for _ in range(8):
        jets = {(n, index): matrices[index] @ u[n * size : (n + 1) * size] for n, index in pointwise.jets}
        values: dict[Any, Any] = places | {pointwise.symbols[j]: v for j, v in jets.items()}
        inside = pointwise.residuals(values, (size,))
        blocks, right = [], []
        for k, n in enumerate(owner):
            parts = [scipy.sparse.csr_matrix((size, size)) for _ in problem.fields]
            for (m, index), slope in pointwise.slopes_at(k, values).items():
                parts[m] = parts[m] + scipy.sparse.diags(np.broadcast_to(slope, size)) @ matrices[index]
            blocks.append(scipy.sparse.hstack([p[kept[n]] for p in parts]))
            right.append(inside[k][kept[n]])
        for n, condition, target in rows:
            empty = [scipy.sparse.csr_matrix(condition.shape) for _ in problem.fields]
            empty[n] = condition
            blocks.append(scipy.sparse.hstack(empty))
            right.append(condition @ u[n * size : (n + 1) * size] - target)
        step: Any = scipy.sparse.linalg.spsolve(scipy.sparse.vstack(blocks).tocsc(), -np.concatenate(right))
        u = u + step
        if np.linalg.norm(step) < 1e-10 * np.linalg.norm(u) or pointwise.linear:
            break
    return max(
        _relative(u[n * size : (n + 1) * size], one) for n, one in enumerate(ours) if np.linalg.norm(one) > 0
    )


def _axes(solution: Any, imposed: Imposed, count: int) -> list[Axis]:
    """Return the nodes of every coordinate, gathered where the answer's own layer gathers them."""
    problem, found = solution.problem, []
    own = getattr(solution.model, "axes", None)
    for number, symbol in enumerate(problem.coordinates):
        low, high = (float(v) for v in problem.intervals[symbol])
        stretch = Stretch(low, high)
        if own and getattr(own[0][number], "width", 0):
            stretch = Stretch(low, high, own[0][number].center, own[0][number].width)
        periodic = any(axis == number for _, axis in imposed.periodic)
        nodes = np.linspace(-1, 1, count)[: -1 if periodic else None]
        backward = symbol == problem.time
        found.append(Axis(stretch.place(nodes), backward, high - low if periodic else 0.0))
    return found


def _matrix(axes: list[Axis], index: tuple[int, ...]) -> Any:
    whole: Any = None
    for axis, order in zip(axes, index, strict=True):
        one = differentiation(axis, order)
        whole = one if whole is None else scipy.sparse.kron(whole, one, format="csr")
    return whole.tocsr()


def _conditions(
    problem: Any, imposed: Imposed, axes: list[Axis], shape: tuple[int, ...]
) -> tuple[list, dict]:
    """Return the rows of the conditions, and for each field the nodes at which the equation is kept."""
    free = {n: np.ones(shape, bool) for n in range(len(problem.fields))}
    rows = []
    for n in range(len(problem.fields)):
        taken: dict[tuple[int, bool], int] = {}
        for e in (one for one in imposed.exact if one.field == n):
            nodes = axes[e.axis].nodes
            last = abs(e.functional.place - nodes[-1]) < abs(e.functional.place - nodes[0])
            depth = taken.get((e.axis, last), 0)
            taken[(e.axis, last)] = depth + 1
            face = np.zeros(shape, bool)
            np.moveaxis(face, e.axis, 0)[-1 - depth if last else depth] = True
            face &= free[n]
            free[n] &= ~face
            row: Any = 0
            end = len(nodes) - 1 if last else 0
            for order, weight in enumerate(e.functional.weights):
                if weight:
                    line = differentiation(axes[e.axis], order)[end]
                    row = row + weight * line
            parts = [
                scipy.sparse.identity(len(a.nodes), format="csr")
                if i != e.axis
                else scipy.sparse.vstack([row] * len(nodes), format="csr")
                for i, a in enumerate(axes)
            ]
            whole: Any = parts[0]
            for one in parts[1:]:
                whole = scipy.sparse.kron(whole, one, format="csr")
            grids = np.meshgrid(*(a.nodes for a in axes), indexing="ij")
            target = np.broadcast_to(
                evaluate(e.value, dict(zip(problem.coordinates, grids, strict=True))), shape
            )
            rows.append((n, whole[face.ravel()], target[face]))
    return rows, {n: np.flatnonzero(mask.ravel()) for n, mask in free.items()}


def _owners(pointwise: Pointwise, count: int) -> list[int]:
    """Return for every equation the field whose rows it fills: the one it differentiates most often."""
    weight = np.zeros((len(pointwise.expressions), count))
    for k, slopes in enumerate(pointwise.slopes):
        for n, index in slopes:
            weight[k, n] = max(weight[k, n], 10 * index[0] + sum(index) + 0.1)
    return [int(n) for n in scipy.optimize.linear_sum_assignment(-weight)[1]]
