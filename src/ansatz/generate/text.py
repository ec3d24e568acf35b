"""`generate_text`: from a text to a model that writes more like it, measured beside n-grams."""

import dataclasses
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ansatz.core import BadInput
from ansatz.data.catalogue import CATALOGUE
from ansatz.data.corpus import Corpus, make_corpus, read_corpus
from ansatz.data.datasets import load_text
from ansatz.generate.ngram import NGram, fit_ngram
from ansatz.generate.ready import Ready, generated, planned, repeated, time_left, train
from ansatz.generate.text_budget import REST, plan
from ansatz.generate.text_judge import judge_text
from ansatz.generate.text_model import KIND, TextModel
from ansatz.generate.text_network import TextData, TextNetwork
from ansatz.generate.text_settings import TextSettings, sort_out_text
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


@dataclasses.dataclass(frozen=True)
class ReadyText(Ready):
    """A text that is read and cut into tokens, and what will be trained on it."""

    text: str
    corpus: Corpus
    ngram: NGram | None
    counted: float


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

    def make(settings: TextSettings, recipe: TextNetwork, **how: Any) -> ReadyText:
        return make_ready_text(find_text(text), settings, recipe, **how)

    chosen = sort_out_text(options)
    return generated(KIND, chosen, make, judge_text, out=out, hooks=hooks, resume=resume)


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
        left = time_left(settings, started)
        chosen = plan(recipe, data, left, settings.steps, seed=settings.seed, rest=rest, tell=tell)
    else:
        chosen = repeated(recipe, settings.steps, begun)
    settings = planned(settings, chosen, started)
    return ReadyText(data, settings, chosen, given.source, given.remarks, given.text, corpus, ngram, counted)


train_text = train
"""Train the network on a text that is ready."""


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
