"""Every environment obeys every law; one that escapes the table fails the guard."""

import importlib
import inspect
import json
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ansatz.rl.envs
import ansatz.store as store
from ansatz.errors import BadInput
from ansatz.rl.check import check, example_action
from ansatz.rl.env import Discrete, Env
from ansatz.rl.envs.frozen_lake import FrozenLake
from ansatz.rl.envs.names import NAMES, described, make
from ansatz.rl.envs.probes import PROBES
from ansatz.rl.envs.recall import Recall
from ansatz.rl.wrappers import Gust, History, TimeLimit, unwrapped

# Games have their own laws, in which they are played; here they obey what needs no playing.
GAMES = {"Puzzle8", "Puzzle15", "Cube2", "TicTacToe", "ConnectFour", "Chess", "KuhnPoker", "LeducPoker"}
GAMES |= {"RockPaperScissors", "MatchingPennies", "NoScissors", "Climbing"}
CASES = (
    {name: make(name) for name in NAMES if name not in GAMES}
    | {one.__name__: one() for one in PROBES}
    | {
        "FrozenLake, not slippery": FrozenLake(slippery=False),
        "Recall": Recall(3),
        "TimeLimit": TimeLimit(make("CartPole-v1"), 3),
        "Gust, masked": Gust(make("Taxi-v4"), 0.3),
        "Gust, numbers": Gust(make("Pendulum-v1"), 0.3),
        "History, numbers": History(make("MountainCarContinuous-v0"), 3),
        "History, indices": History(make("Taxi-v4"), 2, False),
    }
)
ALL = CASES | {name: make(name) for name in NAMES}
every = pytest.mark.parametrize("name", ALL)
LANES, LENGTH = 3, 24
# What is compiled here runs once: half of the time to compile it goes without these passes.
HASTE = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def chosen(env, state, key):
    """Return a random legal action."""
    if isinstance(env.actions, Discrete):
        return jax.random.categorical(key, jnp.where(env.legal(state), 0.0, -jnp.inf)).astype(jnp.int32)
    low, high = (jnp.asarray(one, jnp.float32) for one in (env.actions.low, env.actions.high))
    return jax.random.uniform(key, env.actions.shape, jnp.float32, low, high)


def one_step(env, state, key):
    """Return the step that a random legal action leads to, and the action."""
    action = chosen(env, state, key)
    return env.step(state, action, key), action


def episode(env, key):
    """Return everything that happens in some steps, which begin anew wherever an episode ends."""

    def body(state, key):
        step, action = one_step(env, state, key)
        over = step.terminated | step.truncated
        after = jax.tree.map(lambda a, b: jnp.where(over, a, b), env.reset(key), step.state)
        legal = env.legal(state) if isinstance(env.actions, Discrete) else jnp.ones(1, bool)
        return after, (state, action, step, env.observe(step.state), legal)

    return jax.lax.scan(body, env.reset(key), jax.random.split(key, LENGTH))[1]


@pytest.fixture(scope="module", params=CASES)
def played(request):
    """An environment with its compiled episodes: (env, program, keys, what it returned)."""
    env = CASES[request.param]
    program = jax.jit(jax.vmap(lambda key: episode(env, key)), compiler_options=HASTE)
    keys = jax.random.split(jax.random.key(5), LANES)
    return env, program, keys, jax.tree.map(np.asarray, program(keys))


def within(value, space):
    """Tell whether values are in a space, whatever their leading axes."""
    if isinstance(space, Discrete):
        return value.dtype == np.int32 and (value >= 0).all() and (value < space.n).all()
    low, high = (np.asarray(one, np.float32) for one in (space.low, space.high))
    return value.dtype == np.float32 and (value >= low).all() and (value <= high).all()


def agree(a, b):
    for one, two in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(two), rtol=1e-5, atol=1e-5)


