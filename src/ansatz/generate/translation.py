"""`generate_translation`: from two columns of texts, or a task, to a model that turns one into the other."""

import dataclasses
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ansatz.core import BadInput, count_parameters
from ansatz.data.string_pairs import read_pairs
from ansatz.data.tokens import PairTokens
from ansatz.generate.budget import MARGIN, Plan, timed_driver
from ansatz.generate.ready import Ready, generated, planned, repeated, time_left, train
from ansatz.generate.translate import Texts, Translator, make_texts
from ansatz.generate.translate_tasks import TASKS, Drawn
from ansatz.generate.translation_judge import judge_translation
from ansatz.generate.translation_model import KIND, TranslationModel
from ansatz.generate.translation_settings import TranslationSettings, sort_out_translation
from ansatz.training.run import Run

AFTER = 20.0
"""The seconds kept for what follows the training, a quarter of the time at most."""


class Given(NamedTuple):
    """The texts to learn from, those to test on, and where they came from."""

    train: Drawn
    test: Drawn
    source: dict[str, Any]
    remarks: list[str]


@dataclasses.dataclass(frozen=True)
class ReadyTranslation(Ready):
    """Texts that are read and cut into tokens (`data`), and what will be trained on them."""

    given: Given


def generate_translation(
    data: Any = None, *, out: Any = None, hooks: Sequence[Any] = (), resume: Run | None = None, **options: Any
) -> TranslationModel:
    """Train a model that turns texts into others, and say how often it is right on texts it has not seen.

    **Arguments**

    - `data`: a table with two columns of texts (a path, or whatever `read_table` takes); with `task` none.
    - `out`: a folder for the run, written whole or not at all, and resumable while it grows.
    - `resume`: a run that was interrupted, to go on with.
    - `options`: any field of `TranslationSettings` (task, budget, steps, beams, …) and of `Translator`
      (layers, size, heads, batch, …).

    Returns a `TranslationModel`: `translate`, `exact`, `attention`, `report`, `save`.
    Raises `BadInput` with one sentence for whatever is wrong with the table or an option, and
    `KeyboardInterrupt` after Ctrl-C, with the training so far kept in `out`.

    >>> sizes = {"layers": 1, "size": 8, "heads": 2, "batch": 4}
    >>> model = generate_translation(task="gcd", largest=20, pairs=40, steps=2, baselines=False, **sizes)
    >>> len(model.translate(["12 18"])[0])
    1
    """

    def make(settings: TranslationSettings, recipe: Translator, **how: Any) -> ReadyTranslation:
        return make_ready(find_texts(data, settings), settings, recipe, **how)

    chosen = sort_out_translation(options)
    return generated(KIND, chosen, make, judge_translation, out=out, hooks=hooks, resume=resume)


def find_texts(data: Any, settings: TranslationSettings) -> Given:
    """Return the texts that are meant: two columns of a table, parted by the text, or those of a task."""
    remarks: list[str] = []
    if settings.task:
        if data is not None:
            raise BadInput(f"The task {settings.task!r} draws its own texts; give either a task or a table.")
        task, seed = TASKS[settings.task], settings.seed
        shape = settings.base, settings.largest
        train, test = (
            task.draw(count, part, seed, *shape)
            for count, part in ((settings.pairs, "train"), (tested(settings.pairs), "test"))
        )
        source: dict[str, Any] = {"task": settings.task}
    else:
        if data is None:
            raise BadInput("There is nothing to translate: name a table or a task.")
        pairs = read_pairs(data, settings.source, settings.target, longest=settings.longest, remarks=remarks)
        train, test = parted(pairs.sources, pairs.targets, settings)
        path = str(data) if isinstance(data, str | Path) else None
        source = {"path": path, "columns": list(pairs.names)}
        if repeated := len(pairs.sources) - len(set(zip(pairs.sources, pairs.targets, strict=True))):
            remarks.append(f"{repeated} row(s) stand in the table more than once.")
    content = "\n".join("\t".join(row) for part in (train, test) for row in zip(*part, strict=True))
    source |= {"rows": len(train.sources), "tested": len(test.sources)}
    source["sha256"] = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    return Given(train, test, source, remarks)


