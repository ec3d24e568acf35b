"""`generate_text`: from a text to a model that writes more like it, measured beside n-grams."""

import dataclasses
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ansatz.core import BadInput, Status
from ansatz.data.catalogue import CATALOGUE
from ansatz.data.corpus import Corpus, make_corpus, read_corpus
from ansatz.data.datasets import load_text
from ansatz.generate.ngram import NGram, fit_ngram
from ansatz.generate.text_budget import REST, plan
from ansatz.generate.text_judge import judge_text
from ansatz.generate.text_model import KIND, TextModel
from ansatz.generate.text_network import TextData, TextNetwork
from ansatz.generate.text_settings import TextSettings, sort_out_text
from ansatz.training.devices import Placement
from ansatz.training.fit import fit
from ansatz.training.hooks import Checkpoint
from ansatz.training.run import Run

LONGEST_PATH = 1000
"""More characters than these are a text, not the path of one."""
MOST_LOGS = 4e9
"""The bytes that the logarithms of an n-gram may take while a network learns to correct it."""


class Given(NamedTuple):
    """A text and where it came from."""

    text: str
    source: dict[str, Any]
    remarks: list[str]


class ReadyText(NamedTuple):
    """A text that is read and cut into tokens, and what will be trained on it."""

    text: str
    corpus: Corpus
    data: TextData
    ngram: NGram | None
    counted: float
    recipe: TextNetwork
    settings: TextSettings
    driver: str | None
    placement: Placement | None
    source: dict[str, Any]
    words: str
    remarks: list[str]

    @property
    def begun(self) -> dict[str, Any]:
        """What a run folder says from the first moment, enough to begin again to the same bits."""
        place = None if self.placement is None else list(self.placement)
        return {
            "settings": dataclasses.asdict(self.settings),
            "source": self.source,
            "driver": self.driver,
            "placement": place,
        }


def generate_text(
    text: Any, *, out: Any = None, hooks: Sequence[Any] = (), resume: Run | None = None, **options: Any
) -> TextModel:
    """Train a model that writes more like a text, and say how well it predicts what it has not seen.

    **Arguments**

    - `text`: the path of a text file, the name of a data set of text, or, where it has several lines, the
      text.
    - `out`: a folder for the run, written whole or not at all, and resumable while it grows.
    - `resume`: a run that was interrupted, to go on with; its sizes and steps are kept.
    - `options`: any field of `TextSettings` (budget, steps, tokenizer, residual, seed, …) and of
      `TextNetwork` (layers, size, heads, length, batch, optimizer, …).

    Returns a `TextModel`: `sample`, `stream`, `bits_per_character`, `attention`, `report`, `save`.
    Raises `BadInput` with one sentence for whatever is wrong with the text or an option, and
    `KeyboardInterrupt` after Ctrl-C, with the training so far kept in `out`.

    >>> sizes = {"layers": 1, "size": 8, "length": 8, "batch": 2}
    >>> model = generate_text("so it goes\\n" * 60, steps=4, baselines=False, **sizes)
    >>> len(model.sample("so", 10, seed=1))
    10
    """
    settings, recipe = sort_out_text(options)
    begun = None
    if resume is not None:
        recipe, settings = resume.recipe, dataclasses.replace(settings, steps=resume.total)
        begun = {name: resume.info[name] for name in ("driver", "placement")}
    ready = make_ready_text(find_text(text), settings, recipe, begun=begun)
    if out is None:
        return judge_text(ready, _trained(ready, hooks, resume))
    from ansatz.store import RunFolder

    with RunFolder.create(out) as folder:
        extra = {"kind": f"{KIND}, unfinished", KIND: ready.begun}
        run = _trained(ready, (*hooks, Checkpoint(folder, 20.0, extra=extra)), resume)
        model = judge_text(ready, run)
        folder.finish(*model.files())
    return model


def find_text(given: Any) -> Given:
    """Return the text that is meant: the content of a file, a data set, or the words themselves."""
    remarks: list[str] = []
    if isinstance(given, str) and ("\n" in given or len(given) > LONGEST_PATH):
        source: dict[str, Any] = {"path": None}
        text = given
    elif isinstance(given, str) and given in CATALOGUE and not Path(given).exists():
        source = {"catalogue": given}
        text = load_text(given, remarks=remarks)
    else:
        source = {"path": str(given)}
        text = read_corpus(given)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Given(text, source | {"characters": len(text), "sha256": digest}, remarks)


def make_ready_text(
    given: Given,
    settings: TextSettings,
    recipe: TextNetwork,
    *,
    begun: dict[str, Any] | None = None,
    rest: float = REST,
    tell: Callable[[str], None] = lambda words: None,
) -> ReadyText:
    """Cut a text into tokens, count its n-grams, choose what is trained; `begun` repeats earlier choices."""
    started = time.monotonic()
    window = recipe.length or 1
    corpus = make_corpus(given.text, settings.tokenizer, validation=settings.validation, window=window)
    vocabulary = corpus.tokenizer.size
    ngram = None
    clock = time.monotonic()
    if settings.residual or settings.baselines:
        ngram = fit_ngram(corpus.train, order=min(settings.order, len(corpus.train)), size=vocabulary)
    counted = time.monotonic() - clock
    data = TextData(corpus.train, corpus.validation, vocabulary)
    if settings.residual:
        assert ngram is not None
        data = _with_logs(data, ngram)
    if begun is None:
        left = max(settings.seconds - (time.monotonic() - started), 1.0)
        found = plan(recipe, data, left, settings.steps, seed=settings.seed, rest=rest, tell=tell)
        recipe, driver, placement = found.recipe, found.driver, found.placement
        settings, words = dataclasses.replace(settings, steps=found.steps), found.words
    else:
        driver, words = begun["driver"], f"Going on with {settings.steps:,} steps."
        placement = None if begun["placement"] is None else Placement(*begun["placement"])
        if placement is not None and placement.devices > len(jax.local_devices()):
            placement = None
    return ReadyText(
        given.text, corpus, data, ngram, counted, recipe, settings, driver, placement, given.source, words,
        given.remarks,
    )  # fmt: skip


def train_text(ready: ReadyText, hooks: Sequence[Any] = (), resume: Run | None = None) -> Run:
    """Train the network on a text that is ready."""
    return fit(
        ready.recipe,
        ready.data,
        steps=ready.settings.steps,
        key=ready.settings.seed,
        driver=ready.driver if ready.driver in ("loop", "stepped") else None,
        placement=ready.placement,
        hooks=hooks,
        resume=resume,
    )


def _trained(ready: ReadyText, hooks: Sequence[Any], resume: Run | None) -> Run:
    run = train_text(ready, hooks, resume)
    if run.status is Status.interrupted:
        raise KeyboardInterrupt(run.message)
    return run


def _with_logs(data: TextData, ngram: NGram) -> TextData:
    """Return the data with what the n-gram says of every token, the training part's without itself."""
    needed = 2.0 * data.size * (len(data.train) + len(data.validation))
    if needed > MOST_LOGS:
        raise BadInput(
            f"The n-gram's logarithms for {len(data.train)} tokens of {data.size} kinds would take "
            f"{needed / 1e9:.0f} GB; leave --residual out, or take a part of the text."
        )
    train = ngram.log_probabilities(dtype=np.float16)
    return data._replace(
        train_logs=train, validation_logs=ngram.log_probabilities(data.validation, dtype=np.float16)
    )
