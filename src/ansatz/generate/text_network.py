"""The recipe of a language model: a decoder that learns to predict the next token of a text (notes §4)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float
from optax.contrib import MuonDimensionNumbers, muon

from ansatz._spelling import choose
from ansatz.core import BadInput, Metrics, Parts, Recipe, Watch
from ansatz.data.tokens import TokenBlocks, Tokens, Windows
from ansatz.maps.feed_forward import NONLINEARITIES
from ansatz.maps.positions import SLIDES
from ansatz.maps.transformer import Decoder
from ansatz.maps.transformer_block import NORMS, BlockOptions
from ansatz.training.optimizers import SCHEDULES, adamw, schedule
from ansatz.training.updates import Descend

OPTIMIZERS = ("muon", "adamw")
ROWS = 2048
"""The tokens of a part of a batch: what is computed of them fits into the caches of two cores."""
RATES = {"muon": 6e-3, "adamw": 3e-3}
"""The learning rates where none is given."""
CHECKED = 16_384
"""The tokens of the text's end at most that one validation during the training looks at."""


class TextData(NamedTuple):
    """What a recipe is built from: a text as tokens in [0, `size`), and its end kept for validation.

    `train_logs: [N, V]` and `validation_logs: [M, V]` are the logarithms of the n-gram's probabilities, if
    the network is to correct one; for the training part each without the token itself.
    """

    train: Any
    validation: Any
    size: int
    train_logs: Any = None
    validation_logs: Any = None


