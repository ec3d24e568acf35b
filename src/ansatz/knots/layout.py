"""Where the points of a diagram lie in the unit disk: drawn by Tutte, then relaxed to even shapes.

Tutte's drawing (1963), each point a positive mean of its neighbours, never overlaps, and crowds.  From there
the triangles are brought towards shapes of one size by minimizing

    Σ_t w_t (‖J_t‖² + ‖J_t⁻¹‖²) + β Σ ‖x₋ − 2x + x₊‖² + μ Σ ‖x − x⁰‖²

with J_t the linear map from the triangle's shape to the plane: the first sum is infinite where a triangle
turns over, so the drawing stays one (the symmetric Dirichlet energy; Smith and Schaefer 2015); the second
straightens strands; the third holds points near where they were before a move.  The steps are those of
Rabinovich, Poranne, Panozzo and Sorkine-Hornung, Scalable locally injective mappings (2017).
After a move, Tutte's means have the mean-value weights (Floater 2003) of the drawing before it wherever
nothing changed, which reproduce it there.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_matrix, diags
from scipy.sparse.linalg import splu

from ansatz.knots.diagram import Diagram
from ansatz.knots.mesh import Key, Mesh, mesh, middle_key, outer_face

BEND, HOLD = 40.0, 0.3
ENOUGH, SHORTEST = 3e-5, 1e-4
FRESH, WARM, WARM_WORK = 40, (4, 12), 400
"""The rounds of relaxation of a new drawing; after a move the least, the most, and crossings times rounds."""


class Layout(NamedTuple):
    """The points of a connected part in the unit disk, by key; the darts of its outer face, by name.

    `unit` is the length that a quarter of an edge should have.
    """

    at: dict[Key, np.ndarray]
    outer: frozenset[Key]
    unit: float


def lay_out(
    diagram: Diagram,
    part: Sequence[int],
    *,
    name: Callable[[int], Key] = int,
    before: Layout | None = None,
) -> Layout:
    """Return the layout of a connected part of a diagram, given by its crossings.

    `name(d)` names darts, such that a dart that outlasts a move keeps its name; `before` is the layout
    before the move, near which this one stays.  Deterministic.

    >>> from ansatz.knots.codes import torus
    >>> trefoil = torus(2, 3)
    >>> layout = lay_out(trefoil, trefoil.live())
    >>> len(layout.at), len(layout.outer)
    (52, 3)
    """
    part = list(part)
    outer = outer_face(diagram, part) if before is None else _same_outside(diagram, part, name, before)
    disk = mesh(diagram, part, outer, name)
    unit = 1 / disk.radius
    if before is None:
        points, held = _tutte(disk, _ring(disk.ring, 0.0)), None
    else:
        points, held = _moved(disk, outer, name, before, unit)
    rounds = FRESH if before is None else min(max(WARM_WORK // len(part), WARM[0]), WARM[1])
    points = relax(disk, points, unit, rounds, held)
    return Layout(dict(zip(disk.keys, points, strict=True)), frozenset(map(name, outer)), unit)


def areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return twice the signed area of each triangle."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]


def relax(
    disk: Mesh, points: np.ndarray, unit: float, rounds: int, held: np.ndarray | None = None
) -> np.ndarray:
    """Return the points after some rounds of minimization; `held: [V, 2]` has NaN where a point is free."""
    free = len(disk.keys) - disk.ring
    rest = np.linalg.inv(unit * disk.rest)
    slope = np.stack([-rest.sum(2), rest[:, :, 0], rest[:, :, 1]], 1)
    known = np.zeros(free, bool) if held is None else np.asarray(np.isfinite(held[:free]).all(1))
    target = np.zeros((free, 2)) if held is None else np.where(known[:, None], held[:free], 0.0)
    hold = np.where(known, HOLD / unit**2, 0.0)[:, None]

    def energy(x: np.ndarray) -> float:
        jacobian = x[disk.triangles].swapaxes(1, 2) @ slope
        det = np.linalg.det(jacobian)
        if not (det > 0).all():
            return np.inf
        shapes = (disk.weight * (jacobian**2).sum((1, 2)) * (1 + 1 / det**2)).sum()
        bends = BEND * (_turns(x[disk.bends])[0] ** 2).sum()
        return float(shapes + bends + (hold * (x[:free] - target) ** 2).sum())

    value = energy(points)
    for _ in range(rounds):
        goal = _minimum(disk, points, slope, hold, target)
        step = np.concatenate([goal - points[:free], np.zeros((disk.ring, 2))])
        length = min(1.0, 0.9 * _longest(disk, points, step))
        while (found := energy(points + length * step)) >= value and length > SHORTEST:
            length /= 2
        if found >= value:
            break
        gained, points, value = value - found, points + length * step, found
        if gained < ENOUGH * value:
            break
    return points


def _minimum(
    disk: Mesh, points: np.ndarray, slope: np.ndarray, hold: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """Return the free points at the minimum of the quadratic form that stands for the energy nearby."""
    jacobian = points[disk.triangles].swapaxes(1, 2) @ slope
    u, s, vt = np.linalg.svd(jacobian)
    pull = (u * ((1 + 1 / s + 1 / s**2 + 1 / s**3) * disk.weight[:, None])[:, None, :]) @ u.swapaxes(1, 2)
    across = slope @ slope.swapaxes(1, 2)
    shapes = (across[:, :, None, :, None] * pull[:, None, :, None, :]).reshape(-1, 36)
    wanted = slope @ (pull @ u @ vt).swapaxes(1, 2)
    turns, change = _turns(points[disk.bends])
    change = change.reshape(-1, 6, 2)
    bends = BEND * (change @ change.swapaxes(1, 2)).reshape(-1, 36)
    still = change.swapaxes(1, 2) @ points[disk.bends].reshape(-1, 6, 1) - turns[:, :, None]
    straight = BEND * (change @ still)

    free, size = 2 * len(hold), 2 * len(points)
    corners = np.concatenate([disk.triangles, disk.bends])
    index = (2 * corners[:, :, None] + np.arange(2)).reshape(-1, 6)
    where = index.repeat(6, 1).ravel(), np.tile(index, (1, 6)).ravel()
    matrix = csc_matrix((np.concatenate([shapes, bends]).ravel(), where), (size, size))
    right = np.bincount(index.ravel(), np.concatenate([wanted.ravel(), straight.ravel()]), size)
    right = (right - matrix[:, free:] @ points.ravel()[free:])[:free] + (hold * target).ravel()
    system = matrix[:free, :free] + diags(hold.repeat(2, 1).ravel())
    # The matrix is symmetric and positive, so no pivot is sought.
    options = {"SymmetricMode": True}
    found = splu(csc_matrix(system), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
    return found.solve(right).reshape(-1, 2)


def _turns(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, of triples of points `[B, 3, 2]`, by how much the direction changes, `[B, 2]`, and its slope.

    The slope is `[B, 3, 2, 2]`: by the coordinates of each point, then the components of the direction.
    """
    edges = np.diff(corners, axis=1)
    length = np.linalg.norm(edges, axis=2, keepdims=True)
    along = edges / length
    across = (np.eye(2) - along[..., :, None] * along[..., None, :]) / length[..., None]
    first, second = across[:, 0], across[:, 1]
    return along[:, 1] - along[:, 0], np.stack([first, -first - second, second], 1)


