"""The gallery: equations by name, each with its domain, its reference and where errors are measured.

A function makes an `Entry`, parameters by keyword: `get("oscillator", omega=80).problem()`.
"""

from typing import Any

from ansatz._spelling import choose
from ansatz.equations.gallery._entry import Entry as _Entry
from ansatz.equations.gallery._entry import made as _made
from ansatz.equations.gallery.allen_cahn import allen_cahn
from ansatz.equations.gallery.burgers import burgers
from ansatz.equations.gallery.energy_levels import (
    hydrogen_levels,
    membrane_levels,
    oscillator_levels,
    quartic_levels,
)
from ansatz.equations.gallery.heat import heat
from ansatz.equations.gallery.helmholtz import helmholtz
from ansatz.equations.gallery.inverse import inverse_burgers, inverse_lorenz
from ansatz.equations.gallery.kdv import kdv
from ansatz.equations.gallery.kovasznay import kovasznay
from ansatz.equations.gallery.laplace_robin import laplace_robin
from ansatz.equations.gallery.lid_cavity import lid_cavity
from ansatz.equations.gallery.lorenz import lorenz
from ansatz.equations.gallery.lotka_volterra import lotka_volterra
from ansatz.equations.gallery.oscillator import oscillator, oscillator_boundary
from ansatz.equations.gallery.pendulum import pendulum
from ansatz.equations.gallery.poisson import poisson_5d, poisson_disk, poisson_l_shape, poisson_square
from ansatz.equations.gallery.schroedinger_nls import schroedinger_nls
from ansatz.equations.gallery.wave import wave

__all__ = [
    "allen_cahn",
    "burgers",
    "heat",
    "helmholtz",
    "hydrogen_levels",
    "inverse_burgers",
    "inverse_lorenz",
    "kdv",
    "kovasznay",
    "laplace_robin",
    "lid_cavity",
    "lorenz",
    "lotka_volterra",
    "membrane_levels",
    "oscillator",
    "oscillator_boundary",
    "oscillator_levels",
    "pendulum",
    "poisson_5d",
    "poisson_disk",
    "poisson_l_shape",
    "poisson_square",
    "quartic_levels",
    "schroedinger_nls",
    "wave",
]


def get(name: str, **parameters: Any) -> _Entry:
    """Return the equation of this name, with other parameters than the usual ones where they are given.

    >>> get("oscillator", omega=80).where
    ('y(0)=1', "y'(0)=0")

    Raises:
        BadInput: there is no such equation or parameter; the sentence has the nearest spelling.
    """
    makers = {one: globals()[one] for one in __all__}
    return _made(choose("equation in the gallery", name, makers), parameters)
