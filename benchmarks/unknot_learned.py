"""What learning adds to untying by R-moves alone: a cloned policy, and PPO with and without a curriculum.

Each function measures one bar and returns its figures; the area's file numbers them.  Nothing is trained on a
named diagram, nor on a mirror image of one: lessons and courses come from diagrams that `stuck` makes.  A
step is a move made, or for the best-first search a diagram looked at.
"""

import functools
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ansatz.knots.diagram import Diagram
from ansatz.knots.families import fresh
from ansatz.knots.shorten import shortened
from ansatz.knots.table import hard_unknots, named
from ansatz.knots.untie import untie
from ansatz.rl.curriculum import Curriculum
from ansatz.rl.envs.unknot import Unknot
from ansatz.rl.imitation import Imitate, agreement
from ansatz.rl.ppo import PPO
from ansatz.rl.unknot_baselines import Attempt, attempt, sampled
from ansatz.rl.unknot_course import course
from ansatz.rl.unknot_policy import trained, ways_of
from ansatz.rl.unknot_teacher import Course, course_of, ways
from ansatz.training.fit import fit
from benchmarks.run import entry

Row = list[dict[str, Any]]
LARGEST = 26
"""The crossings of the diagrams that lessons are made from, at most: all that the package holds."""
CAPACITY, STEPS, SEEDS, RUNS = 24, 2000, 5, 32
RECIPE = Imitate(network="darts", width=32, depth=4, activation="silu", batch=128, largest=1.0)
SHORT, LONG = 200, 1000
TRIED = {"H": SHORT, "J": SHORT, "Culprit": SHORT, "Goeritz": SHORT, "FHW": LONG, "D28": LONG}
"""The steps that every agent gets for a diagram."""
ROOM = 8
"""Room for so many crossings more than a diagram has."""
BASELINES = ("random", "greedy", "search", "restart")
MARKS = (25, 50, 100, 200)
MANY, COOL = 128, 0.85
"""The runs of the policy of the package, and its temperature."""


def excluded() -> list[Diagram]:
    """Return the named diagrams that could occur on a way from one of the pool."""
    return [one for name in hard_unknots() if (one := named(name)).crossings <= CAPACITY]


@functools.cache
def lessons() -> Course:
    """Return the lessons of the pool."""
    return course_of(Unknot(capacity=CAPACITY), ways(fresh(LARGEST), starts=6, tries=32, most=20), excluded())


@functools.cache
def cloned(seed: int, steps: int = STEPS) -> Any:
    """Return a policy that is trained on the lessons."""
    return fit(RECIPE, lessons().lessons, steps=steps, key=seed).model


def env_for(diagram: Diagram, **fields: Any) -> Unknot:
    """Return an environment with some room above a diagram."""
    return Unknot(capacity=max(CAPACITY, diagram.crossings + ROOM), **fields)


def within(found: Iterable[Attempt], steps: int) -> float:
    """Return the share of attempts that untied within so many steps."""
    return float(np.mean([one.untied and one.steps <= steps for one in found]))


def median(found: Sequence[Attempt]) -> str:
    """Return the median steps of the attempts that untied."""
    steps = [one.steps for one in found if one.untied]
    return f"{np.median(steps):.0f}" if steps else "-"


@functools.cache
def baseline(name: str, called: str) -> list[Attempt]:
    """Return what a baseline makes of a named diagram; the best-first search draws nothing and runs once."""
    diagram = named(called)
    runs = 1 if name == "search" else RUNS
    capacity = env_for(diagram).capacity
    return [attempt(name, diagram, TRIED[called], seed, capacity) for seed in range(runs)]


@functools.cache
def agents(called: str) -> list[list[Attempt]]:
    """Return what the policy of every training seed makes of a named diagram, in so many runs each."""
    diagram = named(called)
    env = env_for(diagram)
    return [sampled(env, cloned(seed), diagram, TRIED[called], RUNS, seed) for seed in range(SEEDS)]


def learned() -> Row:
    """Cloned policies of five training seeds beside the baselines at equal steps, R-moves alone."""
    begun = time.process_time()
    right = agreement(cloned(0), lessons().lessons.take(np.arange(0, len(lessons().left), 20)))
    told, solved, beaten, best = [], [], [], []
    for called, steps in TRIED.items():
        shares = [within(found, steps) for found in agents(called)]
        others = {name: within(baseline(name, called), steps) for name in BASELINES}
        solved.append(sum(share >= 0.5 for share in shares))
        beaten.append(np.mean(shares) > max(others["random"], others["search"]))
        best.append(np.mean(shares) > max(others.values()))
        told.append(
            f"{called} in {steps}: {', '.join(f'{share:.2f}' for share in shares)} (median steps "
            f"{median([one for found in agents(called) for one in found])}), "
            f"{', '.join(f'{name} {share:.2f}' for name, share in others.items())}, restart's median "
            f"{median(baseline('restart', called))}"
        )
    seconds = time.process_time() - begun
    note = f"share of {RUNS} runs untied, by training seed; {'; '.join(told)}"
    facts = (
        f"{len(lessons().left):,} lessons from {len(fresh(LARGEST))} fresh diagrams, {STEPS} steps of "
        f"{RECIPE.batch}, a best move known in {100 * right:.0f} % of them; {seconds:.0f} CPU s in all"
    )
    common: dict[str, Any] = {"unit": "of 6", "better": "higher", "seconds": seconds}
    return [
        entry("", "H, J, Culprit, Goeritz, FHW, D28 by a learned policy, R-moves alone: untied in half of "
              "its runs or more, by 4 of 5 training seeds", sum(one >= 4 for one in solved), must=4, aim=6,
              note=note, **common),
        entry("", "the same: the learned policy unties more often than random play and best-first search",
              sum(beaten), must=4, aim=6, note=facts, **common),
        entry("", "the same: more often than every baseline, restarts among them", sum(best), must=4, aim=6,
              note=curves(), **common),
    ]  # fmt: skip


