"""`ansatz compare`: models of images side by side, after the same data, parameters and time.

examples:
  ansatz compare --data digits --budget 60s
  ansatz compare --data photos --models vae diffusion --parameters 500000 --budget 5m --out compared
"""

import dataclasses
from pathlib import Path
from typing import Any


def command(arguments: list[str]) -> int:
    """Compare what the words ask for; return the exit code."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse, seconds
    from ansatz.core import BadInput

    asked, _ = parse(_form(), arguments, "compare", __doc__ or "")
    if asked.data is None:
        raise BadInput("There are no images: name a folder, a file or a data set with --data.")
    answer = Answer(as_json=asked.json, quiet=asked.quiet)
    budget = seconds(asked.budget)
    assert budget is not None
    with answer.working():
        from ansatz.cli._generate_images import judged_table
        from ansatz.generate.images.compare import compare_images
        from ansatz.store import write_file

        names = ("parameters", "models", "judged", "steps", "seed")
        chosen = {name: getattr(asked, name) for name in names}
        found = compare_images(asked.data, budget=budget, tell=answer.tell, **chosen)
        page = Path(asked.out) / "report.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        write_file(page, found.report().encode())
    shown = [judged_table(found.judged, None), "", found.answer(), *(f"· {one}" for one in found.remarks)]
    answer.give(found.record() | {"report": str(page)}, [*shown, f"The report is {page}."])
    return 0


def _form() -> type:
    from ansatz.cli._flags import flag

    word: Any = str | None
    return dataclasses.make_dataclass(
        "Compare",
        [
            ("data", flag(word, "a folder of images, an archive, or a data set", metavar="DIR"), None),
            ("budget", flag(str, "the time for which each model trains", metavar="TIME"), "60s"),
            ("parameters", flag(int, "of each network, about"), 200_000),
            ("models", flag(tuple[str, ...], "the families; all if none is named", metavar="NAME"), ()),
            ("judged", flag(int, "the images that are drawn to be judged, 0 to choose"), 0),
            ("steps", flag(int, "so many steps instead of a time, 0 for the time"), 0),
            ("seed", flag(int, "of the initialization, the batches and the draws"), 0),
            ("out", flag(str, "the folder of the report", metavar="DIR"), "compared"),
            ("quiet", flag(bool, "no progress on stderr"), False),
            ("json", flag(bool, "print one JSON object instead of a table"), False),
        ],
        frozen=True,
    )
