"""`ansatz unknot`: unties a knot diagram by Reidemeister and pass moves, or says why none do.

DIAGRAM is a name (Culprit, 8_19, T(3,4)), a code (a PD code as [[1,4,2,5], …], a signed Gauss code, or
'gauss: …', 'dt: …', 'braid: …'), a file with one of these in each line, or - for lines from standard input.

The search removes crossings (R1-, R2-), lays arcs anew along shortest routes (passes, also where no crossing
goes), makes R3 at random, and R2+ where it is stuck. A diagram that stays is asked for its determinant, its
Alexander and its Jones polynomial, which may prove it knotted. With --moves r-only the search makes R1, R2
and R3 alone, passes at no point, and needs longer; --expand instead takes the passes that it found apart.
With --policy the trained policy of the package tries too, by R1, R2 and R3, and the fewer moves are kept.

--out writes the certificate, which `ansatz verify` checks: one as .json, or as .txt for unknotdb (without
passes); of many diagrams a .jsonl with a line for each that was untied. --film shows the untying, move by
move, as a page (.html, with a slider and the list of moves) or as a picture (.gif).

With ansatz[fast], which is numba, searches that may last 30 s and files of 5,000 diagrams are compiled.

Exit codes: 0 decided, 1 undecided within the budget, 2 bad input.

examples:
  ansatz unknot Culprit --out culprit.json --film culprit.html
  ansatz unknot "[[1,4,2,5],[3,6,4,1],[5,2,6,3]]"
  ansatz unknot D28 --expand --out d28.txt
  ansatz unknot diagrams.txt --budget 2s --out certificates.jsonl
"""

import dataclasses
import datetime
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer
    from ansatz.knots.unknot import Start, Verdict

ALL, ONLY = "all", "r-only"
MANY, TICK, DRAWN = 5000, 1.0, 32
"""The diagrams that are worth compiling for; seconds between two lines of progress; crossings that a drawing
in the terminal can show."""