def curves() -> str:
    """Return the shares untied after some numbers of steps, of the policies and of restarts."""
    told = []
    for called in ("H", "J", "Culprit", "Goeritz"):
        found = [one for each in agents(called) for one in each]
        own = " ".join(f"{within(found, mark):.2f}" for mark in MARKS)
        other = " ".join(f"{within(baseline('restart', called), mark):.2f}" for mark in MARKS)
        told.append(f"{called} {own}, restart {other}")
    return f"untied after {', '.join(map(str, MARKS))} steps: {'; '.join(told)}"


def shipped() -> Row:
    """The policy of the package, which learned for twice as long: beside restarts, and its fewest moves."""
    begun, told, gained = time.process_time(), [], []
    for called in [name for name, steps in TRIED.items() if steps == SHORT]:
        diagram = named(called)
        env = env_for(diagram)
        own = sampled(env, trained(), diagram, SHORT, MANY, temperature=COOL)
        other = [attempt("restart", diagram, SHORT, seed, env.capacity) for seed in range(MANY)]
        gained.append(100 * (within(own, SHORT) - within(other, SHORT)))
        tries = [untie(diagram, rounds=20_000, seed=seed, passes=False) for seed in range(MANY)]
        short = min(len(shortened(one.start, one.moves)) for one in tries if one.untied)
        told.append(
            f"{called} {within(own, SHORT):.2f} (median {median(own)} steps; fewest moves "
            f"{len(ways_of(diagram, MANY, SHORT)[0])}), restarts {within(other, SHORT):.2f} "
            f"({median(other)}; {MANY} searches: {short})"
        )
    note = f"share of {MANY} runs untied in {SHORT} steps, temperature {COOL:g}: {'; '.join(told)}"
    return [
        entry("", "H, J, Culprit, Goeritz by the policy of the package, R-moves alone: untied more often "
              "than by restarts, the least of four", min(gained), unit="points", must=0, aim=10,
              better="higher", note=note, seconds=time.process_time() - begun),
    ]  # fmt: skip


SMALL = Unknot(capacity=16, reward="sparse", scramble=8)
LEARNER: Callable[..., PPO] = functools.partial(
    PPO, network="darts", width=16, depth=3, envs=64, steps=32, passes=2, minibatches=8, gamma=0.99
)
UPDATES, LEVELS, WIDTH, STUDIED = 8, 16, 128, 24


def learning() -> Row:
    """PPO with the two rewards of the notes, with the curriculum and without, five seeds each."""
    begun, told, gained = time.process_time(), [], []
    hard = fresh(SMALL.largest)[:STUDIED]
    for reward in ("crossings", "sparse"):
        shares = {}
        for words in ("a curriculum", "none"):
            env = Unknot(capacity=16, reward=reward, start="stuck", limit=100)
            learner = LEARNER()
            if words == "none":
                run = fit(learner, env, steps=UPDATES, key=0, seeds=SEEDS)
            else:
                run = fit(
                    Curriculum(learner, window=200),
                    course(env, hard, LEVELS, WIDTH),
                    steps=UPDATES,
                    key=0,
                    seeds=SEEDS,
                )
            found = [
                within(sampled(SMALL, run.member(seed), named(called), SHORT, RUNS, seed), SHORT)
                for called in ("H", "J", "Culprit", "Goeritz")
                for seed in range(SEEDS)
            ]
            shares[words] = np.reshape(found, (4, SEEDS)).mean(0)
            told.append(f"{reward}, {words}: {', '.join(f'{one:.2f}' for one in shares[words])}")
        gained.append(100 * (shares["a curriculum"].mean() - shares["none"].mean()))
    note = f"share of H, J, Culprit, Goeritz untied in {SHORT} steps, by seed; {'; '.join(told)}"
    return [
        entry("", "PPO from nothing: untied with the curriculum less without, the lesser of both rewards",
              min(gained), unit="points", must=0, aim=20, better="higher", note=note,
              seconds=time.process_time() - begun),
    ]  # fmt: skip
