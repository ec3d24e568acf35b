"""`ansatz data`: the data sets known by name, and where their files are.

`list` shows them; `get` fetches one into the cache, checked by SHA-256, and prints its files.

examples:
  ansatz data list
  ansatz data get diamonds
  ansatz data get mnist --path downloads/mnist
"""

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer

ACTIONS = ("list", "get")


def command(arguments: list[str]) -> int:
    """List the data sets or fetch one; return the exit code."""
    from ansatz._spelling import nearest
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse
    from ansatz.core import BadInput

    asked, _ = parse(_form(), arguments, "data", __doc__ or "")
    answer = Answer(as_json=asked.json)
    if asked.action not in ACTIONS:
        raise BadInput(f"There is no action {asked.action!r}; {nearest(asked.action, ACTIONS)}.")
    if asked.action == "list":
        if asked.name is not None or asked.path is not None:
            raise BadInput("`ansatz data list` takes no name and no --path; `ansatz data get NAME` does.")
        _list(answer)
        return 0
    if asked.name is None:
        raise BadInput("The name of a data set is missing: ansatz data get NAME.")
    from ansatz.data import get

    remarks: list[str] = []
    with answer.working():
        files = [str(file) for file in get(asked.name, path=asked.path, remarks=remarks)]
    answer.give({"name": asked.name, "files": files, "remarks": remarks}, files)
    for remark in remarks:
        answer.tell(f"· {remark}")
    return 0


def _list(answer: "Answer") -> None:
    from rich.table import Table
    from rich.text import Text

    from ansatz.data import CATALOGUE, is_here

    with answer.working():
        here = {name: is_here(name) for name in CATALOGUE}
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("name", "what", "target", "here", "from", "licence"):
        table.add_column(title)
    for name, entry in CATALOGUE.items():
        source = f"{entry.client} {entry.package}"
        words = (name, entry.what, entry.target or "", "yes" if here[name] else "", source, entry.licence)
        table.add_row(*map(Text, words))
    fields = ("name", "what", "kind", "target", "licence")
    records = [
        {name: getattr(entry, name) for name in fields} | {"here": here[entry.name]}
        for entry in CATALOGUE.values()
    ]
    answer.give({"data": records}, [table])


def _form() -> type:
    import tyro

    from ansatz.cli._flags import flag

    word: Any = str | None
    return dataclasses.make_dataclass(
        "Data",
        [
            ("action", flag(str, "list or get", tyro.conf.Positional, metavar="ACTION"), "list"),
            ("name", flag(word, "a data set", tyro.conf.Positional, metavar="NAME"), None),
            ("path", flag(word, "your own copy, a file or a folder"), None),
            ("json", flag(bool, "print one JSON object"), False),
        ],
        frozen=True,
    )
