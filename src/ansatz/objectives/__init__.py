"""Objectives: `(model, batch, key) -> (loss, metrics)`, what training lowers."""

from ansatz._spelling import choose
from ansatz.core import Objective
from ansatz.objectives.average import objective_of
from ansatz.objectives.classification import binary_cross_entropy, cross_entropy, smoothed_cross_entropy
from ansatz.objectives.custom import load_objective
from ansatz.objectives.members import over_members
from ansatz.objectives.penalty import l1, l2, penalized
from ansatz.objectives.regression import huber, mean_absolute_error, mean_squared_error, pinball

OBJECTIVES: dict[str, Objective] = {
    "mean_absolute_error": mean_absolute_error,
    "mean_squared_error": mean_squared_error,
    "huber": huber(),
    "pinball": pinball(),
    "binary_cross_entropy": binary_cross_entropy,
    "cross_entropy": cross_entropy,
}


def objective(name: str) -> Objective:
    """Return the objective of this name at its default settings, or raise `BadInput`.

    >>> objective("cross_entropy") is cross_entropy
    True
    """
    return choose("objective", name, OBJECTIVES)


__all__ = [
    "OBJECTIVES",
    "binary_cross_entropy",
    "cross_entropy",
    "huber",
    "l1",
    "l2",
    "load_objective",
    "mean_absolute_error",
    "mean_squared_error",
    "objective",
    "objective_of",
    "over_members",
    "penalized",
    "pinball",
    "smoothed_cross_entropy",
]
