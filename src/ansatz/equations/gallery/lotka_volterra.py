"""Predators and prey."""

from ansatz.equations import reference
from ansatz.equations.gallery._entry import Entry, line, spelled


def lotka_volterra(span: float = 20.0) -> Entry:
    """Return the system of Lotka and Volterra, over about three of its periods."""
    return Entry(
        name="lotka_volterra",
        title="Lotka-Volterra, predators and prey",
        equations=(
            "prey' = 2/3*prey - 4/3*prey*predators",
            "predators' = prey*predators - predators",
        ),
        on=f"t=0..{spelled(span)}",
        where=("prey(0)=1.5", "predators(0)=1"),
        fields=("prey", "predators"),
        reference=reference.lotka_volterra,
        grid=line(0.0, span, 2001),
        certified="Taylor series with 48 digits",
    )
