"""Regina, knot Floer homology and SnapPy on our diagrams: the extra `knots`, asked only when called.

They are programs of others (GPL) and proofs of another kind: a knot is the unknot if and only if its group is
infinite cyclic (Dehn's lemma), and if and only if its Floer homology has genus 0 (Ozsváth, Szabó 2004).
"""

import importlib.util
from typing import Any, NamedTuple

from ansatz.errors import BadInput
from ansatz.knots.codes import to_pd
from ansatz.knots.diagram import Diagram
from ansatz.knots.simplify import simplify

ROUNDS = 200
"""Rounds of simplification before what takes exponential time in the crossings."""


class Floer(NamedTuple):
    """What knot Floer homology says: the genus, whether the knot is fibered, τ, and the total rank."""

    genus: int
    fibered: bool
    tau: int
    rank: int


def has_infinite_cyclic_group(diagram: Diagram) -> bool:
    """Tell whether Regina recognises the knot's group as ℤ, which proves the unknot; False proves nothing.

    The diagram is handed over as it is, so that the answer owes nothing to the moves of this package.
    """
    _require("regina", "the knot's group")
    import regina  # pyright: ignore[reportMissingImports]

    _only_knots(diagram)
    if not diagram.crossings:
        return True
    return regina.Link.fromPD(_rows(diagram)).group().recogniseGroup() == "Z"


def floer(diagram: Diagram) -> Floer:
    """Return what the package knot_floer_homology computes, from a diagram that is first made small.

    Time grows exponentially with the width of the diagram; `BadInput` where the program gives up.
    """
    _require("knot_floer_homology", "knot Floer homology")
    import knot_floer_homology  # pyright: ignore[reportMissingImports]

    small = _small(diagram)
    if not small.crossings:
        return Floer(0, True, 0, 1)
    try:
        found = knot_floer_homology.pd_to_hfk(_rows(small))
    except (ValueError, RuntimeError) as why:
        raise BadInput(f"Floer homology of a diagram of {small.crossings} crossings failed: {why}.") from None
    return Floer(found["seifert_genus"], found["fibered"], found["tau"], found["total_rank"])


def volume(diagram: Diagram) -> float:
    """Return the volume of the knot's complement by SnapPy, 0 where it finds no hyperbolic structure.

    The structure is numerical: no proof, but a fingerprint.  The diagram is first made small.
    """
    _require("snappy", "the volume")
    import snappy  # pyright: ignore[reportMissingImports]

    small = _small(diagram)
    if not small.crossings:
        return 0.0
    manifold = snappy.Link(_rows(small)).exterior()
    for _ in range(10):
        if manifold.solution_type(enum=True) == 1:
            return float(manifold.volume())
        manifold.randomize()
    return 0.0


def _require(package: str, what: str) -> None:
    """Say what to install where a package is missing."""
    if importlib.util.find_spec(package) is None:
        raise ModuleNotFoundError(
            f"The package {package} is not installed, which {what} needs: pip install 'ansatz[knots]'.",
            name=package,
        )


def _only_knots(diagram: Diagram) -> None:
    if diagram.components != 1:
        raise BadInput(f"The diagram has {diagram.components} components; these are questions about knots.")


def _small(diagram: Diagram) -> Diagram:
    """Return a smaller diagram of the knot, with crossings of which none is a kink."""
    _only_knots(diagram)
    return simplify(diagram, rounds=ROUNDS, seconds=60).diagram


def _rows(diagram: Diagram) -> list[Any]:
    """Return the PD code as the packages take it."""
    return [tuple(row) for row in to_pd(diagram)]
