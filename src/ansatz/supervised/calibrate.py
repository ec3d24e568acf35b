"""From trained members to a predictor whose intervals and probabilities can be trusted."""

from dataclasses import replace
from typing import Any

import numpy as np

from ansatz.data import Features
from ansatz.supervised.calibration import temperature
from ansatz.supervised.conformal import CrossPlus, PredictionSets, Split
from ansatz.supervised.plan import Plan
from ansatz.supervised.predictor import Predictor, logits_of, probabilities, quantile_ends

SPREAD = 0.15
"""What is known of ln T before the held-out rows are seen: training leaves it near 0."""


def calibrate(
    predictor: Predictor, plan: Plan, x: Features, y: np.ndarray, level: float, *, proven: bool = False
) -> Predictor:
    """Return the predictor with intervals or calibrated probabilities and sets.

    With calibration rows these are split-conformal.  Without (small tables) every member speaks for
    the rows on which it did not train.  The intervals are then cross-conformal (Vovk 2015): the margin is
    the quantile of the members' scores, put around the ensemble, whose errors are smaller than theirs.
    That errs on the safe side in practice and has no proof; `proven` gives CV+ instead, wider and with
    a coverage of at least 1 - 2 (1 - level) for any map.  Classes are calibrated on the members'
    probabilities.
    """
    answers, rows, fold = held_out_answers(predictor, plan, x)
    if predictor.task == "regression":
        low, high = quantile_ends(answers)
        if proven and fold is not None and len(plan.held) > 1:
            return replace(predictor, intervals=CrossPlus.calibrate(fold, y[rows], low, high, level=level))
        return replace(predictor, intervals=Split.calibrate(y[rows], low, high, level=level))
    heat = temperature(logits_of(answers, predictor.task), y[rows], spread=SPREAD)
    chances = probabilities(answers, predictor.task, heat)
    return replace(predictor, temperature=heat, sets=PredictionSets.calibrate(y[rows], chances, level=level))


def held_out_answers(
    predictor: Predictor, plan: Plan, x: Features
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return answers `[n, outputs]` to rows that did not train them, the rows, and the member that answered.

    For calibration rows all members answer together: the mean of numbers, the logarithm of the mean
    probability for classes; the member is then None.
    """
    shared = all(np.array_equal(held, plan.held[0]) for held in plan.held)
    if len(plan.calibration) or (shared and len(plan.held) > 1):
        rows = plan.calibration if len(plan.calibration) else plan.held[0]
        return _together(predictor, predictor.answers(_take(x, rows))), rows, None
    parts = [predictor.answers(_take(x, held))[i] for i, held in enumerate(plan.held)]
    fold = np.concatenate([np.full(len(held), i) for i, held in enumerate(plan.held)])
    return np.concatenate(parts), np.concatenate(plan.held), fold


def _together(predictor: Predictor, answers: np.ndarray) -> np.ndarray:
    if predictor.task == "regression":
        return answers.mean(0)
    mean = np.clip(probabilities(answers, predictor.task).mean(0), 1e-12, 1)
    if predictor.task == "binary":
        return (np.log(mean[:, 1]) - np.log(mean[:, 0]))[:, None]
    return np.log(mean)


def _take(x: Features, rows: Any) -> Features:
    return Features(x.numeric[rows], x.codes[rows])
