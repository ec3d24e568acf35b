"""A transformer of one layer that learns to calculate with residues: the task on which grokking is studied.

    57 + 98 = 42   (mod 113)

It sees a part of the table of an operation, learns it by heart, and much later the rule (Power et al. 2022).
The architecture and the task are those of Nanda et al. 2023, "Progress measures for grokking", where one can
read off how the trained network calculates: see `grokking_fourier`.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import BadInput, Clock, Map, Metrics, Pairs, Parts, Recipe, Source
from ansatz.data.table import Table
from ansatz.maps.attention import SelfAttention
from ansatz.maps.feed_forward import FeedForward
from ansatz.maps.projection import Projection
from ansatz.maps.shapes import positive
from ansatz.training.optimizers import schedule
from ansatz.training.updates import Descend


class Operation(NamedTuple):
    """An operation on residues: its sign, what it gives, and in which group it is ``i + j`` or ``i - j``.

    `group` is "additive" for ℤ/p, or "multiplicative" for the residues from 1 on, which need p prime.
    """

    sign: str
    apply: Callable[[Any, Any, int], Any]
    group: str
    turned: int = 1


OPERATIONS: dict[str, Operation] = {
    "addition": Operation("+", lambda a, b, p: (a + b) % p, "additive"),
    "subtraction": Operation("−", lambda a, b, p: (a - b) % p, "additive", -1),
    "multiplication": Operation("·", lambda a, b, p: (a * b) % p, "multiplicative"),
    "division": Operation("/", lambda a, b, p: (a * powers(b, p - 2, p)) % p, "multiplicative", -1),
}


class Residues(NamedTuple):
    """The table of an operation: `x: [N, 2]`, `y: [N]`, and which rows of it train and which test."""

    x: Any
    y: Any
    train: Any
    test: Any


class Both(NamedTuple):
    """A batch to learn from, and one of the test part on which the accuracy is only measured."""

    train: Pairs
    test: Pairs


class BothTables(Source):
    """Minibatches of two parts of a table at once."""

    train: Table
    test: Table

    def init(self, model: Any, key: PRNGKeyArray) -> Any:
        """Return the starts of both."""
        one, two = jr.split(key)
        return self.train.init(model, one), self.test.init(model, two)

    def next(self, state: Any, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Both, Any]:
        """Return the next batch of both parts."""
        train, one = self.train.next(state[0], model, clock, key)
        test, two = self.test.next(state[1], model, clock, key)
        return Both(train, test), (one, two)


class ModularTransformer(Map):
    """Residues `[2]` to the logits `[p]` of the result: one block without norms, as in Nanda et al. 2023.

    The sequence is a, b, =; the answer is read at the last place, so only its query is asked.  With the rows
    of the embedding e_a, positions p_0, p_1 and z = e_= + p_2 the keys and values are those of
    ``e_a + p_0``, ``e_b + p_1`` and z, ``h = z + W^O Σ_j P_j v_j``, and the logits are
    ``U (h + W₂ relu(W₁ h + b₁) + b₂)``.

    >>> ModularTransformer(7, 8, 2, 16, key=jr.key(0))(jnp.asarray([3, 5])).shape
    (7,)
    """

    embedding: Float[Array, "p size"]
    equals: Float[Array, "1 size"]
    positions: Float[Array, "3 size"]
    attention: SelfAttention
    feed_forward: FeedForward
    unembedding: Projection

    def __init__(
        self, modulus: int = 113, size: int = 128, heads: int = 4, hidden: int = 512, *, key: PRNGKeyArray
    ):
        positive("ModularTransformer", modulus=modulus, size=size, heads=heads, hidden=hidden)
        keys = jr.split(key, 6)
        scale = 1 / math.sqrt(size)
        self.embedding = scale * jr.normal(keys[0], (modulus, size))
        self.equals = scale * jr.normal(keys[1], (1, size))
        self.positions = scale * jr.normal(keys[2], (3, size))
        self.attention = SelfAttention(size, heads, bias=False, key=keys[3])
        self.feed_forward = FeedForward(size, hidden, key=keys[4])
        self.unembedding = Projection(size, modulus, False, key=keys[5])

    def __call__(self, x: Int[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " p"]:
        """Return the logits `[p]` for two residues `x: [2]`."""
        if x.shape != (2,) or not jnp.issubdtype(x.dtype, jnp.integer):
            raise BadInput(f"ModularTransformer takes two residues [2] and got {x.dtype} of {list(x.shape)}.")
        # What does not depend on x is computed once for a whole batch.
        z = self.equals + self.positions[2:]
        rows = jnp.concatenate([self.embedding + self.positions[:1], self.embedding + self.positions[1:2], z])
        q, k, v = self.attention.project(rows)
        r = (k * q[-1:]).sum(-1) / math.sqrt(self.attention.head_size)
        p = self.embedding.shape[0]
        seen = jnp.stack([x[0], x[1] + p, jnp.full_like(x[0], 2 * p)])
        P = jax.nn.softmax(r[seen], axis=0)
        a = (P[:, :, None] * v[seen]).sum(0).reshape(1, -1)
        h = z + self.attention.output(a)  # type: ignore[misc]
        return self.unembedding(h + self.feed_forward(h))[0]

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[ModularTransformer, Array]":
        """Return a small map and two residues."""
        return ModularTransformer(5, 4, 2, 6, key=key), jnp.asarray([3, 4])


class Modular(Recipe):
    """Learn the table of an operation on residues from a part of it.

    - `size`, `heads`, `hidden`: components of a vector, heads of the attention, nodes of the feed-forward
      network.
    - `batch`: rows of the table in a step.
    - `learning_rate`, `warmup`, `weight_decay`: of AdamW; the decay is what makes it grok.
    - `measured`: rows of the test part on which the accuracy is measured at every step.
    """

    size: int = 128
    heads: int = 4
    hidden: int = 512
    batch: int = 512
    learning_rate: float = 3e-3
    warmup: float = 0.01
    weight_decay: float = 1.0
    measured: int = 128

    def __check_init__(self) -> None:
        """Refuse what cannot be trained."""
        for name in ("size", "heads", "hidden", "batch", "measured"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name}={getattr(self, name)} is too small: it is at least 1.")
        if self.size % self.heads:
            raise BadInput(f"{self.size} components cannot be cut into {self.heads} heads of equal size.")
        if not self.learning_rate > 0 or not self.weight_decay >= 0:
            raise BadInput("The learning rate is a number above 0 and the weight decay one of at least 0.")
        schedule("constant", self.warmup)

    def build(self, data: Residues, key: Any) -> Parts:
        """Return the parts for the table of an operation."""
        modulus = int(np.max(data.y)) + 1
        model = ModularTransformer(modulus, self.size, self.heads, self.hidden, key=key)
        table = Pairs(jnp.asarray(data.x, jnp.int32), jnp.asarray(data.y, jnp.int32))
        source = BothTables(Table(table, self.batch, data.train), Table(table, self.measured, data.test))
        rule = optax.adamw(self.learning_rate, b2=0.98, weight_decay=self.weight_decay, mask=_matrices)
        return Parts(model, source, (Descend(residue, rule, schedule=schedule("constant", self.warmup)),))


def residue(model: Any, batch: Both, key: Any = None) -> tuple[Array, Metrics]:
    """``mean -log p(c | a, b)`` over the training rows; the test rows are measured beside it."""
    loss, right = scored(model, batch.train)
    test, known = scored(jax.lax.stop_gradient(model), batch.test)
    return loss, {"accuracy": right, "test_loss": test, "test_accuracy": known}


def scored(model: Any, batch: Pairs) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return the mean cross-entropy in nats and the share of right answers."""
    logits = jax.vmap(model)(batch.x)
    logs = jax.nn.log_softmax(logits)
    loss = -jnp.take_along_axis(logs, batch.y[:, None], axis=1).mean()
    return loss, (logits.argmax(1) == batch.y).astype(logits.dtype).mean()


