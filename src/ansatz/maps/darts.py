"""Message passing on the darts of a knot diagram: the same weights at every number of crossings.

    m_k = W_k LN(h),   k = 0, …, 6
    h_d ← h_d + σ(Σ_{j<4} m_j(σʲ d) + m_4(α d) + m_5(f d) + m_6(f⁻¹ d) + G mean(h) + b)

(Gilmer et al. 2017, "Neural message passing for quantum chemistry".)  A dart hears the other darts of its
crossing, the far end of its edge, and its neighbours around its face; the mean is over the darts that are
there.  Nothing depends on how crossings are numbered, nor on which end of the lower strand is dart 0, so what
is said of a dart goes with it when they are numbered anew.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.knots.codes import from_braid
from ansatz.knots.moves import around
from ansatz.maps.activations import activation as activation_named
from ansatz.maps.affine import Affine
from ansatz.maps.initial import initial as initial_named
from ansatz.maps.layers import LayerNorm
from ansatz.maps.shapes import expect, positive


@jax.custom_vjp
def carried(x: Array, forth: Int[Array, " D"], back: Int[Array, " D"]) -> Array:
    """Return x∘π for a permutation π = `forth` with the inverse `back`.

    Its gradient is another such gather, where that of an indexing is a scatter, slow on a CPU.

    >>> carried(jnp.asarray([1.0, 2.0, 3.0]), jnp.asarray([1, 2, 0]), jnp.asarray([2, 0, 1])).tolist()
    [2.0, 3.0, 1.0]
    """
    return x[forth]


def _forward(x: Array, forth: Array, back: Array) -> tuple[Array, Array]:
    return x[forth], back


def _backward(back: Array, slope: Array) -> tuple[Array, None, None]:
    return slope[back], None, None


carried.defvjp(_forward, _backward)


def partners(x: Float[Array, "D features"]) -> Int[Array, " D"]:
    """Return α from the first column of what is seen of a diagram, α(d) / 4N."""
    size = x.shape[0]
    return jnp.clip(jnp.round(x[:, 0] * size), 0, size - 1).astype(jnp.int32)


def mean_of(h: Float[Array, "D w"], live: Bool[Array, " D"]) -> Float[Array, " w"]:
    """Return the mean over the darts that are there, 0 where there is none."""
    total = jnp.where(live[:, None], h, 0.0).sum(0)
    return total / jnp.maximum(live.sum(), 1).astype(h.dtype)


def heard(
    norm: LayerNorm,
    message: Float[Array, "messages w"],
    common: Affine,
    h: Float[Array, "D w"],
    alpha: Int[Array, " D"],
    live: Bool[Array, " D"],
) -> Float[Array, "D w"]:
    """Return what each dart hears in a round: seven messages of `message: [7 w, w]`, and what is common."""
    width = h.shape[1]
    m = (norm(h) @ message.T).reshape(*h.shape[:1], 7, width)
    near = m[:, 0] + around(m[:, 1], 1) + around(m[:, 2], 2) + around(m[:, 3], 3)
    # f = σ³∘α, and f⁻¹ = α∘σ: both go along with α, in one gather.
    sent = jnp.concatenate([m[:, 4] + around(m[:, 5], 3), m[:, 6]], 1)
    came = carried(sent, alpha, alpha)
    return near + came[:, :width] + around(came[:, width:], 1) + common(mean_of(h, live))[None]


class Darts(Map):
    """Features `[4N, features]` of the darts of a diagram as vectors `[4N, width]`, after `depth` rounds.

    The first feature is α(d) / 4N, which says who hears whom and is itself not read.  N may be any number.

    >>> net, x = Darts.example(jax.random.key(0))
    >>> x.shape, net(x).shape
    ((12, 3), (12, 4))
    """

    first: Affine
    norms: tuple[LayerNorm, ...]
    messages: tuple[Array, ...]
    common: tuple[Affine, ...]
    last: LayerNorm
    activation: str = eqx.field(static=True)

    def __init__(
        self, features: int, width: int = 32, depth: int = 3, activation: str = "silu", *, key: PRNGKeyArray
    ):
        positive("Darts", features=features, width=width, depth=depth)
        if features < 2:
            raise BadInput("Darts needs a feature beside the partner of a dart, and got 1.")
        activation_named(activation)
        keys = jax.random.split(key, 2 * depth + 1)
        draw = initial_named("orthogonal")
        self.first = Affine(features - 1, width, key=keys[0])
        self.norms = tuple(LayerNorm(width) for _ in range(depth))
        self.messages = tuple(draw(k, (7 * width, width), gain=1.0) for k in keys[1 : depth + 1])
        self.common = tuple(Affine(width, width, key=k) for k in keys[depth + 1 :])
        self.last, self.activation = LayerNorm(width), activation

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, "D width"]:
        """Return the vectors of the darts; those of crossings that are not there mean nothing."""
        features = self.first.weight.shape[1] + 1
        expect(x, (4 * max(1, round(x.shape[0] / 4)) if x.ndim else 4, features), "Darts")
        alpha = partners(x)
        live = alpha != jnp.arange(x.shape[0], dtype=jnp.int32)
        h = x[:, 1:] @ self.first.weight.T + self.first.bias[None]
        for norm, message, common in zip(self.norms, self.messages, self.common, strict=True):
            h = h + activation_named(self.activation)(heard(norm, message, common, h, alpha, live))
        return self.last(h)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Darts, Array]":
        """Return a small map and an input for it, a trefoil."""
        alpha = jnp.asarray(from_braid([1, 1, 1]).alpha)
        seen = jax.random.normal(key, (12, 2))
        return Darts(3, 4, 2, key=key), jnp.concatenate([(alpha / 12).astype(seen.dtype)[:, None], seen], 1)
