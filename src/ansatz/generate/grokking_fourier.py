"""How a network that has learned residues calculates: by waves on the group (Nanda et al. 2023).

Where the operation is ``c = i ± j`` of numbers i, j modulo n, the trained network finds cos and sin of
``ω_k i`` and ``ω_k j`` with ``ω_k = 2πk/n`` for a few frequencies k, makes those of ``ω_k (i ± j)`` by the
addition theorems, and its logit of c is a sum of ``cos(ω_k (i ± j - c))``, largest where c is right.
Products of residues are sums of their discrete logarithms, so that the same holds for them with n = p - 1.

Source: Nanda, Chan, Lieberum, Smith, Steinhardt 2023, "Progress measures for grokking via mechanistic
interpretability", sections 4 and 5.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from ansatz._spelling import choose
from ansatz.core import BadInput
from ansatz.generate.modular import OPERATIONS, is_prime
from ansatz.results.canvas import LIGHT, axes, color, drawn, logarithmic

MOST = 300
"""The largest modulus whose whole table of logits is looked at, p³ numbers."""
KEY_SHARE = 0.95
"""The key frequencies are the fewest that hold this share of what the logits are of ``i ± j - c`` alone."""
SMOOTH = 25
"""A point of the curves is the mean over the last 1/25 of the steps before it."""


class Judged(NamedTuple):
    """The mean cross-entropy in nats and the share of right answers over the whole table."""

    loss: float
    accuracy: float


class Waves(NamedTuple):
    """The frequencies by which a network calculates, k = 0 … n // 2.

    - `embedding`: the share of each k in the energy of the embedding, with 0 at k = 0 (the mean);
    - `logits`: the share of the logits' variance that ``cos`` and ``sin`` of ``ω_k (i ± j - c)`` explain;
    - `keys`: the key frequencies, the strongest first;
    - `whole`: the network itself; `restricted`: with the key frequencies of ``i ± j`` alone; `excluded`: with
      all but these.  A network that calculates as described loses nothing by the first restriction and
      everything by the second.
    """

    embedding: np.ndarray
    logits: np.ndarray
    keys: tuple[int, ...]
    whole: Judged
    restricted: Judged
    excluded: Judged

    @property
    def explained(self) -> float:
        """The share of the logits' variance that the key frequencies explain."""
        return float(self.logits[list(self.keys)].sum())


def find_waves(model: Any, operation: str = "addition") -> Waves:
    """Return the frequencies by which a `ModularTransformer` calculates.

    **Arguments**

    - `model`: a map of two residues `[2]` to the logits `[p]`, with an `embedding: [p, size]`.
    - `operation`: a name of `OPERATIONS`.

    Raises `BadInput` for an unknown operation, one that needs a prime modulus where p is none, or p
    above 300.

    >>> from ansatz.generate.modular import ModularTransformer
    >>> waves = find_waves(ModularTransformer(7, 8, 2, 16, key=jax.random.key(0)))
    >>> waves.embedding.shape, round(float(waves.embedding.sum()), 4)
    ((4,), 1.0)
    """
    modulus = model.embedding.shape[0]
    order = group_order(modulus, operation)
    table = logit_table(model)[np.ix_(order, order, order)]
    sign = OPERATIONS[operation].turned
    by_result = along_result(table, sign)
    shares = explained_shares(table, by_result)
    keys = key_frequencies(shares)
    waves = restricted(by_result, keys)
    n = len(order)
    rows = (np.arange(n)[:, None] + sign * np.arange(n)[None, :]) % n
    return Waves(
        spectrum(np.asarray(model.embedding)[order]),
        shares,
        keys,
        judged(table, rows),
        judged(by_result.mean(0) + waves[rows], rows),
        judged(table - waves[rows], rows),
    )


def group_order(modulus: int, operation: str = "addition") -> np.ndarray:
    """Return the residues `[n]` in the order in which the operation is ``i ± j`` of their places modulo n.

    >>> group_order(7, "addition").tolist(), group_order(7, "division").tolist()
    ([0, 1, 2, 3, 4, 5, 6], [1, 3, 2, 6, 4, 5])
    """
    kind = choose("operation on residues", operation, OPERATIONS)
    if modulus > MOST:
        raise BadInput(f"The logits of a modulus of {modulus} are too many to look at; it is at most {MOST}.")
    if kind.group == "additive":
        return np.arange(modulus)
    if not is_prime(modulus):
        raise BadInput(f"The {operation} of residues needs a prime modulus, and {modulus} is none.")
    for root in range(1, modulus):
        found = [1]
        while (after := found[-1] * root % modulus) != 1:
            found.append(after)
        if len(found) == modulus - 1:
            return np.asarray(found)
    raise AssertionError("the residues of a prime modulus have a generator")


def spectrum(rows: Any) -> np.ndarray:
    """Return the share `[n // 2 + 1]` of each frequency in ``Σ_i |e_i - mean|²`` of vectors `[n, size]`.

    >>> angle = 2 * np.pi * 2 * np.arange(7) / 7
    >>> spectrum(np.stack([np.cos(angle), np.sin(angle)], 1)).round(6).tolist()
    [0.0, 0.0, 1.0, 0.0]
    """
    rows = np.asarray(rows, np.float64)
    energy = _energy(np.fft.rfft(rows, axis=0), len(rows)).sum(1)
    energy[0] = 0.0
    return energy / max(energy.sum(), np.finfo(float).tiny)


