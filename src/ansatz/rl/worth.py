"""How far an average return is to be trusted: interquartile means over seeds with their intervals."""

from typing import Any

import numpy as np
from scipy.stats import trim_mean

from ansatz.core import BadInput
from ansatz.results.numbers import Interval

DRAWS = 2000


def iqm(scores: Any) -> float:
    """Return the interquartile mean: of the middle half of the scores `[N]`, a quarter cut off at each end.

    Source: Agarwal et al. 2021, Deep reinforcement learning at the edge of the statistical precipice.

    >>> iqm([0.0, 1.0, 3.0, 100.0])
    2.0
    """
    return float(trim_mean(np.asarray(scores, float).ravel(), 0.25))


def worth(returns: Any, seed: int = 0) -> Interval:
    """Return what `returns: [seeds, episodes]` show, with a bootstrap interval of 95 %.

    With several seeds it is the interquartile mean of the seeds' mean returns, and whole seeds are drawn
    again: the interval holds for another training.  With one it is the mean over episodes, which are drawn
    again: the interval holds for this model alone.

    >>> worth(np.full((3, 5), 2.0))
    Interval(value=2.0, lower=2.0, upper=2.0, level=0.95)
    """
    returns = np.asarray(returns, float)
    if returns.ndim != 2 or not returns.size:
        raise BadInput(f"Returns are [seeds, episodes], at least one each, not {list(returns.shape)}.")
    seeds = returns.shape[0]
    scores = returns.mean(1) if seeds > 1 else returns[0]
    drawn = np.random.default_rng(seed).integers(len(scores), size=(DRAWS, len(scores)))
    if seeds > 1:
        value, again = iqm(scores), trim_mean(scores[drawn], 0.25, axis=1)
    else:
        value, again = float(scores.mean()), scores[drawn].mean(1)
    lower, upper = np.quantile(again, [0.025, 0.975])
    return Interval(value, float(lower), float(upper))


def curve(validation: dict[str, Any], per_step: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps of the environment `[n]` and the returns `[seeds, n]` of the evaluations.

    >>> [part.size for part in curve({}, 8)]
    [0, 0]
    """
    steps = np.asarray(validation.get("step", ()), float) * per_step
    values = np.asarray(validation.get("return", np.zeros(0)), float)
    return steps, values.reshape(len(steps), -1 if len(steps) else 1).T
