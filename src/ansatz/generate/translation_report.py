"""The report of a translator: its right answers by group, what it answers, and where it looks."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from ansatz.core import Status, count_parameters
from ansatz.generate import report_shared as shared
from ansatz.generate.translate_tasks import TASKS
from ansatz.results.canvas import drawn, grid, short
from ansatz.results.numbers import Interval, duration, number
from ansatz.results.report import (
    Block,
    Facts,
    Picture,
    Remarks,
    Section,
    Sentence,
    Table,
    render,
)

if TYPE_CHECKING:
    from ansatz.generate.translation_model import TranslationModel

LOOKED_AT = 40
"""The tokens of a text whose attention is drawn, at most."""
MOST_DIVISORS = 40


def translation_page(model: "TranslationModel") -> str:
    """Return the report of a translator as one HTML page that needs no network."""
    sections = [_groups(model), _examples(model), _attention(model), _training(model), _data(model)]
    return render(
        [section for section in [*sections, _again(model)] if section.blocks],
        "What does it become?",
        subtitle=f"A translator of {place_of(model)}",
        answer=answer(model),
        tiles=_tiles(model),
        footer=shared.versions_line(model.run),
    )


def place_of(model: "TranslationModel") -> str:
    """Return what is translated, in words."""
    if model.settings.task:
        return TASKS[model.settings.task].words
    source, target = model.source["columns"]
    return f"{model.source.get('path') or 'a table in memory'}, from {source} to {target}"


def answer(model: "TranslationModel") -> Sentence:
    """Return the result in a sentence, and whether a method without a network is as good."""
    found, run = model.evaluation, model.run
    said = f"{number(100 * found.exact.value, 3)} % of {found.count:,} new texts are translated right"
    if found.accepted is not None:
        said += f", {number(100 * found.accepted, 3)} % by one of {model.settings.beams} verified answers"
    if run.status is Status.nonfinite:
        return Sentence(f"{said}. {run.message}", "bad")
    if not found.baselines:
        return Sentence(f"{said}.")
    best = max(found.baselines, key=lambda one: one.right)
    good = found.exact.lower > best.right
    return Sentence(
        f"{said}; the {best.name} is right for {number(100 * best.right, 3)} %.", "good" if good else "bad"
    )


def divisor_table(rows: Any, base: int) -> Table:
    """Return the answers by the right divisor, beside what Charton's rules predict."""
    cells = [
        (row[0], row[1], f"{100 * row[2]:.0f} %", row[3], f"{100 * row[4]:.0f} %", row[5]) for row in rows
    ]
    header = ["gcd", "pairs", "right", "commonest answer", "its share", f"by the rules of base {base}"]
    caption = (
        "The rules: the largest divisor whose primes all divide the base, which the last digits show "
        "(Charton 2024)."
    )
    return Table(header, cells[:MOST_DIVISORS], caption=caption)


def _tiles(model: "TranslationModel") -> list[tuple[str, Any, str]]:
    found = model.evaluation
    exact = Interval(*(100 * end for end in found.exact[:3]))
    tiles = [("right answers", f"{number(exact.value, 3)} %", f"95 %: {number(exact.lower, 3)} to "
              f"{number(exact.upper, 3)} %")]  # fmt: skip
    if found.accepted is not None:
        tiles.append(("verified", f"{number(100 * found.accepted, 3)} %", "one of the beams is right"))
    tiles.append(
        ("time", duration(model.run.info["seconds"]), f"{count_parameters(model.run.model):,} parameters")
    )
    return tiles


def _groups(model: "TranslationModel") -> Section:
    found = model.evaluation
    rows = [(one.name, one.count, f"{100 * one.right:.1f} %") for one in found.groups]
    blocks: list[Block] = (
        [Table(["texts", "tested", "right"], rows[:MOST_DIVISORS])] if not found.divisors else []
    )
    if found.divisors:
        blocks.append(divisor_table(found.divisors, model.settings.base))
    if found.baselines or model.settings.task:
        lines = [("network", f"{100 * found.exact.value:.1f} %", duration(model.run.info["seconds"]), "")]
        lines += [(b.name, f"{100 * b.right:.1f} %", duration(b.seconds), b.note) for b in found.baselines]
        if model.settings.task:
            lines.append((TASKS[model.settings.task].classic, "100 %", "–", "exact by construction"))
        blocks.append(Table(["method", "right", "time", ""], lines, own=frozenset({0})))
    return Section("How often it is right", blocks)


def _examples(model: "TranslationModel") -> Section:
    rows = [
        (
            one.source,
            one.wanted,
            " | ".join(one.answers[:3]),
            "yes" if one.answers[:1] == [one.wanted] else "no",
        )
        for one in model.evaluation.examples
    ]
    return Section("Examples", [Table(["text", "right", "answers, the likeliest first", "exact"], rows)])


def _attention(model: "TranslationModel") -> Section:
    for one in model.evaluation.examples:
        if not one.answers or len(one.source) > LOOKED_AT or len(one.answers[0]) > LOOKED_AT:
            continue
        try:
            maps, source, target = model.attention(one.source, one.answers[0])
        except ValueError:  # an answer that is no text, as digits without a sign are none
            continue
        picture = Picture(
            cross_maps(np.asarray(maps.cross), source, target),
            f"How much each token of the answer (row) takes from the text (column), for “{one.source}”.",
            "P_ij between answer and text",
            wide=True,
        )
        return Section("Where it looks", [picture])
    return Section("Where it looks")


@drawn
def cross_maps(maps: np.ndarray, source: list[str], target: list[str]) -> Figure:
    """Draw the P_ij `[layers, heads, T, S]` between answer and text, the mean over each layer's heads."""
    means = maps.mean(1)
    figure, panels = grid(1, len(means), min(3.4 * len(means), 9.0), 3.2)
    for layer, (ax, one) in enumerate(zip(panels, means, strict=True), 1):
        ax.imshow(np.sqrt(one), cmap="magma", vmin=0, vmax=1, interpolation="none", aspect="auto")
        ax.set_xticks(range(len(source)), [short(s, 6) for s in source], fontsize=5)
        ax.set_yticks(range(len(target)), [short(t, 6) for t in target], fontsize=5)
        ax.tick_params(length=0, pad=1)
        ax.grid(False)
        ax.set_title(f"layer {layer}, mean of {maps.shape[1]} heads", fontsize=7, pad=3)
    return figure


def _training(model: "TranslationModel") -> Section:
    caption = "Nats a token of the batches and of the validation part; dashed: the model kept."
    seen = ("texts seen", model.run.step * model.recipe.batch)
    return shared.training(model.run, "nats a token", caption, seen)


def _data(model: "TranslationModel") -> Section:
    source, tokenizer = model.source, model.fitted.tokenizer
    facts = Facts(
        [
            ("texts", place_of(model)),
            ("to learn from", source.get("rows")),
            ("to test on", source.get("tested")),
            ("tokens", f"{tokenizer.kind}, {tokenizer.size} different ones"),
            ("SHA-256", source.get("sha256")),
        ]
    )
    return Section("Data", [facts, *([Remarks(model.remarks)] if model.remarks else [])])


def _again(model: "TranslationModel") -> Section:
    return shared.again(command(model), (model.settings, model.recipe), model.run, "texts")


def command(model: "TranslationModel") -> str:
    """Return the command that gives the model again, or the Python lines where the table was in memory."""
    settings = shared.chosen((model.settings, model.recipe))
    lead = "from ansatz.generate.translation import generate_translation\n\n"
    return shared.command_line("translation", model.source, settings, "table", lead)
