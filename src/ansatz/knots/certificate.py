"""Certificates: a diagram, the moves that untie it, and a hash of every step, as JSON.

`ansatz.knots.verify` checks one without anything else of this package.  The fields are

    format, version   "ansatz knot certificate", 1
    claim             "unknot", "unknotting number" (at most `value`, the crossing changes), or "equivalent"
                      to `end`
    start             the PD code; row i has the darts 4i, …, 4i + 3
    moves             lists of a name and darts, as in `ansatz.knots.play`; a new crossing takes the least
                      number that is free
    hashes            optional: of the claim and the start, then of the hash before, the move, its result
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ansatz.errors import BadInput
from ansatz.knots.codes import from_pd, to_pd
from ansatz.knots.diagram import Diagram
from ansatz.knots.play import Move, play
from ansatz.knots.sketch import Sketch

FORMAT, VERSION = "ansatz knot certificate", 1
CLAIMS = ("unknot", "unknotting number", "equivalent")
Certificate = dict[str, Any]


def standard(diagram: Diagram) -> Diagram:
    """Return the diagram as its PD code gives it: numbered from 0 on, each crossing from its lower way in."""
    return from_pd(to_pd(diagram))


def state(sketch: Sketch) -> str:
    """Return a diagram as text: the darts that each crossing's darts are joined to, and the circles.

    >>> state(Sketch(from_pd([[1, 1, 2, 2]])))
    '0:1,0,3,2|0'
    """
    alpha = sketch.alpha
    rows = [
        f"{d >> 2}:{alpha[d]},{alpha[d + 1]},{alpha[d + 2]},{alpha[d + 3]}"
        for d in range(0, len(alpha), 4)
        if alpha[d] != d
    ]
    return f"{';'.join(rows)}|{sketch.circles}"


def digest(*parts: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 sum of the parts as compact JSON."""
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()[:16]


def certify(
    start: Diagram, moves: Sequence[Move], claim: str | None = None, *, name: str = "", hashes: bool = True
) -> Certificate:
    """Return the certificate of moves made from a diagram; `BadInput` if they do not bear the claim.

    The claim is by default the most that holds: "unknot" where the moves end at the circle without a crossing
    change, "unknotting number" where they end there with some, otherwise "equivalent".
    The diagram must be as `standard` gives it, so that its PD code means the same darts.

    >>> certificate = certify(from_pd([[1, 1, 2, 2]]), [("R1-", 0)])
    >>> certificate["claim"], certificate["moves"], len(certificate["hashes"])
    ('unknot', [['R1-', 0]], 2)
    """
    pd = to_pd(start)
    if not np.array_equal(np.asarray(from_pd(pd).alpha), np.asarray(start.alpha)):
        raise BadInput("The start's PD code would name its darts otherwise; begin from standard(diagram).")
    sketch, changes = Sketch(start), sum(move[0] == "XC" for move in moves)
    for move in moves:
        play(sketch, move, check=False)
    ended = sketch.crossings == 0 and sketch.circles == 1
    claim = claim or (("unknotting number" if changes else "unknot") if ended else "equivalent")
    certificate: Certificate = {"format": FORMAT, "version": VERSION, "claim": claim}
    certificate |= {"name": name} if name else {}
    certificate |= {"value": changes} if claim == "unknotting number" else {}
    certificate |= {"end": state(sketch)} if claim == "equivalent" else {}
    certificate |= {"start": pd, "moves": [list(move) for move in moves]}
    if hashes:
        certificate["hashes"] = chain(certificate)
    replay(certificate)
    return certificate


def chain(certificate: Certificate) -> list[str]:
    """Return the hashes of a certificate whose moves can be made."""
    sketch = Sketch(from_pd(certificate["start"]))
    found = [_first_hash(certificate)]
    for move in certificate["moves"]:
        play(sketch, tuple(move), check=False)
        found.append(digest(found[-1], move, state(sketch)))
    return found


def replay(certificate: Certificate) -> Diagram:
    """Make the moves of a certificate, each checked, and return the diagram where they end.

    Raises `BadInput`, with the number of the move, at the first that is illegal, at a hash that differs, and
    where the claim does not follow.  `ansatz.knots.verify` does the same independently.

    >>> replay(certify(from_pd([[1, 1, 2, 2]]), [("R1-", 0)])).circles
    1
    """
    _check_fields(certificate)
    sketch = Sketch(from_pd(certificate["start"]))
    hashes, last = certificate.get("hashes"), _first_hash(certificate)
    if hashes is not None and len(hashes) != len(certificate["moves"]) + 1:
        raise BadInput(f"There are {len(hashes)} hashes for a start and {len(certificate['moves'])} moves.")
    if hashes and hashes[0] != last:
        raise BadInput("The hash of the certificate's claim and start differs from what is written.")
    for number, move in enumerate(certificate["moves"], 1):
        try:
            play(sketch, tuple(move))
        except BadInput as why:
            raise BadInput(f"Move {number} of the certificate: {why}") from None
        if hashes:
            last = digest(last, move, state(sketch))
            if hashes[number] != last:
                raise BadInput(f"Move {number} of the certificate: its hash differs from what is written.")
    _check_claim(certificate, sketch)
    return sketch.diagram()


def save(certificate: Certificate, path: str | Path) -> None:
    """Write a certificate to a file."""
    Path(path).write_text(json.dumps(certificate, separators=(",", ":")) + "\n")


def load(path: str | Path) -> Certificate:
    """Read a certificate from a file; `BadInput` if it is none."""
    try:
        found = json.loads(Path(path).read_text())
    except (OSError, ValueError) as why:
        raise BadInput(f"{path} cannot be read as a certificate: {why}.") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BadInput(f"{path} is no certificate: its field 'format' should be {FORMAT!r}.")
    return found


def _check_fields(certificate: Certificate) -> None:
    """Refuse a certificate whose fields are missing or of the wrong kind."""
    claim = certificate.get("claim")
    if claim not in CLAIMS:
        raise BadInput(f"The certificate claims {claim!r}; it must be one of {', '.join(CLAIMS)}.")
    kinds = {"start": list, "moves": list}
    kinds |= {"value": int} if claim == "unknotting number" else {}
    kinds |= {"end": str} if claim == "equivalent" else {}
    for field, kind in kinds.items():
        if type(certificate.get(field)) is not kind:
            raise BadInput(f"The certificate's field {field!r} must be there, of type {kind.__name__}.")
    for number, move in enumerate(certificate["moves"], 1):
        if not isinstance(move, list | tuple) or not move or not isinstance(move[0], str):
            raise BadInput(f"Move {number} of the certificate is {move!r}, not a list of a name and darts.")


def _first_hash(certificate: Certificate) -> str:
    fields = ("format", "version", "claim", "value", "end", "start")
    return digest(*(certificate.get(field) for field in fields))


def _check_claim(certificate: Certificate, sketch: Sketch) -> None:
    """Refuse a certificate whose end or whose number of crossing changes does not bear its claim."""
    claim, changes = certificate["claim"], sum(move[0] == "XC" for move in certificate["moves"])
    allowed = certificate["value"] if claim == "unknotting number" else 0
    if changes > allowed:
        raise BadInput(f"The certificate changes {changes} crossings, and its claim allows {allowed}.")
    if claim == "equivalent":
        if certificate["end"] != state(sketch):
            raise BadInput("The moves do not end at the diagram that the certificate states.")
    elif sketch.crossings or sketch.circles != 1:
        raise BadInput(
            f"The moves end with {sketch.crossings} crossings and {sketch.circles} circles, not the circle."
        )