def command(arguments: list[str]) -> int:
    """Untie what the words ask for; return the exit code."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse, seconds
    from ansatz.core import BadInput

    asked, _ = parse(_form(), arguments, "unknot", __doc__ or "")
    if asked.diagram is None:
        raise BadInput("Name the diagram to untie: ansatz unknot DIAGRAM; --help says what that may be.")
    if asked.moves not in (ALL, ONLY):
        raise BadInput(f"--moves takes {ALL} or {ONLY}, not {asked.moves!r}.")
    budget = seconds(asked.budget)
    assert budget is not None
    answer = Answer(as_json=asked.json, quiet=asked.quiet)
    with answer.working():
        lines = _lines(asked.diagram)
        ending = ".jsonl" if lines is not None else ".json or .txt"
        check_out(asked.out, ending)
        check_out(asked.film, ".html or .gif", "--film")
        if lines is not None and (asked.film is not None or asked.policy):
            flag = "--film" if asked.film is not None else "--policy"
            raise BadInput(f"{flag} is for one diagram, not for many.")
        if lines is None:
            record, shown, code = _one(asked, budget, answer)
        else:
            record, shown, code = _many(asked, lines, budget, answer)
    answer.give(record, shown)
    return code


def _lines(place: str) -> list[tuple[int, str]] | None:
    """Return the numbered lines of a file or of standard input that hold diagrams; None for one diagram."""
    from ansatz.core import BadInput

    if place == "-":
        text = sys.stdin.read()
    elif len(place) < 256 and Path(place).is_file():
        try:
            text = Path(place).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise BadInput(f"{place} is no text: byte {error.start + 1} is not UTF-8.") from None
    else:
        return None
    rows = enumerate(text.splitlines(), 1)
    found = [(i, row.strip()) for i, row in rows if row.strip() and not row.lstrip().startswith("#")]
    if not found:
        raise BadInput(f"There is no diagram in {place if place != '-' else 'standard input'}.")
    return found


def check_out(out: str | None, endings: str, flag: str = "--out") -> None:
    """Refuse a file that could not be written before anything is computed."""
    from ansatz.core import BadInput

    if out is None:
        return
    path = Path(out)
    if path.suffix.lower() not in endings.split(" or "):
        raise BadInput(f"{flag} {out!r} should end in {endings} here.")
    if not path.parent.is_dir():
        raise BadInput(f"{flag} {out!r} cannot be written: there is no folder {str(path.parent)!r}.")


def _one(asked: Any, budget: float, answer: "Answer") -> tuple[dict[str, Any], list[Any], int]:
    """Decide one diagram."""
    from ansatz.cli.main import DONE, FAILED
    from ansatz.core import BadInput
    from ansatz.knots.unknot import UNDECIDED, unknot

    if asked.policy and asked.moves == ALL and not asked.expand:
        raise BadInput("The trained policy makes R1, R2 and R3 alone: --policy goes with --moves r-only.")
    text = bool(asked.out) and asked.out.lower().endswith(".txt")
    if text and asked.moves == ALL and not asked.expand:
        raise BadInput("unknotdb's format has no passes; add --expand or --moves r-only, or write a .json.")
    found = unknot(
        asked.diagram,
        budget,
        seed=asked.seed,
        passes=asked.moves == ALL,
        expanded=asked.expand,
        report=_progress(answer),
    )
    found, words = _tried(found, asked.seed) if asked.policy else (found, [])
    shown = [*_drawn(found), str(found), *words]
    record = _record(found)
    if asked.out is not None:
        record["certificate"] = _write_one(found, asked.out)
        what = (
            "its certificate" if found.untied else "a certificate that it is equivalent to the smallest found"
        )
        shown.append(f"{asked.out} holds {what}; `ansatz verify {asked.out}` checks it.")
    if asked.film is not None:
        record["film"] = _filmed(found, asked.film)
        shown.append(f"{asked.film} shows the moves.")
    if not found.untied:
        shown.append(f"The smallest diagram found has {len(found.smallest)} crossings: {found.smallest}")
    return record, shown, FAILED if found.verdict == UNDECIDED else DONE


def _tried(found: "Verdict", seed: int) -> tuple["Verdict", list[str]]:
    """Return the verdict with the moves of the trained policy where they are fewer, and what it found."""
    from ansatz.knots.codes import from_pd
    from ansatz.knots.shorten import shortened
    from ansatz.knots.unknot import KNOTTED, UNKNOT
    from ansatz.rl.unknot_policy import RUNS, STEPS, ways_of

    if found.verdict == KNOTTED or not found.start:
        return found, []
    start = from_pd(found.start)
    ways = ways_of(start, RUNS, STEPS, seed)
    words = f"The trained policy untied it in {len(ways)} of {RUNS} runs of {STEPS} moves"
    if not ways:
        return found, [f"{words}."]
    known = shortened(start, found.moves) if found.untied else None
    words += f", at best in {len(ways[0])} moves"
    words += f", the search in {len(known)}." if known is not None else ", the search did not."
    best = ways[0] if known is None or len(ways[0]) < len(known) else known
    return found._replace(verdict=UNKNOT, why="", moves=best, smallest=[]), [words]


def _drawn(found: "Verdict") -> list[str]:
    """Return the diagram as a drawing, where the terminal's dots can show it."""
    from ansatz.knots.codes import from_pd
    from ansatz.knots.terminal import text

    return [text(from_pd(found.start))] if 0 < len(found.start) <= DRAWN else []


def _filmed(found: "Verdict", place: str) -> str:
    """Write the film of the moves that were made."""
    from ansatz.knots.animation import gif, page
    from ansatz.store import write_file

    certificate = found.certificate()
    content = gif(certificate) if place.lower().endswith(".gif") else page(certificate).encode()
    write_file(place, content)
    return place


def _record(found: "Verdict") -> dict[str, Any]:
    return {
        "name": found.name,
        "verdict": found.verdict,
        "why": found.why,
        "crossings": len(found.start),
        "moves": len(found.moves),
        "passes": found.passes,
        "peak": found.peak,
        "smallest": found.smallest,
        "rounds": found.rounds,
        "seconds": found.seconds,
    }


def _write_one(found: "Verdict", out: str) -> str:
    from ansatz.core import BadInput
    from ansatz.knots.unknotdb import to_unknotdb
    from ansatz.store import write_file

    certificate = found.certificate()
    if out.lower().endswith(".txt"):
        if not found.untied:
            raise BadInput(f"{found} unknotdb's format has no claim for that; write a .json.")
        today = datetime.date.today().isoformat()
        text = to_unknotdb(certificate, source=found.name or "unnamed", author="ansatz unknot", date=today)
    else:
        text = json.dumps(certificate, separators=(",", ":")) + "\n"
    write_file(out, text.encode())
    return out


def _progress(answer: "Answer") -> Any:
    """Return what tells every second or so how far the search is."""
    last = [time.perf_counter()]

    def report(search: Any, spent: float) -> None:
        if time.perf_counter() - last[0] >= TICK:
            last[0] = time.perf_counter()
            answer.tell(
                f"· {search.rounds:,} rounds: {search.crossings} crossings now, {search.best} at the least"
            )

    return report


