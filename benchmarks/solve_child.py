"""Solve one problem in a process of its own: `python -m benchmarks.solve_child BEGUN WANTED`.

BEGUN is the time of `time.time()` when the process was started, WANTED a JSON object with `name`,
`parameters` and what else `solve` takes.  Prints one line of JSON; `seconds` counts from BEGUN until the
answer stood.
"""

import json
import sys
import time
from typing import Any


def answered(begun: float, name: str, parameters: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Solve, stop the clock, and compare the answer with the certified solution."""
    from ansatz.equations.solve import solve
    from benchmarks.solve_demos import entry_of

    entry = entry_of(name, **parameters)
    options = {"accuracy": entry.accuracy, "size": entry.size} | options
    inside = time.time()
    solution = solve(entry.problem(), **options)
    ended = time.time()
    found: dict[str, Any] = {
        "seconds": ended - begun,
        "inside": ended - inside,
        "estimate": max(solution.errors[name] for name in compared(entry)),
        "converged": bool(solution.converged),
        "verdict": solution.verdict,
        "method": solution.method,
        "ladder": [rung.name for rung in solution.ladder],
        "residual": float(solution.residual),
        "errors": entry.errors(solution),
    }
    found["error"] = max(found["errors"].values(), default=float("nan"))
    if entry.energies and solution.levels is not None:
        true = entry.energies(len(solution.levels))
        misses = [abs(float(a) - b) for a, b in zip(solution.levels, true, strict=True)]
        found |= {"error": max(misses), "estimate": float(max(solution.level_errors))}
    if entry.truth:
        found["truth"] = dict(entry.truth)
        found["unknowns"] = {key: (one.value, one.sigma) for key, one in solution.unknowns.items()}
    return found


def compared(entry: Any) -> list[str]:
    """Return the fields whose errors are measured: those of the reference, complex ones by both parts."""
    parts = [(f"{name}_re", f"{name}_im") if name in entry.complex else (name,) for name in entry.fields]
    return [name for both in parts for name in both]


def main(begun: str, wanted: str) -> None:
    """Print what came of it; a problem that could not be solved says so in `failed`."""
    options = json.loads(wanted)
    name, parameters = options.pop("name"), options.pop("parameters", {})
    try:
        found = answered(float(begun), name, parameters, **options)
    except Exception as error:
        found = {"failed": f"{type(error).__name__}: {error}", "seconds": time.time() - float(begun)}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
