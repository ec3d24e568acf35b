"""What plays in self-play: a network, its magnet, the networks that it was, and the average of its policies.

The average π̄ of policies plays each with the same probability, an episode at a time.  With the weights x of
sequences (`extensive`), which are averaged,

    x̄(s) = mean over time of x_π(s),        π̄(a|I) = x̄(I, a) / x̄(parent(I))
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ansatz.core import BadInput, Clock, Fixed, Map, Metrics, Objective
from ansatz.rl.agent import ActorCritic, Encoder
from ansatz.rl.cfr import proportional
from ansatz.rl.dqn import towards
from ansatz.rl.env import Box, Discrete, Env
from ansatz.rl.extensive import Game, exploitability
from ansatz.rl.normalize import Moments
from ansatz.rl.policy import Categorical, noise


class Contender(Map):
    """The network in training, and what it remembers of earlier ones.

    - `magnet`: an actor, or None for the uniform one; `past`: K actors, stacked, or None;
    - `plan`: the sum of the weights x of sequences over time, or None.
    """

    net: ActorCritic
    magnet: Fixed | None = None
    past: Fixed | None = None
    plan: Fixed | None = None

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> tuple[Array, Array]:
        """Return the logits `[n]` at an observation, and the value to who moves there."""
        return self.net(x)

    def policy(self, obs: Any, legal: Any = None) -> Categorical:
        """Return π(·|s)."""
        return self.net.policy(obs, legal)

    def value(self, obs: Any) -> Float[Array, ""]:
        """Return V(s) to the player whose turn it is."""
        return self.net.value(obs)

    def act(self, obs: Any, legal: Any = None) -> Array:
        """Return the likeliest action."""
        return self.net.act(obs, legal)

    def decide(self, env: Env, state: Any, obs: Any, legal: Any, key: PRNGKeyArray) -> Array:
        """Return an action drawn from π(·|s): where information is hidden the likeliest one gives it away."""
        return self.policy(obs, legal).sample(noise(env.actions, key, ()))

    def table(self, game: Game) -> Float[Array, "I a"]:
        """Return π(a|I) in all information sets of a game."""
        return jnp.exp(jax.vmap(lambda o, m: self.policy(o, m).log_p)(game.observations, game.legal))

    def average(self, game: Game) -> Float[Array, "I a"]:
        """Return π̄(a|I), the average of the policies so far; uniform where none of them comes."""
        if self.plan is None:
            raise BadInput("No average was kept: the game has no `deals`, or `measured` is 0.")
        return averaged(game, self.plan.value)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Contender, Array]":
        """Return a small map and an input for it."""
        net, x = ActorCritic.example(key)
        return Contender(net), x


class NearNash(eqx.Module):
    """An objective with the exploitability in a game as its loss, and among its metrics."""

    game: Game
    objective: Objective = eqx.field(static=True)

    def __call__(self, model: Any, batch: Any, key: PRNGKeyArray | None) -> tuple[Array, Metrics]:
        """Return how far the policy is from Nash."""
        metrics, away = (
            self.objective(model, batch, key)[1],
            exploitability(self.game, model.table(self.game)),
        )
        return away, metrics | {"exploitability": away}


def sharpened(encoder: Encoder, space: Discrete | Box, width: int) -> Encoder:
    """Return the encoder that divides observations of a bounded box by half its size, times sqrt(width / n).

    So scaled, nodes of a layer of orthogonal weights are handed numbers of mean square about 1, whatever the
    width, where the few ones among n indicators would arrive as numbers much below 1.  Self-play in Leduc
    came nearer to Nash so, and did not with 0 mapped to -1; why is not known.  What is 0 stays 0, and
    observations without such bounds stay as they are.

    >>> space = Box((0.0,) * 4, (1.0,) * 4)
    >>> sharpened(Encoder(space), space, 16)(jnp.asarray([0.0, 0.0, 1.0, 0.0])).round(5).tolist()
    [0.0, 0.0, 4.0, 0.0]
    """
    if isinstance(space, Discrete):
        return encoder
    low, high = (np.broadcast_to(np.asarray(x, float), space.shape).ravel() for x in (space.low, space.high))
    if not np.isfinite(high - low).all() or not ((low <= 0) & (high >= 0) & (low < high)).all():
        return encoder
    variance = jnp.asarray(((high - low) / 2) ** 2 * len(low) / max(width, len(low)), jnp.float32)
    scale = Fixed(Moments(jnp.zeros(len(low)), variance, jnp.zeros(())))
    return eqx.tree_at(lambda e: e.moments, encoder, scale, is_leaf=lambda x: x is None)


def averaged(game: Game, plan: Float[Array, " sequences"]) -> Float[Array, "I a"]:
    """Return the policy whose sequences have the weights `plan`, of any scale; uniform where it never comes.

    >>> from ansatz.rl.envs.matrix_games import matching_pennies
    >>> from ansatz.rl.extensive import extensive, plans
    >>> game = extensive(matching_pennies())
    >>> averaged(game, plans(game, jnp.eye(2)) + plans(game, jnp.eye(2)[::-1])).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    return proportional(plan[game.players :].reshape(game.legal.shape), game.legal)


def remember(period: int, share: float) -> Any:
    """Return the `after` that lets the magnet follow by a share, and keeps an actor every `period` steps."""

    def after(model: Any, batch: Any, clock: Clock) -> Any:
        if model.magnet is not None:
            near = towards(model.magnet.value, model.net.actor, jnp.asarray(share, jnp.float32))
            model = eqx.tree_at(lambda m: m.magnet, model, Fixed(near))
        if model.past is not None:
            kept = reservoir(model.past.value, model.net.actor, clock, period)
            model = eqx.tree_at(lambda m: m.past, model, Fixed(kept))
        return model

    return after


def reservoir(past: PyTree, actor: PyTree, clock: Clock, period: int) -> PyTree:
    """Return K stacked networks, with this one among them every `period` steps.

    The j-th takes the place j while there is room, and then a random one with the chance K / (j + 1), so that
    each time is as likely to be among them (Vitter 1985).
    """
    size, number = jax.tree.leaves(past)[0].shape[0], (clock.step + 1) // period
    drawn = jax.random.randint(jax.random.fold_in(jax.random.key(0), number), (), 0, number + 1)
    place = jnp.where(number < size, number, drawn)
    due = ((clock.step + 1) % period == 0) & (place < size)
    at = jnp.minimum(place, size - 1)
    return jax.tree.map(lambda old, new: old.at[at].set(jnp.where(due, new, old[at])), past, actor)


def stacked(actor: Map, size: int) -> PyTree:
    """Return a network so many times, stacked."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (size, *x.shape)), actor)
