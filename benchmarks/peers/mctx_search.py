"""mctx on connect four, by the rules and the evaluation of this project: prints its rate as JSON.

Usage: mctx_search.py SETTINGS, a JSON object, with this project's `src` in PYTHONPATH:

- `openings`: a list of lists of columns; one search begins after each, all at once.
- `simulations`; `repeats`: how often it is timed, after one run that compiles.
- `policy`: muzero or gumbel.

A simulation plays the true game, every prior is even over the legal columns and every value 0.  What follows
the end of a game is worth 0.
"""

import json
import statistics
import sys
import time
from importlib.metadata import version

import jax
import jax.numpy as jnp
import mctx

from ansatz.rl.envs.connect_four import ConnectFour

ENV = ConnectFour()
POLICIES = {"muzero": mctx.muzero_policy, "gumbel": mctx.gumbel_muzero_policy}


def begun(openings):
    """Return the states after the openings."""
    states, key = [], jax.random.key(0)
    step = jax.jit(ENV.step)
    for columns in openings:
        state = ENV.reset(key)
        for column in columns:
            state = step(state, jnp.asarray(column), key).state
        states.append(state)
    return jax.tree.map(lambda *x: jnp.stack(x), *states)


def even(state):
    """Return equal logits of the legal columns."""
    legal = ENV.legal(state)
    return jnp.where(legal, 0.0, jnp.finfo(jnp.float32).min)


def play(params, key, action, state):
    """Play a column in each game; the other player is next."""

    def one(state, action):
        step = ENV.step(state, action, key)
        reward = jnp.where(state.over, 0.0, step.reward[state.turn])
        over = state.over | step.terminated
        after = step.state._replace(over=over)
        return reward, jnp.where(over, 0.0, -1.0), even(after), after

    reward, discount, logits, after = jax.vmap(one)(state, action)
    told = mctx.RecurrentFnOutput(
        reward=reward, discount=discount, prior_logits=logits, value=jnp.zeros_like(reward)
    )
    return told, after


def main(asked):
    """Search several times, and print what was measured."""
    state = begun(asked["openings"])
    policy = POLICIES[asked.get("policy", "muzero")]

    @jax.jit
    def search(state, key):
        logits = jax.vmap(even)(state)
        root = mctx.RootFnOutput(prior_logits=logits, value=jnp.zeros(len(logits)), embedding=state)
        return policy(
            None, key, root, play, asked["simulations"], invalid_actions=~jax.vmap(ENV.legal)(state)
        ).action_weights

    clock = time.perf_counter()
    jax.block_until_ready(search(state, jax.random.key(0)))
    compiling, walls, cpus = time.perf_counter() - clock, [], []
    for repeat in range(asked["repeats"]):
        clock, cpu = time.perf_counter(), time.process_time()
        jax.block_until_ready(search(state, jax.random.key(repeat)))
        walls.append(time.perf_counter() - clock)
        cpus.append(time.process_time() - cpu)
    count = len(asked["openings"]) * asked["simulations"]
    found = {
        "rate": count / statistics.median(walls), "cpu_rate": count / statistics.median(cpus),
        "compiling": compiling, "mctx": version("mctx"), "jax": jax.__version__,
    }  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.argv[-1]))
