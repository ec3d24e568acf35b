"""Diagrams by name: hard diagrams of the unknot, the prime knots to 8 crossings, torus knots and links."""

import functools
import json
import re
from pathlib import Path

from ansatz._spelling import choose
from ansatz.errors import BadInput
from ansatz.knots.codes import from_braid, from_dt, from_gauss, from_pd, torus
from ansatz.knots.diagram import Diagram, circle

NAMED = Path(__file__).with_name("named.json")
TORUS = re.compile(r"[Tt]\s*\(\s*(-?\d+)\s*,\s*(-?\d+)\s*\)")


@functools.cache
def _file() -> dict:
    return json.loads(NAMED.read_text())


def hard_unknots() -> tuple[str, ...]:
    """Return the names of the 21 hard diagrams of the unknot, by their number of crossings.

    >>> hard_unknots()[:3]
    ('H', 'J', 'Culprit')
    """
    return tuple(sorted(_file()["unknots"], key=lambda name: len(_file()["unknots"][name])))


def names() -> tuple[str, ...]:
    """Return all names that `named` knows, besides T(p,q)."""
    return ("unknot", *hard_unknots(), *_file()["knots"])


def named(name: str) -> Diagram:
    """Return the diagram of a name: one of `names`, or ``T(p,q)``.

    Knots of the tables stand for both mirror images; which one comes is not said.

    >>> named("Culprit").crossings, named("T(3,4)").crossings, abs(named("3_1").writhe)
    (10, 8, 3)
    """
    if match := TORUS.fullmatch(name.strip()):
        return torus(int(match[1]), int(match[2]))
    known = {one: one for one in names()}
    spelled = {one.casefold(): one for one in known}.get(name.strip().casefold(), name)
    chosen = choose("diagram", spelled, known)
    if chosen == "unknot":
        return circle()
    unknots, knots = _file()["unknots"], _file()["knots"]
    return from_pd(unknots[chosen]) if chosen in unknots else from_dt(knots[chosen])


def read(text: str) -> Diagram:
    """Return the diagram that a text describes: a name, or a code whose kind shows.

    ``PD[…]`` or rows of four in brackets, ``O1+U2+…``, ``gauss: 1 -2 …``, ``DT: 4 6 2``, ``braid: 1 1 1``.

    >>> [read(text).crossings for text in ("[[1,4,2,5],[3,6,4,1],[5,2,6,3]]", "DT: 4 6 8 2", "PZ78")]
    [3, 4, 78]
    """
    stripped = text.strip()
    kind, colon, rest = stripped.partition(":")
    readers = {"pd": from_pd, "gauss": from_gauss, "dt": from_dt, "braid": from_braid}
    if colon:
        return choose("code", kind.strip().lower(), readers)(rest)
    if re.match(r"\s*(PD\b|X[\[(_]|[\[({]\s*[\[({X])", stripped):
        return from_pd(stripped)
    if re.match(r"[OU]\d+[+-]", stripped, re.IGNORECASE):
        return from_gauss(stripped)
    if re.fullmatch(r"[\s\d,+;()\[\]-]+", stripped):
        raise BadInput(
            f"The numbers {stripped[:30]!r} may be a Gauss code, a DT code or a braid word; say which: "
            "'gauss: …', 'dt: …', 'braid: …' or 'pd: …'."
        )
    return named(stripped)
