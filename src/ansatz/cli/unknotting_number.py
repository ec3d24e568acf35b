"""`ansatz unknotting-number`: bounds how many crossing changes a knot needs to come undone.

DIAGRAM is a name (8_19, T(3,4)) or a code, as `ansatz unknot --help` says. The upper bound is what a search
over crossing changes finds, on smallest diagrams and others; --out writes its certificate, which `ansatz
verify` checks. The lower bound is the best that signature, Seifert matrix, linking form and theorems on
alternating knots give. The search uses its budget up unless the bounds meet.

examples:
  ansatz unknotting-number 8_19 --out u.json
  ansatz unknotting-number "braid: 1 1 1 1 1" --budget 2s
"""

import dataclasses
import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer


def command(arguments: list[str]) -> int:
    """Bound the number that the words ask for; return the exit code."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse, seconds
    from ansatz.cli.unknot import check_out
    from ansatz.core import BadInput
    from ansatz.store import write_file

    asked, _ = parse(_form(), arguments, "unknotting-number", __doc__ or "")
    if asked.diagram is None:
        raise BadInput("Name the knot: ansatz unknotting-number DIAGRAM; --help says what that may be.")
    budget = seconds(asked.budget)
    assert budget is not None
    check_out(asked.out, ".json")
    answer = Answer(as_json=asked.json, quiet=asked.quiet)
    with answer.working():
        from ansatz.knots.codes import from_pd
        from ansatz.knots.unknot import started
        from ansatz.knots.unknotting import unknotting_number

        start = started(asked.diagram)
        diagram = from_pd(start.rows)
        found = unknotting_number(diagram, budget, asked.seed, name=start.name, report=_progress(answer))
        if asked.out is not None:
            write_file(asked.out, (json.dumps(found.certificate, separators=(",", ":")) + "\n").encode())
    record = {
        "name": start.name, "lower": found.lower, "upper": found.changes, "why": found.why,
        "crossings": diagram.crossings, "moves": len(found.certificate["moves"]), "seconds": found.seconds,
        "certificate": asked.out,
    }  # fmt: skip
    shown = [found.told(start.name)]
    if asked.out is not None:
        shown.append(
            f"{asked.out} holds the certificate of the upper bound; `ansatz verify {asked.out}` checks it."
        )
    answer.give(record, shown)
    return 0


def _progress(answer: "Answer") -> Any:
    """Return what tells every second or so what is known."""
    last = [time.perf_counter()]

    def report(lower: int, upper: int, spent: float) -> None:
        if time.perf_counter() - last[0] >= 1:
            last[0] = time.perf_counter()
            answer.tell(f"· {spent:.0f} s: between {lower} and {upper}, looking for {upper - 1}")

    return report


def _form() -> type:
    import tyro

    from ansatz.cli._flags import flag

    word: Any = str | None
    return dataclasses.make_dataclass(
        "UnknottingNumber",
        [
            ("diagram", flag(word, "the knot", tyro.conf.Positional, metavar="DIAGRAM"), None),
            ("budget", flag(str, "the time of the search", metavar="TIME"), "10s"),
            ("seed", flag(int, "of the search"), 0),
            ("out", flag(word, "where the certificate goes, a .json", metavar="FILE"), None),
            ("quiet", flag(bool, "no progress on stderr"), False),
            ("json", flag(bool, "print one JSON object"), False),
        ],
        frozen=True,
    )
