"""Random sequences whose entropy rate is known exactly: what a model of sequences should reach."""

import bisect
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ansatz.errors import BadInput

MOST = 1_000_000
"""Transitions that a random chain may have."""


class Machine:
    """States that emit tokens, where state and token decide the next state (a unifilar hidden chain).

    In state s the token v has the probability `emit[s, v]` and leads to the state `move[s, v]`.  A Markov
    chain of any order is one, its states the last tokens; so are processes that no Markov chain of
    finite order is.  Because the state follows from the tokens, the entropy rate is exactly
    ``h = −Σ_s π_s Σ_v p(v|s) log p(v|s)`` with the stationary π (Shannon 1948; Crutchfield and Young 1989).

    Args:
        emit: probabilities `[S, V]`, each row with sum 1.
        move: the next states `[S, V]`, in [0, S).

    Raises:
        BadInput: if the rows are no probabilities, or more than one set of states, once reached, is
            never left: then the entropy rate depends on chance.

    >>> coin = Machine([[0.5, 0.5]], [[0, 0]])
    >>> round(coin.entropy_rate(), 4)
    0.6931
    """

    def __init__(self, emit: Any, move: Any):
        self.emit, self.move = np.asarray(emit, float), np.asarray(move)
        if self.emit.ndim != 2 or self.emit.shape != self.move.shape:
            raise BadInput(
                f"emit has the shape {self.emit.shape} and move {self.move.shape}; both should be [S, V]."
            )
        if not ((self.emit >= 0).all() and np.allclose(self.emit.sum(axis=1), 1, atol=1e-9)):
            raise BadInput("A row of emit is no distribution; each should be positive with the sum 1.")
        if self.move.dtype.kind not in "iu" or self.move.min() < 0 or self.move.max() >= len(self.emit):
            raise BadInput(f"move names states out of range; there are the states 0 to {len(self.emit) - 1}.")
        self.emit = self.emit / self.emit.sum(axis=1, keepdims=True)

    @property
    def states(self) -> int:
        """The number of states S."""
        return self.emit.shape[0]

    @property
    def size(self) -> int:
        """The number of tokens V."""
        return self.emit.shape[1]

    def transitions(self) -> sparse.csr_array:
        """Return the probabilities from state to state, sparse `[S, S]`."""
        source = np.repeat(np.arange(self.states), self.size)
        entries = (self.emit.reshape(-1), (source, self.move.reshape(-1)))
        matrix = sparse.csr_array(entries, shape=(self.states, self.states))
        matrix.eliminate_zeros()
        return matrix

    def stationary(self) -> np.ndarray:
        """Return the distribution π of states with πT = π, `[S]`."""
        matrix = self.transitions()
        count, label = connected_components(matrix, connection="strong")
        source, target = matrix.nonzero()
        leaves = set(label[source[label[source] != label[target]]].tolist())
        if count - len(leaves) != 1:
            ends = count - len(leaves)
            raise BadInput(f"The states have {ends} sets that are never left; there should be one.")
        closed = np.flatnonzero(label == next(iter(set(range(count)) - leaves)))
        weights = _balance(matrix[closed][:, closed].T.tocsc(), len(closed))
        result = np.zeros(self.states)
        result[closed] = weights
        return result

    def entropy_rate(self) -> float:
        """Return the exact entropy of the next token given all before it, in nats."""
        logs = np.log(np.where(self.emit > 0, self.emit, 1))
        return -float(self.stationary() @ (self.emit * logs).sum(axis=1))

    def log_likelihoods(self, tokens: Any, state: int | None = None) -> np.ndarray:
        """Return log p(token | those before it) of a text `[N]` from a state, or from π."""
        weights = self.stationary() if state is None else np.eye(self.states)[state]
        text, place = np.asarray(tokens).tolist(), 0
        chances = []
        while place < len(text) and np.count_nonzero(weights) != 1:
            joint = weights * self.emit[:, text[place]]
            chances.append(joint.sum())
            weights = np.bincount(self.move[:, text[place]], joint, self.states)
            weights, place = weights / (weights.sum() or 1.0), place + 1
        # From where the text has told the state, there is nothing left to sum over.
        here, emit, move = int(np.argmax(weights)), self.emit.tolist(), self.move.tolist()
        for token in text[place:]:
            chances.append(emit[here][token])
            here = move[here][token]
        with np.errstate(divide="ignore"):
            return np.log(chances)

    def sample(self, length: int, *, count: int = 1, seed: int = 0) -> np.ndarray:
        """Return `count` texts from states that are drawn from π, int32 `[count, length]`."""
        generator = np.random.default_rng(seed)
        ahead = np.cumsum(self.emit, axis=1)
        ahead[ahead >= ahead[:, -1:]] = 2.0
        state = generator.choice(self.states, count, p=self.stationary())
        texts = np.empty((count, length), np.int32)
        if count < 16:
            # Few long texts: one token after the other is faster in plain numbers than in short arrays.
            rows, moves = ahead.tolist(), self.move.tolist()
            for text, here in zip(texts, state.tolist(), strict=True):
                drawn = []
                for uniform in generator.random(length).tolist():
                    drawn.append(bisect.bisect_right(rows[here], uniform))
                    here = moves[here][drawn[-1]]
                text[:] = drawn
            return texts
        for place in range(length):
            texts[:, place] = (ahead[state] <= generator.random((count, 1))).sum(axis=1)
            state = self.move[state, texts[:, place]]
        return texts


