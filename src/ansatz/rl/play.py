"""`play`: from an environment to a policy that acts in it, and what that is worth."""

import dataclasses
import functools
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ansatz._spelling import nearest
from ansatz.core import BadInput, Status
from ansatz.rl.algorithms import algorithm, steps_of, usual_algorithm
from ansatz.rl.check import check
from ansatz.rl.env import Env
from ansatz.rl.envs.names import NAMES, make
from ansatz.rl.evaluate import evaluate
from ansatz.rl.hosted_names import (
    PREFIX,
    bare,
    host,
    hosted_by_name,
    is_outside,
    label,
    outside_has,
    outside_missing,
)
from ansatz.rl.player import KIND, Evaluation, Player
from ansatz.rl.reference import Chance, best_return, counts_as_solved
from ansatz.rl.solving import Searched, judged_by_search
from ansatz.rl.trial import PlaySettings, Trial, run_steps, sort_out
from ansatz.rl.tried import tried
from ansatz.store.source_file import names_in
from ansatz.training.fit import fit
from ansatz.training.hooks import Checkpoint
from ansatz.training.run import Run

ANEW = (
    "The run was resumed with new episodes, since an environment in Python is not saved: another run's bits."
)


class Given(NamedTuple):
    """An environment, and where it came from."""

    env: Env
    source: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class ReadyPlay:
    """An environment, and what will be trained in it."""

    env: Env
    settings: PlaySettings
    recipe: Trial
    source: dict[str, Any]

    @property
    def words(self) -> str:
        """What is about to be done, in a sentence."""
        kind, settings = algorithm(self.settings.algorithm), self.settings
        how_long = f"for {settings.total_steps:,} steps" if settings.total_steps else "until the time is over"
        seeds = f", {settings.seeds} seeds at once" if settings.seeds > 1 else ""
        where = self.source.get("name") or label(self.env)
        return f"Learning {where} {how_long}{seeds} by {settings.algorithm.upper()} ({kind.words})."

    @property
    def begun(self) -> dict[str, Any]:
        """What a run folder says from the first moment, enough to begin again to the same bits."""
        return {"settings": dataclasses.asdict(self.settings), "source": self.source}


def play(
    env: Any, algorithm: str = "", *, out: Any = None, hooks: Sequence[Any] = (), resume: Run | None = None,
    **options: Any,
) -> Player:  # fmt: skip
    """Learn to act in an environment, and say what the policy is worth.

    **Arguments**

    - `env`: a name (`ansatz play --list`), "gymnasium:NAME", an `Env`, an environment of Gymnasium's, or
      "FILE.py:CLASS" of either kind.
    - `algorithm`: ppo, a2c, trpo, dqn, sac, q-learning, …; the usual one for the environment if not given.
    - `out`: a folder for the run, written whole or not at all, and resumable while it grows.
    - `resume`: a run that was interrupted, to go on with.
    - `options`: any field of `PlaySettings` (total_steps, budget, seeds, …) and of the algorithm's recipe.

    Returns a `Player`: `act`, `film`, `evaluate`, `evaluation`, `report`, `save`.
    Raises `BadInput` with one sentence for whatever is wrong with the environment or an option, and
    `KeyboardInterrupt` after Ctrl-C, with the training so far kept in `out`.

    >>> player = play("FrozenLake-v1", total_steps=64, episodes=4, watched=2, envs=8)
    >>> player.evaluation.returns.shape
    (1, 4)
    """
    given = find_env(env, options.pop("parameters", None))
    ready = make_ready(given, options | ({"algorithm": algorithm} if algorithm else {}))
    if out is None:
        return judge(ready, _uninterrupted(ready, hooks, resume))
    from ansatz.store import RunFolder

    with RunFolder.create(out) as folder:
        extra = {"kind": f"{KIND}, unfinished", KIND: ready.begun}
        player = judge(ready, _uninterrupted(ready, (*hooks, Checkpoint(folder, 20.0, extra=extra)), resume))
        folder.finish(*player.files())
    return player


def find_env(env: Any, parameters: Mapping[str, Any] | None = None) -> Given:
    """Return an environment: itself, the one of a name, or the class in a Python file of the user.

    A name that is none here is looked up in Gymnasium, where "gymnasium:NAME" is looked up alone.

    Raises:
        BadInput: there is none; what is found is not an environment, or does not keep to what one is.
    """
    chosen = dict(parameters or {})
    if isinstance(env, Env):
        return Given(check(env), {"name": None, "parameters": chosen})
    if is_outside(env):
        return Given(host(env), {"name": None, "parameters": chosen})
    if not isinstance(env, str):
        raise BadInput(f"An environment is a name, an Env, or 'FILE.py:CLASS', not {type(env).__name__}.")
    if env.startswith(PREFIX):
        return Given(hosted_by_name(env, chosen), {"name": env, "parameters": chosen})
    path, colon, name = env.rpartition(":")
    if colon and path.endswith(".py"):
        kind, digest = _from_file(Path(path), name)
        try:
            made = host(functools.partial(kind, **chosen)) if is_outside(kind) else kind(**chosen)
        except TypeError as error:
            raise BadInput(f"{name} cannot be made from {chosen or 'nothing'}: {error}.") from None
        source = {"name": name, "file": env, "sha256": digest, "parameters": chosen}
        return Given(check(made), source)
    if env.endswith(".py"):
        raise BadInput(f"{env} may hold several classes: write {env}:CLASS.")
    return _named(env, chosen)


