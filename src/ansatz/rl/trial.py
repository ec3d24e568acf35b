"""A training that is watched: a recipe, evaluated on episodes of its own on the way."""

import dataclasses
from typing import Any

import equinox as eqx
from jaxtyping import PRNGKeyArray

from ansatz._spelling import choose, nearest
from ansatz.core import BadInput, Parts, Recipe
from ansatz.rl.algorithms import ALGORITHMS, algorithm, runs_for, steps_of
from ansatz.rl.evaluate import watching
from ansatz.rl.hosted_names import bare
from ansatz.rl.presets import TOTAL_STEPS, preset
from ansatz.rl.rollout import check_sizes


class Trial(Recipe):
    """`learner` with `episodes` episodes of at most `longest` steps to evaluate it every so many of the run.

    The model of the best evaluation is the one that is kept.  A learner that knows better than by returns
    which one that is says so by `judged(watch, env) -> Watch`.
    """

    learner: Recipe
    every: int = eqx.field(default=100, static=True)
    episodes: int = eqx.field(default=20, static=True)
    longest: int = eqx.field(default=1000, static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts of the learner for an environment, and what watches them."""
        check_sizes(every=self.every, episodes=self.episodes)
        parts = self.learner.build(data, key)
        watch = watching(data, self.every, self.episodes, self.longest)
        judged = getattr(self.learner, "judged", None)
        return parts._replace(watch=judged(watch, data) if judged else watch)


@dataclasses.dataclass(frozen=True)
class PlaySettings:
    """What a training takes beside its algorithm.

    - `algorithm`: how to learn (--with says the same): ppo, a2c, trpo, dqn, sac, q-learning, …
    - `total_steps`: steps of the environment, 0 for the tuned number or 100,000.
    - `budget`: the time that the training may take; without total_steps, the time alone ends it.
    - `seeds`: so many trainings at once, each with its own chance.
    - `every`: steps of the environment between two evaluations, 0 for a twentieth of all.
    - `watched`: episodes of an evaluation on the way; `episodes`: of the last one, for each seed.
    - `longest`: the steps after which an episode that is watched or judged is cut off.
    - `seed`: of all that is drawn.
    """

    algorithm: str = "ppo"
    total_steps: int = 0
    budget: float | None = None
    seeds: int = 1
    every: int = 0
    watched: int = 20
    episodes: int = 100
    longest: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no number of anything."""
        choose("algorithm", self.algorithm, ALGORITHMS)
        check_sizes(seeds=self.seeds, watched=self.watched, episodes=self.episodes, longest=self.longest)
        for name in ("total_steps", "every", "seed"):
            if getattr(self, name) < 0:
                raise BadInput(f"{name}={getattr(self, name)} is below 0.")
        if self.budget is not None and not self.budget > 0:
            raise BadInput(f"budget={self.budget} is no time: give a positive number of seconds.")


SETTINGS = tuple(field.name for field in dataclasses.fields(PlaySettings))


def sort_out(name: str, options: dict[str, Any]) -> tuple[PlaySettings, Trial]:
    """Return the settings and the recipe for the environment of a name, tuned where nothing else is said.

    Raises:
        BadInput: an option is a field of neither; the sentence has the nearest.
    """
    chosen = options.get("algorithm", PlaySettings.algorithm)
    kind = algorithm(chosen)
    fields = {field.name for field in dataclasses.fields(kind.recipe)} - set(kind.fixed)
    if unknown := [one for one in options if one not in fields and one not in SETTINGS]:
        hint = nearest(unknown[0], sorted({*fields, *SETTINGS}))
        raise BadInput(f"There is no setting {unknown[0]!r} of {chosen}; {hint}.")
    tuned = preset(chosen, bare(name))
    total = tuned.pop("total_steps", TOTAL_STEPS)
    settings = PlaySettings(**{one: value for one, value in options.items() if one in SETTINGS})
    own = {one: value for one, value in options.items() if one in fields}
    learner = kind.recipe(**(tuned | own | dict(kind.fixed)))
    if not settings.total_steps and settings.budget is None:
        settings = dataclasses.replace(settings, total_steps=total)
    every = settings.every or max((settings.total_steps or total) // 20, 1)
    often = max(round(every / steps_of(learner)), 1)
    return settings, Trial(learner, often, settings.watched, settings.longest)


def run_steps(settings: PlaySettings, recipe: Trial) -> int | None:
    """Return the steps of the run, None where the time alone ends it."""
    return runs_for(recipe.learner, settings.total_steps) if settings.total_steps else None
