"""The Lorenz system."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, line, spelled


def lorenz(span: float = 3.0) -> Entry:
    """Return the Lorenz system from (1, 1, 1) with σ = 10, ρ = 28, β = 8/3."""
    return Entry(
        name="lorenz",
        title="Lorenz system",
        equations=("x' = sigma*(y - x)", "y' = x*(rho - z) - y", "z' = x*y - beta*z"),
        on=f"t=0..{spelled(span)}",
        where=("x(0)=1", "y(0)=1", "z(0)=1"),
        let="sigma=10, rho=28, beta=8/3",
        fields=("x", "y", "z"),
        reference=reference.lorenz,
        grid=line(0.0, span, 4001),
        certified="Taylor series with 48 digits",
        remarks=("Chaos multiplies an early error by about e^(0.9 t): 1e8 times by t = 20.",),
    )
