"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2024, arXiv 2409.11321)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array


class Basis(NamedTuple):
    """For one matrix G `[m, n]`: the averages of GGᵀ and GᵀG, and their eigenvectors."""

    left: Array
    right: Array
    left_vectors: Array
    right_vectors: Array


class SoapState(NamedTuple):
    """The step, and for every leaf its basis (None for vectors), first moment and rotated second moment."""

    count: Array
    bases: Any
    first: Any
    second: Any


def soap(
    learning_rate: float = 3e-3, b1: float = 0.95, b2: float = 0.95, every: int = 10, eps: float = 1e-8
) -> optax.GradientTransformation:
    """Return SOAP: ``θ ← θ − α Q_L (M' / (√V + ε)) Q_Rᵀ`` with moments in the rotated space.

    `b1`, `b2` are the decays of the moments and of the preconditioner, whose eigenvectors are renewed by
    one power iteration and a QR factorization each `every` steps.  Vectors and scalars get plain Adam.
    """

    def init(params: Any) -> SoapState:
        bases = [_start(leaf) for leaf in jax.tree.leaves(params)]
        zeros = [jnp.zeros_like(leaf) for leaf in jax.tree.leaves(params)]
        return SoapState(jnp.zeros((), jnp.int32), bases, zeros, zeros)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, SoapState]:
        leaves, treedef = jax.tree.flatten(updates)
        count = state.count + 1
        renew = state.count % every == 0
        moves, bases, firsts, seconds = [], [], [], []
        for g, basis, m, v in zip(leaves, state.bases, state.first, state.second, strict=True):
            steps = count.astype(g.dtype)
            if basis is not None:
                basis, v = _turned(basis, v, g, b2, renew, state.count == 0)
            rotated = g if basis is None else basis.left_vectors.T @ g @ basis.right_vectors
            m = b1 * m + (1 - b1) * g
            v = b2 * v + (1 - b2) * rotated**2
            seen = m if basis is None else basis.left_vectors.T @ m @ basis.right_vectors
            move = (seen / (1 - b1**steps)) / (jnp.sqrt(v / (1 - b2**steps)) + eps)
            if basis is not None:
                move = basis.left_vectors @ move @ basis.right_vectors.T
            moves.append(-learning_rate * move)
            bases.append(basis)
            firsts.append(m)
            seconds.append(v)
        return jax.tree.unflatten(treedef, moves), SoapState(count, bases, firsts, seconds)

    return optax.GradientTransformation(init, update)


def _start(leaf: Array) -> Basis | None:
    if leaf.ndim != 2 or min(leaf.shape) < 2:
        return None
    rows, columns = (jnp.eye(n, dtype=leaf.dtype) for n in leaf.shape)
    return Basis(0 * rows, 0 * columns, rows, columns)


def _turned(
    basis: Basis, second: Array, g: Array, decay: float, renew: Array, first: Array
) -> tuple[Basis, Array]:
    """Return the basis after one more gradient, and the second moment in the order of its vectors."""
    left = decay * basis.left + (1 - decay) * g @ g.T
    right = decay * basis.right + (1 - decay) * g.T @ g

    def found() -> tuple[Array, Array, Array]:
        return jnp.linalg.eigh(left)[1][:, ::-1], jnp.linalg.eigh(right)[1][:, ::-1], second

    def iterated() -> tuple[Array, Array, Array]:
        rows, down = _power(left, basis.left_vectors)
        columns, across = _power(right, basis.right_vectors)
        return rows, columns, second[down][:, across]

    def kept() -> tuple[Array, Array, Array]:
        return basis.left_vectors, basis.right_vectors, second

    turned = jax.lax.cond(renew, lambda: jax.lax.cond(first, found, iterated), kept)
    return Basis(left, right, *turned[:2]), turned[2]


def _power(matrix: Array, vectors: Array) -> tuple[Array, Array]:
    """Return the vectors after one power iteration, the largest first, and where each had stood.

    Unless they are in order, the iteration would turn the first ones towards the largest.
    """
    sizes = (vectors * (matrix @ vectors)).sum(0)
    order = jnp.argsort(sizes, descending=True)
    return jnp.linalg.qr(matrix @ vectors[:, order])[0], order
