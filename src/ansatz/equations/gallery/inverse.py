"""Constants from data: the viscosity of Burgers' equation, the three constants of the Lorenz system."""

import math

import numpy as np

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, line, mesh, noisy


def inverse_burgers(noise: float = 0.0, seed: int = 0, count: int = 400) -> Entry:
    """Return Burgers' equation with unknown ν and `count` measured values; `noise` is a share."""
    viscosity = 0.01 / math.pi

    def measured() -> dict[str, np.ndarray]:
        draws = np.random.default_rng(seed)
        t, x = draws.uniform(0, 1, count), draws.uniform(-1, 1, count)
        return {"t": t, "x": x, "u": noisy(np.asarray(reference.burgers(t, x, viscosity)), noise, draws)}

    return Entry(
        name="inverse_burgers",
        title="The viscosity of Burgers' equation from data",
        equations=("u_t + u*u_x = nu*u_xx",),
        on="t=0..1, x=-1..1",
        where=("u(0,x)=-sin(pi*x)", "u(t,-1)=0", "u(t,1)=0"),
        unknowns="nu=0.01",
        reference=reference.burgers,
        grid=mesh((0, 1, 51), (-1, 1, 1001)),
        certified="Cole-Hopf transformation by Gauss-Hermite quadrature",
        accuracy=1e-7,
        measured=measured,
        truth={"nu": viscosity},
        remarks=(_of_data(count, noise, seed),),
    )


def inverse_lorenz(noise: float = 0.0, seed: int = 0, count: int = 60) -> Entry:
    """Return the Lorenz system with unknown σ, ρ, β and `count` measured states; `noise` is a share."""

    def measured() -> dict[str, np.ndarray]:
        draws = np.random.default_rng(seed)
        t = np.sort(draws.uniform(0, 3, count))
        states = [noisy(np.asarray(one), noise, draws) for one in reference.lorenz(t)]
        return {"t": t, **dict(zip("xyz", states, strict=True))}

    return Entry(
        name="inverse_lorenz",
        title="The constants of the Lorenz system from data",
        equations=("x' = sigma*(y - x)", "y' = x*(rho - z) - y", "z' = x*y - beta*z"),
        on="t=0..3",
        where=("x(0)=1", "y(0)=1", "z(0)=1"),
        unknowns="sigma=8, rho=24, beta=2",
        fields=("x", "y", "z"),
        reference=reference.lorenz,
        grid=line(0, 3),
        certified="Taylor series with 48 digits",
        measured=measured,
        truth={"sigma": 10.0, "rho": 28.0, "beta": 8 / 3},
        remarks=(_of_data(count, noise, seed),),
    )


def _of_data(count: int, noise: float, seed: int) -> str:
    spread = f"noise of {100 * noise:g} %" if noise else "no noise"
    return f"The data are {count} values of the reference with {spread} (seed {seed})."
