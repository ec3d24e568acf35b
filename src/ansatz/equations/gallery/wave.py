"""The wave equation of the PINNacle benchmark."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, mesh


def wave() -> Entry:
    """Return u_tt = 4 u_xx with fixed ends and two tones."""
    return Entry(
        name="wave",
        title="Wave equation",
        equations=("u_tt = 4*u_xx",),
        on="t=0..1, x=0..1",
        where=("u(0,x)=sin(pi*x) + sin(4*pi*x)/2", "u_t(0,x)=0", "u(t,0)=0", "u(t,1)=0"),
        reference=reference.wave,
        grid=mesh((0, 1, 161), (0, 1, 161)),
        certified="closed form",
        accuracy=1e-10,
        remarks=("The statement is Wave1d-C of the benchmark PINNacle.",),
    )
