"""The networks that a recipe can train, by name: `PPO(network="darts")`.

| `network` | what it is |
|---|---|
| mlp | perceptrons of the encoded observation, for every environment |
| darts | message passing on the darts of a knot diagram, for `Unknot`: one set of weights for every N |

A network gets a name by one line in `NETWORKS`.  It has three parts: an encoder of observations, and an actor
and a critic of the code, which share it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import BadInput, Map
from ansatz.rl.agent import Encoder
from ansatz.rl.env import Env
from ansatz.rl.unknotter import actor, critic, encoder


class Network(NamedTuple):
    """An encoder of observations, an actor `[n]` and a critic `[1]` of what it makes of them."""

    encoder: Encoder
    actor: Map
    critic: Map


class Heads(Map):
    """The answers of several maps to one code, one after another.

    >>> from ansatz.maps.affine import Affine
    >>> import jax
    >>> Heads((Affine(2, 3, key=jax.random.key(0)), Affine(2, 1, key=jax.random.key(1))))(jnp.ones(2)).shape
    (4,)
    """

    maps: tuple[Map, ...]

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " n"]:
        """Return all answers as one vector."""
        return jnp.concatenate([one(x) for one in self.maps])


def _darts(env: Env, width: int, depth: int, activation: str, prior: bool, key: PRNGKeyArray) -> Network:
    given = env, width, depth, activation, prior, key
    return Network(encoder(*given), actor(*given), critic(*given))


NETWORKS: Mapping[str, Callable[..., Network] | None] = {"mlp": None, "darts": _darts}


def network(
    name: str, env: Env, width: int, depth: int, activation: str, prior: bool = True, *, key: PRNGKeyArray
) -> Network | None:
    """Return the parts of a network for an environment, None for perceptrons, which each recipe makes itself.

    With `prior` an actor may begin with a policy, not with values near 0.

    Raises:
        BadInput: there is no such network, or it is for other environments.
    """
    make = choose("network", name, NETWORKS)
    return None if make is None else make(env, width, depth, activation, prior, key)


def unstandardized(name: str, normalize: bool) -> None:
    """Refuse to standardize what a network other than perceptrons sees."""
    if normalize and name != "mlp":
        raise BadInput(f"What the network {name!r} sees is not standardized: set normalize=False.")
