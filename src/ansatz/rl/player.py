"""What was learned: it acts, is shown acting, says what it is worth, and is kept in a folder."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz.core import BadInput
from ansatz.results.kept import Kept
from ansatz.results.numbers import Interval
from ansatz.results.text_film import Frame
from ansatz.rl.algorithms import steps_of
from ansatz.rl.env import Discrete, Env
from ansatz.rl.episode import Shown, frames, shown
from ansatz.rl.evaluate import evaluate
from ansatz.rl.hosted_names import label
from ansatz.rl.solving import Searched
from ansatz.rl.trial import PlaySettings, Trial
from ansatz.rl.worth import worth
from ansatz.training.run import Run, from_snapshot

KIND = "play"


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The last evaluation: returns `[seeds, episodes]`, those of chance `[episodes]`, and what is known.

    `best` is the largest expected return, `solved` the return that counts as solved; None where unknown.
    `search`: what A* makes of new positions, where the algorithm is judged by that too.
    """

    returns: np.ndarray
    chance: np.ndarray
    best: float | None
    solved: float | None
    search: Searched | None = None

    @property
    def worth(self) -> Interval:
        """The return with its interval (see `worth`)."""
        return worth(self.returns)

    @property
    def by_chance(self) -> Interval:
        """The return of the policy that acts by chance."""
        return worth(self.chance[None])

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation as JSON."""
        return {
            "returns": self.returns.tolist(), "chance": self.chance.tolist(), "best": self.best,
            "solved": self.solved, "search": self.search and dataclasses.asdict(self.search),
        }  # fmt: skip

    @staticmethod
    def from_json(found: dict[str, Any]) -> "Evaluation":
        """Return the evaluation that `to_json` wrote."""
        returns, chance = (np.asarray(found[name], float) for name in ("returns", "chance"))
        if returns.ndim != 2 or chance.ndim != 1:
            raise ValueError(f"returns of shape {returns.shape}")
        search = Searched(**found["search"]) if found.get("search") else None
        return Evaluation(returns, chance, found["best"], found["solved"], search)


@dataclasses.dataclass(frozen=True)
class Player(Kept):
    """A trained policy with what it is worth, its settings, and the environment that it acts in."""

    run: Run
    env: Env
    evaluation: Evaluation
    recipe: Trial
    settings: PlaySettings
    source: dict[str, Any]
    remarks: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the environment."""
        return str(self.source.get("name") or label(self.env))

    @property
    def best_seed(self) -> int:
        """The seed of the largest mean return."""
        return int(self.evaluation.returns.mean(1).argmax())

    @property
    def env_steps(self) -> int:
        """The steps of the environment that were taken in training, for each seed."""
        return self.run.step * steps_of(self.recipe.learner)

    def model(self, seed: int | None = None) -> Any:
        """Return the trained model of a seed, the best one's if none is named."""
        return self.run.member(self.best_seed if seed is None else seed)

    def act(self, obs: Any, legal: Any = None, *, seed: int | None = None) -> np.ndarray:
        """Return what the policy does at an observation, with `legal: [n]` actions."""
        model = self.model(seed)
        if not hasattr(model, "act"):
            raise BadInput(
                "This policy tries actions in the environment, and cannot act on what it sees alone."
            )
        return np.asarray(model.act(obs, legal))

    def episode(self, seed: int = 0, most: int = 1000) -> Shown:
        """Return an episode of the best seed's model; `seed` is that of the episode."""
        return shown(self.env, self.model(), seed, most)

    def film(self, seed: int = 0, most: int = 1000) -> list[Frame]:
        """Return the drawings of an episode."""
        return frames(self.env, self.episode(seed, most))

    def evaluate(self, episodes: int = 100, seed: int = 1) -> np.ndarray:
        """Return the returns `[seeds, episodes]` of new episodes."""
        return np.stack(
            [evaluate(self.env, self.run.member(at), episodes, seed) for at in range(self.run.seeds)]
        )

    def page(self) -> str:
        """Return the report as one HTML page."""
        from ansatz.rl.play_report import play_page

        return play_page(self)

    def files(self, *, report: bool = True) -> tuple[Any, dict[str, bytes]]:
        """Return the snapshot and the further files of the folder, with or without a report."""
        record = {
            "settings": dataclasses.asdict(self.settings),
            "source": self.source,
            "evaluation": self.evaluation.to_json(),
            "remarks": [one for one in self.remarks if one not in self.run.remarks],
        }
        result = {"metric": "return", "value": self.evaluation.worth.value}
        snapshot = self.run.snapshot(kind=KIND, result=result, **{KIND: record})
        return snapshot, {"report.html": self.report().encode()} if report else {}


