"""How much of what was drawn lies among the data, and how much of the data is met: by nearest neighbours.

A sample's manifold is the union of balls about its points, each reaching to the k-th nearest other one.
Sources: Kynkäänniemi et al., "Improved precision and recall metric" (2019); Naeem et al., "Reliable fidelity
and diversity metrics" (2020).
"""

from typing import NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors

from ansatz.errors import BadInput
from ansatz.generate.metrics.card import as_features

NEIGHBOURS = 5
AT_ONCE = 1000


class Manifolds(NamedTuple):
    """The four figures, 1 at best.

    `precision`: the share of what was drawn that lies in the manifold of the data; `recall`: the share of
    data in the manifold of what was drawn; `density`: the mean number of balls of data about a drawn point,
    over k (may exceed 1); `coverage`: the share of balls of data with a drawn point in them.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifolds(drawn: np.ndarray, data: np.ndarray, neighbours: int = NEIGHBOURS) -> Manifolds:
    """Return the four figures of features drawn `[N, p]` and of data `[M, p]`.

    >>> line = np.arange(20.0)[:, None]
    >>> manifolds(line + 0.5, line, 1)
    Manifolds(precision=1.0, recall=1.0, density=1.95, coverage=1.0)
    """
    drawn, data = as_features(drawn), as_features(data)
    if not 1 <= neighbours < min(len(drawn), len(data)):
        raise BadInput(
            f"{neighbours} neighbours need more examples than that, and there are {len(drawn)} drawn and "
            f"{len(data)} data."
        )
    of_drawn, of_data = _reach(drawn, neighbours), _reach(data, neighbours)
    inside, met = np.zeros(len(drawn)), np.zeros(len(data), bool)
    recalled = np.zeros(len(data), bool)
    squares = (data**2).sum(1)
    for at in range(0, len(drawn), AT_ONCE):
        part = drawn[at : at + AT_ONCE]
        apart = np.sqrt(np.maximum((part**2).sum(1)[:, None] + squares - 2 * part @ data.T, 0))
        near = apart <= of_data
        inside[at : at + AT_ONCE] = near.sum(1)
        met |= near.any(0)
        recalled |= (apart <= of_drawn[at : at + AT_ONCE, None]).any(0)
    return Manifolds(
        float((inside > 0).mean()),
        float(recalled.mean()),
        float(inside.mean() / neighbours),
        float(met.mean()),
    )


def _reach(x: np.ndarray, neighbours: int) -> np.ndarray:
    """Return the distance of each point from its k-th nearest other one."""
    found, _ = NearestNeighbors(n_neighbors=neighbours + 1).fit(x).kneighbors(x)
    return np.asarray(found[:, -1])
