"""Environments that cannot be learned are refused before anything is trained, in a sentence."""

import equinox as eqx
import jax.numpy as jnp
import pytest

from ansatz.core import BadInput
from ansatz.rl.check import check
from ansatz.rl.env import Box, Discrete, Env, Step
from ansatz.rl.play import find_env, make_ready
from ansatz.rl.tried import tried


class Late(Env):
    """Ten steps, of which the fourth has a fault."""

    fault: str = eqx.field(static=True, default="")

    @property
    def actions(self):
        return Discrete(2)

    @property
    def observations(self):
        return Box((0.0, 0.0), (1.0, 1.0)) if self.fault != "space" else (2,)

    def reset(self, key):
        return jnp.zeros((), jnp.int32)

    def step(self, state, action, key):
        if self.fault == "raises":
            raise ZeroDivisionError("no such\n board")
        reward = self._spoiled(state, "reward", jnp.asarray(1.0))
        return Step(state + 1, self.observe(state + 1), reward, state == 9, jnp.zeros((), bool))

    def observe(self, state):
        return jnp.full(2, self._spoiled(state, "observation", state.astype(jnp.float32) / 10))

    def legal(self, state):
        return jnp.ones(2, bool) & ((state < 4) | (state > 9) | (self.fault != "mask"))

    def _spoiled(self, state, what, value):
        return jnp.where(state == 4, jnp.inf, value) if self.fault == what else value


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("mask", r"Late cannot be learned: every action is illegal .*\(met in step 4\)"),
        ("observation", r"an observation is not finite \(met in step 3\)"),
        ("reward", r"a reward is not finite \(met in step 4\)"),
    ],
)
def test_a_fault_is_told_with_its_step(fault, says):
    with pytest.raises(BadInput, match=says):
        make_ready(find_env(Late(fault)), {"algorithm": "ppo"})


def test_what_is_well_passes():
    assert tried(check(Late())).actions == Discrete(2)
    # What was not reached is not met.
    assert tried(Late("reward"), most=3).fault == "reward"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("raises", "step of Late fails with ZeroDivisionError: no such board"),
        ("space", r"The observations of Late are a Discrete or a Box, not \(2,\)"),
    ],
)
def test_what_fails_or_has_no_space_gets_a_sentence(fault, says):
    with pytest.raises(BadInput, match=says):
        check(Late(fault))
