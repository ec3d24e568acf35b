"""The report of a policy: what it is worth beside chance, how it was learned, and an episode of it."""

import dataclasses
import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import trim_mean

from ansatz.core import Status, count_parameters
from ansatz.results.canvas import LIGHT, axes, color, drawn
from ansatz.results.numbers import duration, number
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
from ansatz.results.text_film import live
from ansatz.rl.algorithms import algorithm, steps_of
from ansatz.rl.trial import PlaySettings
from ansatz.rl.worth import curve

if TYPE_CHECKING:
    from ansatz.rl.player import Player

FILMED = 600
"""The most steps of the episode that a page shows."""


def play_page(player: "Player") -> str:
    """Return the report of a policy as one HTML page that needs no network."""
    sections = [_worth(player), _episode(player), _learning(player), _again(player)]
    return render(
        [section for section in sections if section.blocks],
        "Which moves lead there?",
        subtitle=f"{player.name} by {player.settings.algorithm.upper()}",
        answer=answer(player),
        tiles=_tiles(player),
        footer=" · ".join(
            f"{n} {v}" for n, v in player.run.info["versions"].items() if n in ("ansatz", "jax", "python")
        ),
    )


def answer(player: "Player") -> Sentence:
    """Return the result in a sentence, beside chance and the best that is known."""
    found, run = player.evaluation, player.run
    own = found.worth
    said = f"A return of {own} over {found.returns.shape[1]} new episodes"
    said += f" of each of {run.seeds} seeds" if run.seeds > 1 else ""
    said += f"; by chance it is {number(found.by_chance.value, 3)}"
    if found.best is not None:
        said += f", and no policy has more than {number(found.best, 4)}"
    elif found.solved is not None:
        said += f", and {number(found.solved, 3)} counts as solved"
    good = own.lower > found.by_chance.upper
    if run.status is Status.nonfinite:
        return Sentence(f"{said}. {run.message}", "bad")
    return Sentence(f"{said}.", "good" if good else "bad")


def _tiles(player: "Player") -> list[tuple[str, Any, str]]:
    found, run = player.evaluation, player.run
    own = found.worth
    kind = "interquartile mean of seeds" if run.seeds > 1 else "mean of episodes"
    rate = player.env_steps * run.seeds / max(run.info["seconds"], 1e-9)
    return [
        ("return", number(own.value), f"{kind}, 95 %: {number(own.lower)} to {number(own.upper)}"),
        ("by chance", number(found.by_chance.value), f"{len(found.chance)} episodes"),
        ("time", duration(run.info["seconds"]), f"{number(rate, 2)} steps of the environment a second"),
    ]


def worth_table(player: "Player") -> Table:
    """Return the returns beside what they are to be compared with."""
    found = player.evaluation
    rows: list[tuple[str, Any]] = [(player.settings.algorithm.upper(), found.worth)]
    if found.best is not None:
        rows.append(("the best possible (dynamic programming)", found.best))
    if found.solved is not None:
        rows.append(("counts as solved", found.solved))
    rows.append(("by chance", found.by_chance))
    return Table(["policy", "return"], rows, own=frozenset({0}))


def _worth(player: "Player") -> Section:
    found = player.evaluation
    blocks: list[Block] = [worth_table(player)]
    if player.run.seeds > 1:
        rows = [(f"seed {at}", row.mean(), row.min(), row.max()) for at, row in enumerate(found.returns)]
        blocks.append(Table(["", "mean", "lowest", "highest"], rows, caption="Returns of new episodes."))
    blocks.append(
        Picture(returns_drawn(found.returns, found.chance), "Returns of single episodes.", "Episodes")
    )
    if found.search is not None:
        blocks.append(Sentence(found.search.words))
    lead = (
        "New episodes, which training did not see, of the model that the evaluations on the way liked best."
    )
    return Section(
        "What it is worth", [*blocks, *([Remarks(player.remarks)] if player.remarks else [])], lead
    )


def _episode(player: "Player") -> Section:
    frames = player.film(most=FILMED)
    caption = f"{len(frames) - 1} steps of one episode of seed {player.best_seed}'s policy."
    return Section("An episode", [live(frames, caption)])


