"""The values that the probe environments state are those that Bellman's equation gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.rl.env import Discrete
from ansatz.rl.envs.probes import PROBES, Aim, Choice, Forbidden, Reading, Sighted

GAMMA = 0.9


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_values_obey_bellmans_equation(probe):
    env = probe()
    if isinstance(env.actions, Discrete):
        actions = jnp.arange(env.actions.n, dtype=jnp.int32)
    else:
        actions = jnp.linspace(-1.0, 1.0, 81)[:, None]

    @jax.jit
    def sides(key):
        state, both = env.reset(key), []
        for _ in range(2):
            steps = jax.vmap(lambda action, state=state: env.step(state, action, key))(actions)
            ahead = jax.vmap(lambda obs: env.value(obs, GAMMA))(steps.obs)
            worth = steps.reward + GAMMA * jnp.where(steps.terminated, 0.0, ahead)
            if isinstance(env.actions, Discrete):
                worth = jnp.where(env.legal(state), worth, -jnp.inf)
            both.append(jnp.stack([env.value(env.observe(state), GAMMA), worth.max()]))
            state = jax.tree.map(lambda leaf: leaf[0], steps.state)
        return jnp.stack(both)

    both = jax.vmap(sides)(jax.random.split(jax.random.key(0), 8))
    np.testing.assert_allclose(both[..., 0], both[..., 1], atol=1e-6)


def test_probes_depend_on_what_they_say():
    keys = jax.random.split(jax.random.key(0), 64)
    for probe in (Sighted, Reading):
        seen = np.asarray(jax.vmap(probe().reset)(keys)).ravel()
        assert set(seen.tolist()) == {-1.0, 1.0}
    key, zero = keys[0], jnp.zeros(1)
    paid = [float(Choice().step(zero, jnp.asarray(a), key).reward) for a in range(2)]
    assert paid == [-1.0, 1.0]
    read = [
        [float(Reading().step(jnp.full(1, o), jnp.asarray(a), key).reward) for a in range(2)]
        for o in (-1.0, 1.0)
    ]
    assert read == [[1.0, -1.0], [-1.0, 1.0]]
    assert Forbidden().legal(zero).tolist() == [True, True, False]
    assert float(Forbidden().step(zero, jnp.asarray(2), key).reward) == 2
    assert float(Aim().step(zero, jnp.asarray([0.5]), key).reward) == 0
