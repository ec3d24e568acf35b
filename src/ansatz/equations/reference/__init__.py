"""Solutions that errors are measured against, each certified by a computation of its own kind.

A reference is a function of coordinates that broadcast and returns float64 values (a tuple for a system),
right between any grid's nodes.  Runs start on the first call, take seconds at most, and are kept.

* closed forms: oscillators, pendulum, Poisson, Laplace, Helmholtz, heat, wave, KdV, Kovasznay;
* fixed-point Taylor series of 48 digits: Lotka-Volterra, Lorenz;
* quadrature: Burgers; corner features with a proven bound: the L; exponential and split-step Fourier
  methods: Allen-Cahn, nonlinear Schrödinger; Chebyshev-Galerkin with Newton: the cavity; matrices: levels.

`self_convergence(name)` computes a reference again, with another resolution, method or precision, and
returns the relative difference.
"""

from ansatz.equations.reference.allen_cahn import allen_cahn
from ansatz.equations.reference.burgers import burgers
from ansatz.equations.reference.cavity import cavity, cavity_streamfunction
from ansatz.equations.reference.convergence import CERTIFIED, self_convergence
from ansatz.equations.reference.exact import (
    heat,
    helmholtz,
    kdv,
    kovasznay,
    laplace_robin,
    poisson_box,
    poisson_disk,
    poisson_disk_exponential,
    poisson_square,
    wave,
)
from ansatz.equations.reference.levels import (
    hydrogen_levels,
    hydrogen_state,
    oscillator_levels,
    oscillator_state,
    quartic_levels,
    quartic_state,
)
from ansatz.equations.reference.lshape import membrane_levels, poisson_l_shape
from ansatz.equations.reference.ordinary import (
    damped_oscillator,
    lorenz,
    lotka_volterra,
    oscillator,
    oscillator_boundary,
    pendulum,
)
from ansatz.equations.reference.schroedinger import nonlinear_schroedinger

__all__ = [
    "CERTIFIED",
    "allen_cahn",
    "burgers",
    "cavity",
    "cavity_streamfunction",
    "damped_oscillator",
    "heat",
    "helmholtz",
    "hydrogen_levels",
    "hydrogen_state",
    "kdv",
    "kovasznay",
    "laplace_robin",
    "lorenz",
    "lotka_volterra",
    "membrane_levels",
    "nonlinear_schroedinger",
    "oscillator",
    "oscillator_boundary",
    "oscillator_levels",
    "oscillator_state",
    "pendulum",
    "poisson_box",
    "poisson_disk",
    "poisson_disk_exponential",
    "poisson_l_shape",
    "poisson_square",
    "quartic_levels",
    "quartic_state",
    "self_convergence",
    "wave",
]
