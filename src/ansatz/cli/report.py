"""`ansatz report`: draws the report of a run anew, and prints its path.

examples:
  ansatz report runs/first
  ansatz report runs/maze --env maze.py:Maze
"""

import dataclasses
from pathlib import Path
from typing import Any


def command(arguments: list[str]) -> int:
    """Write the report that the words ask for; return the exit code."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse
    from ansatz.core import BadInput
    from ansatz.store import RunFolder

    asked, _ = parse(_form(), arguments, "report", __doc__ or "")
    if asked.run is None:
        raise BadInput("A report needs a run: ansatz report RUN.")
    answer, path = Answer(as_json=asked.json), Path(asked.run) / "report.html"
    with answer.working():
        fitted = _load(asked.run, asked.env)
        remarks = fitted.run.remarks if hasattr(fitted, "run") else fitted.remarks
        for remark in remarks:
            answer.tell(f"· {remark}")
        page = fitted.report()
        with RunFolder.create(asked.run) as folder:
            folder.add("report.html", page.encode())
    record = {"run": asked.run, "report": str(path), "remarks": list(remarks)}
    answer.give(record, [str(path)])
    return 0


def _load(run: str, env: str | None) -> Any:
    """Return what a folder holds: the fit of a table or of images, a solution, a policy, a generator."""
    from ansatz.cli._runs import whole_kind
    from ansatz.core import BadInput

    # What is not finished is refused by the loader of its kind, which says how to go on.
    kind = whole_kind(run).removesuffix(", unfinished")
    if env is not None and kind != "play":
        raise BadInput(f"--env is for a policy that `ansatz play` trained, and {run} holds none.")
    if kind == "solution":
        from ansatz.equations.solution_file import load

        return load(run)
    if kind == "sweep":
        from ansatz.equations.sweep import Sweep

        return Sweep.load(run)
    if kind == "images":
        from ansatz.supervised.image_result import load_image_fit

        return load_image_fit(run)
    if kind == "text":
        from ansatz.generate.text_model import load_text_model

        return load_text_model(run)
    if kind == "image model":
        from ansatz.generate.images.model import load_image_model

        return load_image_model(run)
    if kind == "play":
        from ansatz.rl.player import load_player

        return load_player(run, env)
    if kind == "translation":
        from ansatz.generate.translation_model import load_translation

        return load_translation(run)
    from ansatz.supervised.result import load_table_fit

    return load_table_fit(run)


def _form() -> type:
    import tyro

    from ansatz.cli._flags import flag

    word: Any = str | None
    return dataclasses.make_dataclass(
        "Report",
        [
            ("run", flag(word, "the folder of a run", tyro.conf.Positional, metavar="RUN"), None),
            ("env", flag(word, "FILE.py:CLASS of an environment of your own", metavar="FILE.py:CLASS"), None),
            ("json", flag(bool, "print one JSON object"), False),
        ],
        frozen=True,
    )
