"""Classical solvers of the gallery's fields and levels: Chebyshev, Fourier, five-point differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from scipy.integrate import solve_ivp
from scipy.interpolate import RegularGridInterpolator
from scipy.linalg import eigvals, solve_sylvester
from scipy.sparse.linalg import eigsh, spsolve

Answer = tuple[Callable[..., Any], str]
TIMES = 51


def chebyshev(degree: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes from low to high and the matrix of the derivative at them."""
    place = -np.cos(np.pi * np.arange(degree + 1) / degree)
    weight = np.where((np.arange(degree + 1) % degree) == 0, 2.0, 1.0) * (-1.0) ** np.arange(degree + 1)
    gap = place[:, None] - place[None, :] + np.eye(degree + 1)
    matrix = np.outer(weight, 1 / weight) / gap
    matrix -= np.diag(matrix.sum(axis=1))
    return low + (high - low) * (place + 1) / 2, matrix * 2 / (high - low)


def to_places(nodes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the matrix from values at Chebyshev nodes to values at places, `[n, nodes]`."""
    weight = (-1.0) ** np.arange(len(nodes))
    weight[[0, -1]] /= 2
    gap = np.ravel(places)[:, None] - nodes[None, :]
    hit = gap == 0
    terms = weight / np.where(hit, 1.0, gap)
    matrix = terms / terms.sum(axis=1, keepdims=True)
    return np.where(hit.any(axis=1, keepdims=True), hit.astype(float), matrix)


def on_square(nodes: np.ndarray, inside: np.ndarray) -> Callable[..., np.ndarray]:
    """Return values at Chebyshev nodes, zero at the edges, as a function of an open grid."""
    values = np.pad(inside, 1)
    return lambda x, y: to_places(nodes, x) @ values @ to_places(nodes, y).T


def poisson_square(degree: int = 24) -> Answer:
    """Solve a Sylvester equation."""
    x, d = chebyshev(degree, 0, 1)
    second = (d @ d)[1:-1, 1:-1]
    source = 2 * np.pi**2 * np.outer(np.sin(np.pi * x), np.sin(np.pi * x))[1:-1, 1:-1]
    return on_square(x, solve_sylvester(-second, -second.T, source)), "Chebyshev collocation"


def helmholtz(waves: int = 2, degree: int = 40) -> Answer:
    """Solve a Sylvester equation, half of -k² on either side."""
    k = 2 * np.pi * waves
    x, d = chebyshev(degree, 0, 1)
    half = -(d @ d)[1:-1, 1:-1] - k**2 / 2 * np.eye(degree - 1)
    source = k**2 * np.outer(np.sin(k * x), np.sin(k * x))[1:-1, 1:-1]
    return on_square(x, solve_sylvester(half, half.T, source)), "Chebyshev collocation"


def lines(rate: Any, start: np.ndarray, times: np.ndarray, method: str, tolerance: float) -> np.ndarray:
    """Return the states at times, `[times, n]`."""
    found = solve_ivp(
        rate, (times[0], times[-1]), start, method, t_eval=times, rtol=tolerance, atol=tolerance
    )
    return found.y.T


def heat(degree: int = 20, steps: int = 101) -> Answer:
    """Step Chebyshev nodes by Radau's method."""
    x, d = chebyshev(degree, 0, 1)
    second = 0.4 * (d @ d)[1:-1, 1:-1]
    times = np.linspace(0, 1, steps)
    found = solve_ivp(
        lambda t, u: second @ u, (0, 1), np.sin(np.pi * x)[1:-1], "Radau", t_eval=times, jac=second,
        rtol=1e-10, atol=1e-12,
    )  # fmt: skip
    states = np.pad(found.y.T, ((0, 0), (1, 1)))
    return lambda t, y: states @ to_places(x, y).T, "Chebyshev, Radau"


def wave(degree: int = 40, steps: int = 161) -> Answer:
    """Step Chebyshev nodes by DOP853."""
    x, d = chebyshev(degree, 0, 1)
    second, n = 4 * (d @ d)[1:-1, 1:-1], degree - 1
    start = np.concatenate([(np.sin(np.pi * x) + np.sin(4 * np.pi * x) / 2)[1:-1], np.zeros(n)])
    found = lines(
        lambda t, y: np.concatenate([y[n:], second @ y[:n]]), start, np.linspace(0, 1, steps), "DOP853", 1e-12
    )
    states = np.pad(found[:, :n], ((0, 0), (1, 1)))
    return lambda t, y: states @ to_places(x, y).T, "Chebyshev, DOP853"


def fourier(states: np.ndarray, low: float, length: float) -> Callable[..., np.ndarray]:
    """Return nodal values `[times, n]` of a period as a function of the rows and of places."""
    count = states.shape[1]
    coefficients = np.fft.fft(states, axis=1) / count
    numbers = np.fft.fftfreq(count, 1 / count)

    def at(t: np.ndarray, x: np.ndarray) -> np.ndarray:
        turns = np.exp(2j * np.pi / length * np.outer(numbers, np.ravel(x) - low))
        found = coefficients @ turns
        return found if np.iscomplexobj(states) else found.real

    return at


def burgers(viscosity: float = 0.01 / np.pi, modes: int = 1280, tolerance: float = 1e-9) -> Answer:
    """Step Fourier nodes by DOP853; between the times a spline of the stepper when they are scattered."""
    x = -1 + 2 * np.arange(modes) / modes
    k = np.pi * np.arange(modes // 2 + 1)

    def rate(t: float, u: np.ndarray) -> np.ndarray:
        c = np.fft.rfft(u)
        return np.fft.irfft(-viscosity * k**2 * c, modes) - u * np.fft.irfft(1j * k * c, modes)

    found = solve_ivp(
        rate, (0, 1), -np.sin(np.pi * x), "DOP853", dense_output=True, rtol=tolerance, atol=tolerance
    )

    def at(t: np.ndarray, place: np.ndarray) -> np.ndarray:
        if np.ndim(t) == 1:
            return np.array(
                [fourier(found.sol(a)[None], -1, 2)(a, b)[0, 0] for a, b in zip(t, place, strict=True)]
            )
        return fourier(found.sol(np.ravel(t)).T, -1, 2)(t, place)

    return at, "Fourier, DOP853"


def allen_cahn(modes: int = 2048) -> Answer:
    """Step Fourier nodes by DOP853."""
    x = -1 + 2 * np.arange(modes) / modes
    damp = -1e-4 * (np.pi * np.arange(modes // 2 + 1)) ** 2
    states = lines(
        lambda t, u: np.fft.irfft(damp * np.fft.rfft(u), modes) + 5 * u - 5 * u**3,
        x**2 * np.cos(np.pi * x), np.linspace(0, 1, TIMES), "DOP853", 1e-9,
    )  # fmt: skip
    return fourier(states, -1, 2), "Fourier, DOP853"


def turned(k: np.ndarray, linear: np.ndarray, nonlinear: Any, start: np.ndarray, end: float) -> np.ndarray:
    """Step v = e^(-Lt) û by DOP853 and return û at the times of the grid: the fast turns cost no steps."""

    def rate(t: float, v: np.ndarray) -> np.ndarray:
        turn = np.exp(linear * t)
        return nonlinear(turn * v) / turn

    times = np.linspace(0, end, TIMES)
    return lines(rate, start, times, "DOP853", 1e-9) * np.exp(np.outer(times, linear))


def kdv(modes: int = 512) -> Answer:
    """Step Fourier coefficients with the dispersion taken out, by DOP853."""
    x = -20 + 40 * np.arange(modes) / modes
    k = 2 * np.pi / 40 * np.arange(modes // 2 + 1)
    below = (3 * np.cosh(x / 2 + 3.5) + np.cosh(1.5 * x + 4.5)) ** 2
    start = 3 * (3 + 4 * np.cosh(x + 1) + np.cosh(2 * x + 8)) / below
    spectrum = turned(
        k, 1j * k**3, lambda c: -3j * k * np.fft.rfft(np.fft.irfft(c, modes) ** 2), np.fft.rfft(start), 2.0
    )
    return fourier(np.fft.irfft(spectrum, modes, axis=1), -20, 40), "Fourier, integrating factor, DOP853"


def schroedinger_nls(modes: int = 512) -> Answer:
    """Step Fourier coefficients with the dispersion taken out, by DOP853."""
    x = -5 + 10 * np.arange(modes) / modes
    k = 2 * np.pi / 10 * np.fft.fftfreq(modes, 1 / modes)

    def nonlinear(c: np.ndarray) -> np.ndarray:
        psi = np.fft.ifft(c)
        return 1j * np.fft.fft(np.abs(psi) ** 2 * psi)

    spectrum = turned(k, -0.5j * k**2, nonlinear, np.fft.fft(2 / np.cosh(x)), np.pi / 2)
    return fourier(np.fft.ifft(spectrum, axis=1), -5, 10), "Fourier, integrating factor, DOP853"


def stream(degree: int, x: Any, y: Any, edge: np.ndarray, slopes: Any, reynolds: float) -> np.ndarray:
    """Return ψ `[n, n]` by Newton's method; `edge` holds ψ on the edges, `slopes` (ψ_x, ψ_y) there."""
    (_, dx), (_, dy) = x, y
    n, one = degree + 1, np.eye(degree + 1)
    by_x, by_y = np.kron(dx, one), np.kron(one, dy)
    laplace = by_x @ by_x + by_y @ by_y
    along, across, twice = by_x @ laplace, by_y @ laplace, laplace @ laplace / reynolds
    rows = np.arange(n * n).reshape(n, n)
    ends = np.ones((n, n), bool)
    ends[1:-1, 1:-1] = False
    fixed = [(rows[ends], np.eye(n * n)[ends.ravel()], edge[ends])]
    for at, to in ((1, 0), (-2, -1)):
        fixed.append((rows[at, 1:-1], by_x[rows[to, 1:-1]], slopes[0][to, 1:-1]))
        fixed.append((rows[2:-2, at], by_y[rows[2:-2, to]], slopes[1][2:-2, to]))
    psi = np.zeros(n * n)
    for turn in range(20):
        u, v, fx, fy = by_y @ psi, by_x @ psi, along @ psi, across @ psi
        weight = 1.0 if turn else 0.0
        residual = weight * (u * fx - v * fy) - twice @ psi
        slope = u[:, None] * along + fx[:, None] * by_y - v[:, None] * across - fy[:, None] * by_x
        slope = weight * slope - twice
        for at, matrix, value in fixed:
            slope[at], residual[at] = matrix, matrix @ psi - value
        step = np.linalg.solve(slope, residual)
        psi -= step
        if turn and np.abs(step).max() < 1e-12 * np.abs(psi).max():
            break
    return psi.reshape(n, n)


def velocities(x: Any, y: Any, psi: np.ndarray) -> Answer:
    """Return u = ψ_y and v = -ψ_x as a function of an open grid."""
    u, v = psi @ y[1].T, -x[1] @ psi

    def at(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        left, right = to_places(x[0], a), to_places(y[0], b).T
        return left @ u @ right, left @ v @ right

    return at, "Chebyshev, Newton (stream function)"


def kovasznay(degree: int = 24) -> Answer:
    """Solve for the stream function, its values and slopes given at the edges; u and v are compared."""
    rate = 10 - np.sqrt(100 + 4 * np.pi**2)
    x, y = chebyshev(degree, -0.5, 1), chebyshev(degree, -0.5, 1.5)
    gx, gy = np.meshgrid(x[0], y[0], indexing="ij")
    wave_of, turn = np.exp(rate * gx), 2 * np.pi * gy
    edge = gy - wave_of * np.sin(turn) / (2 * np.pi)
    slopes = (-rate * wave_of * np.sin(turn) / (2 * np.pi), 1 - wave_of * np.cos(turn))
    return velocities(x, y, stream(degree, x, y, edge, slopes, 20.0))


def lid_cavity(reynolds: float = 100.0, degree: int = 32) -> Answer:
    """Solve for the stream function."""
    x = y = chebyshev(degree, 0, 1)
    zero = np.zeros((degree + 1, degree + 1))
    lid = zero.copy()
    lid[:, -1] = 4 * x[0] * (1 - x[0])
    return velocities(x, y, stream(degree, x, y, zero, (zero, lid), reynolds))


def l_grid(cells: int) -> tuple[np.ndarray, np.ndarray, sparse.csr_matrix]:
    """Return the nodes of an axis, which nodes lie inside the L, and the five-point -Δ on those."""
    x = np.linspace(-1, 1, 2 * cells + 1)
    inner = np.zeros((len(x), len(x)), bool)
    inner[1:-1, 1:-1] = True
    inner[cells:, cells:] = False
    one = sparse.eye(len(x))
    line = sparse.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(len(x), len(x))) * cells**2
    matrix = sparse.csr_matrix(sparse.kron(line, one) + sparse.kron(one, line))
    kept = np.flatnonzero(inner)
    return x, inner, matrix[kept][:, kept]


def poisson_l_shape(cells: int = 200) -> Answer:
    """Solve a sparse system and interpolate."""
    x, inner, matrix = l_grid(cells)
    values = np.zeros(inner.shape)
    values[inner] = spsolve(matrix.tocsc(), np.ones(inner.sum()))
    found = RegularGridInterpolator((x, x), values)
    return lambda a, b: found(np.stack([a, b], axis=-1)), f"five-point differences, h = 1/{cells}"


def membrane_levels(count: int = 3, cells: int = 160) -> Answer:
    """Solve a sparse eigenvalue problem."""
    _, _, matrix = l_grid(cells)
    found = np.sort(eigsh(matrix.tocsc(), count, sigma=0.0, return_eigenvectors=False))
    return lambda: found, f"five-point differences, h = 1/{cells}"


def _levels(potential: Any, low: float, high: float, degree: int, count: int) -> Answer:
    x, d = chebyshev(degree, low, high)
    matrix = -(d @ d)[1:-1, 1:-1] / 2 + np.diag(potential(x[1:-1]))
    found = np.sort(eigvals(matrix).real)[:count]
    return lambda: found, "Chebyshev, dense eigenvalues"


def oscillator_levels() -> Answer:
    """Find the levels of ½x²."""
    return _levels(lambda x: x**2 / 2, -10, 10, 100, 6)


def quartic_levels() -> Answer:
    """Find the levels of x⁴."""
    return _levels(lambda x: x**4, -5, 5, 100, 6)


def hydrogen_levels() -> Answer:
    """Find the s levels of -1/r."""
    return _levels(lambda r: -1 / r, 0, 80, 160, 3)
