"""Certificates in the text format of unknotdb, v0 (github.com/avorozhtsov/unknotdb), written and read.

There a removed crossing's number is closed up, new crossings are numbered last, faces are to the right, and
R1-, R2-, R3 and XC are addressed by crossings.  Both ways the moves are replayed, and it is carried along
where each of our crossings stands there, and turned by how much.
"""

import re
from collections.abc import Sequence
from typing import Any

from ansatz.errors import BadInput
from ansatz.knots.certificate import FORMAT, VERSION, Certificate, replay
from ansatz.knots.codes import from_pd
from ansatz.knots.diagram import Diagram, turn
from ansatz.knots.play import Move, play, refusal
from ansatz.knots.sketch import Sketch

CLAIMS = {"unknot": "unknot", "unknotting number": "unknotting_number_le"}
FIELDS = {
    "R1-": ("c",), "R2-": ("c1", "c2"), "R3": ("c1", "c2", "c3"), "XC": ("c",),
    "R1+": ("d", "loop"), "R2+": ("d1", "d2", "over"),
}  # fmt: skip


def to_unknotdb(certificate: Certificate, *, source: str, author: str, date: str) -> str:
    """Return a certificate as text for unknotdb: front matter, then a line for each move.

    `source` says who claimed it first, `author` who made the moves, `date` when, as YYYY-MM-DD.  Raises
    `BadInput` for what the format cannot say: PASS, the claim "equivalent", and R3 at one of two triangles
    that share their crossings.

    >>> from ansatz.knots.certificate import certify
    >>> kinked = certify(from_pd([[1, 1, 2, 2]]), [("R1-", 0)])
    >>> to_unknotdb(kinked, source="me", author="me", date="2026-01-01").splitlines()[-1]
    'R1- c=0'
    """
    replay(certificate)
    if certificate["claim"] not in CLAIMS:
        raise BadInput(
            f"unknotdb has no claim {certificate['claim']!r}; it must be one of {', '.join(CLAIMS)}."
        )
    changes = sum(move[0] == "XC" for move in certificate["moves"])
    start = from_pd(certificate["start"])
    rows = ", ".join(f"X[{','.join(map(str, row))}]" for row in certificate["start"])
    head = ["---", f"claim: {CLAIMS[certificate['claim']]}"]
    head += [f"value: {certificate['value']}"] if "value" in certificate else []
    head += ["subject:", f'  canon: "{canon(start)}"', f'  pd: "PD[{rows}]"']
    head += [f"alphabet: {'X' if changes else 'R'}", "chirality: unknotdb", "assumes: []"]
    head += [f'claim_source: "{source}"', f'witness_author: "{author}"', f"witness_date: {date}", "---"]
    return "\n".join([*head, *_lines(start, certificate["moves"])]) + "\n"


def from_unknotdb(text: str) -> Certificate:
    """Return the certificate that a text for unknotdb states, without hashes.

    Raises `BadInput`, with the number of the line, for what is not in the format and for illegal moves; what
    the moves prove `ansatz.knots.verify` says.

    >>> from ansatz.knots.certificate import certify
    >>> kinked = certify(from_pd([[1, 1, 2, 2]]), [("R1-", 0)], hashes=False)
    >>> from_unknotdb(to_unknotdb(kinked, source="me", author="me", date="2026-01-01")) == kinked
    True
    """
    parts = re.split(r"^---[ \t]*$", text, flags=re.MULTILINE)
    if len(parts) != 3 or parts[0].strip():
        raise BadInput("unknotdb's text begins with fields between two lines '---', and then has the moves.")
    fields = {
        name: value.strip("\"' ") for name, value in re.findall(r"^\s*(\w+):[ \t]*(.*)$", parts[1], re.M)
    }
    claims = {theirs: ours for ours, theirs in CLAIMS.items()}
    if fields.get("claim") not in claims or "pd" not in fields:
        raise BadInput(
            f"The fields need a pd and a claim, one of {', '.join(claims)}; it is {fields.get('claim')}."
        )
    start = from_pd(fields["pd"])
    certificate: Certificate = {"format": FORMAT, "version": VERSION, "claim": claims[fields["claim"]]}
    if certificate["claim"] == "unknotting number":
        if not fields.get("value", "").isdigit():
            raise BadInput("The field value is no number, and the claim is an unknotting number.")
        certificate["value"] = int(fields["value"])
    rows = re.findall(r"\[\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(-?\d+)\s*\]", fields["pd"])
    certificate["start"] = [[int(label) for label in row] for row in rows]
    if "canon" in fields and start.components == 1 and fields["canon"] != canon(start):
        raise BadInput(
            f"The field canon is {fields['canon'][:40]!r}, and the PD code's is {canon(start)[:40]!r}."
        )
    certificate["moves"] = _moves(start, parts[2], parts[0].count("\n") + parts[1].count("\n"))
    return certificate


