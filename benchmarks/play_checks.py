"""What `ansatz play` promises of every algorithm: how long it compiles, and no illegal action."""

import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ansatz.rl.algorithms import ALGORITHMS, runs_for
from ansatz.rl.envs.names import make
from ansatz.rl.evaluate import choice
from ansatz.rl.policy import masked_argmax, noise
from ansatz.rl.trial import sort_out
from ansatz.training.fit import fit
from benchmarks.run import entry

Row = list[dict[str, Any]]
MASKED = ("ppo", "a2c", "trpo", "reinforce", "dqn", "sac", "q-learning")
TAKEN = 10_000_000


def place_for(name: str) -> str:
    """Return an environment that an algorithm is for."""
    tables = dict.fromkeys(("q-learning", "sarsa"), "FrozenLake-v1")
    return (tables | {"curriculum": "Puzzle8", "self-play": "KuhnPoker"}).get(name, "CartPole-v1")


def compiling() -> Row:
    """Seconds from the call to the first step of a run that has compiled nothing before, the worst of all."""
    # Programs that an earlier run left on disk would hide the time that compiling takes.
    jax.config.update("jax_enable_compilation_cache", False)
    found = {}
    for name in ALGORITHMS:
        env = make(place_for(name))
        _, trial = sort_out("", {"algorithm": name})
        run = fit(trial, env, steps=runs_for(trial.learner, 20_000))
        found[name] = run.info["compile_seconds"]
    worst = max(found, key=lambda one: found[one])
    note = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found.items())
    return [
        entry("", f"compiling any algorithm with its evaluations: the longest ({worst})", found[worst],
              unit="s", must=10, aim=6, better="lower", note=note),
    ]  # fmt: skip


def illegal_actions() -> Row:
    """Illegal actions among ten million drawn from every masked policy after a short training in Taxi."""
    env, count, taken = make("Taxi-v4"), 0, 0
    begun = time.perf_counter()
    envs, steps = 4000, TAKEN // 4000 // len(MASKED) + 1
    for name in MASKED:
        _, trial = sort_out("", {"algorithm": name})
        model = fit(trial.learner, env, steps=50).model
        wrong = _walk(env, model, name, envs, steps)
        count, taken = count + int(wrong), taken + envs * steps
    return [
        entry("", "illegal actions taken by masked policies", count, unit=f"of {taken:,}", must=0, aim=0,
              better="lower", seconds=time.perf_counter() - begun,
              note=f"{', '.join(MASKED)} in Taxi, whose mask differs from state to state"),
    ]  # fmt: skip


@eqx.filter_jit
def _walk(env: Any, model: Any, name: str, envs: int, steps: int) -> Any:
    """Return how many illegal actions were drawn, exploring as in training where there is a distribution."""
    state = jax.vmap(env.reset)(jax.random.split(jax.random.key(1), envs))

    def act(state: Any, obs: Any, legal: Any, luck: Any, key: Any) -> Any:
        if hasattr(model, "policy"):
            return model.policy(obs, legal).sample(luck)
        if hasattr(model, "values"):
            return masked_argmax(model.values(obs, legal) + luck, legal)
        return choice(env, model, state, obs, legal, key)

    def one(carry: Any, i: Any) -> Any:
        state, wrong = carry
        first, second, third, fourth = jax.random.split(jax.random.fold_in(jax.random.key(2), i), 4)
        obs, legal = jax.vmap(env.observe)(state), jax.vmap(env.legal)(state)
        luck = noise(env.actions, first, (envs,))
        action = jax.vmap(act)(state, obs, legal, luck, jax.random.split(second, envs))
        wrong = wrong + (~jnp.take_along_axis(legal, action[:, None], 1)).sum()
        step = jax.vmap(env.step)(state, action, jax.random.split(third, envs))
        fresh = jax.vmap(env.reset)(jax.random.split(fourth, envs))
        done = step.terminated | step.truncated
        state = jax.tree.map(
            lambda a, b: jnp.where(done.reshape(-1, *[1] * (a.ndim - 1)), a, b), fresh, step.state
        )
        return (state, wrong), None

    return jax.lax.scan(one, (state, jnp.zeros((), jnp.int32)), jnp.arange(steps))[0][1]