def test_observations_and_actions_are_in_their_spaces(played):
    env, _, _, (_, action, step, seen, _) = played
    assert within(step.obs, env.observations) and within(action, env.actions)
    assert np.array_equal(step.obs, seen)


def test_everything_is_finite_and_of_its_dtype(played):
    env, _, _, (states, _, step, _, legal) = played
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((states, step)))
    assert step.terminated.dtype == step.truncated.dtype == legal.dtype == bool
    assert step.reward.dtype == np.float32
    assert step.reward.shape == (LANES, LENGTH, *([] if env.players == 1 else [env.players]))
    assert legal.any(-1).all()


def test_same_keys_give_same_bits(played):
    _, program, keys, first = played
    for one, two in zip(jax.tree.leaves(first), jax.tree.leaves(program(keys)), strict=True):
        assert np.array_equal(one, two)


def test_compiled_batched_and_plain_steps_agree(played):
    env, _, keys, (states, _, steps, _, _) = played
    state = jax.tree.map(lambda leaf: jnp.asarray(leaf[1, 0]), states)
    key = jax.random.split(keys[1], LENGTH)[0]
    plain, _ = one_step(env, state, key)
    agree(plain, jax.tree.map(lambda leaf: leaf[1, 0], steps))


@every
def test_check_passes_and_dtypes_do_not_drift(name):
    env = ALL[name]
    assert check(env) is env
    key = jax.random.key(0)
    state = jax.eval_shape(env.reset, key)
    step = jax.eval_shape(env.step, state, example_action(env.actions), key)
    for before, after in zip(jax.tree.leaves(state), jax.tree.leaves(step.state), strict=True):
        assert (before.shape, before.dtype, before.weak_type) == (after.shape, after.dtype, after.weak_type)
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(step))


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_double_within_the_scope(name):
    env, key = ALL[name], jax.random.key(0)
    with jax.enable_x64(True):
        state = jax.eval_shape(env.reset, key)
        step = jax.eval_shape(env.step, state, example_action(env.actions), key)
        floats = [leaf for leaf in jax.tree.leaves((state, step)) if jnp.issubdtype(leaf.dtype, jnp.floating)]
        assert all(leaf.dtype == jnp.float64 for leaf in floats)


def test_drawings_fit_a_terminal(played):
    env, _, _, (states, *_) = played
    lines = env.render(jax.tree.map(lambda leaf: jnp.asarray(leaf[0, -1]), states)).split("\n")
    assert lines != [""] and max(map(len, lines)) <= 80 and len(lines) <= 24


@every
def test_saved_and_loaded_is_the_same(name):
    env = ALL[name]
    spec, arrays = store.encode(env)
    classes = store.named(*{type(one) for case in ALL.values() for one in (case, unwrapped(case))})
    assert store.decode(json.loads(json.dumps(spec)), arrays, classes) == env


def test_no_environment_escapes_the_table():
    found = set()
    for module in pkgutil.iter_modules(ansatz.rl.envs.__path__, "ansatz.rl.envs."):
        for name, value in vars(importlib.import_module(module.name)).items():
            ours = inspect.isclass(value) and issubclass(value, Env) and value.__module__ == module.name
            found |= {value} if ours and not name.startswith("_") and not inspect.isabstract(value) else set()
    assert found <= {type(unwrapped(env)) for env in ALL.values()}
    # Equal environments are one static value to `jit`, which compiles nothing twice.
    assert not any(jax.tree.leaves(env) for env in ALL.values())
    assert all(make(name) == make(name) and hash(make(name)) == hash(make(name)) for name in NAMES)


def test_every_name_is_described_in_a_line():
    said = {name: described(name) for name in NAMES}
    assert all(20 < len(line) <= 110 and line[0].isupper() and line.endswith(".") for line in said.values())
    assert len(set(said.values())) > 15
    with pytest.raises(BadInput, match="did you mean 'KuhnPoker'"):
        described("KuhnPokr")
