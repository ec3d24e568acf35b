"""Opening the folder of a run that is finished; nothing in it is executed."""

from typing import Any

from ansatz.core import BadInput


def finished(path: Any, kind: str, what: str, verb: str) -> tuple[Any, dict[str, Any], list[str]]:
    """Return the snapshot of a finished run of a kind, what it records of it, and remarks on its files.

    Raises:
        BadInput: for a run that is not finished, or of another kind than `what` `ansatz VERB` makes.
    """
    from ansatz.store import RunFolder

    snapshot, remarks = RunFolder.read(path)
    found = str(snapshot.info.get("kind"))
    if found == f"{kind}, unfinished":
        raise BadInput(f"{path} is not finished; go on with `ansatz {verb} --resume {path}`.")
    if found != kind:
        other = "a run of another kind" if found == "None" else f"a run of kind {found.partition(',')[0]!r}"
        raise BadInput(f"{path} holds {other}, not {what}; `ansatz {verb}` makes one.")
    return snapshot, snapshot.info[kind], remarks
