"""Diffusion and flow matching: noise goes in, data come out (notes §4).

`schedule` says how data become noise, `prediction` what a network may predict, `denoisers` what is thought of
noisy data, and `samplers` how noise becomes data again; `exact` and `errors` hold what is known without
learning.
"""

from ansatz.generate.diffusion.denoisers import Denoiser, Learned
from ansatz.generate.diffusion.densities import Density, Mixture, gaussian, mixture
from ansatz.generate.diffusion.errors import Normal, drawn, marginal, wasserstein
from ansatz.generate.diffusion.exact import Exact
from ansatz.generate.diffusion.grids import grid
from ansatz.generate.diffusion.prediction import Estimate, convert
from ansatz.generate.diffusion.samplers import SAMPLERS, Sampler
from ansatz.generate.diffusion.schedule import SCHEDULES, Schedule, schedule_named

__all__ = [
    "SAMPLERS",
    "SCHEDULES",
    "Denoiser",
    "Density",
    "Estimate",
    "Exact",
    "Learned",
    "Mixture",
    "Normal",
    "Sampler",
    "Schedule",
    "convert",
    "drawn",
    "gaussian",
    "grid",
    "marginal",
    "mixture",
    "schedule_named",
    "wasserstein",
]