def canon(diagram: Diagram) -> str:
    """Return unknotdb's key: the least signed Gauss code over starts, directions and mirror images.

    >>> from ansatz.knots.codes import from_braid
    >>> canon(from_braid([1, 1, 1]))
    'O1+U2+O3+U1+O2+U3+'
    """
    if diagram.crossings == 0:
        return "U"
    words = []
    for image in (diagram, diagram.mirrored()):
        signs = image.signs()
        for strand in image.strands():
            backward = [turn(d, 2) for d in reversed(strand)]
            for way in (strand, backward):
                words += [_word(way[i:] + way[:i], signs) for i in range(len(way))]
    return min(words)


def _word(strand: list[int], signs: dict[int, int]) -> str:
    number: dict[int, int] = {}
    return "".join(
        f"{'UO'[d & 1]}{number.setdefault(d >> 2, len(number) + 1)}{'+' if signs[d >> 2] > 0 else '-'}"
        for d in strand
    )


def _lines(start: Diagram, moves: Sequence[Sequence[Any]]) -> list[str]:
    """Return the moves as lines.

    `order` lists our crossings as they are numbered there, `turned` tells by how many slots they are turned.
    """
    sketch, order = Sketch(start), start.live()
    turned = dict.fromkeys(order, 0)
    lines = []
    for number, move in enumerate(moves, 1):
        lines.append(_line(sketch, move, {c: i for i, c in enumerate(order)}, turned, number))
        created = _created(sketch, move)
        play(sketch, tuple(move), check=False)
        order = [c for c in order if sketch.has(4 * c)] + created
        _turn_new(move, created, turned)
    return lines


def _created(sketch: Sketch, move: Sequence[Any]) -> list[int]:
    """Return the numbers of the crossings that a move adds, in unknotdb's order."""
    count = {"R1+": 1, "R2+": 2}.get(move[0], 0)
    copy = sketch.copy()
    numbers = [copy.new() for _ in range(count)]
    return numbers[::-1]


def _turn_new(move: Sequence[Any], created: list[int], turned: dict[int, int]) -> None:
    """Note by how many slots a crossing stands turned there after a move."""
    if move[0] == "R2+":
        turned[created[0]], turned[created[1]] = (0, 2) if move[3] else (2, 0)
    elif move[0] == "R1+":
        turned[created[0]] = 0
    elif move[0] == "XC":
        turned[move[1] >> 2] ^= 2


