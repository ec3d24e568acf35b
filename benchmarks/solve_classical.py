"""The classical solver of each problem: `python -m benchmarks.solve_classical BEGUN NAME PARAMETERS`.

Prints one line of JSON with the seconds from BEGUN, the relative L2 error (of levels the largest absolute
one) on the grid of the gallery, and the method.  Time counts until the coefficients or nodal values stood.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import solve_bvp, solve_ivp
from scipy.optimize import least_squares

from benchmarks import solve_spectral as spectral

Answer = tuple[Callable[..., Any], str]


def oscillator(omega: float = 1.0) -> Answer:
    """Step from the start."""
    found = solve_ivp(
        lambda t, y: [y[1], -(omega**2) * y[0]], (0, 1), [1.0, 0.0], "DOP853", dense_output=True, rtol=1e-13,
        atol=1e-13,
    )  # fmt: skip
    return lambda t: found.sol(t)[0], "DOP853"


def oscillator_boundary(omega: float = 1.0) -> Answer:
    """Collocate between the ends."""
    found = solve_bvp(
        lambda t, y: np.stack([y[1], -(omega**2) * y[0]]),
        lambda a, b: np.array([a[0], b[0] - 1.0]),
        np.linspace(0, 1, 400),
        np.zeros((2, 400)),
        tol=1e-11,
        max_nodes=100_000,
    )
    return lambda t: found.sol(t)[0], "solve_bvp"


def lotka_volterra() -> Answer:
    """Step from the start."""
    found = solve_ivp(
        lambda t, y: [2 / 3 * y[0] - 4 / 3 * y[0] * y[1], y[0] * y[1] - y[1]],
        (0, 20), [1.5, 1.0], "DOP853", dense_output=True, rtol=1e-13, atol=1e-13,
    )  # fmt: skip
    return found.sol, "DOP853"


def flow(t: float, y: np.ndarray, sigma: float, rho: float, beta: float) -> list[float]:
    """Return the velocity of the Lorenz system."""
    return [sigma * (y[1] - y[0]), y[0] * (rho - y[2]) - y[1], y[0] * y[1] - beta * y[2]]


def lorenz(span: float = 3.0) -> Answer:
    """Step from the start."""
    found = solve_ivp(
        flow, (0, span), [1.0] * 3, "DOP853", dense_output=True, rtol=1e-13, atol=1e-13, args=(10, 28, 8 / 3)
    )  # fmt: skip
    return found.sol, "DOP853"


def inverse_lorenz(data: dict[str, np.ndarray]) -> Answer:
    """Fit σ, ρ, β by least squares, DOP853 inside."""
    seen = np.stack([data[name] for name in "xyz"])

    def misfit(constants: np.ndarray) -> np.ndarray:
        found = solve_ivp(
            flow, (0, 3), [1.0] * 3, "DOP853", dense_output=True, rtol=1e-10, atol=1e-10, args=constants
        )  # fmt: skip
        return np.ravel(found.sol(data["t"]) - seen)

    found = least_squares(misfit, [8.0, 24.0, 2.0], x_scale="jac", xtol=1e-12, ftol=1e-12)
    return lambda: dict(zip(("sigma", "rho", "beta"), found.x, strict=True)), "least_squares, DOP853"


def inverse_burgers(data: dict[str, np.ndarray]) -> Answer:
    """Fit ν by least squares, a Fourier method of lines inside."""

    def misfit(constants: np.ndarray) -> np.ndarray:
        answer, _ = spectral.burgers(viscosity=float(constants[0]), modes=768, tolerance=1e-8)
        return answer(data["t"], data["x"]) - data["u"]

    found = least_squares(misfit, [0.01], x_scale=0.003, xtol=1e-12, ftol=1e-12, diff_step=1e-5)
    return lambda: {"nu": float(found.x[0])}, "least_squares, Fourier method of lines"


METHODS: dict[str, Callable[..., Answer]] = {
    make.__name__: make
    for make in (
        oscillator, oscillator_boundary, lotka_volterra, lorenz, inverse_lorenz, inverse_burgers,
        spectral.poisson_square, spectral.helmholtz, spectral.heat, spectral.wave, spectral.burgers,
        spectral.allen_cahn, spectral.kdv, spectral.schroedinger_nls, spectral.kovasznay, spectral.lid_cavity,
        spectral.poisson_l_shape, spectral.oscillator_levels, spectral.quartic_levels,
        spectral.hydrogen_levels, spectral.membrane_levels,
    )
}  # fmt: skip


def error_of(name: str, parameters: dict[str, Any], answer: Callable[..., Any]) -> float:
    """Return how far the answer is from the certified one."""
    from ansatz.equations.gallery import get

    given = get(name, **parameters)
    if given.energies:
        found = answer()
        return float(np.max(np.abs(np.asarray(found) - given.energies(len(found)))))
    if given.truth:
        return max(abs(value / given.truth[key] - 1) for key, value in answer().items())
    true, found = given.values(), answer(*given.grid())
    found = found if isinstance(found, (tuple, list, np.ndarray)) and len(true) > 1 else (found,)
    return max(
        float(np.linalg.norm(np.ravel(a - b)) / np.linalg.norm(np.ravel(b)))
        for a, b in zip(found, true.values(), strict=False)
    )


def main(begun: str, name: str, given: str) -> None:
    """Solve, stop the clock, compare."""
    parameters, start = json.loads(given), float(begun)
    data = {}
    if name.startswith("inverse_"):
        # The data are given: neither they nor what draws them cost the solver any time.
        before = time.time()
        from ansatz.equations.gallery import get

        data = {"data": get(name, **parameters).measured()}  # type: ignore[misc]
        start += time.time() - before
    answer, method = METHODS[name](**(data or parameters))
    seconds = time.time() - start
    print(json.dumps({"seconds": seconds, "error": error_of(name, parameters, answer), "method": method}))


if __name__ == "__main__":
    main(*sys.argv[1:])