def _balance(matrix: sparse.csc_array, count: int) -> np.ndarray:
    """Return the one distribution that a matrix keeps; its columns are distributions."""
    weights = np.full(count, 1 / count)
    # Large chains mix fast as a rule, and factors of their matrices are full.
    for _ in range(2000 if count > 1000 else 0):
        before, weights = weights, (weights + matrix @ weights) / 2
        if np.abs(weights - before).sum() < 1e-15:
            return weights / weights.sum()
    if count > 1:
        # With one state's weight set to 1 the others solve a regular system.
        rest = sparse.eye_array(count - 1, format="csc") - matrix[1:, 1:]
        weights = np.r_[1.0, sparse.linalg.spsolve(rest, matrix[1:, [0]].toarray()[:, 0])]
    return weights / weights.sum()


def markov_chain(transition: Any) -> Machine:
    """Return the Markov chain of order k with `transition: [V, …, V]`, k + 1 axes, the last the next token.

    >>> chain = markov_chain([[0.9, 0.1], [0.5, 0.5]])
    >>> chain.stationary().round(4).tolist()
    [0.8333, 0.1667]
    """
    table = np.asarray(transition, float)
    if table.ndim < 1 or len(set(table.shape)) != 1:
        raise BadInput(f"The transitions have the shape {table.shape}; it should be [V, …, V].")
    size = table.shape[-1]
    states = size ** (table.ndim - 1)
    move = (np.arange(states)[:, None] * size + np.arange(size)[None, :]) % states
    return Machine(table.reshape(states, size), move)


def random_chain(size: int, *, order: int = 1, concentration: float = 0.5, seed: int = 0) -> Machine:
    """Return a Markov chain of `size` tokens whose rows are drawn from a symmetric Dirichlet distribution.

    Args:
        size: the number of tokens V.
        order: how many tokens the next one depends on, 0 or more.
        concentration: of the Dirichlet distribution: small makes next tokens nearly certain.
        seed: chooses the chain.
    """
    if size < 1 or order < 0 or concentration <= 0 or size ** (order + 1) > MOST:
        raise BadInput(
            f"A chain of order {order}, {size} tokens and concentration {concentration} cannot be drawn: "
            f"size and concentration should be positive, order 0 or more, size^(order + 1) at most {MOST:,}."
        )
    draw = np.random.default_rng(seed).gamma(concentration, size=(size,) * (order + 1)) + 1e-12
    return markov_chain(draw / draw.sum(axis=-1, keepdims=True))


def even_process(stop: float = 0.5) -> Machine:
    """Return the process of 0 and 1 in which 1s stand in blocks of even length (Weiss 1973).

    No Markov chain of finite order is it: whether a 1 must follow depends on where its block began.  With
    p = `stop` a block ends; ``h = H(p) / (2 − p)``.

    >>> round(even_process().entropy_rate(), 4)
    0.4621
    """
    return Machine([[stop, 1 - stop], [0.0, 1.0]], [[0, 1], [0, 0]])
