"""CFR+ beside OpenSpiel's compiled solver: the same exploitability at every iteration, and the rate."""

import json
import statistics
import time
from typing import Any

import numpy as np

from ansatz.rl.cfr import minimise_regret
from ansatz.rl.envs.names import make
from ansatz.rl.extensive import Game, extensive
from benchmarks.run import entry
from benchmarks.solve_measure import PEERS, process, python_of

Row = list[dict[str, Any]]
ROUNDS = 3
NAMES = {"KuhnPoker": "kuhn_poker", "LeducPoker": "leduc_poker"}
FOLLOWED = {"KuhnPoker": 1000, "LeducPoker": 100}
TIMED, TIMED_BY_PEER = 5000, 300


def peer(**asked: Any) -> dict[str, Any]:
    """Return what OpenSpiel measures in a process of its own."""
    return process([python_of("open_spiel"), str(PEERS / "open_spiel_cfr.py")], [json.dumps(asked)])


def regret_matching() -> Row:
    """CFR+ on Kuhn and Leduc: the largest difference of exploitabilities, and the rates on Leduc.

    Both solvers let the players take turns, give iteration t the weight t, and work in double precision.
    The rates are taken in turn; making the arrays of the game and compiling are apart, as OpenSpiel's making
    of its tables is.
    """
    begun = time.perf_counter()
    games = {name: extensive(make(name)) for name in NAMES}
    building = time.perf_counter() - begun
    apart, told = zip(*(_difference(name, games[name]) for name in NAMES), strict=True)
    minimise_regret(games["LeducPoker"], 1, plus=True)
    mine, theirs, ratios = [], [], []
    for _ in range(ROUNDS):
        mine.append(_rate(games["LeducPoker"]))
        found = peer(game=NAMES["LeducPoker"], timed=TIMED_BY_PEER)
        theirs.append(found["rate"])
        ratios.append(mine[-1] / theirs[-1])
    note = (
        f"{statistics.median(mine):,.0f} iterations a second, OpenSpiel {statistics.median(theirs):,.0f}; "
        f"ratios {', '.join(f'{ratio:.1f}' for ratio in ratios)}; apart from these: the arrays of both games "
        f"and their compilation {building:.1f} s, OpenSpiel's tables {found['seconds_to_build']:.2f} s"
    )
    common: dict[str, Any] = {
        "peer": f"pyspiel.CFRPlusSolver of OpenSpiel {found['open_spiel']}",
        "versions": {"open_spiel": found["open_spiel"]},
    }
    return [
        entry("", "CFR+ on Kuhn and Leduc poker: largest difference of exploitability from OpenSpiel's",
              max(apart), unit="", must=1e-9, aim=1e-10, better="lower",
              note="; ".join(told), **common),
        entry("", "CFR+ on Leduc poker: iterations a second over OpenSpiel's", statistics.median(ratios),
              unit="times", must=3, aim=10, better="higher", note=note, **common),
    ]  # fmt: skip


def _difference(name: str, game: Game) -> tuple[float, str]:
    """Return how far the exploitabilities of all iterations lie apart at most, and in words."""
    count = FOLLOWED[name]
    expected = peer(game=NAMES[name], followed=count)["exploitability"]
    found = minimise_regret(game, count, plus=True, every=1).exploitability
    apart = float(np.abs(found - np.asarray(expected)).max())
    return apart, f"{name}: {apart:.1e} over {count} iterations, the last {found[-1]:.3g}"


def _rate(game: Game) -> float:
    """Return iterations a second of a program that is compiled already."""
    begun = time.perf_counter()
    minimise_regret(game, TIMED, plus=True)
    return TIMED / (time.perf_counter() - begun)
