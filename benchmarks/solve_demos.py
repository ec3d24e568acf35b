"""Problems that peers demonstrate and the gallery states otherwise, each with its certified solution."""

import numpy as np

from ansatz.equations import reference
from ansatz.equations.gallery import get
from ansatz.equations.gallery._entry import Entry, line, mesh


def rotation() -> Entry:
    """Return DeepXDE's system of two equations, sin t and cos t to t = 10."""
    return Entry(
        name="rotation",
        title="Rotation as a system",
        equations=("p' = q", "q' = -p"),
        on="t=0..10",
        where=("p(0)=0", "q(0)=1"),
        fields=("p", "q"),
        reference=lambda t: (np.sin(t), np.cos(t)),
        grid=line(0, 10),
        certified="closed form",
    )


def rabbits() -> Entry:
    """Return DeepXDE's rabbits and foxes, in hundreds, over a time in twentieths."""
    return Entry(
        name="rabbits",
        title="Rabbits and foxes",
        equations=("r' = 20*(2*r - 8*r*p)", "p' = 20*(4*r*p - 1.06*p)"),
        on="t=0..1",
        where=("r(0)=0.5", "p(0)=0.075"),
        fields=("r", "p"),
        reference=lambda t: reference.lotka_volterra(20 * np.asarray(t), 2.0, 8.0, 1.06, 4.0, (0.5, 0.075)),
        grid=line(0, 1),
        certified="Taylor series with 48 digits",
    )


def burgers_early() -> Entry:
    """Return Burgers' equation to t = 0.99, where DeepXDE's demonstration ends."""
    return Entry(
        name="burgers_early",
        title="Burgers' equation to t = 0.99",
        equations=("u_t + u*u_x = 0.01/pi*u_xx",),
        on="t=0..0.99, x=-1..1",
        where=("u(0,x)=-sin(pi*x)", "u(t,-1)=0", "u(t,1)=0"),
        reference=reference.burgers,
        grid=mesh((0, 0.99, 51), (-1, 1, 1001)),
        certified="Cole-Hopf transformation by Gauss-Hermite quadrature",
    )


def heat_plate() -> Entry:
    """Return the heat equation of jinns' notebook: a plate with cold edges."""
    return Entry(
        name="heat_plate",
        title="Heat equation on a plate",
        equations=("u_t = 0.2*laplacian(u)",),
        on="t=0..1, x=-1..1, y=-1..1",
        where=("u(0,x,y)=sin(pi*x)*sin(pi*y)", "u(t,-1,y)=0", "u(t,1,y)=0", "u(t,x,-1)=0", "u(t,x,1)=0"),
        reference=lambda t, x, y: np.exp(-0.4 * np.pi**2 * t) * np.sin(np.pi * x) * np.sin(np.pi * y),
        grid=mesh((0, 1, 21), (-1, 1, 61), (-1, 1, 61)),
        certified="closed form",
    )


DEMOS = {make.__name__: make for make in (rotation, rabbits, burgers_early, heat_plate)}


def entry_of(name: str, **parameters: float) -> Entry:
    """Return a problem of the gallery or of a peer by name."""
    return DEMOS[name]() if name in DEMOS else get(name, **parameters)