class TextNetwork(Recipe):
    """A decoder that reads a text window by window.

    - `layers`, `size`, `heads`: blocks, components of a vector, and heads of each attention; 0 to choose.
    - `length`: tokens that the model sees at once; `batch`: windows in a step; 0 to choose.
    - `positions`: rope, learned, vaswani, notes or none.
    - `norm`: layer or rms; `activation`: of the feed-forward networks; `cosine`: scores are cosines of
      angles.
    - `dropout`: the share of each block's result that is dropped in training.
    - `optimizer`: muon (matrices by orthogonalized momentum, the rest by AdamW) or adamw.
    - `learning_rate`: the size of a step, 0 to choose; `schedule`: of the learning rate over the run (linear,
      cosine, constant, exponential or step), after a rise over the share `warmup` of it.
    - `weight_decay`: of the matrices; `clip`: the largest norm of a gradient, 0 for none.
    - `every`: steps between two validations, 0 to choose.

    The blocks have their norms first, as every large model since GPT-2, and no biases; the softmax layer is
    the transposed embedding.
    """

    layers: int = 0
    size: int = 0
    heads: int = 0
    length: int = 0
    batch: int = 0
    positions: str = "rope"
    norm: str = "rms"
    activation: str = "relu_squared"
    cosine: bool = True
    dropout: float = 0.0
    optimizer: str = "muon"
    learning_rate: float = 0.0
    schedule: str = "linear"
    warmup: float = 0.05
    weight_decay: float = 0.01
    clip: float = 1.0
    every: int = 0

    def __check_init__(self) -> None:
        """Refuse what cannot be trained, before a text is read."""
        for name in ("layers", "size", "heads", "length", "batch", "every"):
            if getattr(self, name) < 0:
                raise BadInput(f"{name}={getattr(self, name)} is negative: it is at least 1, or 0 to choose.")
        for name in ("learning_rate", "weight_decay", "clip"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise BadInput(f"{name}={getattr(self, name)} is no size: it is a number of at least 0.")
        choose("kind of positions", self.positions, SLIDES)
        choose("norm", self.norm, NORMS)
        choose("activation of a feed-forward network", self.activation, NONLINEARITIES)
        choose("optimizer", self.optimizer, dict.fromkeys(OPTIMIZERS))
        if not 0 <= self.dropout < 1:
            raise BadInput(f"dropout={self.dropout} is no share to drop: it is from 0 to below 1.")
        self.factor()

    def factor(self) -> Any:
        """Return the schedule."""
        if self.schedule != "linear":
            choose("schedule", self.schedule, {**SCHEDULES, "linear": None})
            return schedule(self.schedule, self.warmup)
        if not 0 <= self.warmup < 1:
            raise BadInput(f"The warmup is a fraction of the run in [0, 1), not {self.warmup!r}.")
        return Linear(self.warmup)

    def decoder(self, vocabulary: int, key: Any) -> Decoder:
        """Return the untrained model."""
        options = BlockOptions(
            self.size,
            self.heads,
            activation=self.activation,
            norm=self.norm,
            norm_first=True,
            bias=False,
            cosine=self.cosine,
            dropout=self.dropout,
        )
        return Decoder(vocabulary, self.layers, self.length, self.positions, options=options, key=key)

    def rule(self) -> optax.GradientTransformation:
        """Return the optimizer."""
        rate = self.learning_rate or RATES[self.optimizer]
        return descent(self.optimizer, rate, self.weight_decay, self.clip)

    def build(self, data: TextData, key: Any) -> Parts:
        """Return the parts for a text."""
        model = self.decoder(data.size, key)
        source = Tokens(data.train, self.batch, self.length, data.train_logs)
        most = max(CHECKED // self.length, 1) * self.length + 1
        logs = None if data.validation_logs is None else data.validation_logs[:most]
        held = TokenBlocks(data.validation[:most], 4 * self.batch, self.length, logs)
        # Validation, forward only, then takes a few percent of the time.
        every = self.every or max(8 * CHECKED // (self.batch * self.length), 1)
        watch = Watch(held, next_token, every, held.blocks)
        parts = parts_of(self.batch, self.length)
        down = Descend(next_token, self.rule(), schedule=self.factor(), parts=parts)
        return Parts(model, source, (down,), watch=watch)


def parts_of(batch: int, length: int) -> int:
    """Return into how many parts windows are cut: each of ROWS tokens at least, and even if it can be.

    >>> parts_of(64, 256), parts_of(12, 64)
    (8, 1)
    """
    fits = [n for n in range(1, batch + 1) if batch % n == 0 and batch // n * length >= ROWS]
    even = [n for n in fits if batch // n % 2 == 0]
    return max(even or fits or [1])


class Linear(NamedTuple):
    """The factor ``t / w`` up to t = w, then ``(1 - t) / (1 - w)``, for the warm-up's share w = `warmup`.

    >>> [float(Linear(0.5)(t)) for t in (0.25, 0.5, 1.0)]
    [0.5, 1.0, 0.0]
    """

    warmup: float

    def __call__(self, t: Any) -> Float[Array, ""]:
        """Return the factor at the share t of the run."""
        t = jnp.clip(jnp.asarray(t, jnp.float32), 0, 1)
        falling = (1 - t) / (1 - self.warmup)
        return jnp.where(t < self.warmup, t / self.warmup, falling) if self.warmup else falling


def descent(name: str, rate: float, weight_decay: float, clip: float) -> optax.GradientTransformation:
    """Return muon or adamw for a transformer, with gradients clipped to the norm `clip` unless it is 0."""
    if name == "adamw":
        rule = adamw(rate, weight_decay)
    else:
        rule = muon(
            rate,
            weight_decay=weight_decay,
            adam_b2=0.95,
            muon_weight_dimension_numbers=inner_matrices,
            consistent_rms=0.2,
        )
    return optax.chain(optax.clip_by_global_norm(clip), rule) if clip else rule


def inner_matrices(theta: Any) -> Any:
    """Return for Muon which arrays are matrices between vectors: those of the blocks, not the embedding."""

    def dimensions(path: Any, leaf: Any) -> Any:
        inside = any(getattr(step, "name", None) == "blocks" for step in path)
        return MuonDimensionNumbers() if inside and leaf.ndim == 2 else None

    return jax.tree_util.tree_map_with_path(dimensions, theta)


def next_token(model: Any, batch: Windows, key: Any = None) -> tuple[Array, Metrics]:
    """``mean -log p(token | those before it in its window)`` in nats, with ``p = softmax(f + along)``.

    `batch.along: [B, T, V]` are logits that the model corrects, if any.
    """
    logs, weight = next_token_logs(model, batch, key)
    loss = -(logs * weight).sum() / jnp.maximum(weight.sum(), 1.0)
    return loss, {}


def next_token_logs(model: Any, batch: Windows, key: Any = None) -> tuple[Array, Array]:
    """Return ``log p`` of each token that is predicted, `[B, T]`, and its weight, `[B, T]`."""
    given, wanted = batch.tokens[:, :-1], batch.tokens[:, 1:]
    logits = window_logits(model, given, batch.along, key)
    picked = jnp.take_along_axis(logits, wanted[:, :, None], axis=2)[:, :, 0]
    logs = picked - jax.nn.logsumexp(logits, axis=2)
    return logs, jnp.ones_like(logs) if batch.weight is None else batch.weight.astype(logs.dtype)


def window_logits(model: Any, given: Array, along: Any = None, key: Any = None) -> Float[Array, "B T V"]:
    """Return the logits of the next tokens of windows `given: [B, T]`."""
    if key is None:
        logits = jax.vmap(model)(given)
    else:
        keys = jax.random.split(key, given.shape[0])
        logits = jax.vmap(lambda one, k: model(one, key=k))(given, keys)
    # Sums of many exponentials want 32 bits at least.
    logits = logits if logits.dtype.itemsize >= 4 else logits.astype(jnp.float32)
    return logits if along is None else logits + along.astype(logits.dtype)
