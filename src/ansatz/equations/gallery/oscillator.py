"""The oscillator of the lecture notes, from its start and between two ends."""

import math

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, line, spelled


def oscillator(omega: float = 1.0, position: float = 1.0, velocity: float = 0.0, span: float = 1.0) -> Entry:
    """Return ÿ = -ω² y from a position and a velocity; ω = 80 turns almost 13 times on [0, 1]."""
    return Entry(
        name="oscillator",
        title="Harmonic oscillator from its start",
        equations=("y'' = -omega^2*y",),
        on=f"t=0..{spelled(span)}",
        where=(f"y(0)={spelled(position)}", f"y'(0)={spelled(velocity)}"),
        let=f"omega={spelled(omega)}",
        fields=("y",),
        reference=lambda t: reference.oscillator(t, omega, position, velocity),
        grid=line(0.0, span, 2001),
        certified="closed form",
        accuracy=1e-10,
        remarks=(f"y turns {omega * span / (2 * math.pi):.3g} times on the interval.",),
    )


def oscillator_boundary(
    omega: float = 1.0, left: float = 0.0, right: float = 1.0, span: float = 1.0
) -> Entry:
    """Return ÿ = -ω² y between two ends, as a shooting method would be asked for it.

    Raises:
        BadInput: ω·span is a multiple of π, where the ends do not determine y.
    """
    reference.oscillator_boundary(0.0, omega, left, right, span)
    amplified = 1 / abs(math.sin(omega * span)) if omega else 1.0
    return Entry(
        name="oscillator_boundary",
        title="Harmonic oscillator between two ends",
        equations=("y'' = -omega^2*y",),
        on=f"t=0..{spelled(span)}",
        where=(f"y(0)={spelled(left)}", f"y({spelled(span)})={spelled(right)}"),
        let=f"omega={spelled(omega)}",
        fields=("y",),
        reference=lambda t: reference.oscillator_boundary(t, omega, left, right, span),
        grid=line(0.0, span, 2001),
        certified="closed form",
        accuracy=1e-10,
        remarks=(
            f"The ends are amplified {amplified:.3g} times inside; at ω·span = kπ they determine nothing.",
        ),
    )
