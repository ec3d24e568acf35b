"""Games of the network in training against itself, or against its own past: what self-play learns from.

    s_t → a_t ~ π(·|s_t) of who moves → r_t: a number a player, s_{t+1}, …

All games advance together, and so do the seats: a move is made wherever a game stands, whoever's turn it is.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from ansatz.core import Clock, Mean, Metrics, Source, Update
from ansatz.rl.advantage import Turns, advantage_in_turns, check_discounts
from ansatz.rl.env import Env
from ansatz.rl.policy import noise
from ansatz.rl.rollout import Episodes, Walk, begin, check_sizes, play


class Decisions(NamedTuple):
    """Moves `[T·E, ...]`, each as seen by the player who made it; `magnet` are the logits of ρ there.

    `log_prob` and `value` are those of the network in training.  A move of which nothing is to be learned
    (made by an opponent, or with consequences not seen yet) has the advantage 0 and its own value as target.
    """

    obs: PyTree
    legal: Bool[Array, "N n"] | None
    action: Array
    log_prob: Float[Array, " N"]
    value: Float[Array, " N"]
    advantage: Float[Array, " N"]
    target: Float[Array, " N"]
    magnet: Float[Array, "N n"] | None


class Matches(NamedTuple):
    """What one batch of games gives: the moves, and the games that ended."""

    samples: Decisions
    episodes: Episodes


class Contest(Source):
    """T = `steps` moves in each of E = `envs` games.

    With `past` = 0 the network in training makes all of them.  Else game e has the seat e mod players for it,
    and the others for one of the model's `past` networks, drawn for each batch among those kept so far, of
    which there is one more every `period` steps.
    """

    env: Env
    envs: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    gamma: float = eqx.field(static=True, default=1.0)
    lam: float = eqx.field(static=True, default=0.95)
    masked: bool = eqx.field(static=True, default=False)
    past: int = eqx.field(static=True, default=0)
    period: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        """Refuse discounts out of range, and games of nothing."""
        check_discounts(self.gamma, self.lam)
        check_sizes(envs=self.envs, steps=self.steps, period=self.period)

    def init(self, model: Any, key: PRNGKeyArray) -> Walk:
        """Return the games at their beginning."""
        return begin(self.env, self.envs, key)

    def next(self, state: Walk, model: Any, clock: Clock, key: PRNGKeyArray) -> tuple[Matches, Walk]:
        """Play on."""
        choosing, playing, pairing = jax.random.split(key, 3)
        shape = (self.steps, self.envs)
        seat = jnp.arange(self.envs, dtype=jnp.int32) % self.env.players
        rivals = self._rivals(model, clock, pairing) if self.past else None

        def choose(state: Any, obs: Any, legal: Any, drawn: Any) -> tuple[Array, tuple[Array, Array]]:
            policy, player = jax.vmap(model.policy)(obs, legal), jax.vmap(self.env.player)(state)
            action = policy.sample(drawn)
            if rivals is not None:
                code = jax.vmap(model.net.encoder)(obs)
                logits = jax.vmap(lambda actor, x: actor(x))(rivals, code)
                theirs = eqx.tree_at(lambda p: p.logits, policy, logits).sample(drawn)
                action = jnp.where(player == seat, action, theirs)
            return action, (policy.log_prob(action), player)

        drawn = noise(self.env.actions, choosing, shape)
        walk, record, episodes = play(self.env, state, choose, drawn, playing, self.masked)
        log_prob, player = record.extra
        value = jax.vmap(jax.vmap(model.value))(record.obs)
        turns = Turns(record.reward, value, player, record.terminated, record.truncated)
        advantage, _ = advantage_in_turns(turns, self.gamma, self.lam)
        if rivals is not None:
            advantage = jnp.where(player == seat[None], advantage, 0.0)
        magnet = None
        if model.magnet is not None:
            actor, encoder = model.magnet.value, model.net.encoder
            magnet = jax.vmap(jax.vmap(lambda obs: actor(encoder(obs))))(record.obs)
        moves = Decisions(
            record.obs, record.legal, record.action, log_prob, value, advantage, advantage + value, magnet
        )
        return Matches(jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), moves), episodes), walk

    def _rivals(self, model: Any, clock: Clock, key: PRNGKeyArray) -> PyTree:
        """Return a past actor for each game, stacked."""
        known = jnp.minimum(clock.step // self.period + 1, self.past)
        which = jax.random.randint(key, (self.envs,), 0, known)
        return jax.tree.map(lambda x: x[which], model.past.value)


class Games(Update):
    """Move nothing, and report what the first player got in the games that ended here, and their length."""

    def init(self, model: Any) -> tuple[()]:
        """Return no state."""
        return ()

    def apply(
        self, model: Any, opt: PyTree, batch: Any, clock: Clock, key: PRNGKeyArray
    ) -> tuple[Any, PyTree, Metrics]:
        """Return the model as it is, and `return` and `length`."""
        got = batch.episodes.returns
        return model, opt, {"return": Mean(got.total[0], got.weight), "length": batch.episodes.lengths}