def _longest(disk: Mesh, points: np.ndarray, step: np.ndarray) -> float:
    """Return how far along a step the first triangle becomes flat: the least positive root of its area."""
    a, b, c = (points[disk.triangles[:, k]] for k in range(3))
    u, v, w = (step[disk.triangles[:, k]] for k in range(3))

    def cross(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        return p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]

    two = cross(v - u, w - u)
    one = cross(b - a, w - u) + cross(v - u, c - a)
    zero = cross(b - a, c - a)
    root = np.sqrt(np.maximum(one**2 - 4 * two * zero, 0))
    real = one**2 >= 4 * two * zero
    with np.errstate(divide="ignore", invalid="ignore"):
        # The stable pair of roots: q/two and zero/q.
        q = -0.5 * (one + np.where(one < 0, -root, root))
        both = np.stack([q / two, zero / q])
    both[~np.isfinite(both) | (both <= 0) | ~real] = np.inf
    return float(both.min())


def _ring(count: int, phase: float) -> np.ndarray:
    """Return points on the unit circle, clockwise from an angle."""
    angle = phase - 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def _tutte(disk: Mesh, ring: np.ndarray, shape: np.ndarray | None = None) -> np.ndarray:
    """Return every point as a mean of its neighbours, of mean-value weights where a shape is given.

    `shape: [V, 2]` has NaN where it is not known; there, and where it overlaps, all neighbours weigh as much.
    """
    size, triangles = len(disk.keys), disk.triangles
    free = size - disk.ring
    corner = triangles[:, [0, 1, 2, 0, 1, 2]].ravel()
    other = triangles[:, [1, 2, 0, 2, 0, 1]].ravel()
    weight = np.ones(len(corner))
    if shape is not None:
        valued = _mean_values(shape, triangles)
        sound = np.ones(size, bool)
        sound[triangles[~(np.isfinite(valued).all(1) & (areas(shape, triangles) > 0))].ravel()] = False
        weight = np.where(sound[corner], valued.ravel(), 1.0)
    matrix = csc_matrix((weight, (corner, other)), (size, size))[:free]
    system = diags(np.asarray(matrix.sum(1)).ravel()) - matrix[:, :free]
    inner = splu(csc_matrix(system)).solve(matrix[:, free:] @ ring)
    return np.concatenate([inner, ring])


