"""The report of fitted images: one page with the answer, pictures, mistakes, filters and baselines."""

from typing import Any

import numpy as np

from ansatz.results import pictures, plots
from ansatz.results.numbers import duration, number
from ansatz.results.report import (
    Block,
    Facts,
    Picture,
    Remarks,
    Section,
    Sentence,
    render,
)
from ansatz.supervised.baselines import BaselineResult, comparison
from ansatz.supervised.calibration import reliability
from ansatz.supervised.image_evaluate import Pictures
from ansatz.supervised.image_result import ImageFit
from ansatz.supervised.report_figures import training
from ansatz.supervised.report_shared import TONES, again, command_words, judged, place_of, versions_line
from ansatz.supervised.report_words import percent


def image_report(fitted: ImageFit) -> str:
    """Return the report of fitted images as one HTML page that needs no network."""
    sections = [_examples(fitted), _judged(fitted), _sights(fitted), _compared(fitted), _trained(fitted)]
    sections += [_data(fitted), again(fitted, command(fitted))]
    place = place_of(fitted, "images in memory")
    return render(
        [section for section in sections if section.blocks],
        "What is in the picture?",
        subtitle=f"{len(fitted.predictor.classes)} classes of {place}",
        answer=_answer(fitted),
        tiles=_tiles(fitted),
        footer=versions_line(fitted.run),
    )


def _answer(fitted: ImageFit) -> Sentence:
    found = fitted.evaluation
    share = number(100 * found.interval.value, 3)
    said = f"{share} % of {fitted.parts['test']:,} test images are classified right."
    return judged(said, fitted)


def _tiles(fitted: ImageFit) -> list[tuple[str, Any, str]]:
    found = fitted.evaluation
    value, sets = found.interval, found.coverage
    return [
        (
            "accuracy",
            f"{number(100 * value.value, 4)} %",
            f"95 % interval {number(100 * value.lower, 4)} to {number(100 * value.upper, 4)}",
        ),
        (
            f"{percent(found.level)} sets",
            f"{number(100 * sets.share, 3)} %",
            f"hold the right class; {number(sets.width, 3)} classes on average",
        ),
        ("calibration error", number(found.scores["ece"], 2), "of the probabilities, on the test images"),
        ("time", duration(fitted.run.info["seconds"]), f"{_weights(fitted):,} parameters"),
    ]


def _weights(fitted: ImageFit) -> int:
    from ansatz.core import count_parameters

    return count_parameters(fitted.predictor.model)


def _examples(fitted: ImageFit) -> Section:
    found, classes = fitted.evaluation, fitted.predictor.classes
    blocks: list[Block] = [
        _shown(
            found.examples, classes, "Test images drawn at random, with what the network says.", "Examples"
        )
    ]
    if len(found.mistakes.y):
        caption = "Its most confident mistakes: what it says, and in brackets what is right."
        blocks.append(_shown(found.mistakes, classes, caption, "Mistakes"))
    return Section("Pictures", blocks, "What the network says of images that it never saw.")


def _shown(some: Pictures, classes: tuple[str, ...], caption: str, title: str) -> Picture:
    wrong = some.y != some.predicted
    captions = [
        f"{classes[p]} ({classes[y]})" if bad else f"{classes[p]}, {percent(round(sure, 2))}"
        for p, y, sure, bad in zip(some.predicted, some.y, some.confidence, wrong, strict=True)
    ]
    return Picture(pictures.example_images(some.x, captions, wrong=wrong.tolist()), caption, title)


