"""The classical language model: interpolated Kneser-Ney and Witten-Bell n-grams, counted by sorting."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ansatz._spelling import choose
from ansatz.errors import BadInput
from ansatz.generate.ngram_counts import (
    CHUNK,
    SMOOTHINGS,
    Level,
    check_tokens,
    count_grams,
    estimate_discounts,
    given_discounts,
    make_level,
)


class NGram:
    """An n-gram model of tokens in [0, V); made by `fit_ngram`.

    ``p(w | h) = (max(c(hw) − D, 0) + D N(h·) p(w | h')) / c(h·)``, where h' is h without its first token,
    N(h·) the number of different tokens after h and, in the last resort, p = 1/V.  Below the highest
    order c(hw) is the number of different tokens *before* hw (Kneser and Ney 1995; in this form Chen and
    Goodman 1999, "An empirical study of smoothing techniques for language modeling").

    Fields: `order` n, `size` V, `smoothing`, `discounts` [n, 3] by order, for counts of 1, 2 and more.
    """

    def __init__(self, levels: Sequence[Level], tokens: np.ndarray, size: int, smoothing: str):
        self.levels, self.tokens, self.size, self.smoothing = tuple(levels), tokens, size, smoothing

    @property
    def order(self) -> int:
        """The length n of the longest grams: n − 1 tokens are seen."""
        return len(self.levels)

    @property
    def discounts(self) -> np.ndarray:
        """What is taken off the counts 1, 2 and more, by order, `[n, 3]`."""
        return np.stack([level.discount[1:] for level in self.levels])

    def nats(self, tokens: Any, *, window: int | None = None) -> float:
        """Return the mean of −log p(token | those before it) over a text `[N]`, in nats.

        With `window` T the text is cut as `TokenBlocks` does, and no context reaches over a cut: the first
        token, which is not predicted there, is left out of the mean.
        """
        return -float(self.log_likelihoods(tokens, window=window)[0 if window is None else 1 :].mean())

    def log_likelihoods(self, tokens: Any, *, window: int | None = None) -> np.ndarray:
        """Return log p(token | those before it) of each token of a text, float64 `[N]`."""
        tokens = check_tokens(tokens, self.size)
        nodes = self._nodes(tokens)
        return np.log(self._along(nodes, self._contexts(nodes, _reach(len(tokens), window)), None))

    def left_out_log_likelihoods(self) -> np.ndarray:
        """Return log p of each token of the training text, the grams that it ends not counted, `[N]`."""
        nodes = self._nodes(self.tokens)
        contexts = self._contexts(nodes, _reach(len(self.tokens), None))
        return np.log(self._along(nodes, contexts, self._gone(nodes)))

    def log_probabilities(
        self, tokens: Any = None, *, window: int | None = None, dtype: Any = np.float32
    ) -> np.ndarray:
        """Return log p(· | the tokens before place i) for each place i of a text, `[N, V]`.

        They serve a network as residual logits, `log p + f_θ`: row i goes `along` token i in the sources of
        windows.

        Args:
            tokens: the text `[N]`; if not given, the training text, at each place with the
                grams that end there taken out of the counts (the discounts stay).
            window: as in `nats`.
            dtype: of the result.
        """
        left_out = tokens is None
        tokens = self.tokens if left_out else check_tokens(tokens, self.size)
        nodes = self._nodes(tokens)
        contexts = self._contexts(nodes, _reach(len(tokens), window))
        gone = self._gone(nodes) if left_out else None
        result = np.empty((len(tokens), self.size), dtype)
        for part in _parts(len(tokens), self.size):
            here = None if gone is None else [(nodes[k + 1][part], gone[k][part]) for k in range(self.order)]
            dense = self._dense([context[part] for context in contexts], here, tokens[part])
            result[part] = np.log(dense, out=dense)
        return result

    def probabilities(self, contexts: Any) -> np.ndarray:
        """Return p(· | context) for contexts `[B, m]` of the same length m ≥ 0, float64 `[B, V]`."""
        contexts = np.asarray(contexts)
        if contexts.ndim != 2:
            raise BadInput(f"The contexts have the shape {contexts.shape}; they should be [B, m].")
        contexts = contexts[:, max(contexts.shape[1] - self.order + 1, 0) :]
        batch, length = contexts.shape
        nodes = self._nodes(check_tokens(contexts.reshape(-1), self.size, True))
        last = np.arange(1, batch + 1) * length - 1
        absent = np.full(batch, -1)
        known = [nodes[k][last] if k <= length else absent for k in range(1, self.order)]
        known = [np.zeros(batch, np.int64), *known]
        parts = [self._dense([node[part] for node in known]) for part in _parts(batch, self.size)]
        return np.concatenate(parts) if parts else np.zeros((0, self.size))

    def sample(self, length: int, *, count: int = 1, seed: int = 0, prefix: Sequence[int] = ()) -> np.ndarray:
        """Return `count` texts drawn from the model, each going on from `prefix`, int32 `[count, length]`."""
        generator = np.random.default_rng(seed)
        text = np.empty((count, len(prefix) + length), np.int32)
        text[:, : len(prefix)] = np.asarray(prefix, np.int32)
        for place in range(len(prefix), text.shape[1]):
            ahead = np.cumsum(self.probabilities(text[:, max(place - self.order + 1, 0) : place]), axis=1)
            drawn = generator.random((count, 1)) * ahead[:, -1:]
            text[:, place] = np.minimum((ahead <= drawn).sum(axis=1), self.size - 1)
        return text[:, len(prefix) :]

    def _nodes(self, tokens: np.ndarray) -> list[np.ndarray]:
        """Return for each length 0 to n the node of the gram that ends at each place, −1 if unseen."""
        nodes = [np.zeros(len(tokens), np.int64)]
        for level in self.levels:
            before = np.concatenate([[0 if len(nodes) == 1 else -1], nodes[-1][:-1]])[: len(tokens)]
            key = before * self.size + tokens
            place = np.minimum(np.searchsorted(level.keys, key), len(level.keys) - 1)
            nodes.append(np.where((before >= 0) & (level.keys[place] == key), place, -1))
        return nodes

    def _contexts(self, nodes: list[np.ndarray], reach: np.ndarray) -> list[np.ndarray]:
        """Return for each length 0 to n − 1 the node of the tokens before each place, −1 out of reach."""
        before = [np.concatenate([[-1], node[:-1]]) for node in nodes[1:-1]]
        return [nodes[0], *(np.where(k <= reach, node, -1) for k, node in enumerate(before, 1))]

    def _gone(self, nodes: list[np.ndarray]) -> list[np.ndarray]:
        """Return by order whether the count of a gram falls by one when the token at its end is left out.

        The longest gram loses an occurrence; a shorter one loses a token before it where the gram that
        is longer by one was seen only here.
        """
        seen = [node >= 0 for node in nodes[1:]]
        if SMOOTHINGS[self.smoothing]:
            return seen
        once = [
            here & (level.raw[node] == 1)
            for here, level, node in zip(seen[1:], self.levels[1:], nodes[2:], strict=True)
        ]
        return [*once, seen[-1]]

    def _divisors(self, level: Level, context: np.ndarray, left: Any) -> tuple[np.ndarray, ...]:
        """Return `(norm, spare, known, lost)` for contexts: where they are known, and what a gram lost."""
        norm, spare = level.norm[context], level.spare[context]
        known = (context >= 0) & (norm > 0)
        lost = np.zeros(1)
        if left is not None:
            gram, gone = left
            count = level.count[gram] * gone
            fewer = count - gone
            steps = level.discount[np.minimum(count, 3)] - level.discount[np.minimum(fewer, 3)]
            lost = gone - steps
            ended = gone & (fewer == 0)
            new = SMOOTHINGS[self.smoothing]
            norm = norm - gone - (ended if new else 0)
            spare = spare - (ended if new else steps)
            known &= norm > 0
        return np.where(known, norm, 1), np.where(known, spare, 1), known, lost

    def _along(self, nodes: list[np.ndarray], contexts: list[np.ndarray], gone: Any) -> np.ndarray:
        """Return the probability of each token of a text, `[N]`."""
        p = np.full(len(nodes[0]), 1 / self.size)
        for k, (level, context) in enumerate(zip(self.levels, contexts, strict=True)):
            gram = np.where(context >= 0, nodes[k + 1], -1)
            left = None if gone is None else (gram, gone[k])
            norm, spare, known, lost = self._divisors(level, context, left)
            kept = np.where(known & (gram >= 0), level.kept[gram] - lost, 0)
            p = (kept + spare * p) / norm
        return p

    def _dense(
        self, contexts: Sequence[np.ndarray], left: Any = None, tokens: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the probabilities of all tokens after contexts given by their nodes, `[B, V]`."""
        p = np.full((len(contexts[0]), self.size), 1 / self.size)
        every = np.arange(len(p))
        for k, (level, context) in enumerate(zip(self.levels, contexts, strict=True)):
            norm, spare, known, lost = self._divisors(level, context, None if left is None else left[k])
            p *= (spare / norm)[:, None]
            if level.table is not None:
                p += level.table[context] * np.where(known, 1 / norm, 0)[:, None]
            else:
                rows, grams = _ranges(level.start, np.where(known, context, -1))
                p[rows, level.keys[grams] % self.size] += level.kept[grams] / norm[rows]
            if tokens is not None and left is not None:
                p[every, tokens] -= np.where(known, lost / norm, 0)
        return p


def fit_ngram(
    tokens: Any,
    *,
    order: int = 6,
    size: int | None = None,
    smoothing: str = "modified-kneser-ney",
    discount: float | Sequence[float] | None = None,
) -> NGram:
    """Return the n-gram model of a text.

    Args:
        tokens: the text, whole numbers `[N]`, at least n of them.
        order: n, 1 or more.
        size: V; one more than the largest token if not given.
        smoothing: "modified-kneser-ney", with discounts of their own for counts of 1, 2 and more;
            "kneser-ney", with one D; or "witten-bell", ``p = (c(hw) + N(h·) p(w | h')) / (c(h·) + N(h·))``,
            with none.
        discount: D in (0, 1], one or one an order; if not given it is estimated in each order from how many
            grams were seen once and twice, n₁ / (n₁ + 2 n₂), or by Chen and Goodman's formulas.

    Raises:
        BadInput: if the text is too short, a token is not in [0, V), or an option is out of its range.

    >>> model = fit_ngram([0, 1, 0, 1, 0, 2, 0, 1], order=2, discount=0.5)
    >>> model.probabilities([[0]]).round(4).tolist()
    [[0.125, 0.6875, 0.1875]]
    """
    choose("smoothing", smoothing, SMOOTHINGS)
    array = np.asarray(tokens)
    found = int(array.max()) + 1 if array.size and array.dtype.kind in "iu" else 1
    size = found if size is None else size
    array = check_tokens(array, size).astype(np.int64)
    if order < 1 or len(array) < order:
        raise BadInput(f"Grams of {order} tokens cannot be counted in a text of {len(array)}.")
    fixed = given_discounts(discount, order, smoothing)
    counted = list(count_grams(array, order, size))
    own = SMOOTHINGS[smoothing]
    levels = []
    for k, (keys, raw, shorter) in enumerate(counted):
        longest = own or k == order - 1
        count = raw if longest else np.bincount(counted[k + 1][2], minlength=len(keys))
        contexts = len(counted[k - 1][0]) if k else 1
        amounts = fixed[k] if fixed is not None else estimate_discounts(count, smoothing)
        levels.append(make_level(keys, raw, shorter, count, contexts, amounts, size, own))
    return NGram(levels, array, size, smoothing)


def _parts(length: int, size: int) -> Iterator[slice]:
    step = max(CHUNK // size, 1)
    return (slice(start, start + step) for start in range(0, length, step))


def _reach(length: int, window: int | None) -> np.ndarray:
    """Return how many tokens before each place may be seen, `[N]`."""
    place = np.arange(length)
    if window is None:
        return place
    if window < 1:
        raise BadInput(f"A window of {window} tokens is none; it needs at least 1.")
    return np.where(place > 0, (place - 1) % window + 1, 0)


def _ranges(start: np.ndarray, context: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `(rows, grams)`: the grams of every context that is not −1, and the row it stands in."""
    low = start[context]
    many = np.where(context >= 0, start[np.maximum(context, 0) + 1] - start[np.maximum(context, 0)], 0)
    rows = np.repeat(np.arange(len(context)), many)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
    return rows, np.repeat(low, many) + within
