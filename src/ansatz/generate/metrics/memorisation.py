"""Whether a model has only kept its data: are drawn examples nearer to them than unseen data are?

Source: Meehan, Chaudhuri, Dasgupta, "A non-parametric test to detect data-copying in
generative models" (2020), in its global form.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import mannwhitneyu
from sklearn.neighbors import NearestNeighbors

from ansatz.errors import BadInput
from ansatz.generate.metrics.card import as_features


class Memorisation(NamedTuple):
    """What nearest neighbours tell.

    `nearer`: the probability that a drawn example is nearer to the training data than an unseen one is, 1/2
    where nothing is copied, 1 where all is; `p_value`: of 1/2 against more; `copies`: the share of drawn
    examples that lie ten times nearer than the nearest percent of unseen ones.
    """

    nearer: float
    p_value: float
    copies: float


def memorisation(drawn: Any, train: Any, held: Any) -> Memorisation:
    """Return how near drawn examples `[N, p]` are to training data `[M, p]`, beside held-out ones `[L, p]`.

    >>> random = np.random.default_rng(0)
    >>> train, held, new = random.normal(size=(3, 300, 4))
    >>> memorisation(train[:100] + 1e-3, train, held).nearer > 0.99
    True
    >>> 0.4 < memorisation(new, train, held).nearer < 0.6
    True
    """
    drawn, train, held = (as_features(x) for x in (drawn, train, held))
    if len({x.shape[1] for x in (drawn, train, held)}) != 1:
        raise BadInput("What was drawn, the training data and the held-out data have other features.")
    search = NearestNeighbors(n_neighbors=1).fit(train)
    mine, theirs = (search.kneighbors(x)[0][:, 0] for x in (drawn, held))
    found = mannwhitneyu(mine, theirs, alternative="less")
    nearer = 1 - float(found.statistic) / (len(mine) * len(theirs))
    copies = float((mine < 0.1 * np.quantile(theirs, 0.01)).mean())
    return Memorisation(nearer, float(found.pvalue), copies)
