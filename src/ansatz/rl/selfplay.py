"""Self-play, fictitious play and a magnet for PPO: towards a Nash equilibrium (notes, §5).

"Stable (multi-agent) RL policy optimization ends in a Nash equilibrium."  Stability is what has to be added:

| `opponents`, `magnet` | what it is | what tends to an equilibrium of a zero-sum game |
|---|---|---|
| itself, none | independent self-play: the network in training has every seat | nothing: it may cycle |
| past, uniform | fictitious play: the others are drawn from all networks so far | the average policy |
| itself, uniform | magnetic mirror descent with α → 0 | the last policy |
| itself, moving | the same with a magnet that follows slowly, and any α | the last policy |

The magnet ρ is a policy towards which the one in training is drawn by the temperature α,

    L = L_PPO + α mean KL(π(·|s_t) ‖ ρ(·|s_t)),            ρ uniform: α (log n - H(π(·|s_t)))

so that no action is given up for good, and the game which is played has one equilibrium, to which steps
contract that are small beside α: the rate of the actor falls with it.  No player of it could gain more than
α Σ log n, over the own moves of an episode, in the game itself.  With ρ uniform and exact values it is

    | α | 0.5 | 0.2 | 0.1 | 0.05 |
    |---|---|---|---|---|
    | exploitability in Kuhn | - | 0.044 | 0.019 | 0.007 |
    | exploitability in Leduc | 0.225 | 0.084 | 0.037 | 0.02 |

Advantages are those of each player's own moves (`advantage_in_turns`).  Observations are scaled
(`sharpened`): in Leduc, with exact advantages and α = 0.5, Adam came within 0.26 of Nash with larger inputs
and within 0.62 without, on one seed.

In a game that says how it can be dealt the distance from Nash is computed exactly while training
(`extensive`): of the policy in training, and of the average of all policies so far (`contender`).

**Deviations**: of the two proximal terms of the paper, KL(π ‖ π_old) is PPO's clipped ratio; the pool of past
networks is a fixed number of them, each as likely to be from any time (reservoir sampling); advantages are
not standardized, so that α is measured in rewards; actor and critic have optimizers of their own.

Sokota et al. 2023, "A unified approach to reinforcement learning, quantal response equilibria, and two-player
zero-sum games"; Rudolph et al. 2025, "Reevaluating policy gradient methods for imperfect-information games";
Heinrich, Lanctot & Silver 2015, "Fictitious self-play in extensive-form games".
"""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, PRNGKeyArray, PyTree

from ansatz._spelling import choose
from ansatz.core import BadInput, Clock, Fixed, Metrics, Objective, Parts, Recipe, Update, Watch
from ansatz.rl.agent import build_actor_critic
from ansatz.rl.check import check
from ansatz.rl.contender import Contender, NearNash, averaged, remember, sharpened, stacked
from ansatz.rl.contest import Contest, Games
from ansatz.rl.env import Discrete, Env
from ansatz.rl.explore import Schedule
from ansatz.rl.extensive import Dealt, Game, exploitability, extensive, plans
from ansatz.rl.illegal import forbids
from ansatz.rl.onpolicy import Clocked, check_positive, clipped
from ansatz.rl.policy import Categorical
from ansatz.rl.ppo import clipped_loss
from ansatz.rl.rollout import check_sizes, samples_of
from ansatz.rl.trpo import value_loss
from ansatz.training.updates import Descend, Epochs, Every, On

OPPONENTS = ("itself", "past")
MAGNETS = ("none", "uniform", "moving")


