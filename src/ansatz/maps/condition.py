"""What an image is to show, as one vector: a class, a sentence that a transformer reads, or both."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.affine import Affine
from ansatz.maps.denoiser import Noisy, level_waves
from ansatz.maps.encoding import Embedding
from ansatz.maps.shapes import expect, positive
from ansatz.maps.transformer import Encoder
from ansatz.maps.transformer_block import BlockOptions

FILL = 0
"""The token that only fills a sentence up."""


class Told(NamedTuple):
    """What one example is to show.

    `label: int[]` is a class, and one outside 0 … classes - 1 is none; `words: int[S]` are the tokens of a
    sentence, filled up with 0, and only zeros are none.  Either may be None.
    """

    label: Any = None
    words: Any = None


class Condition(Map):
    """A class, a sentence or both as one vector `[width]`, and 0 where nothing is said.

    The class has a learned vector.  A transformer encoder (notes §4) of `layers` blocks of `size` components
    reads the sentence; the mean of its states over the words, times a matrix, is the sentence's vector.

    * `classes`: how many there are, 0 for none; `vocabulary`: the number of tokens, 0 for no sentences.
    * `length`: the most tokens of a sentence.

    It maps a `Told`, a single integer (a class) or integers `[S]` (a sentence).  A condition of a kind that
    it does not know raises `BadInput`.

    >>> condition = Condition(8, classes=3, key=jax.random.key(0))
    >>> condition(jnp.asarray(2)).shape, float(abs(condition(jnp.asarray(-1))).max())
    ((8,), 0.0)
    """

    known: Embedding | None
    reader: Encoder | None
    outward: Affine | None
    width: int = eqx.field(static=True)

    def __init__(
        self,
        width: int,
        classes: int = 0,
        vocabulary: int = 0,
        length: int = 16,
        size: int = 64,
        layers: int = 2,
        *,
        key: PRNGKeyArray,
    ):
        positive("Condition", width=width)
        if min(classes, vocabulary) < 0:
            raise BadInput(
                f"Condition takes numbers of classes and tokens of at least 0, not {classes}, {vocabulary}."
            )
        keys = jax.random.split(key, 3)
        self.width = width
        self.known = Embedding((classes,), width, key=keys[0]) if classes else None
        self.reader = self.outward = None
        if vocabulary:
            heads = 4 if size % 4 == 0 else 1
            options = BlockOptions(size, heads, norm_first=True, activation="gelu")
            self.reader = Encoder(vocabulary, layers, length, "learned", FILL, options, key=keys[1])
            self.outward = Affine(size, width, key=keys[2])

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " width"]:
        """Return the vector of a `Told`, of a class or of a sentence."""
        told = as_told(x)
        vectors = []
        if told.label is not None:
            vectors.append(self._class(jnp.asarray(told.label)))
        if told.words is not None:
            vectors.append(self._sentence(jnp.asarray(told.words), key))
        if not vectors:
            raise BadInput("A condition that says nothing is None, and not Told().")
        return sum(vectors[1:], vectors[0])

    def _class(self, label: Array) -> Array:
        if self.known is None:
            raise BadInput("This network knows no classes: build it with their number.")
        if label.shape != ():
            raise BadInput(f"The class of one example is a single integer, not {list(label.shape)}.")
        # Components of about 1, like those of the noise level: else the class is hardly heard at first.
        return self.known(label[None]) * self.width**0.5

    def _sentence(self, words: Array, key: PRNGKeyArray | None) -> Array:
        if self.reader is None or self.outward is None:
            raise BadInput("This network reads no sentences: build it with a vocabulary.")
        states = self.reader(words, key=key)
        seen = (words != FILL).astype(states.dtype)
        vector = self.outward(seen @ states / jnp.maximum(seen.sum(), 1))
        return jnp.where(seen.any(), vector, jnp.zeros_like(vector))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Condition, Told]":
        """Return a small map and a condition for it."""
        condition = Condition(5, 3, 6, length=4, size=4, layers=1, key=key)
        return condition, Told(jnp.asarray(2), jnp.asarray([3, 1, 5, 0]))


def as_told(condition: Any) -> Told:
    """Return a class, a sentence's tokens or a `Told` as a `Told`.

    >>> as_told(jnp.asarray(3)).words is None, as_told(jnp.asarray([3, 1])).label is None
    (True, True)
    """
    if isinstance(condition, Told):
        return condition
    shape = np.shape(condition)
    if not np.issubdtype(jnp.result_type(condition), np.integer) or len(shape) > 1:
        raise BadInput(
            "A condition is a class (an integer), the tokens [S] of a sentence, or Told(label, words), not "
            f"{jnp.result_type(condition)} of shape {list(shape)}."
        )
    return Told(words=condition) if shape else Told(label=condition)


class Situation(Map):
    """What a network of images is told beside the image: the noise level and the condition, as `[width]`.

    ``s = σ(B σ(A w(t) + c))`` with the waves w of the noise level (`level_waves`), the vector c of the
    condition (0 without one, and where `present` is False) and σ the SiLU.  It maps a `Noisy`.
    """

    level: Affine
    condition: Condition | None
    inner: Affine
    waves: int = eqx.field(static=True)

    def __init__(self, width: int, condition: Condition | None, waves: int = 16, *, key: PRNGKeyArray):
        first, second = jax.random.split(key)
        positive("Situation", waves=waves)
        self.level = Affine(2 * waves, width, key=first)
        self.inner = Affine(width, width, gain=1.6765, key=second)
        self.condition, self.waves = condition, waves

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " width"]:
        """Return the vector of a `Noisy`, of which x itself is not looked at."""
        noisy = Noisy(*x)
        expect(noisy.t, (), "The noise level of an image")
        total = self.level(level_waves(noisy.t, self.waves))
        if noisy.condition is not None:
            if self.condition is None:
                raise BadInput("This network knows no conditions: build it with classes or a vocabulary.")
            vector = self.condition(noisy.condition, key=key)
            nothing = jnp.zeros_like(vector)
            total = total + (vector if noisy.present is None else jnp.where(noisy.present, vector, nothing))
        return jax.nn.silu(self.inner(jax.nn.silu(total)))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Situation, Noisy]":
        """Return a small map and an input for it."""
        condition, told = Condition.example(key)
        return Situation(5, condition, 3, key=key), Noisy(None, jnp.asarray(0.3), told, jnp.asarray(True))