def tested(pairs: int) -> int:
    """Return how many texts of a task are for testing.

    >>> tested(16), tested(50_000)
    (16, 1000)
    """
    return min(max(pairs // 10, 16), 1000)


def parted(sources: list[str], targets: list[str], settings: TranslationSettings) -> tuple[Drawn, Drawn]:
    """Return the rows to learn from and those to test on: no text of a test row is learned from."""
    different = sorted(set(sources))
    order = np.random.default_rng(settings.seed).permutation(len(different))
    count = min(max(round(settings.test * len(different)), 1), len(different) - 1)
    aside = {different[i] for i in order[:count]}
    rows: tuple[list[tuple[str, str, str]], ...] = ([], [])
    for one, other in zip(sources, targets, strict=True):
        rows[one in aside].append((one, other, length_group(one)))
    train, test = (Drawn(*map(list, zip(*part, strict=True))) for part in rows)  # type: ignore[arg-type]
    return train, test


def length_group(text: str) -> str:
    """Return the group of a text by its length, in powers of two.

    >>> length_group("abc"), length_group("a" * 40)
    ('3 to 4 characters', '33 to 64 characters')
    """
    power = max(len(text) - 1, 0).bit_length()
    low, high = 2**power // 2 + 1, 2**power
    return f"{low} to {high} characters" if low < high else f"{high} character{'s' * (high > 1)}"


def make_ready(
    given: Given,
    settings: TranslationSettings,
    recipe: Translator,
    *,
    begun: dict[str, Any] | None = None,
    tell: Callable[[str], None] = lambda words: None,
) -> ReadyTranslation:
    """Cut the texts into tokens, characters or those of a task, and plan.

    `begun` repeats earlier choices.
    """
    started = time.monotonic()
    make = TASKS[settings.task].tokenizer if settings.task else None
    both = [a + b for a, b in zip(given.train[:2], given.test[:2], strict=True)]
    whole = make_texts(both[0], both[1], None if make is None else make(settings.base, both[0] + both[1]))
    count = len(given.train.sources)
    source, target, *lengths = (part[:count] for part in whole.pairs[:4])
    texts = whole._replace(pairs=PairTokens(source, target, lengths[0], lengths[1]))
    if begun is None:
        chosen = plan(recipe, texts, settings, time_left(settings, started))
    else:
        chosen = repeated(recipe, settings.steps, begun)
    settings = planned(settings, chosen, started)
    return ReadyTranslation(texts, settings, chosen, given.source, given.remarks, given)


def plan(recipe: Translator, texts: Texts, settings: TranslationSettings, seconds: float) -> Plan:
    """Return what to train within `seconds` from now, or for the steps that the settings ask for."""
    begun, pairs = time.monotonic(), texts.pairs
    tokens = recipe.batch * (pairs.source.shape[1] + pairs.target.shape[1])
    operations = 6.0 * tokens * 14 * recipe.layers * recipe.size**2
    driver, step = timed_driver(recipe, texts, settings.seed, operations)
    steps = settings.steps
    if not steps:
        left = MARGIN * (seconds - min(AFTER, settings.seconds / 4)) - (time.monotonic() - begun)
        steps = max(int(left / step), 0)
    weights = count_parameters(jax.eval_shape(lambda: recipe.model(texts, jax.random.key(0))))
    words = (
        f"Training an encoder and a decoder of {recipe.layers} layers and {recipe.size} components "
        f"({weights:,} parameters) for {steps:,} steps on {len(pairs.source):,} texts of up to "
        f"{pairs.source.shape[1]} tokens."
    )
    return Plan(recipe, steps, driver.name, driver.program.place, words)


train_translation = train
"""Train the network on texts that are ready."""
