"""A page that shows several reports at a glance: title, result in one line, thumbnail and link."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansatz.core import BadInput
from ansatz.results.report import Picture, _templates


@dataclass(frozen=True)
class Card:
    """A report in the index: its `link` is a path relative to the index, its `thumbnail` an SVG or a PNG."""

    title: str
    result: str
    link: str
    thumbnail: str | bytes = ""
    note: str = ""

    def picture(self) -> Picture | None:
        """Return the thumbnail as a figure, if there is one."""
        return Picture(self.thumbnail, self.title) if self.thumbnail else None


def render_index(cards: Sequence[Card], title: str, *, subtitle: str = "", footer: str = "") -> str:
    """Return the index as HTML text, self-contained but for its links to the reports beside it.

    >>> page = render_index([Card("Nuclei", "RMSE 0.4 MeV", "nuclei/report.html")], "Tour")
    >>> 'href="nuclei/report.html"' in page
    True
    """
    for card in cards:
        if re.match(r"^\s*([a-zA-Z][a-zA-Z0-9+.\-]*:|//|\\\\)", card.link):
            raise BadInput(
                f"The link {card.link!r} leads elsewhere; a card links to a file beside the index."
            )
    return (
        _templates()
        .get_template("index.html.j2")
        .render(title=title, subtitle=subtitle, cards=cards, footer=footer)
    )
