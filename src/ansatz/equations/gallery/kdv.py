"""Two solitons of the equation of Korteweg and de Vries."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, mesh

HALF, SPAN = 20.0, 2.0


def kdv() -> Entry:
    """Return u_t + 6 u u_x + u_xxx = 0 for a fast soliton that passes a slow one at t = 1, x = 0."""
    start = "3*(3 + 4*cosh(x + 1) + cosh(2*x + 8))/(3*cosh(x/2 + 3.5) + cosh(1.5*x + 4.5))^2"
    return Entry(
        name="kdv",
        title="Korteweg-de Vries equation, two solitons",
        equations=("u_t + 6*u*u_x + u_xxx = 0",),
        on="t=0..2, x=-20..20",
        where=(f"u(0,x)={start}", "periodic(x)"),
        reference=lambda t, x: reference.kdv(t, x, meeting=(SPAN / 2, 0.0)),
        grid=mesh((0, SPAN, 51), (-HALF, HALF, 1001)),
        certified="Hirota's closed form",
        accuracy=1e-7,
        remarks=("The line is cut at x = ±20, where the solitons are below 1e-7 of their height.",),
    )
