"""Spherogram and Regina on knot diagrams: prints what they did, and their CPU seconds, as JSON.

Usage: snappy_knots.py TIME FILE, a JSON object in a file:

- `codes`: PD codes, each a list of rows of four numbers; `seed` of Python's random numbers.
- `task`: `moves`, `global`, `restarts` or `regina`.
- `seconds`: what each diagram may take in `restarts` and `regina`; what `moves` takes in all.
- `steps`: the moves of one walk of `moves`, and of one way back up in `restarts`.

`moves` gives the moves and their seconds; the others, for each diagram, the crossings left and the seconds,
from its code on.
"""

import json
import random
import sys
import time
from importlib.metadata import version
from pathlib import Path

import regina
from spherogram import Link


def moves(asked):
    """Walk from the first diagram by Spherogram's R1+, R2+ and R3 as `backtrack` mixes them, again and again.

    A step counts as a move even where `backtrack` drew an R3 and found none.
    """
    made, spent, shares = 0, 0.0, []
    while spent < asked["seconds"]:
        link = Link(asked["codes"][0])
        clock = time.process_time()
        link.backtrack(asked["steps"])
        spent += time.process_time() - clock
        made += asked["steps"]
        shares.append(len(link.crossings))
    return {"moves": made, "seconds": spent, "crossings": sum(shares) / len(shares)}


def once(code, asked):
    """Return the crossings that `simplify('global')` leaves."""
    link = Link(code)
    link.simplify("global")
    return len(link.crossings)


def restarts(code, asked):
    """Return the crossings left by `global`, and by `backtrack` and `global` again from the best so far."""
    clock, best = time.process_time(), Link(code)
    best.simplify("global")
    while best.crossings and time.process_time() - clock < asked["seconds"]:
        link = best.copy()
        link.backtrack(asked["steps"])
        link.simplify("global")
        if len(link.crossings) <= len(best.crossings):
            best = link
    return len(best.crossings)


def simplified(code, asked):
    """Return the crossings that Regina's `simplify` leaves, called again while there is time."""
    clock, link = time.process_time(), regina.Link.fromPD([tuple(row) for row in code])
    link.simplify()
    while link.size() and time.process_time() - clock < asked["seconds"]:
        link.simplify()
    return link.size()


def each(solve, asked):
    """Return for each diagram the crossings left and the CPU seconds."""
    found = []
    for code in asked["codes"][:1] + asked["codes"]:
        clock = time.process_time()
        left = solve(code, asked)
        found.append([left, time.process_time() - clock])
    return {"found": found[1:]}


def main(asked):
    """Do what is asked and print what was found."""
    random.seed(asked.get("seed", 0))
    solvers = {"global": once, "restarts": restarts, "regina": simplified}
    found = moves(asked) if asked["task"] == "moves" else each(solvers[asked["task"]], asked)
    print(json.dumps(found | {name: version(name) for name in ("snappy", "spherogram", "regina")}))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[-1]).read_text()))
