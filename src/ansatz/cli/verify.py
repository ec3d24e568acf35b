"""`ansatz verify`: checks certificates of knots independently of what made them.

FILE is a certificate as JSON, a .jsonl with one in each line, or a text in unknotdb's format. Each move is
made again by a program that shares no code with the search, and the diagram is checked after each.

Exit codes: 0 everything is proved as claimed, 1 a certificate is rejected, 2 a file cannot be read.

examples:
  ansatz verify culprit.json
  ansatz verify certificates.jsonl
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def command(arguments: list[str]) -> int:
    """Check the files that the words name; return 1 if one proves nothing."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse
    from ansatz.core import BadInput

    asked, _ = parse(_form(), arguments, "verify", __doc__ or "")
    if not asked.files:
        raise BadInput("Name the certificates to check: ansatz verify FILE.")
    texts = [(name, _text(name)) for name in asked.files]
    answer = Answer(as_json=asked.json)
    with answer.working():
        found = [one for name, text in texts for one in _checked(name, text)]
    bad = [one for one in found if not one["proved"]]
    shown = [f"{one['file']}: {'' if one['proved'] else 'REJECTED: '}{one['says']}." for one in found]
    if len(found) > 20 and not bad:
        shown = [f"{', '.join(asked.files)}: {len(found):,} certificates prove what they claim."]
    answer.give({"certificates": len(found), "rejected": len(bad), "found": found}, shown)
    return 1 if bad else 0


def _text(name: str) -> str:
    from ansatz.core import BadInput

    try:
        return Path(name).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is no text: byte {error.start + 1} is not UTF-8.") from None
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror}.") from None


def _checked(name: str, text: str) -> Iterator[dict[str, Any]]:
    """Yield for each certificate of a text where it is, whether it proves its claim, and what, or why not."""
    from ansatz.knots.verify import Rejected, verify

    rows = text.splitlines() if name.lower().endswith(".jsonl") else [text]
    places = [(f"{name}:{i}" if len(rows) > 1 else name, row) for i, row in enumerate(rows, 1)]
    for place, row in places:
        try:
            says, proved = verify(_certificate(row)), True
        except (Rejected, ValueError) as why:
            says, proved = str(why).rstrip("."), False
        yield {"file": place, "proved": proved, "says": says}


def _certificate(text: str) -> Any:
    from ansatz.knots.unknotdb import from_unknotdb

    if text.lstrip().startswith("---"):
        return from_unknotdb(text)
    try:
        return json.loads(text)
    except ValueError as why:
        raise ValueError(f"it is neither JSON nor unknotdb's text ({why})") from None


def _form() -> type:
    import tyro

    from ansatz.cli._flags import flag

    return dataclasses.make_dataclass(
        "Verify",
        [
            ("files", flag(tuple[str, ...], "certificates", tyro.conf.Positional, metavar="FILE"), ()),
            ("json", flag(bool, "print one JSON object"), False),
        ],
        frozen=True,
    )
