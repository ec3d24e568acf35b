"""What critic and generator want, each a function of the critic's logits on data and on fakes (notes §4).

A loss is a pair, `critic(real, fake)` and `generator(real, fake)`, of logits D(x) with x ~ p and D(y) with
y ~ q, the generator's law.  With ``ς(t) = log(1 + eᵗ)``, ``m = (p + q)/2`` and sums over the points where
p or q is positive, each has its best critic D* and its value there in closed form:

| name | critic's loss | D* | its value at D* |
|---|---|---|---|
| minimax, non_saturating | ``E ς(-D(x)) + E ς(D(y))`` | ``log p/q`` | ``2 log 2 - 2 JS(p, q)`` |
| least_squares | ``½ E (D(x) - 1)² + ½ E D(y)²`` | ``p / (p + q)`` | ``½ Σ p q / (p + q)`` |
| hinge | ``E (1 - D(x))₊ + E (1 + D(y))₊`` | ``sign(p - q)`` | ``2 - 2 TV(p, q)`` |
| wasserstein | ``E D(y) - E D(x)`` | a potential of slope ≤ 1 | ``-W₁(p, q)`` |
| relativistic | ``E ς(D(y) - D(x))`` | ``log p/q`` + any constant | ``log 2 - JS(p ⊗ q, q ⊗ p)`` |

| name | generator's loss | its value at D* |
|---|---|---|
| minimax | minus the critic's | ``2 JS(p, q) - 2 log 2`` |
| non_saturating | ``E ς(-D(y))`` | ``log 2 + KL(q, p) - KL(q, m)`` |
| least_squares | ``½ E (D(y) - 1)²`` | ``½ Σ q³ / (p + q)²`` |
| hinge | ``-E D(y)`` | ``Σ q sign(q - p)`` |
| wasserstein | ``E D(x) - E D(y)``, minus the critic's | ``W₁(p, q)`` |
| relativistic | ``E ς(D(x) - D(y))`` | ``log 2 + KL(p, q) + KL(q, p) - JS(p ⊗ q, q ⊗ p)`` |

"The losses of the two networks are inverses of each other" (notes §4) is true of minimax and wasserstein,
whose sum is 0; the others give the generator a slope where the critic is sure of itself.  The slope of
wasserstein's critic must be held to 1, by the penalty of `penalties`.

Sources: Goodfellow et al. 2014 (minimax, non-saturating); Mao et al. 2017 (least squares, with their targets
0, 1, 1); Lim & Ye 2017 (hinge); Arjovsky et al. 2017 (Wasserstein); Jolicoeur-Martineau 2018 and Huang
et al. 2024, "The GAN is dead; long live the GAN!" (relativistic pairing).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
from jaxtyping import Array, Float

from ansatz._spelling import choose
from ansatz.core import BadInput

Logits = Float[Array, "..."]


class Loss(NamedTuple):
    """What the two players lower, each a function of the logits `real: [N]` and `fake: [M]`."""

    critic: Callable[[Logits, Logits], Float[Array, ""]]
    generator: Callable[[Logits, Logits], Float[Array, ""]]


def _cross_entropy(real: Logits, fake: Logits) -> Float[Array, ""]:
    return jax.nn.softplus(-real).mean() + jax.nn.softplus(fake).mean()


def _zero_sum(critic: Callable[[Logits, Logits], Float[Array, ""]]) -> Loss:
    return Loss(critic, lambda real, fake: -critic(real, fake))


def _pairs(real: Logits, fake: Logits) -> Logits:
    if real.shape != fake.shape:
        raise BadInput(
            f"The relativistic loss compares each example with a fake, and there are {real.size} examples "
            f"and {fake.size} fakes: draw as many."
        )
    return real - fake


MINIMAX = _zero_sum(_cross_entropy)
"""The zero-sum game of the notes: a binary classifier and who wants it to be wrong."""

NON_SATURATING = Loss(_cross_entropy, lambda real, fake: jax.nn.softplus(-fake).mean())
"""The classifier, and a generator that wants its fakes called data: it learns also while it loses."""

LEAST_SQUARES = Loss(
    lambda real, fake: 0.5 * ((real - 1) ** 2).mean() + 0.5 * (fake**2).mean(),
    lambda real, fake: 0.5 * ((fake - 1) ** 2).mean(),
)
"""A critic that answers 1 on data and 0 on fakes in the sense of squares."""

HINGE = Loss(
    lambda real, fake: jax.nn.relu(1 - real).mean() + jax.nn.relu(1 + fake).mean(),
    lambda real, fake: -fake.mean(),
)
"""A critic that is content with a margin of 1 on either side of 0."""

WASSERSTEIN = _zero_sum(lambda real, fake: fake.mean() - real.mean())
"""The earth mover's dual, whose critic has slope at most 1: zero-sum."""

RELATIVISTIC = Loss(
    lambda real, fake: jax.nn.softplus(-_pairs(real, fake)).mean(),
    lambda real, fake: jax.nn.softplus(_pairs(real, fake)).mean(),
)
"""A critic that tells which of a pair is the example; `real` and `fake` are paired in their order."""

LOSSES: dict[str, Loss] = {
    "minimax": MINIMAX,
    "non_saturating": NON_SATURATING,
    "least_squares": LEAST_SQUARES,
    "hinge": HINGE,
    "wasserstein": WASSERSTEIN,
    "relativistic": RELATIVISTIC,
}


def loss(name: str) -> Loss:
    """Return the loss of this name, or raise `BadInput`.

    >>> import jax.numpy as jnp
    >>> both = jnp.zeros(3)
    >>> round(float(loss("minimax").generator(both, both)), 4)
    -1.3863
    """
    return choose("loss", name, LOSSES)