def _line(
    sketch: Sketch, move: Sequence[Any], there: dict[int, int], turned: dict[int, int], number: int
) -> str:
    """Return one move as unknotdb writes it."""

    def dart(d: int) -> int:
        return 4 * there[d >> 2] + ((d + turned[d >> 2]) & 3)

    kind, d, *rest = move
    if kind == "R1-":
        return f"R1- c={there[d >> 2]}"
    if kind == "R2-":
        return f"R2- c1={there[d >> 2]} c2={there[sketch.alpha[d] >> 2]}"
    if kind == "R3":
        corners = {e >> 2 for e in sketch.face(d)}
        own = min(sketch.face(d))
        if any(t != own and {e >> 2 for e in sketch.face(t)} == corners for t in _three_sided(sketch)):
            raise BadInput(f"Move {number} is R3 at one of two triangles with the same crossings.")
        return "R3 " + " ".join(f"c{i}={there[c]}" for i, c in enumerate(sorted(corners, key=there.get), 1))  # type: ignore[arg-type]
    if kind == "XC":
        return f"XC c={there[d >> 2]}"
    if kind == "R1+":
        return f"R1+ d={dart(sketch.alpha[d])} loop={rest[0]}"
    if kind == "R2+":
        over = 1 if rest[1] else 2
        return f"R2+ d1={dart(sketch.alpha[d])} d2={dart(sketch.alpha[rest[0]])} over={over}"
    raise BadInput(f"Move {number} is {kind}, which unknotdb's alphabets R and X do not have.")


def _three_sided(sketch: Sketch) -> list[int]:
    """Return the least dart of every face with three sides and three crossings."""
    alpha, found = sketch.alpha, []
    for d, a in enumerate(alpha):
        face = sketch.face(d) if a != d else []
        if len(face) == len({e >> 2 for e in face}) == 3 and min(face) == d:
            found.append(d)
    return found


def _moves(start: Diagram, text: str, above: int) -> list[list[Any]]:
    """Return the moves that lines state, in our darts; `above` lines stand before them."""
    sketch, order, turned, found = Sketch(start), start.live(), dict.fromkeys(start.live(), 0), []
    for number, line in enumerate(text.split("\n"), above + 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        kind, *rest = words
        pairs = [re.fullmatch(r"(\w+)=(\d+)", word) for word in rest]
        names = tuple(pair[1] for pair in pairs if pair)
        if kind not in FIELDS or names != FIELDS[kind] or len(names) != len(rest):
            wanted = "R1- c=…, R2- c1=… c2=…, R3 c1=… c2=… c3=…, R1+ d=… loop=…, R2+ d1=… d2=… over=…, XC c=…"
            raise BadInput(f"Line {number} is {line.strip()[:60]!r}; a move is {wanted}.")
        values = [int(pair[2]) for pair in pairs if pair]
        move = _read(sketch, kind, values, order, turned)
        why = refusal(sketch, move) if move else None
        if move is None or why:
            because = why if move else "the diagram has no place for it"
            raise BadInput(f"Line {number}, {line.strip()[:60]!r}, is illegal: {because}.")
        created = _created(sketch, move)
        play(sketch, move, check=False)
        order = [c for c in order if sketch.has(4 * c)] + created
        _turn_new(move, created, turned)
        if kind == "R1+":
            turned[created[0]] = values[1] & 2
        found.append(list(move))
    return found


def _read(
    sketch: Sketch, kind: str, values: list[int], order: list[int], turned: dict[int, int]
) -> Move | None:
    """Return one of their moves in our darts, or None where the diagram has no place for it."""

    def dart(d: int) -> int:
        return 4 * order[d >> 2] + ((d - turned[order[d >> 2]]) & 3)

    darts = {"R1+": 1, "R2+": 2}.get(kind, 0)
    if any(number >= len(order) for number in ([value >> 2 for value in values[:darts]] or values)):
        return None
    if kind in ("R1+", "R2+"):
        ends = [sketch.alpha[dart(value)] for value in values[:darts]]
        if values[darts] not in (range(4) if kind == "R1+" else (1, 2)):
            return None
        return (kind, *ends, values[1] & 1 if kind == "R1+" else 2 - values[2])
    crossings = {order[value] for value in values}
    if kind == "XC":
        return (kind, 4 * order[values[0]])
    for d in sorted(4 * c + k for c in crossings for k in range(4)):
        face = sketch.face(d)
        if {e >> 2 for e in face} == crossings and refusal(sketch, (kind, d)) is None:
            return (kind, d)
    return None
