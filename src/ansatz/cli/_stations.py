"""The stations of the tour: each a question on real data, answered by a report."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from ansatz.cli import _generate_stations as generated
from ansatz.cli._play_station import actions as learn_actions
from ansatz.cli._solve_station import equations as solve_equations
from ansatz.cli._unknot_station import untied
from ansatz.data import load_table
from ansatz.results import pictures
from ansatz.results.numbers import number
from ansatz.results.report import Picture
from ansatz.supervised import report_figures as figures
from ansatz.supervised.baselines import BaselineResult, verdict
from ansatz.supervised.bethe_weizsaecker import BetheWeizsaecker
from ansatz.supervised.images import fit_images
from ansatz.supervised.metrics import METRICS, bootstrap
from ansatz.supervised.ready import make_ready, train
from ansatz.supervised.report import report
from ansatz.supervised.report_words import percent
from ansatz.supervised.result import TableFit
from ansatz.supervised.settings import sort_out
from ansatz.supervised.table import judge


class Stop(NamedTuple):
    """What a station shows: its report, the answer in one line, and a picture of it."""

    page: str
    answer: str
    picture: Picture


class Station(NamedTuple):
    """A stop of the tour: its folder's name, its title, and what it does."""

    name: str
    title: str
    visit: Callable[[], Stop]


def nuclides() -> Stop:
    """Fit nuclear binding energies and set the formula of Bethe and Weizsäcker beside the network."""
    settings, recipe = sort_out({"attribution": False})
    ready = make_ready(load_table("nuclides"), "binding_energy_per_nucleon", settings, recipe)
    ready = ready._replace(source=ready.source | {"catalogue": "nuclides"})
    fitted = beside_formula(judge(ready, train(ready)), ready)
    found = fitted.evaluation
    formula = next(one for one in found.baselines if one.name == "Bethe-Weizsäcker")
    own, other = (number(1000 * one.value, 3) for one in (found.interval, formula.interval))
    answer = f"RMSE {own} keV per nucleon; the semi-empirical mass formula: {other} keV."
    return Stop(report(fitted), answer, figures.predictions(fitted)[0])


def digits() -> Stop:
    """Read handwritten digits with a convolutional network."""
    fitted = fit_images("digits", epochs=40)
    found = fitted.evaluation
    answer = f"{percent(found.scores['accuracy'])} of the handwritten digits are read right."
    captions = [fitted.predictor.classes[at] for at in found.examples.predicted]
    wrong = (found.examples.y != found.examples.predicted).tolist()
    shown = pictures.example_images(found.examples.x, captions, wrong=wrong)
    return Stop(report(fitted), answer, Picture(shown, "Digits and how they were read."))


def equations() -> Stop:
    """Solve the oscillator of the notes and Burgers' equation."""
    page, answer, picture = solve_equations()
    return Stop(page, answer, picture)


def text() -> Stop:
    """Write on in the manual of Python, beside n-grams and compressors."""
    return Stop(*generated.text())


def images() -> Stop:
    """Draw more digits, and walk through their codes."""
    return Stop(*generated.images())


def actions() -> Stop:
    """Learn to keep a pole upright on a cart."""
    return Stop(*learn_actions())


def knot() -> Stop:
    """Untie a diagram of the unknot that cannot be made smaller at once."""
    return Stop(*untied())


def beside_formula(fitted: TableFit, ready: Any) -> TableFit:
    """Return the fit with the mass formula, fitted to the same rows, among its baselines."""
    begun = time.perf_counter()
    frame, plan, found = ready.prepared.frame, ready.plan, fitted.evaluation
    known, asked = frame[plan.development], frame[plan.test]
    energy = known["binding_energy_per_nucleon"].to_numpy()
    formula = BetheWeizsaecker.fit(known["Z"].to_numpy(), known["N"].to_numpy(), energy)
    predicted = formula.energy(asked["Z"].to_numpy(), asked["N"].to_numpy())
    seed, seconds = fitted.settings.seed, time.perf_counter() - begun
    interval = bootstrap(METRICS[found.metric], found.y, predicted, seed=seed)
    own = BaselineResult("Bethe-Weizsäcker", predicted, found.metric, interval, seconds)
    results = [*found.baselines, own]
    judged = verdict(found.y, found.prediction, results, seed=seed)
    return replace(fitted, evaluation=found._replace(baselines=results, verdict=judged))


STATIONS = (
    Station("nuclides", "Nuclear binding energies", nuclides),
    Station("digits", "Handwritten digits", digits),
    Station("solve", "Differential equations", equations),
    Station("text", "A manual, written on", text),
    Station("images", "Digits that nobody wrote", images),
    Station("play", "A pole kept upright", actions),
    Station("unknot", "A knot diagram untied", knot),
)
