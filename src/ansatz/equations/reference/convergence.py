"""How far a reference agrees with itself when it is computed in another way."""

import difflib
from collections.abc import Callable

import numpy as np

from ansatz.equations.reference import exact, ordinary
from ansatz.equations.reference._arrays import relative_difference
from ansatz.equations.reference.allen_cahn import converge_allen_cahn
from ansatz.equations.reference.burgers import converge_burgers
from ansatz.equations.reference.cavity import converge_cavity
from ansatz.equations.reference.levels import converge_quartic
from ansatz.equations.reference.lshape import converge_poisson_l_shape, membrane_levels
from ansatz.equations.reference.schroedinger import converge_nonlinear_schroedinger
from ansatz.errors import BadInput


def _rounding(function: Callable[..., object], dimensions: int) -> Callable[[], float]:
    """Return a check of a closed form: doubles against the longest floats of the machine, on [0, 1]ᵈ."""

    def converge() -> float:
        points = np.random.default_rng(0).uniform(size=(dimensions, 997))
        return relative_difference(function(*points), function(*points.astype(np.longdouble)))

    return converge


def _lotka_volterra() -> float:
    """Return the check of the prey and predators to t = 20."""
    return ordinary.converge_flow(ordinary.lotka_volterra_flow(2 / 3, 4 / 3, 1.0, 1.0, (1.5, 1.0)), 20.0)


def _lorenz() -> float:
    """Return the check of the Lorenz system to t = 20."""
    return ordinary.converge_flow(ordinary.lorenz_flow(10.0, 28.0, 8 / 3, (1.0, 1.0, 1.0)), 20.0)


def _disk_exponential() -> float:
    """Return the difference between 40 and 16 terms."""
    x, y = np.random.default_rng(0).uniform(-0.7, 0.7, size=(2, 997))
    shorter = exact.poisson_disk_exponential(x, y, terms=16)
    return relative_difference(shorter, exact.poisson_disk_exponential(x, y))


def _membrane() -> float:
    """Return the difference of three levels between 60 and 70 features."""
    return relative_difference(membrane_levels(3), membrane_levels(3, terms=70))


CERTIFIED: dict[str, Callable[[], float]] = {
    "oscillator": _rounding(lambda t: ordinary.oscillator(t, 80.0), 1),
    "oscillator_boundary": _rounding(lambda t: ordinary.oscillator_boundary(t, 10.0), 1),
    "damped_oscillator": _rounding(ordinary.damped_oscillator, 1),
    "pendulum": ordinary.converge_pendulum,
    "lotka_volterra": _lotka_volterra,
    "lorenz": _lorenz,
    "poisson_square": _rounding(exact.poisson_square, 2),
    "poisson_disk": _rounding(exact.poisson_disk, 2),
    "poisson_disk_exponential": _disk_exponential,
    "poisson_box": _rounding(exact.poisson_box, 5),
    "poisson_l_shape": converge_poisson_l_shape,
    "laplace_robin": _rounding(exact.laplace_robin, 2),
    "helmholtz": _rounding(exact.helmholtz, 2),
    "heat": _rounding(exact.heat, 2),
    "wave": _rounding(exact.wave, 2),
    "burgers": converge_burgers,
    "allen_cahn": converge_allen_cahn,
    "kdv": _rounding(exact.kdv, 2),
    "nonlinear_schroedinger": converge_nonlinear_schroedinger,
    "kovasznay": _rounding(exact.kovasznay, 2),
    "cavity": converge_cavity,
    "quartic_levels": converge_quartic,
    "membrane_levels": _membrane,
}


def self_convergence(name: str) -> float:
    """Return the relative L2 difference of a reference from itself, computed in another way.

    Runs are repeated with more modes and steps, series with other steps and widths, quadratures with other
    nodes, closed forms in longer floats; the L returns its proven bound where that is larger.  Levels that
    are rational numbers have no entry.

    Example:
        >>> self_convergence("quartic_levels") < 1e-13
        True

    Raises:
        BadInput: when there is no reference of this name.
    """
    if name not in CERTIFIED:
        near = difflib.get_close_matches(name, CERTIFIED, 1, 0.0)[0]
        raise BadInput(f"no reference {name!r} to certify; the nearest is {near!r}")
    return CERTIFIED[name]()
