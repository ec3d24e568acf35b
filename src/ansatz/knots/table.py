"""Diagrams by name: hard unknots, the 249 prime knots to 10 crossings, torus knots and links."""

import difflib
import functools
import json
import re
from pathlib import Path

from ansatz._spelling import choose
from ansatz.errors import BadInput
from ansatz.knots.codes import from_braid, from_dt, from_gauss, from_pd, torus
from ansatz.knots.diagram import Diagram, circle

NAMED, ROLFSEN = Path(__file__).with_name("named.json"), Path(__file__).with_name("rolfsen.json")
ALIASES = {"Conway": "K11n34", "Kinoshita-Terasaka": "K11n42", "11n_34": "K11n34", "11n_42": "K11n42"}
TORUS = re.compile(r"[Tt]\s*\(\s*(-?\d+)\s*,\s*(-?\d+)\s*\)")


@functools.cache
def _file(path: Path) -> dict:
    return json.loads(path.read_text())


def hard_unknots() -> tuple[str, ...]:
    """Return the names of the 21 hard diagrams of the unknot, by their number of crossings.

    >>> hard_unknots()[:3]
    ('H', 'J', 'Culprit')
    """
    unknots = _file(NAMED)["unknots"]
    return tuple(sorted(unknots, key=lambda name: len(unknots[name])))


def knots() -> tuple[str, ...]:
    """Return the names of the 249 prime knots of 3 to 10 crossings, and K11n34 and K11n42, in this order.

    The numbers are Rolfsen's but for his 10_162, which is 10_161 once more (Perko 1974): his 10_163 to 10_166
    are 10_162 to 10_165.

    >>> len(knots()), knots()[:3]
    (251, ('3_1', '4_1', '5_1'))
    """
    return tuple(_file(ROLFSEN)["knots"])


def names() -> tuple[str, ...]:
    """Return all names that `named` knows, besides T(p,q) and `ALIASES`."""
    return ("unknot", *hard_unknots(), *knots())


def known_unknotting_number(name: str) -> tuple[int, int]:
    """Return the bounds between which the unknotting number of one of `knots` is known to lie.

    >>> known_unknotting_number("8_19"), known_unknotting_number("10_11")
    ((3, 3), (2, 3))
    """
    name = _look_up(name, dict.fromkeys(knots()))
    family, dash, number = name.partition("_")
    digits = _file(ROLFSEN)["unknotting"][family if dash else "K11n"]
    digit = digits[int(number) - 1 if dash else ("K11n34", "K11n42").index(name)]
    return (2, 3) if digit == "?" else (int(digit), int(digit))


def named(name: str) -> Diagram:
    """Return the diagram of a name: one of `names`, or ``T(p,q)``.

    Knots of the tables are the mirror images that KnotInfo shows: 3_1 is the right-handed trefoil, with
    positive crossings.  "Conway" and "Kinoshita-Terasaka" are K11n34 and K11n42.

    >>> named("Culprit").crossings, named("T(3,4)").crossings, named("3_1").writhe
    (10, 8, 3)
    """
    if match := TORUS.fullmatch(name.strip()):
        return torus(int(match[1]), int(match[2]))
    chosen = _look_up(name, dict.fromkeys(names()) | ALIASES)
    chosen = ALIASES.get(chosen, chosen)
    if chosen == "unknot":
        return circle()
    unknots = _file(NAMED)["unknots"]
    return from_pd(unknots[chosen]) if chosen in unknots else from_dt(_file(ROLFSEN)["knots"][chosen])


def _look_up(name: str, known: dict) -> str:
    """Return a name as it is written in a table, whatever its case; `BadInput` says what there is."""
    spelled = {one.casefold(): one for one in known}
    if found := spelled.get(name.strip().casefold()):
        return found
    close = difflib.get_close_matches(name.strip().casefold(), spelled, n=1, cutoff=0.5)
    advice = f"did you mean {spelled[close[0]]!r}? " if close else ""
    raise BadInput(
        f"There is no diagram {name!r}; {advice}(unknot, {', '.join(hard_unknots())}, T(p,q), and knots from "
        "3_1 to 10_165, K11n34 and K11n42)"
    )


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
