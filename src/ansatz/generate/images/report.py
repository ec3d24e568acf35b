"""The report of a model of images: what it draws, how near that is to images, and what it copies."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ansatz.core import Status, count_parameters
from ansatz.generate import report_shared as shared
from ansatz.generate.images.family import Figure
from ansatz.generate.images.judge import Judged, about_bits
from ansatz.generate.images.sheet import sheet
from ansatz.results import plots
from ansatz.results.numbers import Interval, duration, number
from ansatz.results.report import (
    Block,
    Details,
    Facts,
    Live,
    Picture,
    Remarks,
    Section,
    Sentence,
    Table,
    render,
)

if TYPE_CHECKING:
    from ansatz.generate.images.model import ImageGenerator

WIDE = 880
COPYING = 0.01
"""The p-value below which draws lie nearer to the training images than chance explains."""


def images_page(model: "ImageGenerator") -> str:
    """Return the report of a model of images as one HTML page that needs no network."""
    sections = [_drawn(model), _compared(model), _copied(model), _figures(model)]
    seen = ("images seen", model.run.step * model.run.recipe.batch)
    caption = "Of the batches and, where it is watched, of images set aside from the training; dashed: kept."
    sections += [shared.training(model.run, "loss", caption, seen), _data(model)]
    haves = (model.settings, model.run.recipe)
    sections.append(shared.again(command(model), haves, model.run, "images"))
    return render(
        [section for section in sections if section.blocks],
        "More like these",
        subtitle=f"Images by a model of the family {model.settings.model}, of {place_of(model)}",
        answer=answer(model),
        tiles=_tiles(model),
        footer=shared.versions_line(model.run),
    )


def place_of(model: "ImageGenerator") -> str:
    """Return where the images came from, in words."""
    return shared.place_of(model.source, "images in memory")


def command(model: "ImageGenerator") -> str:
    """Return the command that gives the model again, or the Python line where images were in memory."""
    settings = shared.chosen((model.settings, model.run.recipe))
    # The steps stand for the budget, and without it other draws would be judged.
    if model.settings.draws != dataclasses.replace(model.settings, budget=None).draws:
        settings["judged"] = model.settings.draws
    return shared.command_line("images", model.source, settings, "images")


def answer(model: "ImageGenerator") -> Sentence:
    """Return the result in a sentence, and whether the best classical model comes nearer."""
    own, *others = model.judged
    said = f"The images that it draws lie at an FID of {number(own.fid.value, 3)} from real ones"
    if model.run.status is Status.nonfinite:
        return Sentence(f"{said}. {model.run.message}", "bad")
    if own.fid.floor:
        said += f"; unseen images lie at {number(own.fid.floor, 3)}"
    if not others:
        return Sentence(f"{said}.")
    best = min(others, key=lambda one: one.fid.value)
    low, high = own.fid.interval
    said += f", and those of the best classical model, a {best.name}, at {number(best.fid.value, 3)}"
    if low <= best.fid.value <= high:
        return Sentence(f"{said}: the same within the error of the measurement.", "note")
    return Sentence(f"{said}.", "good" if own.fid.value < best.fid.value else "bad")


def _tiles(model: "ImageGenerator") -> list[tuple[str, object, str]]:
    own = model.judged[0]
    count = count_parameters(model.run.model)
    found: list[tuple[str, object, str]] = [
        (
            "FID, own features",
            number(own.fid.value, 3),
            f"of {own.fid.count} draws; unseen images {number(own.fid.floor, 3)}",
        ),
        ("told from images", f"{100 * own.apart.accuracy:.0f} %", "by a classifier; 50 % is chance"),
    ]
    if own.agreement is not None:
        found.append(
            ("drawn as asked", f"{100 * own.agreement:.0f} %", "read as its class by the classifier")
        )
    elif own.bound is not None:
        found.append(("nats an image", number(own.bound.value, 4), own.bound.what))
    found.append(("time", duration(model.run.info["seconds"]), f"{count:,} parameters"))
    return found


def _drawn(model: "ImageGenerator") -> Section:
    found = model.pictures
    across = int(found["columns"][0])
    by_class = model.judged[0].agreement is not None
    classes = f" A row for each class: {', '.join(model.classes[:10])}." if by_class else ""
    return Section(
        "What it draws",
        [
            Picture(_sheet(found["draws"], across), f"Drawn by the model.{classes}", "Draws"),
            Picture(
                _sheet(_some(model, len(found["draws"])), across), "Images that were held out.", "Images"
            ),
        ],
    )


def _some(model: "ImageGenerator", count: int) -> np.ndarray:
    """Return held-out images, in rows by class where the draws are."""
    held, y = model.pictures["held"], model.pictures.get("held classes")
    if y is None or model.judged[0].agreement is None:
        return held[:count]
    across = int(model.pictures["columns"][0])
    rows = []
    for at in range(count // across):
        own = np.flatnonzero(y == at)[:across]
        row = np.full((across, *held.shape[1:]), 128, np.uint8)
        row[: len(own)] = held[own]
        rows.append(row)
    return np.concatenate(rows)


def _compared(model: "ImageGenerator") -> Section:
    judged = model.judged
    entries = [(one.name, Interval(one.fid.value, *one.fid.interval)) for one in judged]
    floor = judged[0].fid.floor
    if floor is not None:
        entries.append(("unseen images", Interval(floor, floor, floor)))
    blocks: list[Block] = [
        table_of(judged, levels=model.source.get("levels", 256)),
        Picture(
            plots.comparison(entries, own=0, x_label="FID in own features"),
            "The distance of draws from images, in features that a network learned here; smaller is better.",
            "FID",
        ),
    ]
    classical = [name for name in sorted(model.pictures) if name.startswith("classical.")]
    for name, one in zip(classical, judged[1:], strict=False):
        blocks.append(Picture(_sheet(model.pictures[name], 10), f"Drawn by a {one.name}.", one.name))
    cards = [(one.name, str(card)) for one in judged for card in (one.fid, one.kid)]
    blocks.append(Details("How each figure was measured", [Facts(cards)]))
    return Section("Against images that it has not seen", blocks)


def table_of(judged: list[Judged], own: int | None = 0, levels: int = 256) -> Table:
    """Return the figures of models side by side; bits are of so many `levels`, which is said if few."""
    rows = []
    for one in judged:
        nearer = f"{one.copied.nearer:.2f}"
        rows.append(
            (
                one.name,
                number(one.fid.value, 3),
                number(one.kid.value, 2),
                f"{one.manifolds.precision:.2f}",
                f"{one.manifolds.recall:.2f}",
                f"{100 * one.apart.accuracy:.0f} %",
                nearer,
                number(one.bound.value, 4) if one.bound else "–",
                number(one.bits, 3) if one.bits is not None else "–",
                duration(one.seconds),
            )
        )
    bounds = "; ".join(f"{one.name}: {one.bound.what}" for one in judged if one.bound)
    caption = (
        "FID and KID: distances in own features. Precision: the share of draws among images; recall: of "
        "images among draws. Told apart: by a classifier, 50 % is chance. Copied: how often a draw is nearer "
        "to the training images than an unseen image does, 0.5 where nothing is copied. Nats an image and "
        f"bits for each of its numbers: {bounds or 'not known'}."
    )
    caption = f"{caption} {about_bits(judged, levels)}".rstrip()
    header = ["model", "FID", "KID", "precision", "recall", "told apart", "copied", "nats", "bits", "time"]
    return Table(header, rows, caption=caption, own=frozenset() if own is None else frozenset({own}))


def _copied(model: "ImageGenerator") -> Section:
    found, own = model.pictures, model.judged[0].copied
    pairs = np.concatenate([found["looked up"], found["nearest"]])
    copying = own.p_value < COPYING and own.nearer > 0.5
    verdict = "more than chance explains, the model copies" if copying else "nothing says that it copies"
    said = (
        f"A draw lies nearer to the training images than an unseen image does in {100 * own.nearer:.0f} % of "
        f"all pairs: {verdict}."
    )
    caption = "Above: draws. Below each: the training image nearest to it, pixel by pixel."
    blocks: list[Block] = [Sentence(said, "bad" if copying else "plain")]
    blocks.append(
        Picture(_sheet(pairs, len(found["looked up"])), caption, "Nearest training images", wide=True)
    )
    return Section("Does it copy?", blocks)


def _figures(model: "ImageGenerator") -> Section:
    return Section("How it draws", [block_of(one) for one in model.figures()])


def block_of(figure: Figure) -> Block:
    """Return a family's figure as a part of a page."""
    if isinstance(figure.picture, bytes) or figure.picture.lstrip().startswith(("<svg", "<?xml")):
        return Picture(figure.picture, figure.words, figure.title)
    return Live(figure.picture, figure.words, figure.title)


def _data(model: "ImageGenerator") -> Section:
    source, settings = model.source, model.settings
    held = model.judged[0].fid
    height, width, channels = model.shape
    facts = Facts(
        [
            ("source", place_of(model)),
            ("images", source.get("images")),
            ("size", f"{height} × {width}, {'gray' if channels == 1 else 'color'}"),
            ("classes", ", ".join(model.classes[:20]) or "none"),
            ("sentences", settings.sentences or "none"),
            ("draws judged", held.count),
            ("features", held.features),
            ("SHA-256", source.get("sha256")),
        ]
    )
    return Section("Data", [facts, *([Remarks(model.remarks)] if model.remarks else [])])


def _sheet(images: np.ndarray, columns: int) -> bytes:
    return sheet(images / np.float32(255), columns, wide=WIDE)
