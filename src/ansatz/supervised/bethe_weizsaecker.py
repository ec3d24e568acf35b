"""The semi-empirical mass formula of Bethe and Weizsäcker: the classical answer to binding energies."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ansatz.core import BadInput

TERMS = ("volume", "surface", "Coulomb", "asymmetry", "pairing")


@dataclass(frozen=True)
class BetheWeizsaecker:
    """Five coefficients in MeV, in the order of `TERMS`, fitted to binding energies per nucleon.

    With A = Z + N the energy per nucleon is

        B/A = a_V − a_S A^(−1/3) − a_C Z(Z−1) A^(−4/3) − a_A (N−Z)² A^(−2) + δ a_P A^(−3/2),

    where δ is 1 for even Z and N, −1 for odd Z and N, and else 0: a drop's volume and surface, the
    repulsion of the protons, the cost of unequal numbers, and pairs (von Weizsäcker 1935; Bethe and
    Bacher 1936).
    """

    coefficients: tuple[float, ...]

    @classmethod
    def fit(cls, z: Any, n: Any, energy: Any) -> "BetheWeizsaecker":
        """Return the least-squares coefficients for proton and neutron numbers and energies `[N]` in MeV.

        >>> z, n = np.array([8, 20, 26, 50, 82, 27]), np.array([8, 20, 30, 70, 126, 31])
        >>> known = BetheWeizsaecker((15.8, 18.3, 0.714, 23.2, 12.0))
        >>> found = BetheWeizsaecker.fit(z, n, known.energy(z, n))
        >>> [round(float(one), 3) for one in found.coefficients]
        [15.8, 18.3, 0.714, 23.2, 12.0]
        """
        terms, energy = _terms(z, n), np.asarray(energy, np.float64)
        if energy.shape != terms.shape[:1]:
            raise BadInput(f"There are {len(terms)} nuclides for energies of shape {list(energy.shape)}.")
        found, *_ = np.linalg.lstsq(terms, energy, rcond=None)
        return cls(tuple(float(one) for one in found))

    def energy(self, z: Any, n: Any) -> np.ndarray:
        """Return the binding energies per nucleon `[N]` in MeV."""
        return _terms(z, n) @ np.asarray(self.coefficients)


def _terms(z: Any, n: Any) -> np.ndarray:
    """Return the terms `[N, 5]` that the coefficients multiply."""
    z, n = np.asarray(z, np.float64), np.asarray(n, np.float64)
    a = z + n
    if z.ndim != 1 or z.shape != n.shape or not len(z) or not (a > 0).all():
        raise BadInput("Nuclides are given by proton and neutron numbers [N] of a positive sum.")
    pairing = np.where(z % 2 == n % 2, np.where(z % 2 == 0, 1.0, -1.0), 0.0)
    surface, coulomb, asymmetry = a ** (-1 / 3), z * (z - 1) * a ** (-4 / 3), ((n - z) / a) ** 2
    return np.stack([np.ones_like(a), -surface, -coulomb, -asymmetry, pairing * a**-1.5], axis=1)
