"""Where in the sequence a vector stands: sinusoidal, learned and rotary position codes (notes §4)."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import BadInput, Map
from ansatz.maps.projection import expect_sequence
from ansatz.maps.shapes import positive, wide

# Whether the code knows only differences of positions, so that a window may slide along a sequence.
SLIDES = {"vaswani": False, "notes": False, "learned": False, "rope": True, "none": True}
SINUSOIDAL = ("vaswani", "notes")
BASE = 10000.0


def frequencies(size: int, form: str = "vaswani") -> np.ndarray:
    """Return the angles by which one position turns the pairs i = 0 … ⌈size/2⌉ - 1 of components.

    * `vaswani`: ``ω_i = 10000^(-2i/size)`` (Vaswani et al. 2017, section 3.5), which is also RoPE's;
    * `notes`: ``ω_i = 2i / 1000``, as the notes print it.

    >>> frequencies(4).tolist(), frequencies(4, "notes").tolist()
    ([1.0, 0.01], [0.0, 0.002])
    """
    i = np.arange((size + 1) // 2)
    return choose(
        "form of sinusoidal positions", form, {"vaswani": BASE ** (-2 * i / size), "notes": i / 500}
    )


def sinusoidal(
    positions: Int[Array, " T"], size: int, form: str = "vaswani", dtype: jnp.dtype | type = jnp.float32
) -> Float[Array, "T size"]:
    """Return the code whose components 2i and 2i + 1 are ``sin(ω_i t)`` and ``cos(ω_i t)``.

    >>> sinusoidal(jnp.asarray([0, 1]), 4)[0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    pairs = jnp.stack(_waves(positions, frequencies(size, form), dtype), axis=-1)
    return pairs.reshape(pairs.shape[0], -1)[:, :size]


def rotate(x: Float[Array, "T heads D"], positions: Int[Array, " T"]) -> Float[Array, "T heads D"]:
    """Return each head's vector at t turned by the angles ``ω_i t`` in the planes (i, i + D/2).

    A scalar product of two turned vectors depends on the difference of their positions only (RoPE; Su et
    al. 2021, who pair the components 2i and 2i + 1: the same up to their order, which W learns anyway).
    An odd D raises `BadInput`.

    >>> x = jnp.ones((1, 1, 2))
    >>> [round(c, 5) for c in rotate(x, jnp.asarray([1]))[0, 0].tolist()]  # cos 1 - sin 1, cos 1 + sin 1
    [-0.30117, 1.38177]
    """
    size = x.shape[2]
    if size % 2:
        raise BadInput(f"Rotary positions turn pairs of components; heads of size {size} have one left over.")
    sin, cos = (wave[:, None, :] for wave in _waves(positions, frequencies(size), x.dtype))
    first, second = x[..., : size // 2], x[..., size // 2 :]
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def _waves(positions: Array, omega: np.ndarray, dtype: jnp.dtype | type) -> tuple[Array, Array]:
    # Few bits cannot tell large positions apart: the angles have at least 32.
    angle = positions.astype(wide(dtype))[:, None] * jnp.asarray(omega, wide(dtype))[None, :]
    return jnp.sin(angle).astype(dtype), jnp.cos(angle).astype(dtype)


class Positions(Map):
    """Adds to each vector of a sequence, ``x_t + p(t)``, a code of where it stands.

    `kind` is one of

    * `vaswani`, `notes`: the two forms of `sinusoidal`;
    * `learned`: a trained vector for each of `length` positions, `weight: [length, size]`;
    * `rope`, `none`: nothing is added (rotary positions act within the attention).

    The sinusoidal and the learned kinds take sequences of at most `length`; a longer one raises `BadInput`.

    >>> Positions("vaswani", 16, 4)(jnp.zeros((3, 4)))[0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """

    weight: Float[Array, "length size"] | None
    kind: str = eqx.field(static=True)
    length: int = eqx.field(static=True)
    size: int = eqx.field(static=True)

    def __init__(self, kind: str, length: int, size: int, *, key: PRNGKeyArray | None = None):
        positive("Positions", length=length, size=size)
        choose("kind of positions", kind, SLIDES)
        self.kind, self.length, self.size = kind, length, size
        self.weight = None
        if kind == "learned":
            if key is None:
                raise BadInput("Learned positions start at random and need a key.")
            self.weight = jax.random.normal(key, (length, size)) / math.sqrt(size)

    @property
    def slides(self) -> bool:
        """Whether sequences may be longer than `length`, which is then the width of a sliding window."""
        return SLIDES[self.kind]

    def check(self, length: int, who: str) -> None:
        """Raise `BadInput` if a sequence of this length has positions without a code."""
        if length > self.length and not self.slides:
            raise BadInput(
                f"{who} with {self.kind} positions takes at most {self.length} tokens and got {length}; "
                "'rope' or 'none' would let its window slide."
            )

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "T size"]:
        """Return ``x_t + p(t)`` for `x: [T, size]` and t = 0 … T - 1."""
        expect_sequence(x, self.size, "Positions")
        self.check(x.shape[0], "Positions")
        return self.at(x, jnp.arange(x.shape[0]))

    def at(self, x: Float[Array, "T size"], positions: Int[Array, " T"]) -> Float[Array, "T size"]:
        """Return ``x_t + p(positions_t)``; positions outside 0 … length - 1 are moved to the next inside."""
        if self.weight is not None:
            inside = jnp.clip(positions, 0, self.length - 1)
            return x + self.weight.at[inside].get(mode="promise_in_bounds")
        if self.kind in SINUSOIDAL:
            return x + sinusoidal(positions, self.size, self.kind, x.dtype)
        return x

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Positions, Array]":
        """Return a small map and a sequence for it."""
        return Positions("learned", 6, 3, key=key), jax.random.normal(key, (4, 3))
