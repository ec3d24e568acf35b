"""The report of a language model: its bits, what it writes, where it looks, and what it copies."""

import dataclasses
import math
import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from ansatz.core import Status, count_parameters
from ansatz.results import plots
from ansatz.results.canvas import bare, drawn, grid, short
from ansatz.results.numbers import Interval, duration, number
from ansatz.results.report import (
    Block,
    Code,
    Details,
    Facts,
    Picture,
    Remarks,
    Section,
    Sentence,
    Table,
    render,
)

if TYPE_CHECKING:
    from ansatz.generate.text_model import TextModel

LOOKED_AT = 32
"""The tokens whose attention is drawn."""
MOST_HEADS = 24


def text_page(model: "TextModel") -> str:
    """Return the report of a language model as one HTML page that needs no network."""
    sections = [
        _written(model),
        _compared(model),
        _trust(model),
        _attention(model),
        _training(model),
        _data(model),
    ]
    return render(
        [section for section in [*sections, _again(model)] if section.blocks],
        "What comes next?",
        subtitle=f"A model of {place_of(model)}",
        answer=answer(model),
        tiles=_tiles(model),
        footer=" · ".join(
            f"{n} {v}" for n, v in model.run.info["versions"].items() if n in ("ansatz", "jax", "python")
        ),
    )


def place_of(model: "TextModel") -> str:
    """Return where the text came from, in words."""
    return str(model.source.get("catalogue") or model.source.get("path") or "a text in memory")


def answer(model: "TextModel") -> Sentence:
    """Return the result in a sentence, and whether the best classical model needs more."""
    run, bits = model.run, model.bits_per_character
    said = f"The model needs {number(bits, 4)} bits for a character that it has not seen"
    if run.status is Status.nonfinite:
        return Sentence(f"{said}. {run.message}", "bad")
    if not model.evaluation.baselines:
        return Sentence(f"{said}.")
    best = min(model.evaluation.baselines, key=lambda one: one.bits)
    margin = 2 * model.evaluation.judged.error * bits / max(model.evaluation.judged.nats, 1e-9)
    if abs(bits - best.bits) <= margin:
        return Sentence(f"{said}, as many as {best.name} within the error of the measurement.", "note")
    better = bits < best.bits
    words = "fewer" if better else "more"
    # A text that a classical model knows by heart leaves nothing to take a share of.
    share = f"{number(100 * abs(bits / best.bits - 1), 2)} % " if best.bits > 1e-3 else ""
    return Sentence(
        f"{said}, {share}{words} than the best classical model, {best.name} ({number(best.bits, 4)}).",
        "good" if better else "bad",
    )


def _tiles(model: "TextModel") -> list[tuple[str, Any, str]]:
    judged = model.evaluation.judged
    count = count_parameters(model.model)
    return [
        (
            "bits a character",
            number(model.bits_per_character, 4),
            f"{number(judged.nats, 4)} ± {number(judged.error, 2)} nats a token",
        ),
        ("perplexity", number(math.exp(judged.nats), 3), f"of {model.tokenizer.size} tokens"),
        ("calibration error", number(judged.calibration, 2), "of the likeliest token's probability"),
        ("time", duration(model.run.info["seconds"]), f"{count:,} parameters"),
    ]


def _written(model: "TextModel") -> Section:
    found = model.evaluation
    blocks: list[Block] = [
        Code(found.prompt + one.text, f"Temperature {one.temperature:g}.") for one in found.samples
    ]
    lead = f"What the model writes after “{found.prompt}”, the beginning of the part that it has not seen."
    return Section("Samples", blocks, lead if found.prompt else "What the model writes.")


def _compared(model: "TextModel") -> Section:
    found = model.evaluation
    if not found.baselines:
        return Section("Baselines")
    judged, bits = found.judged, model.bits_per_character
    error = 2 * judged.error * bits / max(judged.nats, 1e-9) if math.isfinite(judged.error) else 0.0
    long = number(judged.long / max(judged.nats, 1e-9) * bits, 4)
    inside = f"{long} with at least half a window before each token"
    rows = [("network", bits, model.run.info["seconds"], inside)]
    rows += [(one.name, one.bits, one.seconds, one.note) for one in found.baselines]
    rows.sort(key=lambda row: row[1])
    own = [row[0] for row in rows].index("network")
    entries = [
        (
            name,
            Interval(value, value - error, value + error)
            if name == "network"
            else Interval(value, value, value),
        )
        for name, value, _, _ in rows
    ]
    table = Table(
        ["model", "bits a character", "time", ""],
        [(name, number(value, 4), duration(seconds), note) for name, value, seconds, note in rows],
        own=frozenset({own}),
    )
    drawn_ = Picture(
        plots.comparison(entries, own=own, x_label="bits a character"),
        "Fewer are better.",
        "Bits a character",
    )
    return Section(
        "Baselines",
        [drawn_, table],
        "Classical models of the same training part, on the same validation part.",
    )


def _trust(model: "TextModel") -> Section:
    found = model.evaluation
    judged = found.judged
    curve = {"network": (judged.confidence, judged.accuracy, judged.count)}
    blocks: list[Block] = [
        Picture(
            plots.reliability_diagram(curve),
            "How often the likeliest token is the next one, against the probability that the model gives it.",
            "Calibration",
        )
    ]
    rows = [
        (f"sample at temperature {one.temperature:g}", one.copied.length, repr(one.copied.piece))
        for one in found.samples
    ]
    rows.append(("validation part", found.own.length, repr(found.own.piece)))
    caption = (
        "The longest piece that stands in the training part word for word, in texts of the same length; the "
        "last row is what the language itself repeats."
    )
    blocks.append(Table(["text", "characters copied", "piece"], rows, caption=caption))
    return Section("How far to trust it", blocks)


