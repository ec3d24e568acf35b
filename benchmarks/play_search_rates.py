"""Simulations a second of tree search, beside mctx and OpenSpiel, in turn: connect four without a network.

All search the same positions by the same evaluation: an even prior over the legal columns, and the value 0.
mctx plays by this project's own rules of the game, compiled; OpenSpiel by its own, in C++.
"""

import json
import statistics
import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz.rl.envs.connect_four import ConnectFour
from ansatz.rl.mcts import Search, even
from benchmarks.run import entry
from benchmarks.solve_measure import PEERS, process, python_of

Row = list[dict[str, Any]]
KEY = jax.random.key(0)
BATCH, SIMULATIONS, REPEATS, ROUNDS = 64, 128, 21, 3


def openings(batch: int = BATCH) -> list[list[int]]:
    """Return columns to begin with, up to six: no game is over by then, and no column full."""
    random = np.random.default_rng(0)
    return [random.integers(0, 7, number % 7).tolist() for number in range(batch)]


def begun(env: ConnectFour, columns: list[list[int]]) -> Any:
    """Return the states after the openings, `[B, ...]`."""
    step, states = jax.jit(env.step), []
    for opening in columns:
        state = env.reset(KEY)
        for column in opening:
            state = step(state, jnp.asarray(column), KEY).state
        states.append(state)
    return jax.tree.map(lambda *x: jnp.stack(x), *states)


class Own:
    """Our search, compiled once."""

    def __init__(self, columns: list[list[int]], simulations: int, repeats: int):
        search, self.repeats = Search(ConnectFour(), simulations), repeats
        self.state = begun(ConnectFour(), columns)
        self.run = eqx.filter_jit(lambda state: search.visits(search(state, even, KEY)))
        self.count = int(self.run(self.state).sum())

    def rate(self) -> float:
        """Return the simulations a second, all of the batch counted: the median of the repeats."""
        times = []
        for _ in range(self.repeats):
            clock = time.perf_counter()
            jax.block_until_ready(self.run(self.state))
            times.append(time.perf_counter() - clock)
        return self.count / statistics.median(times)


def peer(name: str, script: str, **asked: Any) -> dict[str, Any]:
    """Return what a peer measures in a process of its own."""
    return process([python_of(name), str(PEERS / script)], [json.dumps(asked)])


def search_rates(
    batch: int = BATCH, simulations: int = SIMULATIONS, repeats: int = REPEATS, rounds: int = ROUNDS
) -> Row:
    """Simulations a second in connect four over those of mctx's `muzero_policy` and of OpenSpiel's Python."""
    columns = openings(batch)
    own = Own(columns, simulations, repeats)
    asked: dict[str, Any] = {"openings": columns, "simulations": simulations}
    rates: dict[str, list[float]] = {name: [] for name in ("own", "muzero", "gumbel", "python", "rollout")}
    for _ in range(rounds):
        rates["own"].append(own.rate())
        for policy in ("muzero", "gumbel"):
            mctx = peer("mctx", "mctx_search.py", **asked, policy=policy, repeats=repeats)
            rates[policy].append(mctx["rate"])
        for name in ("python", "rollout"):
            spiel = peer("open_spiel", "open_spiel_search.py", **asked, rollout=name == "rollout")
            rates[name].append(spiel["rate"])
    middle = {name: statistics.median(found) for name, found in rates.items()}

    def against(name: str) -> tuple[float, str]:
        ratios = [a / b for a, b in zip(rates["own"], rates[name], strict=True)]
        return statistics.median(ratios), ", ".join(f"{ratio:.1f}" for ratio in ratios)

    (first, firsts), (second, seconds) = against("muzero"), against("python")
    common = f"{middle['own']:,.0f} simulations a second, batch {batch}, {simulations} simulations"
    return [
        entry("", "tree search in connect four: simulations a second over mctx's muzero_policy", first,
              unit="times", must=3, aim=5, better="higher", peer=f"mctx {mctx['mctx']}, jax {mctx['jax']}",
              versions={"mctx": mctx["mctx"]},
              note=f"{common}; muzero_policy {middle['muzero']:,.0f} (ratios {firsts}), "
              f"gumbel_muzero_policy {middle['gumbel']:,.0f} ({against('gumbel')[0]:.1f} times)"),
        entry("", "tree search in connect four: simulations a second over OpenSpiel's Python search", second,
              unit="times", must=30, aim=50, better="higher", peer=f"open_spiel {spiel['open_spiel']}",
              versions={"open_spiel": spiel["open_spiel"]},
              note=f"{common}; OpenSpiel, one process, by the same evaluation {middle['python']:,.0f} "
              f"(ratios {seconds}), by random games {middle['rollout']:,.0f} "
              f"({against('rollout')[0]:.0f} times)"),
    ]  # fmt: skip
