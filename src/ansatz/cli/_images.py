"""Images as work that is kept in a run folder, and what a run says of new ones."""

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ansatz.cli._source import Given, find_source
from ansatz.cli._work import Work
from ansatz.core import BadInput
from ansatz.results.numbers import number
from ansatz.supervised.image_network import ImageNetwork
from ansatz.supervised.image_result import load_image_fit
from ansatz.supervised.image_settings import ImageSettings
from ansatz.supervised.images import (
    ReadyImages,
    cross_validate_images,
    judge_images,
    make_ready_images,
    train_images,
)
from ansatz.training.run import Run

if TYPE_CHECKING:
    import polars as pl

OWN = {"source", "out", "path", "quiet", "report", "json", "checkpoint", "folds"}


def image_options(asked: Any, named: set[str], budget: float | None) -> dict[str, Any]:
    """Return the options of images among the flags given; one that is for tables alone is refused."""
    known = {field.name for kind in (ImageSettings, ImageNetwork) for field in fields(kind)}
    if wrong := sorted(named - known - OWN):
        flag = wrong[0].replace("_", "-")
        raise BadInput(f"--{flag} is for tables, and {asked.source} holds images.")
    groups = (asked.choices, asked.network, asked.images)
    options = {
        name: next(getattr(group, name) for group in groups if hasattr(group, name)) for name in named & known
    }
    return options | ({"budget": budget} if budget is not None else {})


def image_work(
    given: Given,
    settings: ImageSettings,
    recipe: ImageNetwork,
    *,
    run: Run | None = None,
    report: bool = True,
) -> Work:
    """Read images and return what is to be done with them."""
    ready = make_ready_images(given.data, settings, recipe)
    ready = ready._replace(source=ready.source | given.origin, remarks=[*given.remarks, *ready.remarks])
    return _work(ready, run, report)


def resumed_images(
    found: tuple[str, dict[str, Any], Any, Run | None, list[str]],
    folder: str,
    source: str | None,
    budget: float | None,
    report: bool,
) -> Work:
    """Return the work that an unfinished run of images records; `source` says where they stand now."""
    _, record, recipe, run, remarks = found
    if not isinstance(recipe, ImageNetwork):
        raise BadInput(f"{folder} does not hold the recipe of its run; it cannot be resumed.")
    try:
        settings = ImageSettings(**record["settings"])
        origin = dict(record["source"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{folder} does not say what was fitted: {error!r}.") from None
    place = source or origin.get("catalogue") or origin.get("path")
    if not isinstance(place, str):
        raise BadInput("The run was fitted to images in memory; resume it where they are.")
    copy = None if source else origin.get("own copy")
    given = find_source(place, None, copy if isinstance(copy, str) else None)
    settings = replace(settings, budget=budget or settings.budget)
    ready = make_ready_images(given.data, settings, recipe)
    if ready.source["sha256"] != origin.get("sha256"):
        raise BadInput(
            f"{place} has changed since the run began (another SHA-256); resume with the images as they "
            "were, or begin a new run."
        )
    ready = ready._replace(source=ready.source | given.origin, remarks=[*remarks, *ready.remarks])
    return _work(ready, run, report)


def cross_validate_pictures(
    given: Given, count: int, options: dict[str, Any]
) -> tuple[dict[str, Any], list[Any], int]:
    """Return the accuracy of each of `count` folds, and what is shown of it."""
    if count < 2:
        raise BadInput(f"--folds {count} is too few: two parts at least are needed.")
    found = cross_validate_images(given.data, count, **options)
    value, spread = found.accuracy, float(np.std(found.folds, ddof=1))
    record = {
        "data": given.name,
        "folds": [{"accuracy": one} for one in found.folds],
        "mean": {"accuracy": float(np.mean(found.folds))},
        "sd": {"accuracy": spread},
        "interval": [value.lower, value.upper],
        "seconds": found.seconds,
        "remarks": given.remarks,
    }
    shown = [f"fold {at + 1}: accuracy {number(one)}" for at, one in enumerate(found.folds)]
    return record, [*shown, f"mean ± sd: {number(float(np.mean(found.folds)))} ± {number(spread, 2)}"], 0


def predict_pictures(run: str, images: str, remarks: list[str]) -> "pl.DataFrame":
    """Return the class of each image and the probability of every class."""
    import polars as pl

    fitted = load_image_fit(run)
    remarks += fitted.run.remarks
    found = fitted.predictor.probabilities(images, remarks=remarks)
    names = fitted.predictor.classes
    chances = {f"probability {name}": found[:, at] for at, name in enumerate(names)}
    return pl.DataFrame({"prediction": [names[at] for at in found.argmax(1)], **chances})


def _work(ready: ReadyImages, run: Run | None, report: bool) -> Work:
    return Work(
        kind="images",
        words=f"Training on {len(ready.parts.train)} images of {len(ready.images.classes)} classes.",
        begun={"settings": asdict(ready.settings), "source": ready.source},
        recipe=ready.recipe,
        run=run,
        train=lambda hooks, run: train_images(ready, hooks=hooks, resume=run),
        judge=lambda run: judge_images(ready, run),
        files=lambda fitted: fitted.files(report=report),
    )