def _named(name: str, parameters: dict[str, Any]) -> Given:
    """Return the environment of a name: ours, or else Gymnasium's."""
    if name not in NAMES and outside_has(name):
        return Given(hosted_by_name(name, parameters), {"name": PREFIX + name, "parameters": parameters})
    try:
        return Given(check(make(name, **parameters)), {"name": name, "parameters": parameters})
    except BadInput as error:
        if name in NAMES or not outside_missing():
            raise
        raise BadInput(f"{error} Gymnasium, which might have it, is not installed.") from None


def make_ready(given: Given, options: dict[str, Any]) -> ReadyPlay:
    """Return what will be trained: the usual algorithm with its tuned settings, unless something is said."""
    options = {"algorithm": usual_algorithm(given.env)} | options
    settings, recipe = sort_out(str(given.source.get("name")), options)
    # What does not fit together is refused here, before a run is begun.
    parts = recipe.learner.build(given.env, jax.random.key(0))
    if given.env.host and not parts.source.host:
        given.env.reset(jax.random.key(0))
    if given.env.host and settings.seeds > 1:
        raise BadInput(
            f"{label(given.env)} is played in Python, one seed at a time: say --seeds 1, and "
            "--seed 1, 2, … for others."
        )
    if given.source.get("file") or not given.source.get("name"):
        tried(given.env)
    return ReadyPlay(given.env, settings, recipe, given.source)


def train(ready: ReadyPlay, hooks: Sequence[Any] = (), resume: Run | None = None) -> Run:
    """Train in an environment that is ready."""
    settings = ready.settings
    steps = run_steps(settings, ready.recipe) if resume is None or not resume.total else resume.total
    run = fit(
        ready.recipe,
        ready.env,
        steps=steps,
        budget=settings.budget,
        key=settings.seed,
        seeds=settings.seeds,
        hooks=hooks,
        resume=resume,
    )
    if ready.env.host and resume is not None and resume.state:
        run.info["remarks"].append(ANEW)
    return run


def judge(ready: ReadyPlay, run: Run) -> Player:
    """Return the trained policy with the returns of new episodes, and of chance."""
    settings, env, name = ready.settings, ready.env, str(ready.source.get("name"))
    asked = settings.episodes, settings.seed + 1, settings.longest
    chance = evaluate(env, Chance(env.actions), *asked)
    returns = [evaluate(env, run.member(at), *asked) for at in range(run.seeds)]
    if wrong := [x for x in np.concatenate([chance, *returns]).tolist() if not math.isfinite(x)]:
        raise BadInput(f"An episode in {label(env)} has the return {wrong[0]}: rewards are finite numbers.")
    usual = not ready.source.get("parameters") and not ready.source.get("file")
    solved = counts_as_solved(env, bare(name)) if usual else None
    search = _searched(ready, run.member(int(np.mean(returns, 1).argmax())))
    found = Evaluation(np.stack(returns), chance, best_return(env), solved, search)
    return Player(run, env, found, ready.recipe, settings, ready.source, tuple(_remarks(ready, run, found)))


def _searched(ready: ReadyPlay, model: Any) -> Searched | None:
    """Return what A* makes of a model's value, where the algorithm is judged by that."""
    learner: Any = ready.recipe.learner
    if not getattr(learner, "expansions", 0):
        return None
    return judged_by_search(ready.env, model, ready.settings.episodes, learner, ready.settings.seed + 1)


def _remarks(ready: ReadyPlay, run: Run, found: Evaluation) -> list[str]:
    remarks = [*run.remarks, *run.info["remarks"]]
    if found.worth.lower <= found.by_chance.upper and found.worth.value < (
        math.inf if found.best is None else found.best
    ):
        remarks.append("The policy is not better than chance: train longer, or try another algorithm.")
    if run.seeds == 1:
        others = "--seed 1, 2, … show" if ready.env.host else "--seeds 8 shows"
        remarks.append(f"One seed was trained; another may end elsewhere: {others} how far.")
    if run.step and ready.settings.total_steps and run.status is Status.out_of_budget:
        asked, taken = ready.settings.total_steps, run.step * steps_of(ready.recipe.learner)
        remarks.append(f"The time was over after {taken:,} of {asked:,} steps.")
    return remarks


def _from_file(path: Path, name: str) -> tuple[Callable[..., Any], str]:
    """Return the class of a name in a Python file, which is executed, and the file's hash.

    It is a class of our environments, or of Gymnasium's.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    found = names_in(path)
    types = {key: one for key, one in found.items() if isinstance(one, type)}
    kinds = {key: one for key, one in types.items() if issubclass(one, Env) or is_outside(one)}
    own = [key for key, one in kinds.items() if one.__module__ == found["__name__"]]
    if name not in kinds:
        hint = (
            nearest(name, own)
            if own
            else "it holds no class derived from ansatz.rl.env.Env, or gymnasium.Env"
        )
        raise BadInput(f"{path} has no environment {name!r}; {hint}.")
    return kinds[name], hashlib.sha256(content).hexdigest()


def _uninterrupted(ready: ReadyPlay, hooks: Sequence[Any], resume: Run | None) -> Run:
    run = train(ready, hooks, resume)
    if run.status is Status.interrupted:
        raise KeyboardInterrupt(run.message)
    return run
