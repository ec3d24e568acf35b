"""What a language model is worth: its bits, whether its probabilities hold, and what it copies."""

import bz2
import dataclasses
import gzip
import lzma
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ansatz.generate.text_network import window_logits

AT_ONCE = 8192
"""The tokens of a batch of windows that is judged."""
BINS = 15
"""Of the confidence, each with as many predictions."""
COMPRESSORS = {
    "gzip": lambda data: gzip.compress(data, 9, mtime=0),
    "bzip2": lambda data: bz2.compress(data, 9),
    "xz": lambda data: lzma.compress(data, preset=9 | lzma.PRESET_EXTREME),
}


@dataclasses.dataclass(frozen=True)
class Judged:
    """How a model predicts a text that it has not seen.

    `nats` is the mean of ``-log p`` over the tokens, each predicted from those before it in its window,
    `error` the standard error of that mean over windows; `long` is the same where windows
    overlap by half, so that a token, but for the first ones, sees at least half a window.  `confidence`,
    `accuracy` and `count` are those of the likeliest token, by bins of the confidence.
    """

    nats: float
    error: float
    long: float
    confidence: list[float]
    accuracy: list[float]
    count: list[int]

    @property
    def calibration(self) -> float:
        """The mean distance of confidence and accuracy over the bins, weighted by their counts."""
        gap = np.abs(np.asarray(self.confidence) - np.asarray(self.accuracy))
        return float((gap * np.asarray(self.count)).sum() / max(sum(self.count), 1))


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What a classical model needs for the same text: bits a character, and the seconds it took."""

    name: str
    bits: float
    seconds: float
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Copied:
    """The longest piece of a text that stands in the training text word for word."""

    length: int
    piece: str


def judge_tokens(model: Any, tokens: Any, window: int) -> Judged:
    """Return how a model predicts a text `[M]`, M > `window`, cut into windows."""
    found = _over_windows(model, tokens, window, window)
    late = _over_windows(model, tokens, window, max(window // 2, 1))
    means = (found.logs * found.weight).sum(1) / np.maximum(found.weight.sum(1), 1)
    last = found.weight > 0
    confidence, right = found.confidence[last], found.right[last]
    parts = np.array_split(np.argsort(confidence, kind="stable"), BINS)
    parts = [part for part in parts if len(part)]
    return Judged(
        nats=-float(found.logs[last].mean()),
        error=float(np.std(means, ddof=1) / math.sqrt(len(means))) if len(means) > 1 else math.inf,
        long=-float(late.logs[late.weight > 0].mean()),
        confidence=[float(confidence[part].mean()) for part in parts],
        accuracy=[float(right[part].mean()) for part in parts],
        count=[len(part) for part in parts],
    )


def compressed_bits(train: str, validation: str) -> dict[str, float]:
    """Return the bits a character that compressors need for `validation` once they have seen `train`.

    It is the difference of the sizes with and without it: what a program of that kind knows of the text.

    >>> bits = compressed_bits("abc" * 1000, "abc" * 100)
    >>> bits["xz"] < 1
    True
    """
    before, both = train.encode("utf-8", "replace"), (train + validation).encode("utf-8", "replace")
    return {
        name: 8 * (len(squeeze(both)) - len(squeeze(before))) / max(len(validation), 1)
        for name, squeeze in COMPRESSORS.items()
    }


def longest_copy(text: str, source: str) -> Copied:
    """Return the longest piece of `text` that stands in `source`.

    >>> longest_copy("to be, and not", "to be or not to be")
    Copied(length=5, piece='to be')
    """
    best, place = 0, 0
    for start in range(len(text)):
        # Longer ones only: each try either lengthens the best or ends.
        while start + best < len(text) and text[start : start + best + 1] in source:
            best, place = best + 1, start
    return Copied(best, text[place : place + best])


@dataclasses.dataclass(frozen=True)
class _Columns:
    """By window and place `[W, T]`: log p of the token, its weight, the largest p, and whether it is its."""

    logs: np.ndarray
    weight: np.ndarray
    confidence: np.ndarray
    right: np.ndarray


def _over_windows(model: Any, tokens: Any, window: int, stride: int) -> _Columns:
    """Judge windows of a text that begin every `stride` tokens; what an earlier one predicted weighs 0."""
    tokens = np.asarray(tokens, np.int32)
    starts = np.unique(np.minimum(np.arange(0, len(tokens) - 1, stride), len(tokens) - 1 - window))
    # The last token that the windows before predict; the first token of the text is not predicted.
    reached = np.concatenate([[0], starts[:-1] + window])
    weight = np.arange(window)[None, :] >= (reached - starts)[:, None]
    batch = max(AT_ONCE // window, 1)
    rows = []
    for first in range(0, len(starts), batch):
        begin = starts[first : first + batch]
        place = begin[:, None] + np.arange(window + 1)[None, :]
        filled = np.concatenate([place, np.repeat(place[:1], batch - len(place), axis=0)])
        rows.append([np.asarray(f)[: len(begin)] for f in _judge(model, jnp.asarray(tokens[filled]))])
    logs, confidence, right = (np.concatenate(column) for column in zip(*rows, strict=True))
    return _Columns(logs, weight.astype(np.float32), confidence, right)


@eqx.filter_jit
def _judge(model: Any, tokens: Array) -> tuple[Array, Array, Array]:
    logs = jax.nn.log_softmax(window_logits(model, tokens[:, :-1]))
    picked = jnp.take_along_axis(logs, tokens[:, 1:, None], axis=2)[:, :, 0]
    return picked, jnp.exp(logs.max(2)), (logs.argmax(2) == tokens[:, 1:]).astype(jnp.float32)