class Exploitability(Update):
    """Report how far the policy is from a Nash equilibrium of a game, and how far the average is.

    `exploitability` and `average_exploitability` are the mean over the players of what each could gain by
    another policy; the model's `plan` gets the policy of this step.
    """

    game: Game

    def init(self, model: Any) -> tuple[()]:
        """Return no state."""
        return ()

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Measure, and add to the average."""
        policy = model.table(self.game)
        plan = model.plan.value + plans(self.game, policy)
        metrics = {
            "exploitability": exploitability(self.game, policy),
            "average_exploitability": exploitability(self.game, averaged(self.game, plan)),
        }
        return eqx.tree_at(lambda m: m.plan, model, Fixed(plan)), opt, metrics


def drawn_to_magnet(loss: Objective, temperature: float | Array) -> Objective:
    """Return the objective ``L + α mean KL(π ‖ ρ)`` of `Decisions`, with α = `temperature`."""

    def total(model: Any, samples: Any, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        value, metrics = loss(model, samples, key)
        policy = jax.vmap(model.policy)(samples.obs, samples.legal)
        logits = jnp.zeros_like(policy.logits) if samples.magnet is None else samples.magnet
        away = policy.divergence(Categorical(logits, samples.legal)).mean()
        return value + temperature * away, metrics | {"magnet": away}

    return total


class SelfPlay(Recipe):
    """Learn a game of several players (`fit(SelfPlay(), env, steps=…)`) by PPO that plays all seats.

    A step of the run plays `steps` moves in each of `envs` games, and goes over them `passes` times in
    `minibatches` parts.

    - `opponents`: itself, or past: each game has one seat for the network in training, the others for one of
      `pool` past networks, of which every `period` steps another is kept.
    - `magnet`: none, uniform or moving by `magnet_share` a step; α is a number of rewards.
    - `temperature`, `last_temperature`; `learning_rate`, `last_rate`: α, and the rate of the actor, at first
      and in the end; `schedule` (linear, cosine, exponential) says how they fall; `critic_rate` stays.
    - `measured`: every so many steps the exploitability is computed, and the average policy kept (0: never);
      it needs a game with `deals`.
    - `gamma`, `lam`, `clip`, `largest`, `standardize`, `width`, `depth`, `activation`: see `PPO`.

    Numbers out of range, unknown names, and what is no game of several players raise `BadInput`.
    """

    envs: int = eqx.field(default=128, static=True)
    steps: int = eqx.field(default=32, static=True)
    passes: int = eqx.field(default=2, static=True)
    minibatches: int = eqx.field(default=4, static=True)
    opponents: str = eqx.field(default="itself", static=True)
    pool: int = eqx.field(default=16, static=True)
    period: int = eqx.field(default=10, static=True)
    magnet: str = eqx.field(default="uniform", static=True)
    magnet_share: float = eqx.field(default=0.01, static=True)
    temperature: float = eqx.field(default=0.2, static=True)
    last_temperature: float = eqx.field(default=0.05, static=True)
    measured: int = eqx.field(default=10, static=True)
    gamma: float = eqx.field(default=1.0, static=True)
    lam: float = eqx.field(default=0.95, static=True)
    clip: float = eqx.field(default=0.2, static=True)
    learning_rate: float = eqx.field(default=1e-3, static=True)
    last_rate: float = eqx.field(default=1e-5, static=True)
    critic_rate: float = eqx.field(default=1e-3, static=True)
    schedule: str = eqx.field(default="exponential", static=True)
    largest: float = eqx.field(default=0.0, static=True)
    standardize: bool = eqx.field(default=False, static=True)
    width: int = eqx.field(default=64, static=True)
    depth: int = eqx.field(default=2, static=True)
    activation: str = eqx.field(default="tanh", static=True)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for a game."""
        env = check_game(data)
        self._check()
        net = build_actor_critic(
            env.observations, env.actions, self.width, self.depth, self.activation, key=key
        )
        net = eqx.tree_at(lambda n: n.encoder, net, sharpened(net.encoder, env.observations, self.width))
        game = tree_of(env) if self.measured and isinstance(env, Dealt) else None
        past = self.pool if self.opponents == "past" else 0
        source = Contest(env, self.envs, self.steps, self.gamma, self.lam, forbids(env), past, self.period)
        updates: list[Update] = [*(On(samples_of, one) for one in self._actor_and_critic()), Games()]
        if game is not None:
            updates.append(Every(self.measured, Exploitability(game)))
        model = Contender(
            net,
            Fixed(net.actor) if self.magnet == "moving" else None,
            Fixed(stacked(net.actor, past)) if past else None,
            None if game is None else Fixed(jnp.zeros(game.sequences)),
        )
        return Parts(model, source, tuple(updates), remember(self.period, self.magnet_share))

    def judged(self, watch: Watch, env: Env) -> Watch:
        """Return a validation that keeps the policy nearest to Nash, where the game says how near that is.

        Returns are those against chance, from which the best policy takes more than an equilibrium does.
        """
        if not (self.measured and isinstance(env, Dealt)):
            return watch
        return Watch(watch.source, NearNash(tree_of(env), watch.objective), watch.every)

    def _actor_and_critic(self) -> tuple[Update, Update]:
        falls = Schedule(self.temperature, self.last_temperature, shape=self.schedule)
        slower = Schedule(1.0, self.last_rate / self.learning_rate, shape=self.schedule)
        rule = clipped(optax.adam(self.learning_rate, eps=1e-5), self.largest)

        def make(clock: Clock) -> Update:
            loss = clipped_loss(self.clip, 0.0, standardize=self.standardize)
            if self.magnet != "none":
                loss = drawn_to_magnet(loss, falls(clock.fraction))
            return Epochs(Descend(loss, rule, lambda m: m.net.actor, slower), self.passes, self.minibatches)

        fitted = Descend(value_loss, optax.adam(self.critic_rate), lambda m: m.net.critic, name="value")
        return Clocked(make), Epochs(fitted, self.passes, self.minibatches)

    def _check(self) -> None:
        choose("kind of opponents", self.opponents, dict.fromkeys(OPPONENTS))
        choose("magnet", self.magnet, dict.fromkeys(MAGNETS))
        check_positive(
            learning_rate=self.learning_rate, last_rate=self.last_rate, critic_rate=self.critic_rate,
            temperature=self.temperature, last_temperature=self.last_temperature, clip=self.clip,
        )  # fmt: skip
        check_sizes(passes=self.passes, minibatches=self.minibatches, pool=self.pool, period=self.period)
        if not 0 < self.magnet_share <= 1:
            raise BadInput(f"A magnet follows by a share in (0, 1], not {self.magnet_share!r}.")
        if isinstance(self.measured, bool) or not isinstance(self.measured, int) or self.measured < 0:
            raise BadInput(f"`measured` is a number of steps, or 0 for never, not {self.measured!r}.")
        if self.envs * self.steps < self.minibatches:
            raise BadInput(
                f"A rollout of {self.envs} · {self.steps} moves cannot be cut into {self.minibatches} parts."
            )


def check_game(env: Any) -> Env:
    """Return a game of several players and discrete actions, after checking that it is one."""
    if not isinstance(env, Env):
        raise BadInput(f"Self-play takes a game (an `ansatz.rl.env.Env`), not {type(env).__name__}.")
    name = type(env).__name__
    if env.players < 2:
        raise BadInput(f"{name} has one player, who has nobody to play with: use PPO.")
    if not isinstance(env.actions, Discrete):
        raise BadInput(f"Self-play chooses among finitely many actions, and those of {name} are continuous.")
    return check(env)


def tree_of(env: Env) -> Game:
    """Return the information sets of a game, of the same game the same ones."""
    try:
        hash(env)
    except TypeError:
        return extensive(env)
    return _tree_of(env)


@functools.lru_cache(maxsize=8)
def _tree_of(env: Env) -> Game:
    return extensive(env)