def logit_table(model: Any) -> np.ndarray:
    """Return the logits `[p, p, p]` of c for all residues a and b, float64."""
    return np.asarray(_logit_table(model), np.float64)


@eqx.filter_jit
def _logit_table(model: Any) -> Float[Array, "p p p"]:
    number = jnp.arange(model.embedding.shape[0], dtype=jnp.int32)
    return jax.lax.map(lambda a: jax.vmap(lambda b: model(jnp.stack([a, b])))(number), number)


def along_result(table: np.ndarray, sign: int = 1) -> np.ndarray:
    """Return the means `[n, n]` of a table `[n, n, n]` over the pairs with ``i ± j = t``, for t and c."""
    n = len(table)
    t = np.arange(n)
    return sum(table[i, sign * (t - i) % n] for i in range(n)) / n  # type: ignore[return-value]


def explained_shares(table: np.ndarray, by_result: np.ndarray) -> np.ndarray:
    """Return the share `[n // 2 + 1]` of each frequency of ``i ± j - c`` in the variance of the logits.

    The variance is that over c, summed over all pairs: a constant added to all logits changes no answer.
    The functions of ``s = i ± j - c`` alone are what averaging over all pairs leaves.
    """
    n = len(table)
    t = np.arange(n)
    f = np.asarray([by_result[t, (t - s) % n].mean() for s in range(n)])
    total = ((table - table.mean(2, keepdims=True)) ** 2).sum()
    energy = _energy(np.fft.rfft(f), n) * n**2
    energy[0] = 0.0
    return energy / max(total, np.finfo(float).tiny)


def key_frequencies(shares: np.ndarray) -> tuple[int, ...]:
    """Return the fewest frequencies that hold 95 % of all shares, the strongest first.

    >>> key_frequencies(np.asarray([0.0, 0.3, 0.01, 0.6]))
    (3, 1)
    """
    order = np.argsort(-shares, kind="stable")
    held = np.cumsum(shares[order])
    count = int(np.searchsorted(held, KEY_SHARE * held[-1])) + 1
    return tuple(int(k) for k in order[: min(count, len(shares) - 1)])


def restricted(by_result: np.ndarray, keys: tuple[int, ...]) -> np.ndarray:
    """Return the parts of the means `[n, n]` whose frequency in t is a key frequency."""
    waves = np.fft.rfft(by_result, axis=0)
    kept = np.zeros_like(waves)
    kept[list(keys)] = waves[list(keys)]
    return np.fft.irfft(kept, n=len(by_result), axis=0)


def judged(table: np.ndarray, right: np.ndarray) -> Judged:
    """Return the loss and accuracy of logits `[n, n, n]` whose right answers are `[n, n]`."""
    largest = table.max(2)
    logs = np.log(np.exp(table - largest[:, :, None]).sum(2)) + largest
    picked = np.take_along_axis(table, right[:, :, None], 2)[:, :, 0]
    return Judged(float((logs - picked).mean()), float((table.argmax(2) == right).mean()))


def _energy(waves: np.ndarray, n: int) -> np.ndarray:
    """Return ``Σ_i`` of the squares of each frequency's part, from `rfft` over n places (Parseval)."""
    twice = np.full(len(waves), 2.0)
    twice[0] = 1.0
    twice[-1] = 1.0 if n % 2 == 0 else 2.0
    return (np.abs(waves) ** 2) * twice.reshape(-1, *[1] * (waves.ndim - 1)) / n


@drawn
def spectrum_picture(waves: Waves) -> Figure:
    """Draw the share of each frequency in the embedding, and below it in the logits; keys stand out."""
    figure, ax = axes(5.6, 3.2)
    k = np.arange(len(waves.embedding))
    keys = np.isin(k, waves.keys)
    for values, sign, at, name in ((waves.embedding, 1, 0, "embedding"), (waves.logits, -1, 1, "logits")):
        ax.bar(k[~keys], sign * values[~keys], color=LIGHT["gray"], width=0.8)
        ax.bar(k[keys], sign * values[keys], color=color(at), width=0.8, label=name)
    ax.axhline(0, color=LIGHT["gray"], linewidth=0.7)
    ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    ax.set_xlabel("frequency k")
    ax.set_ylabel("share")
    ax.legend(loc="upper right")
    return figure


@drawn
def grokking_picture(history: dict[str, Any]) -> Figure:
    """Draw the accuracies on both parts of the table over the steps of a `Modular` run, steps logarithmic.

    Several seeds are drawn as their median and range.
    """
    figure, ax = axes()
    steps = np.asarray(history["step"], float) + 1
    parts = np.unique(np.geomspace(1, len(steps), 500).astype(int)) - 1
    for at, (name, column) in enumerate((("training", "accuracy"), ("test", "test_accuracy"))):
        values = np.asarray(history[column], float).reshape(len(steps), -1)
        means = np.stack([values[a - a // SMOOTH : a + 1].mean(0) for a in parts])
        ax.plot(steps[parts], np.median(means, 1), color=color(at), label=name)
        if means.shape[1] > 1:
            ax.fill_between(
                steps[parts], means.min(1), means.max(1), color=color(at), alpha=0.18, linewidth=0
            )
    logarithmic(ax, "x")
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel("step")
    ax.set_ylabel("share of right answers")
    ax.legend(loc="upper left")
    return figure
