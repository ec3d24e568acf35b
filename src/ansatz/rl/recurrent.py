"""Policies of histories: where one observation is no state, S̃ = S* is (notes, §5).

    s̃_t = (o_0, a_0, o_1, …, a_{t-1}, o_t)       the last rows of it, as `History` keeps them
    h   ← GRU(row, h)   for each row              π_NN(·|h), V_NN(h)

`fit(Recurrent(PPO(), length=20), env, steps=…)` trains any actor-critic so; with `length` at least that of an
episode s̃ is the whole history.  The state of the unit is computed anew from the rows at every step, so that
gradients go through all of them, batches may be shuffled, and nothing is carried that an update has made
stale; it costs `length` small products a step.

    r = σ(W_r x + U_r h + b_r),   z = σ(W_z x + U_z h + b_z)
    n = tanh(W_n x + b_n + r · (U_n h + c)),   h' = n + z (h - n)

(Cho et al. 2014, in the form of Equinox's `GRUCell`.)
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Parts, Recipe
from ansatz.rl.agent import ActorCritic, Encoder, actor_critic
from ansatz.rl.check import check
from ansatz.rl.env import Box, Discrete, Env
from ansatz.rl.trpo import TRPO
from ansatz.rl.wrappers import History


class Memory(Encoder):
    """A history `[length, features]` as the last state `[size]` of a gated recurrent unit.

    Rows of zeros, which are from before the beginning, leave the state at 0.

    >>> memory = Memory(Box(((0.0,), (0.0,)), ((1.0,), (1.0,))), 3, key=jax.random.key(0))
    >>> memory(jnp.zeros((2, 1))).tolist()
    [0.0, 0.0, 0.0]
    """

    cell: eqx.nn.GRUCell

    def __init__(self, space: Discrete | Box, size: int, *, key: PRNGKeyArray):
        if isinstance(space, Discrete) or len(space.shape) != 2:
            raise BadInput(f"A history is [length, features], as History observes it, and not {space}.")
        self.n, self.size, self.moments = 0, size, None
        self.cell = eqx.nn.GRUCell(space.shape[1], size, key=key)

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " size"]:
        """Return the state after the last row."""

        def read(state: Array, row: Array) -> tuple[Array, None]:
            return jnp.where((row != 0).any(), self.cell(row, state), state), None

        return jax.lax.scan(read, jnp.zeros(self.size, x.dtype), x)[0]


class Recurrent(Recipe):
    """Train an actor-critic with a memory: `recipe` in `History(env, length)`, its encoder a GRU.

    - `recipe`: A2C, A3C, PPO or REINFORCE, whose gradient moves the memory too;
    - `length`: how many rows it remembers; `hidden`: the size of the state.

    The model acts on what `recurrent.world(env)` observes.
    """

    recipe: Recipe
    length: int = eqx.field(default=16, static=True)
    hidden: int = eqx.field(default=32, static=True)

    def world(self, env: Env) -> History:
        """Return the environment whose observations are histories."""
        return History(env, self.length)

    def build(self, data: Any, key: PRNGKeyArray) -> Parts:
        """Return the parts for an environment."""
        given: Any = self.recipe
        env = check(data, alone=True)
        if env.host:
            raise BadInput("A memory needs an environment of pure functions, which History can wrap.")
        if not 1 <= self.hidden < math.inf:
            raise BadInput(f"The state of a memory has at least one number, and not {self.hidden}.")
        first, second, third = jax.random.split(key, 3)
        world = self.world(env)
        parts = given.build(world, first)
        if not isinstance(parts.model, ActorCritic) or isinstance(given, TRPO):
            raise BadInput(
                "A memory is for A2C, A3C, PPO and REINFORCE, whose one gradient moves actor, critic and "
                f"memory, and not for {type(given).__name__}."
            )
        if given.normalize:
            raise BadInput("Rows of a history are not standardized: set normalize=False.")
        memory = Memory(world.observations, self.hidden, key=second)
        model = actor_critic(
            memory, world.actions, given.width, given.depth, given.activation, key=third
        )  # fmt: skip
        return parts._replace(model=model)
