"""The pendulum at large angles."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, line, spelled


def pendulum(omega: float = 1.0, angle: float = 2.0, span: float = 10.0) -> Entry:
    """Return θ̈ = -ω² sin θ, released at rest from `angle`."""
    return Entry(
        name="pendulum",
        title="Pendulum at large angles",
        equations=("theta'' = -omega^2*sin(theta)",),
        on=f"t=0..{spelled(span)}",
        where=(f"theta(0)={spelled(angle)}", "theta'(0)=0"),
        let=f"omega={spelled(omega)}",
        fields=("theta",),
        reference=lambda t: reference.pendulum(t, omega, angle),
        grid=line(0.0, span, 2001),
        certified="elliptic functions, checked by Taylor series",
    )
