"""Networks for many values of constants: one program trains all of them, the constants are its data."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ansatz.equations.neural import built_in
from ansatz.equations.problem import Problem
from ansatz.equations.solution import Solution
from ansatz.equations.solve_network import BEFORE, Training, answer_of, check_trainable, training_of
from ansatz.equations.sweep_statement import General, Stated
from ansatz.equations.sweep_values import MISSED, Case
from ansatz.equations.together import Lane, train


class Group(NamedTuple):
    """Problems whose networks are one program: their places in the sweep, and the values of the constants.

    `problem` states them all; where it is only their first, they have no constants.
    """

    problem: Problem
    places: list[int]
    values: list[Mapping[str, float]]


def solve_networks(
    stated: Stated,
    cases: Sequence[Case],
    problems: Mapping[int, Problem],
    *,
    network: Mapping[str, Any],
    seed: int,
    deadline: float | None,
    progress: Callable[[float], None],
    **options: Any,
) -> tuple[dict[int, Solution | str], list[str]]:
    """Return for each place of `problems` a solution, or the sentence why there is none, and remarks.

    Args:
        stated: the statement of the sweep.
        cases: its values in order.
        problems: those of the cases that could be stated.
        network: what `solve` takes as `network`.
        seed, deadline, progress: as in `solve_network`.
        options: `method`, `soft` and `accuracy` of `solve`.
    """
    training = training_of(options["method"], options["soft"], options["accuracy"], network)
    for problem in problems.values():
        check_trainable(problem)
    groups = grouped(stated, cases, problems, training.soft)
    found: dict[int, Solution | str] = {}
    for number, group in enumerate(groups):
        left = None if deadline is None else max(deadline - time.monotonic(), 1.0)
        rest = sum(len(one.places) for one in groups[number:])
        share = None if left is None else left * len(group.places) / rest
        done = len(found) / len(problems)

        def tell(part: float, done: float = done, group: Group = group) -> None:
            progress(done + part * len(group.places) / len(problems))

        found |= _solve_group(group, problems, training, budget=share, seed=seed, progress=tell)
    return found, [_said(groups, training.members)]


def grouped(
    stated: Stated, cases: Sequence[Case], problems: Mapping[int, Problem], soft: bool
) -> list[Group]:
    """Return problems in groups of one domain and of one form of the network; others stand alone."""
    found: list[Group] = []
    places = sorted(problems, key=lambda at: stated.domain(cases[at]))
    for _, some in itertools.groupby(places, key=lambda at: stated.domain(cases[at])):
        own = sorted(some)
        general = stated.general([cases[at] for at in own]) if len(own) > 1 else None
        if general is not None and _alike(general, [problems[at] for at in own], soft):
            found.append(Group(general.problem, own, list(general.values)))
        else:
            found += [Group(problems[at], [at], [{}]) for at in own]
    return found


def _alike(general: General, problems: Sequence[Problem], soft: bool) -> bool:
    """Tell whether the network that holds constants as symbols has the form of each with numbers."""

    def form(problem: Problem) -> Any:
        _, factors, left = built_in(problem, soft)
        return [str(one) for one in problem.fields], [str(one) for one in factors], [c.text for c in left]

    wanted = form(general.problem)
    return all(form(one) == wanted for one in problems)


def _solve_group(
    group: Group,
    problems: Mapping[int, Problem],
    training: Training,
    *,
    budget: float | None,
    seed: int,
    progress: Callable[[float], None],
) -> dict[int, Solution | str]:
    lanes = [Lane(values, i) for values in group.values for i in range(training.members)]
    trained, run = train(
        training.recipe(group.problem), lanes, steps=training.steps, budget=budget, seed=seed,
        progress=lambda share: progress(BEFORE * share),
    )  # fmt: skip
    found: dict[int, Solution | str] = {}
    for number, at in enumerate(group.places):
        own = trained[number * training.members : (number + 1) * training.members]
        begun = time.monotonic()
        try:
            solution = answer_of(problems[at], own, training, run)
        except MISSED as reason:
            found[at] = str(reason)
        else:
            solution.seconds = run.info["seconds"] / len(group.places) + time.monotonic() - begun
            found[at] = solution
        progress(BEFORE + (1 - BEFORE) * (number + 1) / len(group.places))
    return found


def _said(groups: Sequence[Group], members: int) -> str:
    """Return how the networks were trained."""
    many = [len(one.places) * members for one in groups if len(one.places) > 1]
    alone = sum(len(one.places) == 1 for one in groups)
    said = [f"{count} networks were trained at once, by one program" for count in many]
    if alone:
        what = "One value was" if alone == 1 else f"{alone} values were"
        why = "the domain or the form of the conditions changes with the constants"
        said.append(f"{what} trained for alone" + (f": {why}" if alone > 1 or many else ""))
    return f"{'; '.join(said)}."
