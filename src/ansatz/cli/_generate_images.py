"""`ansatz generate images`: a model that draws more images like yours, judged by images that it has not seen.

The images are a folder (with one subfolder a class, or without), an NPZ archive, IDX files, or the name of a
data set (`ansatz data list`). Size, batch and steps are chosen from the measured speed of the machine, so
that all is done within the budget. `--model NAME --help` shows the flags of a family.

examples:
  ansatz generate images --data photos --model diffusion --budget 10m --out runs/photos
  ansatz generate images --data digits --model vae --budget 60s
  ansatz generate images --data mnist --model diffusion --sentences arithmetic --budget 15m
  ansatz generate images --resume runs/photos
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansatz.cli import _generated as shared

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer
    from ansatz.cli._work import Work
    from ansatz.generate.images.model import ImageGenerator

KIND = "image model"


def command(arguments: list[str]) -> int:
    """Train what the words ask for; return the exit code."""
    from ansatz.core import Recipe

    data = "are no images: name a folder, a file or a data set"
    words = "model of images"
    kind = shared.Kind("images", KIND, data, words, (Recipe,), _begun, _resumed, _answer)
    return shared.run(kind, _form(_model(arguments)), arguments, __doc__ or "")


def _model(arguments: list[str]) -> str:
    """Return the family that the words name; its fields are flags."""
    for at, word in enumerate(arguments):
        if word == "--model" and at + 1 < len(arguments):
            return arguments[at + 1]
        if word.startswith("--model="):
            return word.partition("=")[2]
    return "diffusion"


def _begun(asked: Any, named: set[str], answer: "Answer") -> "Work":
    """Return the work of a new run."""
    from ansatz.cli._flags import seconds
    from ansatz.generate.images.settings import sort_out_images
    from ansatz.generate.images.source import find_images
    from ansatz.generate.images.train import make_ready_model

    chosen = shared.fields(asked.choices)
    chosen["budget"] = seconds(asked.choices.budget)
    network = {name: value for name, value in shared.fields(asked.network).items() if name in named}
    settings, recipe, given = sort_out_images(chosen | network)
    ready = make_ready_model(find_images(asked.data), settings, recipe, given, tell=answer.tell)
    return _work(ready, None, asked.report)


def _resumed(asked: Any, record: dict[str, Any], begun: dict[str, Any], recipe: Any, run: Any) -> "Work":
    """Return the work of an unfinished run."""
    from ansatz.core import BadInput
    from ansatz.generate.images.settings import ImagesSettings
    from ansatz.generate.images.source import find_images
    from ansatz.generate.images.train import make_ready_model

    try:
        settings = ImagesSettings(**record["settings"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{asked.resume} does not say what was trained: {error!r}.") from None
    given = find_images(asked.data)
    shared.same_data(given.source, record["source"], asked.data, "set of images")
    ready = make_ready_model(given._replace(source=record["source"]), settings, recipe, begun=begun)
    return _work(ready, run, asked.report)


def _work(ready: Any, run: Any, report: bool) -> "Work":
    from ansatz.cli._work import Work
    from ansatz.generate.images.train import judged_model, train_model

    return Work(
        kind=KIND,
        words=ready.words,
        begun=ready.begun,
        recipe=ready.recipe,
        run=run,
        train=lambda hooks, run: train_model(ready, hooks, run),
        judge=lambda run: judged_model(ready, run),
        files=lambda model: model.files(report=report),
        verb="generate images",
    )


def _answer(model: "ImageGenerator", folder: Path, *, report: bool) -> shared.Told:
    """Return the record of a model, what is shown of it, and the exit code."""
    from ansatz.cli.main import DONE, FAILED
    from ansatz.core import Status, count_parameters
    from ansatz.generate.images.report import answer

    run, own = model.run, model.judged[0]
    page = str(folder / "report.html") if report else None
    record = {
        "run": str(folder),
        "model": model.settings.model,
        "status": run.status.name,
        "message": run.message,
        "fid": own.fid.value,
        "floor": own.fid.floor,
        "judged": [one.to_json() for one in model.judged],
        "classes": list(model.classes),
        "shape": list(model.shape),
        "parameters": count_parameters(run.model),
        "steps": run.step,
        "images": run.step * run.recipe.batch,
        "seconds": run.info["seconds"],
        "remarks": list(model.remarks),
        "report": page,
    }
    shown: list[Any] = [judged_table(model.judged), "", answer(model).text, run.message]
    shown += [f"· {remark}" for remark in model.remarks]
    shown.append(f"The run is in {folder}" + (f", its report in {page}." if page else "."))
    return record, shown, FAILED if run.status is Status.nonfinite else DONE


def judged_table(judged: Any, own: int | None = 0) -> Any:
    """Return the figures of models for the terminal."""
    from rich.table import Table

    from ansatz.generate.images.report import table_of

    found = table_of(judged)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for at, title in enumerate(found.header):
        table.add_column(title, justify="right" if at else "left")
    for at, row in enumerate(found.texts()):
        table.add_row(*row, style="bold" if at == own else None)
    return table


def _form(model: str) -> type:
    """Return the dataclass of all flags: those of the command, of `ImagesSettings` and of the recipe."""
    from ansatz.cli._flags import flag_types, form_of
    from ansatz.generate.images.families import family_of
    from ansatz.generate.images.settings import ImagesSettings

    choices = form_of((ImagesSettings,), "Choices", replaced={"budget": (str | None, None)})
    network = form_of((family_of(model).recipe,), "Network", leave_out=list(flag_types(choices)))
    flags = shared.common_flags("a folder of images, an archive, or a data set", "DIR")
    groups = [("choices", choices, choices()), ("network", network, network())]
    return dataclasses.make_dataclass("Pictures", [*flags, *groups], frozen=True)