def scored_part(model: Any, data: Residues, rows: Any) -> tuple[float, float]:
    """Return the mean cross-entropy in nats and the share of right answers over some rows of a table."""
    pairs = Pairs(jnp.asarray(data.x[rows], jnp.int32), jnp.asarray(data.y[rows], jnp.int32))
    loss, right = _scored(model, pairs)
    return float(loss), float(right)


def residues(modulus: int = 113, operation: str = "addition", share: float = 0.3, seed: int = 0) -> Residues:
    """Return the table of an operation modulo `modulus`, of which a random `share` trains.

    Raises:
        BadInput: for a modulus below 5, one that is no prime where the operation needs one, or a share that
            leaves one of the parts empty.

    >>> table = residues(7, "division")
    >>> len(table.y), len(table.train), table.x[8].tolist(), int(table.y[8])
    (42, 12, [1, 3], 5)
    """
    kind = choose("operation on residues", operation, OPERATIONS)
    if not 5 <= modulus <= 1000:
        raise BadInput(f"The modulus is {modulus}; it is a whole number from 5 to 1000.")
    if kind.group == "multiplicative" and not is_prime(modulus):
        raise BadInput(f"The {operation} of residues needs a prime modulus, and {modulus} is none.")
    a, b = (part.ravel() for part in np.meshgrid(np.arange(modulus), np.arange(modulus), indexing="ij"))
    if operation == "division":
        a, b = a[b > 0], b[b > 0]
    count = int(share * len(a))
    if not 0 < share < 1 or not 0 < count < len(a):
        raise BadInput(f"share={share} leaves one part of the table empty: it lies between 0 and 1.")
    order = np.random.default_rng(seed).permutation(len(a))
    x, y = np.stack([a, b], 1).astype(np.int32), kind.apply(a, b, modulus).astype(np.int32)
    train, test = np.sort(order[:count]).astype(np.int32), np.sort(order[count:]).astype(np.int32)
    return Residues(x, y, train, test)


@eqx.filter_jit
def _scored(model: Any, pairs: Pairs) -> tuple[Array, Array]:
    return scored(model, pairs)


def powers(base: Any, exponent: int, modulus: int) -> Any:
    """Return ``base^exponent`` modulo `modulus`, for arrays too.

    >>> powers(np.arange(4), 3, 5).tolist()
    [0, 1, 3, 2]
    """
    result = np.ones_like(base)
    for bit in bin(exponent)[2:]:
        result = result * result % modulus
        result = result * base % modulus if bit == "1" else result
    return result


def is_prime(number: int) -> bool:
    """Return whether a number is prime.

    >>> [n for n in range(12) if is_prime(n)]
    [2, 3, 5, 7, 11]
    """
    return number > 1 and all(number % d for d in range(2, math.isqrt(number) + 1))


def _matrices(theta: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim >= 2, theta)