def _learning(player: "Player") -> Section:
    run, learner = player.run, player.recipe.learner
    steps, values = curve(run.validation, steps_of(learner))
    blocks: list[Block] = []
    if len(steps):
        caption = f"Returns of {player.settings.watched} episodes without exploring, at each evaluation."
        drawn_ = learning_curve(steps, values, player.evaluation.by_chance.value, player.evaluation.solved)
        blocks.append(Picture(drawn_, caption, "Learning"))
    facts = [
        (
            "steps of the environment",
            f"{player.env_steps:,}" + (f", {run.seeds} seeds" if run.seeds > 1 else ""),
        ),
        ("steps of the run", f"{run.step:,}"),
        ("parameters", f"{count_parameters(run.member(0)):,}"),
        ("time", duration(run.info["seconds"])),
        ("compiling", duration(run.info.get("compile_seconds", 0.0))),
        ("driver", str(run.info.get("driver", "–"))),
    ]
    return Section("Training", [*blocks, Facts(facts)], run.message)


@drawn
def learning_curve(steps: np.ndarray, values: np.ndarray, chance: float, solved: float | None) -> Figure:
    """Draw returns `[seeds, n]` at `steps: [n]`: each seed thin, their interquartile mean thick."""
    figure, ax = axes()
    for row in values if len(values) > 1 else ():
        ax.plot(steps, row, color=color(0), linewidth=0.7, alpha=0.4)
    middle = trim_mean(values, 0.25, axis=0) if len(values) > 1 else values[0]
    label = "interquartile mean" if len(values) > 1 else "return"
    ax.plot(
        steps, middle, color=color(0), linewidth=1.8, label=label, marker="o" if len(steps) == 1 else None
    )
    ax.axhline(chance, color=LIGHT["gray"], linewidth=0.9, linestyle=(0, (3, 2)), label="by chance")
    if solved is not None:
        ax.axhline(solved, color=color(1), linewidth=0.9, linestyle=(0, (3, 2)), label="solved")
    ax.set_xlabel("step of the environment")
    ax.set_ylabel("return")
    ax.legend(loc="best")
    return figure


@drawn
def returns_drawn(returns: np.ndarray, chance: np.ndarray) -> Figure:
    """Draw how the returns of episodes are spread, of the policy and of chance."""
    figure, ax = axes()
    every = np.concatenate([returns.ravel(), chance])
    edges = np.linspace(every.min(), every.max() + 1e-9 + 1e-6 * abs(every.max()), 31)
    for at, (name, found) in enumerate((("policy", returns.ravel()), ("by chance", chance))):
        ax.hist(
            found,
            edges,
            weights=np.full(len(found), 100 / len(found)),
            color=color(at),
            alpha=0.6,
            label=name,
        )
    ax.set_xlabel("return")
    ax.set_ylabel("% of episodes")
    ax.legend(loc="best")
    return figure


def _again(player: "Player") -> Section:
    haves = (player.settings, player.recipe.learner)
    rows = [(field.name, getattr(have, field.name)) for have in haves for field in dataclasses.fields(have)]
    blocks: list[Block] = [
        Code(command(player)),
        Details("Every setting", [Facts([*rows, *player.source.items()])]),
        Details("Versions", [Facts(list(player.run.info["versions"].items()))]),
    ]
    lead = "The same command and versions on the same machine give the same bits"
    lead += ", if the environment, once seeded, is deterministic." if player.env.host else "."
    return Section("Do it again", blocks, lead)


def command(player: "Player") -> str:
    """Return the command that gives the policy again, or the Python lines where that was in memory."""
    from ansatz.rl.trial import sort_out

    settings, learner = player.settings, player.recipe.learner
    usual, trial = sort_out(player.name, {"algorithm": settings.algorithm})
    asked = {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(PlaySettings)
        if getattr(settings, field.name) != getattr(usual, field.name) and field.name != "algorithm"
    }
    fixed = algorithm(settings.algorithm).fixed
    asked |= {
        field.name: getattr(learner, field.name)
        for field in dataclasses.fields(learner)
        if field.name not in fixed and getattr(learner, field.name) != getattr(trial.learner, field.name)
    }
    where = player.source.get("file") or player.source.get("name")
    if not where:
        options = "".join(f", {name}={value!r}" for name, value in asked.items())
        return f"from ansatz.rl.play import play\n\nplay(env, {settings.algorithm!r}{options})"
    words = ["ansatz", "play", where, "--with", settings.algorithm]
    for name, value in (player.source.get("parameters") or {}).items():
        words += ["--let", f"{name}={value}"]
    for name, value in asked.items():
        flag = name.replace("_", "-")
        bare = isinstance(value, bool)
        words += [f"--{flag}" if value else f"--no-{flag}"] if bare else [f"--{flag}", str(value)]
    return shlex.join(words)