def _attention(model: "TextModel") -> Section:
    found = model.evaluation
    text = found.prompt + "".join(one.text for one in found.samples[:1])
    tokens = model.tokens(text)[: min(LOOKED_AT, model.recipe.length)]
    maps, names = model.attention_to(tokens)
    if len(names) < 2:
        return Section("Attention")
    picture = Picture(
        attention_maps(maps, names),
        f"How much each token (row) takes from those before it (column), for “{''.join(names)}”.",
        "P_ij",
        wide=True,
    )
    return Section("Where it looks", [picture])


@drawn
def attention_maps(maps: Any, names: Any) -> Figure:
    """Draw the P_ij `[layers, heads, T, T]` of up to 24 heads; darker is 0 and brighter is 1."""
    maps = np.asarray(maps, float)
    layers, heads = maps.shape[:2]
    shown = [(at, head) for at in range(layers) for head in range(heads)][:MOST_HEADS]
    across = min(heads, 6) if layers * heads > 1 else 1
    down = -(-len(shown) // across)
    figure, panels = grid(down, across, 7.0, (6.8 / across + 0.2) * down)
    for ax in panels:
        bare(ax)
    for ax, (at, head) in zip(panels, shown, strict=False):
        ax.imshow(np.sqrt(maps[at, head]), cmap="magma", vmin=0, vmax=1, interpolation="none")
        ax.set_title(f"layer {at + 1}, head {head + 1}", fontsize=6.5, pad=2)
        if len(names) <= LOOKED_AT and across <= 4:
            labels = [short(repr(name)[1:-1], 6) for name in names]
            ax.set_yticks(range(len(names)), labels, fontsize=3.5)
            ax.tick_params(length=0, pad=1)
    return figure


def _training(model: "TextModel") -> Section:
    run, recipe = model.run, model.recipe
    curves = {
        name: thinned(table["step"], table["loss"])
        for name, table in (("training", run.history), ("validation", run.validation))
        if len(table.get("loss", ()))
    }
    caption = "Nats a token of the batches and of the validation part; dashed: the model kept."
    picture = Picture(plots.loss_curves(curves, stop=run.best_step, y_label="nats a token"), caption, "Loss")
    seen = run.step * recipe.batch * recipe.length
    rows: list[tuple[str, Any]] = [
        ("steps", f"{run.step:,} of {run.total:,}"),
        ("tokens seen", f"{seen:,}"),
        ("time", duration(run.info.get("seconds", 0.0))),
        ("compiling", duration(run.info.get("compile_seconds", 0.0))),
        ("driver", f"{run.info.get('driver', '–')} on {run.info['placement'][1]} devices"),
    ]
    return Section("Training", [picture, Facts(rows)], run.message)


def thinned(steps: Any, values: Any, most: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve as means over at most so many equal parts."""
    parts = np.array_split(np.arange(len(steps)), min(most, len(steps)))
    steps, values = np.asarray(steps, float), np.asarray(values, float)
    return np.array([steps[p].mean() for p in parts]), np.array([values[p].mean() for p in parts])


def _data(model: "TextModel") -> Section:
    source, settings = model.source, model.settings
    facts = Facts(
        [
            ("source", place_of(model)),
            ("characters", source.get("characters")),
            ("kept for validation", f"the last {100 * settings.validation:g} %"),
            ("tokens", f"{settings.tokenizer}, {model.tokenizer.size} different ones"),
            ("SHA-256", source.get("sha256")),
        ]
    )
    remarks = [Remarks(model.remarks)] if model.remarks else []
    return Section("Data", [facts, *remarks])


def _again(model: "TextModel") -> Section:
    rows = [
        (field.name, getattr(have, field.name))
        for have in (model.settings, model.recipe)
        for field in dataclasses.fields(have)
    ]
    blocks: list[Block] = [Code(command(model)), Details("Every setting", [Facts(rows)])]
    blocks.append(Details("Versions", [Facts(list(model.run.info["versions"].items()))]))
    lead = "The same command, text and versions on the same machine give the same bits."
    return Section("Do it again", blocks, lead)


def command(model: "TextModel") -> str:
    """Return the command that gives the model again, or the Python line where the text was in memory."""
    chosen = {}
    for have in (model.settings, model.recipe):
        default = type(have)()
        for field in dataclasses.fields(have):
            value = getattr(have, field.name)
            # The steps that the budget allowed are what is repeated.
            if value != getattr(default, field.name) and field.name != "budget":
                chosen[field.name] = value
    place = model.source.get("catalogue") or model.source.get("path")
    if not place:
        return (
            f"import ansatz\n\nansatz.generate_text(text{''.join(f', {n}={v!r}' for n, v in chosen.items())})"
        )
    words = ["ansatz", "generate", "text", "--data", str(place)]
    for name, value in chosen.items():
        flag = name.replace("_", "-")
        words += (
            [f"--{flag}" if value else f"--no-{flag}"]
            if isinstance(value, bool)
            else [f"--{flag}", str(value)]
        )
    return shlex.join(words)
