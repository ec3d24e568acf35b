"""The station of the tour that unties a knot diagram: the Culprit, move by move, checked and filmed."""

from ansatz.knots.animation import page
from ansatz.knots.drawing import svg
from ansatz.knots.table import named
from ansatz.knots.unknot import unknot
from ansatz.knots.verify import verify
from ansatz.results.report import Picture

NAME = "Culprit"


def untied() -> tuple[str, str, Picture]:
    """Untie the Culprit; return the film, the answer in one line, and a picture of the diagram."""
    certificate = unknot(NAME).certificate()
    answer = f"The {NAME}: {verify(certificate)}, checked by a program of its own."
    return (
        page(certificate),
        answer,
        Picture(svg(named(NAME)), "A diagram of the unknot that no move makes smaller."),
    )
