"""Maps of the rows of a table: numbers and categories in, a prediction out."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.affine import Affine
from ansatz.maps.encoding import Embedding, Periodic, PiecewiseLinear
from ansatz.maps.ensemble import BatchEnsemble
from ansatz.maps.mlp import MLP
from ansatz.maps.shapes import expect, positive


class Row(NamedTuple):
    """One row of a table: `numeric: Float[columns]`, and `codes: Int[categories]` from 0 on."""

    numeric: Any
    codes: Any


class TableEncoder(Map):
    """The features of a row: its numbers, their encodings, and the vectors of its categories.

    ``[x, piecewise linear(x), periodic(x), embedding(codes)]``, each part where it is asked for:

    * `columns` numbers x, which may be 0 where there are categories;
    * `levels`: the number of categories of each categorical column;
    * `edges`: the edges of the bins of each number (see `PiecewiseLinear`), or None;
    * `frequencies`: how many frequencies a number gets (see `Periodic`), 0 for none;
    * `size`: the length of a category's vector and of a number's periodic encoding.

    The input is a `Row` (or any pair of numbers and codes), or plainly `[columns]` where there are no
    categories.  A row of another shape raises `BadInput`.

    >>> encoder = TableEncoder(2, (3,), size=4, key=jax.random.key(0))
    >>> encoder(Row(jnp.zeros(2), jnp.asarray([1]))).shape, encoder.out_size
    ((6,), 6)
    """

    numeric: int = eqx.field(static=True)
    piecewise: PiecewiseLinear | None
    periodic: Periodic | None
    embedding: Embedding | None

    def __init__(
        self,
        columns: int,
        levels: Sequence[int] = (),
        edges: Sequence[Sequence[float] | np.ndarray] | None = None,
        frequencies: int = 0,
        size: int = 8,
        *,
        key: PRNGKeyArray,
    ):
        if columns < 0 or (columns == 0 and not levels):
            raise BadInput(
                f"A table needs at least one column, but {columns} numbers and no categories are given."
            )
        if edges is not None and len(edges) != columns:
            raise BadInput(
                f"There must be bin edges for each of the {columns} numbers, not {len(edges)} of them."
            )
        periodic_key, embedding_key = jax.random.split(key)
        self.numeric = columns
        self.piecewise = self.periodic = None
        if edges is not None and any(len(e) > 1 for e in edges):
            self.piecewise = PiecewiseLinear(edges)
        if frequencies and columns:
            self.periodic = Periodic(columns, frequencies, size, key=periodic_key)
        self.embedding = Embedding(levels, size, key=embedding_key) if levels else None

    @property
    def out_size(self) -> int:
        """The number of features."""
        parts = (self.piecewise, self.periodic, self.embedding)
        return self.numeric + sum(part.out_size for part in parts if part is not None)

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " features"]:
        """Return the features `[out_size]` of a row."""
        numeric, codes = x if isinstance(x, tuple) else (x, None)
        expect(numeric, (self.numeric,), "TableEncoder")
        features = [numeric] + [part(numeric) for part in (self.piecewise, self.periodic) if part is not None]
        if self.embedding is not None:
            if codes is None:
                raise BadInput(
                    f"TableEncoder takes a pair of numbers [{self.numeric}] and codes "
                    f"[{len(self.embedding.levels)}], and got the numbers alone."
                )
            features.append(self.embedding(codes))
        elif codes is not None and codes.size:
            raise BadInput(f"TableEncoder has no categories and got codes of shape {list(codes.shape)}.")
        return jnp.concatenate(features) if len(features) > 1 else numeric

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[TableEncoder, Row]":
        """Return a small map and a row for it."""
        edges = [[-1.0, 0.0, 1.5], [-0.5, 0.5]]
        encoder = TableEncoder(2, (3, 4), edges, frequencies=3, size=5, key=key)
        return encoder, Row(jax.random.normal(key, (2,)), jnp.asarray([2, 0]))


class Tabular(Map):
    """``f(row) = trunk(encoder(row)) + wide(encoder(row))``: a network on the features of a row.

    The trunk is an `MLP`, or a `BatchEnsemble` where `members` > 0, and then the output is
    `[members, out]`.  With `wide` an affine map leads from the features straight to the output ("wide and
    deep", Cheng et al. 2016), so that the network has only to learn what is not linear.

    >>> encoder = TableEncoder(3, key=jax.random.key(0))
    >>> Tabular(encoder, 2, members=4, key=jax.random.key(1))(jnp.zeros(3)).shape
    (4, 2)
    """

    encoder: TableEncoder
    trunk: MLP | BatchEnsemble
    wide: Affine | None

    def __init__(
        self,
        encoder: TableEncoder,
        out_size: int,
        width: int = 128,
        depth: int = 2,
        activation: str = "relu",
        dropout: float = 0.0,
        wide: bool = True,
        members: int = 0,
        *,
        key: PRNGKeyArray,
    ):
        positive("Tabular", out_size=out_size, width=width)
        trunk_key, wide_key = jax.random.split(key)
        size = encoder.out_size
        if members:
            self.trunk = BatchEnsemble(
                size, out_size, members, width, depth, activation, dropout, key=trunk_key
            )
        else:
            self.trunk = MLP(size, out_size, width, depth, activation, dropout=dropout, key=trunk_key)
        self.wide = Affine(size, out_size, key=wide_key) if wide else None
        self.encoder = encoder

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, "*out"]:
        """Return `[out]`, or `[members, out]`, for a row."""
        features = self.encoder(x)
        deep = self.trunk(features, key=key)
        if self.wide is None:
            return deep
        linear = self.wide(features)
        return deep + (linear if deep.ndim == 1 else linear[None, :])

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Tabular, Row]":
        """Return a small map and a row for it."""
        encoder, row = TableEncoder.example(key)
        return Tabular(encoder, 2, width=6, activation="tanh", dropout=0.2, members=3, key=key), row
