"""The bars of `ansatz play`, in their order."""

from collections.abc import Callable
from typing import Any

from benchmarks.play_a3c import a3c_cartpole, a3c_claims
from benchmarks.play_cfr import regret_matching
from benchmarks.play_checks import compiling, illegal_actions
from benchmarks.play_curriculum import cube, puzzle
from benchmarks.play_imitation import next_moves
from benchmarks.play_mates import mates
from benchmarks.play_nash import fictitious, kuhn, leduc
from benchmarks.play_rates import rates, seeds_at_once
from benchmarks.play_returns import mountain_car, returns
from benchmarks.play_search import perfect_play
from benchmarks.play_search_rates import search_rates
from benchmarks.play_time import to_threshold
from benchmarks.run import numbered

Row = list[dict[str, Any]]
MEASURES: list[Callable[[], Row]] = [
    returns,
    mountain_car,
    rates,
    compiling,
    seeds_at_once,
    to_threshold,
    search_rates,
    perfect_play,
    mates,
    next_moves,
    puzzle,
    cube,
    kuhn,
    leduc,
    fictitious,
    illegal_actions,
    regret_matching,
    a3c_cartpole,
    a3c_claims,
]
ROWS = numbered("play", MEASURES)