def load_player(path: Any, env: Any = None) -> Player:
    """Load what was trained from its folder; only known classes are built, and nothing in it is executed.

    An environment of the user's own is not in the folder: give it as `env`, an `Env` or "FILE.py:CLASS".

    Raises:
        BadInput: if the folder holds no finished run of `play`, or one of another environment.
    """
    from ansatz.rl.play import find_env
    from ansatz.store.finished import finished

    snapshot, record, remarks = finished(path, KIND, "a policy for an environment", "play")
    try:
        settings, source = PlaySettings(**record["settings"]), dict(record["source"])
        evaluation = Evaluation.from_json(record["evaluation"])
        said = tuple(record["remarks"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} does not say what was trained: {error!r}.") from None
    given = find_env(env if env is not None else place_of(source, path), source.get("parameters"))
    run = from_snapshot(snapshot, remarks)
    check_fits(run.member(0), given.env, path)
    return Player(run, given.env, evaluation, snapshot.recipe, settings, source, (*said, *remarks))


def place_of(source: dict[str, Any], path: Any) -> str:
    """Return the name of the environment of a run; a user's own must be given again."""
    if source.get("file") or not source.get("name"):
        where = source.get("file") or "memory"
        raise BadInput(
            f"{path} was trained in an environment from {where}, which is not opened unasked: give it again, "
            "with --env FILE.py:CLASS."
        )
    return source["name"]


def check_fits(model: Any, env: Env, path: Any) -> None:
    """Refuse a model of other observations or actions than those of the environment."""
    from ansatz.rl.agent import Encoder
    from ansatz.rl.qlearning import QTable

    wanted = Encoder(env.observations)
    if isinstance(model, QTable):
        size, fits = model.q.shape[0], model.q.shape[0] == wanted.n
    else:
        encoder = getattr(getattr(model, "online", model), "encoder", wanted)
        size, fits = encoder.size, (encoder.n, encoder.size) == (wanted.n, wanted.size)
    if not fits:
        raise BadInput(
            f"{path} holds a policy of observations of size {size}, and {type(env).__name__} gives "
            f"observations of size {wanted.size}: it is another environment."
        )
    if hasattr(model, "act") and not _acts(model, env):
        raise BadInput(
            f"{path} holds a policy of other actions than the {env.actions} of {type(env).__name__}: it is "
            "another environment."
        )


def _acts(model: Any, env: Env) -> bool:
    """Tell whether what a model does is an action of an environment."""
    seen, space = env.observations, env.actions
    discrete = isinstance(space, Discrete)
    obs = (
        jax.ShapeDtypeStruct((), jnp.int32)
        if isinstance(seen, Discrete)
        else jax.ShapeDtypeStruct(seen.shape, jnp.float32)
    )
    legal = jax.ShapeDtypeStruct((space.n,), jnp.bool_) if discrete else None
    try:
        action = eqx.filter_eval_shape(model.act, obs, legal)
    except (TypeError, ValueError):
        return False
    whole = jnp.issubdtype(action.dtype, jnp.integer)
    return action.shape == (() if isinstance(space, Discrete) else space.shape) and whole == discrete
