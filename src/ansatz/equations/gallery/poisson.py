"""Poisson's equation on a square, a disk, an L, and in five dimensions."""

import numpy as np

from ansatz.equations import reference
from ansatz.equations.domain import Disk, l_shape
from ansatz.equations.gallery._entry import Entry, inside, mesh


def poisson_square() -> Entry:
    """Return -Δu = 2π² sin πx sin πy on the unit square."""
    return Entry(
        name="poisson_square",
        title="Poisson's equation on a square",
        equations=("-laplacian(u) = 2*pi^2*sin(pi*x)*sin(pi*y)",),
        on="x=0..1, y=0..1",
        where=("u=0",),
        reference=reference.poisson_square,
        grid=mesh((0, 1, 101), (0, 1, 101)),
        certified="closed form",
        accuracy=1e-10,
    )


def poisson_disk() -> Entry:
    """Return -Δu = eˣ on the unit disk."""
    return Entry(
        name="poisson_disk",
        title="Poisson's equation on a disk",
        equations=("-laplacian(u) = exp(x)",),
        on="x,y=disk(0,0,1)",
        where=("u=0",),
        reference=reference.poisson_disk_exponential,
        grid=inside(lambda: Disk((0, 0), 1)),
        certified="series of Bessel functions",
    )


def poisson_l_shape() -> Entry:
    """Return -Δu = 1 on the L, whose inner corner makes u behave like r^(2/3)."""
    return Entry(
        name="poisson_l_shape",
        title="Poisson's equation on an L",
        equations=("-laplacian(u) = 1",),
        on="x,y=lshape()",
        where=("u=0",),
        reference=reference.poisson_l_shape,
        grid=inside(l_shape),
        certified="corner features with a proven bound",
        remarks=("The gradient is infinite at the inner corner (0, 0).",),
    )


def poisson_5d() -> Entry:
    """Return -Δu = π²/4 Σ sin(πx_i/2) on the unit cube in five dimensions."""
    names = [f"x{number}" for number in range(1, 6)]
    total = " + ".join(f"sin(pi*{name}/2)" for name in names)
    return Entry(
        name="poisson_5d",
        title="Poisson's equation in five dimensions",
        equations=(f"-laplacian(u) = pi^2/4*({total})",),
        on=", ".join(f"{name}=0..1" for name in names),
        where=(f"u={total}",),
        reference=reference.poisson_box,
        grid=lambda: tuple(np.random.default_rng(0).uniform(size=(5, 4000))),
        certified="closed form",
        accuracy=1e-6,
    )