def _many(
    asked: Any, lines: list[tuple[int, str]], budget: float, answer: "Answer"
) -> tuple[dict[str, Any], list[Any], int]:
    """Decide the diagrams of many lines."""
    from ansatz.cli.main import DONE, FAILED
    from ansatz.knots.unknot import KNOTTED, UNDECIDED, UNKNOT, decide_all
    from ansatz.knots.untie import may_compile
    from ansatz.store import write_file

    starts = _starts(lines)
    compiled, begun = len(starts) >= MANY and may_compile(), time.perf_counter()
    said, told, certificates, rows = begun, [], [], []
    tally: dict[str, int] = {UNKNOT: 0, KNOTTED: 0, UNDECIDED: 0}
    found = decide_all(starts, budget, seed=asked.seed, passes=asked.moves == ALL, compiled=compiled)
    for number, verdict in enumerate(found, 1):
        verdict = verdict.expanded() if asked.expand else verdict
        tally[verdict.verdict] += 1
        told.append(_told(lines[number - 1][0], verdict))
        if asked.json:
            rows.append({"line": lines[number - 1][0], **_brief(verdict)})
        if asked.out is not None and verdict.untied:
            certificates.append(verdict.line())
        if time.perf_counter() - said >= TICK:
            said = time.perf_counter()
            rate = number / (said - begun)
            answer.tell(
                f"· {number:,} of {len(starts):,}, {rate:,.0f} a second, "
                f"{(len(starts) - number) / rate:.0f} s left"
            )
    spent = time.perf_counter() - begun
    if asked.out is not None:
        write_file(asked.out, "".join(f"{line}\n" for line in certificates).encode())
    words = ", ".join(f"{count:,} {verdict}" for verdict, count in tally.items() if count)
    shown = ["\n".join(told), f"{len(starts):,} diagrams: {words} ({len(starts) / spent:,.0f} a second)."]
    shown += [f"{asked.out} holds {len(certificates):,} certificates."] if asked.out else []
    record = {
        "diagrams": len(starts),
        "unknots": tally[UNKNOT],
        "knots": tally[KNOTTED],
        "undecided": tally[UNDECIDED],
        "seconds": spent,
        "certificates": asked.out,
        "lines": rows,
    }
    return record, shown, FAILED if tally[UNDECIDED] else DONE


def _starts(lines: list[tuple[int, str]]) -> "list[Start]":
    """Return the diagrams of all lines, or raise with the number of the first that is wrong."""
    from ansatz.core import BadInput
    from ansatz.knots.unknot import started

    found = []
    for number, text in lines:
        try:
            found.append(started(text))
        except BadInput as why:
            raise BadInput(f"Line {number}: {why}") from None
    return found


def _brief(found: "Verdict") -> dict[str, Any]:
    left = {} if found.untied else {"why": found.why, "smallest": found.smallest}
    return {
        "name": found.name,
        "verdict": found.verdict,
        "crossings": len(found.start),
        "moves": len(found.moves),
        "seconds": found.seconds,
        **left,
    }


def _told(number: int, found: "Verdict") -> str:
    """Return a line about a line."""
    from ansatz.knots.unknot import counted

    name = f"{found.name}: " if found.name else ""
    n, count = counted(len(found.start), "crossing"), counted(len(found.moves), "move")
    why = f", {found.why}" if found.why else ""
    return f"{number:>6}  {name}{found.verdict}, {n}, {count}, {found.seconds * 1e3:.2f} ms{why}"


def _form() -> type:
    import tyro

    from ansatz.cli._flags import flag

    word: Any = str | None
    kinds = f"{ALL}, or {ONLY} for a search without passes"
    return dataclasses.make_dataclass(
        "Unknot",
        [
            ("diagram", flag(word, "what to untie", tyro.conf.Positional, metavar="DIAGRAM"), None),
            ("budget", flag(str, "the time for each diagram", metavar="TIME"), "10s"),
            ("moves", flag(str, kinds, metavar="all|r-only"), ALL),
            ("expand", flag(bool, "take the passes found apart into R1, R2 and R3"), False),
            ("policy", flag(bool, "let the trained policy try too, by R1, R2 and R3 alone"), False),
            ("seed", flag(int, "of the search"), 0),
            ("out", flag(word, "where the certificate goes: .json, .txt or .jsonl", metavar="FILE"), None),
            ("film", flag(word, "where a film of the moves goes: .html or .gif", metavar="FILE"), None),
            ("quiet", flag(bool, "no progress on stderr"), False),
            ("json", flag(bool, "print one JSON object"), False),
        ],
        frozen=True,
    )
