"""The equation of Allen and Cahn, whose phases part along sharp walls."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, mesh


def allen_cahn() -> Entry:
    """Return u_t = 1e-4 u_xx + 5u - 5u³ from x² cos πx, periodic."""
    return Entry(
        name="allen_cahn",
        title="Allen-Cahn equation",
        equations=("u_t = 1e-4*u_xx + 5*u - 5*u^3",),
        on="t=0..1, x=-1..1",
        where=("u(0,x)=x^2*cos(pi*x)", "periodic(x)"),
        reference=reference.allen_cahn,
        grid=mesh((0, 1, 51), (-1, 1, 1001)),
        certified="4096 Fourier modes with exponential Runge-Kutta steps; agrees with itself to 1e-12",
        accuracy=1e-6,
        remarks=("The start, repeated periodically, has a kink at x = ±1, which diffusion smooths slowly.",),
    )
