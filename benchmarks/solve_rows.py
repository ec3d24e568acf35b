"""Rows 1 to 8: error and wall time of the gallery's forward problems, a classical solver beside each."""

from typing import Any

from benchmarks.run import entry
from benchmarks.solve_measure import FAILED, beside, finite, lettered, pair, repeated

Row = list[dict[str, Any]]


def oscillators() -> Row:
    """Row 1: the oscillator from its start, ω = 1, 10, 80, and between two ends."""
    figures: Row = []
    bars: dict[str, Any] = {"error": (1e-9, 1e-12), "seconds": (5, 3)}
    for omega in (1, 10, 80):
        asked = {"omega": omega}
        runs = repeated("oscillator", asked, accuracy=1e-13)
        note = beside("oscillator", **asked)
        figures += pair(f"oscillator from its start, ω = {omega}", runs, **bars, peer="DOP853", note=note)
    for omega in (1, 10, 80):
        asked = {"omega": omega}
        runs = repeated("oscillator_boundary", asked, accuracy=1e-13)
        note = beside("oscillator_boundary", **asked)
        figures += pair(f"oscillator between ends, ω = {omega}", runs, **bars, peer="solve_bvp", note=note)
    return lettered(1, figures)


def linear_fields() -> Row:
    """Row 2: Poisson, heat, wave and Helmholtz."""
    labels = {
        "poisson_square": "Poisson's equation on a square",
        "heat": "heat equation",
        "wave": "wave equation (PINNacle 1d)",
        "helmholtz": "Helmholtz' equation, k = 4π",
    }
    figures: Row = []
    for name, label in labels.items():
        runs = repeated(name, accuracy=1e-11)
        figures += pair(
            label, runs, error=(1e-7, 1e-10), seconds=(15, 10), peer="Chebyshev", note=beside(name)
        )  # fmt: skip
    return lettered(2, figures)


def l_shape() -> Row:
    """Row 3: Poisson's equation on the L."""
    runs = repeated("poisson_l_shape", accuracy=1e-8)
    return lettered(
        3,
        pair(
            "Poisson's equation on the L", runs, error=(1e-5, 1e-8), seconds=(30, 20),
            peer="five-point differences", note=beside("poisson_l_shape"),
        ),
    )  # fmt: skip


def flows() -> Row:
    """Row 4: Lotka-Volterra, Lorenz to T = 3 and by windows to T = 20."""
    # No time is asked of the two short ones but what a first answer may take; T = 20 has five minutes.
    asked: list[Any] = [
        ("lotka_volterra", {}, "Lotka-Volterra", 1e-9, (1e-7, 1e-8), (60, 15)),
        ("lorenz", {"span": 3}, "Lorenz to T = 3", 1e-9, (1e-6, 1e-8), (60, 30)),
        ("lorenz", {"span": 20}, "Lorenz to T = 20", 1e-4, (1e-2, 1e-3), (300, 300)),
    ]
    figures: Row = []
    for name, parameters, label, accuracy, error, seconds in asked:
        runs = repeated(name, parameters, accuracy=accuracy)
        note = beside(name, **parameters)
        figures += pair(label, runs, error=error, seconds=seconds, peer="DOP853", note=note)
    return lettered(4, figures)


def burgers() -> Row:
    """Row 5: Burgers' equation, first to 1e-6, then to 1e-8."""
    note = "a plain dense Levenberg-Marquardt sketch: 1.5e-4 in 150 s; " + beside("burgers")
    figures: Row = []
    for accuracy, error, seconds in ((1e-6, (5e-5, 1e-6), (120, 60)), (1e-8, (5e-5, 1e-8), (600, 600))):
        runs = repeated("burgers", accuracy=accuracy)
        what = f"Burgers' equation, ν = 0.01/π, asked for {accuracy:.0e}"
        figures += pair(what, runs, error=error, seconds=seconds, peer="Fourier, DOP853", note=note)
    return lettered(5, figures)


def waves() -> Row:
    """Row 6: Allen-Cahn, the two solitons of KdV, and the nonlinear Schrödinger equation."""
    asked: list[Any] = [
        ("allen_cahn", "Allen-Cahn, D = 1e-4, periodic", 300),
        ("kdv", "Korteweg-de Vries, two solitons", 180),
        ("schroedinger_nls", "nonlinear Schrödinger", 180),
    ]
    figures: Row = []
    for name, label, aim in asked:
        runs = repeated(name, accuracy=1e-5 if name == "schroedinger_nls" else 1e-6)
        figures += pair(
            label, runs, error=(5e-4, 1e-5), seconds=(300, aim), peer="Fourier, DOP853", note=beside(name)
        )  # fmt: skip
    return lettered(6, figures)


def viscous() -> Row:
    """Row 7: Kovasznay's flow and the lid-driven cavity."""
    asked: list[Any] = [
        ("kovasznay", "Kovasznay flow", 1e-10, (1e-6, 1e-9), (120, 120)),
        ("lid_cavity", "lid-driven cavity, Re = 100, regularized", 1e-5, (1e-3, 1e-4), (300, 180)),
    ]
    figures: Row = []
    for name, label, accuracy, error, seconds in asked:
        runs = repeated(name, accuracy=accuracy)
        note = beside(name)
        figures += pair(label, runs, error=error, seconds=seconds, peer="Chebyshev, Newton", note=note)
    return lettered(7, figures)


def levels() -> Row:
    """Row 8: energy levels, the largest absolute error and the wall time."""
    asked: list[Any] = [
        ("oscillator_levels", "six levels of the oscillator", 1e-9, 1e-8),
        ("hydrogen_levels", "s levels of hydrogen", 1e-8, 1e-7),
        ("quartic_levels", "levels of the quartic well", 1e-9, 1e-8),
        ("membrane_levels", "tones of the membrane of the L", 1e-8, 1e-6),
    ]
    figures: Row = []
    times: list[float] = []
    told: list[str] = []
    for name, label, accuracy, aim in asked:
        runs = repeated(name, accuracy=accuracy)
        took = runs.middle("seconds")
        times.append(took if runs.worst("error") < FAILED else FAILED)
        told.append(f"{label} {took:.1f} s")
        figures.append(
            entry(
                "", f"{label}: largest absolute error", finite(runs.middle("error")), unit="", must=1e-6,
                aim=aim, better="lower", peer="Chebyshev, dense eigenvalues", seconds=took,
                note=f"{runs.told}; {beside(name)}",
            )
        )  # fmt: skip
    figures.append(
        entry(
            "", "energy levels: the longest wall time from process start", max(times), unit="s", must=15,
            aim=15, better="lower", note="; ".join(told),
        )
    )  # fmt: skip
    return lettered(8, figures)