def _mean_values(shape: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return tan(θ/2)/length for each corner with the next and with the one after that: `[T, 6]`."""
    p = shape[triangles]
    after, last = p[:, [1, 2, 0]] - p, p[:, [2, 0, 1]] - p
    lengths = np.stack([np.linalg.norm(after, axis=2), np.linalg.norm(last, axis=2)])
    cross = after[..., 0] * last[..., 1] - after[..., 1] * last[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        half = cross / (lengths[0] * lengths[1] + (after * last).sum(2))
        return np.concatenate([half / lengths[0], half / lengths[1]], 1)


def _same_outside(diagram: Diagram, part: list[int], name: Callable[[int], Key], before: Layout) -> list[int]:
    """Return the face that shares most darts with the one outside before.

    Among equals it is the one that ran around the others, which encloses least area, signed.
    """
    alpha, own = np.asarray(diagram.alpha).tolist(), set(part)

    def rank(face: list[int]) -> tuple[int, float]:
        keys = [key for d in face for key in (name(d), middle_key(name, d, alpha[d]), name(alpha[d]))]
        points = np.array([before.at[key] for key in keys if key in before.at]).reshape(-1, 2)
        after = np.roll(points, -1, 0)
        area = float((points[:, 0] * after[:, 1] - points[:, 1] * after[:, 0]).sum())
        return -sum(name(d) in before.outer for d in face), area

    return min((face for face in diagram.faces() if face[0] >> 2 in own), key=rank)


def _moved(
    disk: Mesh, outer: list[int], name: Callable[[int], Key], before: Layout, unit: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the points after a move, and where those were that outlast it."""
    nowhere = np.full(2, np.nan)
    shape = np.array([before.at.get(key, nowhere) for key in disk.keys])
    free = len(disk.keys) - disk.ring
    shape[:free] *= unit / before.unit
    if frozenset(map(name, outer)) != before.outer or not np.isfinite(shape[free:]).all():
        shape[free:] = _turned_ring(disk, shape)
    held = shape.copy()
    shape = _filled(disk, shape)
    if (areas(shape, disk.triangles) > 0).all():
        return shape, held
    return _tutte(disk, shape[free:], shape), held


def _turned_ring(disk: Mesh, shape: np.ndarray) -> np.ndarray:
    """Return the ring, turned so that its points are where their neighbours were."""
    free = len(disk.keys) - disk.ring
    ring = _ring(disk.ring, 0.0)
    turned = 0j
    for corner in disk.triangles[(disk.triangles >= free).any(1)]:
        for p in corner[corner < free]:
            for r in corner[corner >= free]:
                if np.isfinite(shape[p]).all():
                    turned += complex(*shape[p]) / complex(*ring[r - free])
    return _ring(disk.ring, float(np.angle(turned)) if turned else 0.0)


def _filled(disk: Mesh, shape: np.ndarray) -> np.ndarray:
    """Return the shape with each unknown point a mean of its neighbours, the known ones where they are."""
    unknown = ~np.isfinite(shape).all(1)
    if not unknown.any():
        return shape
    corner = disk.triangles[:, [0, 1, 2, 0, 1, 2]].ravel()
    other = disk.triangles[:, [1, 2, 0, 2, 0, 1]].ravel()
    matrix = csc_matrix((np.ones(len(corner)), (corner, other)), (len(shape), len(shape)))[unknown]
    system = diags(np.asarray(matrix.sum(1)).ravel()) - matrix[:, unknown]
    shape = shape.copy()
    shape[unknown] = splu(csc_matrix(system)).solve(matrix[:, ~unknown] @ shape[~unknown])
    return shape
