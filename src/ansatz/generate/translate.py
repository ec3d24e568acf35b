"""Translation of short texts by an encoder-decoder: the recipe, its objective, and what it has learned.

Any two columns of texts will do: formulas and their derivatives, pairs of numbers and their divisor,
questions and answers.  Tokens are characters, or what another tokenizer makes of the texts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from ansatz._spelling import choose
from ansatz.core import BadInput, Metrics, Parts, Recipe, Watch
from ansatz.data.table import Blocks, Table
from ansatz.data.token_text import CharacterTokens
from ansatz.data.tokens import PairTokens, pad_pairs
from ansatz.data.vocabulary import Tokenizer
from ansatz.generate.autoregressive import power_of_two
from ansatz.generate.beam import search
from ansatz.generate.rows import check_held, set_aside
from ansatz.generate.text_network import OPTIMIZERS, descent
from ansatz.maps.cache import carry_axes
from ansatz.maps.encoder_decoder import AttentionMaps, EncoderDecoder, Translation
from ansatz.maps.positions import SLIDES
from ansatz.maps.transformer_block import BlockOptions
from ansatz.training.fit import fit
from ansatz.training.optimizers import schedule
from ansatz.training.run import Run
from ansatz.training.updates import Descend

BLOCK = 256
"""The pairs in one block of a validation, and the sources that are translated at once."""


class Texts(NamedTuple):
    """Texts and their translations, padded, and the tokenizer of both."""

    pairs: PairTokens
    tokenizer: Tokenizer


class Answer(NamedTuple):
    """A translation, its log-probability in nats, and whether the verifier accepts it (None: none asked)."""

    text: str
    log_probability: float
    verified: bool | None = None


class Translator(Recipe):
    """Learn to translate texts, token by token.

    - `layers`, `size`, `heads`: of encoder and decoder; `feed_forward`: the hidden width of each block, 0 for
      4 · size.
    - `positions`: vaswani, notes, learned, rope or none.
    - `dropout`, `norm`, `activation`: of the blocks, whose norms come first.
    - `optimizer`: muon (matrices by orthogonalized momentum, the rest by AdamW) or adamw.
    - `batch`, `learning_rate`, `schedule`, `warmup`, `weight_decay`, `clip`: of the training.
    - `held`: the share of pairs, in [0, 1), on which the loss is measured and that do not train.
    """

    layers: int = eqx.field(default=2, static=True)
    size: int = eqx.field(default=128, static=True)
    heads: int = eqx.field(default=4, static=True)
    feed_forward: int = eqx.field(default=0, static=True)
    positions: str = eqx.field(default="vaswani", static=True)
    dropout: float = eqx.field(default=0.0, static=True)
    norm: str = eqx.field(default="rms", static=True)
    activation: str = eqx.field(default="gelu", static=True)
    optimizer: str = eqx.field(default="adamw", static=True)
    batch: int = eqx.field(default=64, static=True)
    learning_rate: float = eqx.field(default=1e-3, static=True)
    schedule: str = eqx.field(default="cosine", static=True)
    warmup: float = eqx.field(default=0.05, static=True)
    weight_decay: float = eqx.field(default=0.01, static=True)
    clip: float = eqx.field(default=1.0, static=True)
    held: float = eqx.field(default=0.02, static=True)

    def __check_init__(self) -> None:
        """Refuse what cannot be trained."""
        choose("kind of positions", self.positions, SLIDES)
        choose("optimizer", self.optimizer, dict.fromkeys(OPTIMIZERS))
        check_held(self.held, "pairs")

    def model(self, texts: Texts, key: Any) -> EncoderDecoder:
        """Return the untrained model for texts."""
        options = BlockOptions(
            self.size, self.heads, hidden=self.feed_forward, activation=self.activation, norm=self.norm,
            norm_first=True, bias=False, dropout=self.dropout,
        )  # fmt: skip
        longest = max(texts.pairs.source.shape[1], texts.pairs.target.shape[1])
        tokenizer = texts.tokenizer
        return EncoderDecoder(
            tokenizer.size, 0, self.layers, length=longest, positions=self.positions,
            padding=tokenizer.padding, options=options, key=key,
        )  # fmt: skip

    def rule(self) -> optax.GradientTransformation:
        """Return the optimizer."""
        return descent(self.optimizer, self.learning_rate, self.weight_decay, self.clip)

    def build(self, data: Texts, key: Any) -> Parts:
        """Return the parts for these texts."""
        order, inside = jax.random.split(key)
        train, held = set_aside(order, len(data.pairs.source), self.held)
        pairs = PairTokens(*(jnp.asarray(a) for a in data.pairs[:4]))
        down = Descend(next_target, self.rule(), schedule=schedule(self.schedule, self.warmup))
        watch = None
        if len(held):
            blocks = Blocks(pairs, min(BLOCK, len(held)), held)
            watch = Watch(blocks, next_target, max(200, len(train) // self.batch), blocks.blocks)
        return Parts(self.model(data, inside), Table(pairs, self.batch, train), (down,), watch=watch)


def next_target(model: EncoderDecoder, batch: PairTokens, key: Any = None) -> tuple[Array, Metrics]:
    """``mean -log p(token | source, tokens before it)`` over the tokens of the targets, in nats."""
    source, target = batch.source, batch.target
    if key is None:
        logits = jax.vmap(lambda s, t: model(Translation(s, t)))(source, target[:, :-1])
    else:
        keys = jax.random.split(key, len(source))
        logits = jax.vmap(lambda s, t, k: model(Translation(s, t), key=k))(source, target[:, :-1], keys)
    logits = logits if logits.dtype.itemsize >= 4 else logits.astype(jnp.float32)
    logs = jax.nn.log_softmax(logits, axis=-1)
    picked = jnp.take_along_axis(logs, target[:, 1:, None], axis=2)[:, :, 0]
    there = jnp.arange(1, target.shape[1])[None, :] < batch.target_length[:, None]
    counts = there.astype(picked.dtype)
    if batch.weight is not None:
        counts = counts * batch.weight[:, None].astype(picked.dtype)
    total = jnp.maximum(counts.sum(), 1)
    right = (logits.argmax(-1) == target[:, 1:]).astype(picked.dtype) * counts
    return -(picked * counts).sum() / total, {"right": right.sum() / total}


def make_texts(
    sources: Sequence[str],
    targets: Sequence[str],
    tokenizer: Tokenizer | None = None,
    lengths: tuple[int, int] | None = None,
) -> Texts:
    """Return texts and translations as tokens: of the characters that occur in them, or of a tokenizer.

    The tokenizer has the special tokens "padding", "begin" and "end"; `lengths` are those of sources and
    targets with begin and end, those of the longest if not given.

    >>> make_texts(["x^2", "x"], ["2*x", "1"]).pairs.target.shape
    (2, 5)
    """
    if tokenizer is None:
        tokenizer = CharacterTokens.fit([*sources, *targets], ("padding", "begin", "end"))
    mine = [tokenizer.encode(text) for text in sources]
    theirs = [tokenizer.encode(text, begin=True, end=True) for text in targets]
    return Texts(pad_pairs(mine, theirs, tokenizer.padding, lengths=lengths), tokenizer)


@dataclass(frozen=True)
class FittedTranslator:
    """A trained translator with its tokenizer and the lengths it was trained for."""

    run: Run
    tokenizer: Tokenizer
    source_length: int
    target_length: int

    def translate(
        self,
        texts: Sequence[str],
        beams: int = 1,
        *,
        penalty: float = 0.0,
        verify: Callable[[str, str], bool] | None = None,
    ) -> list[list[Answer]]:
        """Return `beams` translations of each text, the likeliest first.

        With `verify(source, answer)` those that it accepts come first.

        Raises:
            BadInput: for a text with unknown characters, or longer than those in training.
        """
        tokens = [self.tokenizer.encode(text) for text in texts]
        for text, one in zip(texts, tokens, strict=True):
            if not 1 <= len(one) <= self.source_length:
                raise BadInput(
                    f"The text {text!r} has {len(one)} tokens; in training they had 1 to "
                    f"{self.source_length}."
                )
        found: list[list[Answer]] = []
        for at in range(0, len(tokens), BLOCK):
            found += self._block(tokens[at : at + BLOCK], beams, penalty)
        if verify is None:
            return found
        checked = [
            [one._replace(verified=verify(text, one.text)) for one in answers]
            for text, answers in zip(texts, found, strict=True)
        ]
        return [sorted(answers, key=lambda one: not one.verified) for answers in checked]

    def _block(self, tokens: list[np.ndarray], beams: int, penalty: float) -> list[list[Answer]]:
        batch = power_of_two(len(tokens))
        table = np.full((batch, self.source_length), self.tokenizer.padding, np.int32)
        for row, one in enumerate(tokens):
            table[row, : len(one)] = one
        table[len(tokens) :] = table[0]
        begin = jnp.asarray(self.tokenizer.begin, jnp.int32)
        # The begin token is read first, and counts as one of the target's.
        room = self.target_length
        logits, carry = _started(self.run.model, jnp.asarray(table), begin, room)
        result = search(
            self.run.model, logits, carry, len(tokens), room - 1, beams=beams, stop=(self.tokenizer.end,),
            penalty=penalty,
        )  # fmt: skip
        return [
            [
                Answer(self._text(result.tokens[row, k, : result.lengths[row, k]]),
                       float(result.log_probabilities[row, k]))
                for k in range(beams)
                if result.lengths[row, k]
            ]
            for row in range(len(tokens))
        ]  # fmt: skip

    def attention(self, text: str, answer: str) -> tuple[AttentionMaps, list[str], list[str]]:
        """Return the P_ij of every layer and head for a text and an answer, and the tokens of both."""
        names = self.tokenizer.names
        source, target = self.tokenizer.encode(text), self.tokenizer.encode(answer, begin=True)
        maps = _attention(self.run.model, Translation(jnp.asarray(source), jnp.asarray(target)))
        return maps, [names[one] for one in source], [names[one] for one in target]

    def _text(self, tokens: np.ndarray) -> str:
        """Return the text of tokens; of such as are none of this kind, as numbers can be, the tokens."""
        try:
            return self.tokenizer.decode(tokens)
        except BadInput:
            return " ".join(self.tokenizer.names[one] for one in self.tokenizer.ordinary(tokens))


@eqx.filter_jit
def _attention(model: EncoderDecoder, pair: Translation) -> AttentionMaps:
    return model.attention(pair)


@eqx.filter_jit
def _started(model: EncoderDecoder, table: Array, begin: Array, room: int) -> tuple[Array, Any]:
    def one(source: Array) -> tuple[Array, Any]:
        return model.step(model.start(source, room), begin)

    carry = jax.eval_shape(one, table[0])[1]
    return jax.vmap(one, out_axes=(0, carry_axes(carry)))(table)


def fit_translator(
    sources: Sequence[str],
    targets: Sequence[str],
    recipe: Translator | None = None,
    *,
    tokenizer: Tokenizer | None = None,
    **options: Any,
) -> FittedTranslator:
    """Train a translator on texts and their translations; `options` are those of `fit`.

    Tokens are characters, or those of a `tokenizer` with the special tokens that `make_texts` needs.

    >>> tiny = Translator(layers=1, size=8, heads=2, batch=2, held=0.0)
    >>> fitted = fit_translator(["x^2", "x"], ["2*x", "1"], tiny, steps=2)
    >>> len(fitted.translate(["x"], beams=2)[0])
    2
    """
    texts = make_texts(sources, targets, tokenizer)
    run = fit(Translator() if recipe is None else recipe, texts, **options)
    lengths = texts.pairs.source.shape[1], texts.pairs.target.shape[1]
    return FittedTranslator(run, texts.tokenizer, *lengths)