def _judged(fitted: ImageFit) -> Section:
    found, classes = fitted.evaluation, fitted.predictor.classes
    curve = reliability(found.probabilities, found.y)
    off = found.confusion * (1 - np.eye(len(classes), dtype=found.confusion.dtype))
    true, said = np.unravel_index(int(off.argmax()), off.shape)
    lead = ""
    if off.max():
        lead = (
            f"Most often {classes[true]} is taken for {classes[said]}: {int(off.max())} of "
            f"{int(found.confusion[true].sum())} times."
        )
    return Section(
        "How far to trust it",
        [
            Picture(
                plots.confusion_matrix(found.confusion, classes),
                "True classes in rows, what the network says in columns.",
                "Confusion",
            ),
            Picture(
                plots.reliability_diagram({"network": (curve.confidence, curve.accuracy, curve.count)}),
                "How often it is right against how sure it is.",
                "Reliability",
            ),
            Sentence(
                f"The {percent(found.level)} prediction sets hold the right class of "
                f"{number(100 * found.coverage.share, 3)} % of the test images, with "
                f"{number(found.coverage.width, 3)} classes in a set on average."
            ),
        ],
        lead,
    )


def _sights(fitted: ImageFit) -> Section:
    found = fitted.evaluation.sights
    network = fitted.recipe.map == "cnn"
    what = "filters" if network else "nodes' weights"
    blocks: list[Block] = [
        Picture(
            pictures.filters(found.filters), f"The first layer's {what}; gray is zero.", what.capitalize()
        )
    ]
    if found.maps.size:
        caption = "The first layer's response to the first example, the strongest filters first."
        drawn = pictures.activation_maps(fitted.evaluation.examples.x[0], found.maps)
        blocks.append(Picture(drawn, caption, "Response"))
    patches = found.patches[:4]
    if patches.size:
        count, best = patches.shape[:2]
        captions = [
            f"{'filter' if network else 'node'} {f}" if not k else ""
            for f in range(count)
            for k in range(best)
        ]
        drawn = pictures.example_images(patches.reshape(-1, *patches.shape[2:]), captions)
        part = "patches" if network else "images"
        blocks.append(
            Picture(drawn, f"The {part} of test images that excite each of the first filters most.", "Sought")
        )
    return Section("What the first layer sees", blocks)


def _compared(fitted: ImageFit) -> Section:
    found = fitted.evaluation
    if not found.baselines:
        return Section("Baselines")
    seconds = fitted.run.info["seconds"]
    own = BaselineResult("network", found.probabilities, "accuracy", found.interval, seconds)
    rows = [own, *found.baselines]
    drawn = plots.comparison([(row.name, row.interval) for row in rows], x_label="accuracy", share=True)
    blocks: list[Block] = [
        Picture(drawn, "Accuracy on the test images with 95 % intervals.", "Accuracy"),
        comparison(rows).block(),
    ]
    if found.verdict:
        blocks.append(Sentence(found.verdict.sentence, TONES[found.verdict.outcome]))
    return Section("Baselines", blocks, "Classical methods on the same images.")


def _trained(fitted: ImageFit) -> Section:
    run = fitted.run
    rows: list[tuple[str, Any]] = [
        ("steps", f"{run.step:,} of {run.total:,}"),
        ("time", duration(run.info.get("seconds", 0.0))),
        ("compiling", duration(run.info.get("compile_seconds", 0.0))),
        ("driver", run.info.get("driver", "–")),
    ]
    if run.best_step is not None:
        kept = ", ".join(f"{int(step):,}" for step in np.ravel(run.best_step))
        rows.append(("step of the kept model" if run.seeds == 1 else "steps of the kept models", kept))
    return Section("Training", [training(run), Facts(rows)], run.message)


def _data(fitted: ImageFit) -> Section:
    source, parts = fitted.source, fitted.parts
    height, width, channels = fitted.predictor.shape
    place = place_of(fitted, "images in memory")
    facts = Facts([
        ("source", place),
        ("images", source.get("images")),
        ("pixels", f"{height} × {width}, {'gray' if channels == 1 else 'color'}"),
        ("classes", ", ".join(fitted.predictor.classes[:20])),
        *((f"images for {name}", count) for name, count in parts.items() if count),
        ("SHA-256", source.get("sha256")),
    ])  # fmt: skip
    remarks = [Remarks(fitted.data_remarks, "What was done to the images")] if fitted.data_remarks else []
    return Section("Data", [facts, *remarks])


def command(fitted: ImageFit) -> str:
    """Return the command that gives this fit again, or the Python lines where the images were in memory."""
    return command_words(fitted, "ansatz.fit_images((x, y)", [])
