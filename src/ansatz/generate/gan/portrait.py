"""The phase portrait of a Dirac GAN: the field that training follows, and where it went."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ansatz.core import BadInput
from ansatz.generate.gan.dirac import DiracGAN, dirac_field, trajectory
from ansatz.results.canvas import LIGHT, axes, color, drawn, short

ARROWS = 17
"""The arrows along each side."""


@drawn
def phase_portrait(
    field: Any,
    paths: Mapping[str, Any],
    *,
    reach: float | None = None,
    x_label: str = "generator θ",
    y_label: str = "critic ψ",
) -> Figure:
    """Draw the directions of a field in the plane and paths in it, each from a dot, around the equilibrium 0.

    `field` takes points `[n, 2]` and returns velocities `[n, 2]`; darker arrows are faster.  `paths[name]`
    is `[T, 2]`; `reach` is the half side of the picture, by default a little more than the paths'.
    """
    known = {name: np.asarray(path, float) for name, path in paths.items()}
    for name, path in known.items():
        if path.ndim != 2 or path.shape[1] != 2 or not len(path):
            raise BadInput(f"The path {name!r} has the shape {list(path.shape)}; it should be [T, 2].")
    if reach is None:
        ends = [np.abs(path[np.isfinite(path).all(1)]).max(initial=0.0) for path in known.values()]
        reach = float(1.1 * max([*ends, 0.0]) or 1.0)
    figure, ax = axes(4.7, 4.5)
    side = float(reach)
    line = np.linspace(-side, side, ARROWS)
    x, y = (part.ravel() for part in np.meshgrid(line, line))
    speed = np.asarray(field(np.stack([x, y], 1)), float)
    length = np.hypot(*speed.T)
    unit = speed / np.where(length > 0, length, 1)[:, None]
    top = length.max() or 1.0
    # Three groups of arrows in place of a shade for each keep the picture small.
    for low, high, alpha in ((0, 1 / 3, 0.35), (1 / 3, 2 / 3, 0.6), (2 / 3, 1.01, 0.9)):
        group = (length > low * top) & (length <= high * top)
        ax.quiver(
            x[group], y[group], *unit[group].T, color=LIGHT["gray"], alpha=alpha, pivot="mid",
            scale=1.25 * ARROWS, width=0.0035, headwidth=4.5,
        )  # fmt: skip
    for at, (name, path) in enumerate(known.items()):
        ax.plot(*path.T, color=color(at), linewidth=1.2, label=short(name, 30))
        ax.plot(*path[0], color=color(at), marker="o", markersize=4)
    ax.plot(0, 0, color=LIGHT["ink"], marker="+", markersize=8, linestyle="none")
    ax.grid(False)
    ax.set_xlim(-side, side)
    ax.set_ylim(-side, side)
    ax.set_aspect("equal")
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    if known:
        figure.legend(loc="outside upper center", ncols=min(len(known), 3))
    return figure


def dirac_portrait(recipes: Mapping[str, DiracGAN], steps: int = 400, *, reach: float | None = None) -> str:
    """Return the portrait (SVG) of the field of the first recipe, with a training run of each.

    >>> dirac_portrait({"R1": DiracGAN(r1=1.0)}, 50)[:4]
    '<svg'
    """
    if not recipes:
        raise BadInput("A portrait needs at least one recipe.")
    first = next(iter(recipes.values()))
    paths = {name: trajectory(recipe, steps) for name, recipe in recipes.items()}
    return phase_portrait(lambda points: dirac_field(first, points), paths, reach=reach)
