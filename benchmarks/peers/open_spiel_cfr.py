"""OpenSpiel's CFR+ on a game: prints the exploitability after each iteration, and the rate, as JSON.

Usage: open_spiel_cfr.py SETTINGS, a JSON object:

- `game`: its name, with parameters if any.
- `followed`: so many iterations, the exploitability of the average policy after each, not timed.
- `timed`: so many iterations of a new solver, after a tenth of them that are not timed; 0 for none.

The solver is `pyspiel.CFRPlusSolver`: the players take turns, and iteration t has the weight t.
"""

import json
import sys
import time
from importlib.metadata import version

import pyspiel


def main(asked):
    """Follow, then time, and print what was measured."""
    game = pyspiel.load_game(asked["game"])
    solver, found = pyspiel.CFRPlusSolver(game), []
    for _ in range(asked.get("followed", 0)):
        solver.evaluate_and_update_policy()
        found.append(pyspiel.exploitability(game, solver.average_policy()))
    told = {"exploitability": found, "open_spiel": version("open_spiel")}
    if timed := asked.get("timed", 0):
        begun = time.perf_counter()
        solver = pyspiel.CFRPlusSolver(game)
        told["seconds_to_build"] = time.perf_counter() - begun
        for _ in range(timed // 10):
            solver.evaluate_and_update_policy()
        begun, cpu = time.perf_counter(), time.process_time()
        for _ in range(timed):
            solver.evaluate_and_update_policy()
        told |= {"seconds": time.perf_counter() - begun, "cpu_seconds": time.process_time() - cpu}
        told["rate"] = timed / told["seconds"]
    print(json.dumps(told))


if __name__ == "__main__":
    main(json.loads(sys.argv[-1]))
