"""The bars of `ansatz play`, in their order."""

from collections.abc import Callable
from typing import Any

from benchmarks.play_a3c import a3c_cartpole, a3c_claims
from benchmarks.play_checks import compiling, illegal_actions
from benchmarks.play_curriculum import cube, puzzle
from benchmarks.play_nash import fictitious, kuhn, leduc
from benchmarks.play_rates import rates, seeds_at_once
from benchmarks.play_returns import mountain_car, returns
from benchmarks.play_search import perfect_play, rate
from benchmarks.run import numbered

Row = list[dict[str, Any]]
MEASURES: list[Callable[[], Row]] = [
    returns,
    mountain_car,
    rates,
    compiling,
    seeds_at_once,
    rate,
    perfect_play,
    puzzle,
    cube,
    kuhn,
    leduc,
    fictitious,
    illegal_actions,
    a3c_cartpole,
    a3c_claims,
]
ROWS = numbered("play", MEASURES)
