"""A solution as a folder and back: texts, coefficients and what is known of the error."""

from dataclasses import replace
from typing import Any

import numpy as np

from ansatz.equations.solution import Estimate, Rung, Solution
from ansatz.equations.statement import restated, statement
from ansatz.errors import BadInput

KIND = "solution"


def save(solution: Solution, path: Any) -> None:
    """Write the folder of a solution, all of it or nothing."""
    from ansatz.store import RunFolder

    with RunFolder.create(path) as folder:
        folder.finish(*files(solution))


def files(solution: Solution, *, report: bool = True) -> tuple[Any, dict[str, bytes]]:
    """Return the snapshot of a solution and the further files of its folder."""
    from ansatz.store import Snapshot
    from ansatz.training.run import versions

    record = {
        "statement": statement(solution.problem),
        "method": solution.method,
        "errors": {k: _plain(v) for k, v in solution.errors.items()},
        "residual": _plain(solution.residual),
        "converged": solution.converged,
        "accuracy": solution.accuracy,
        "ladder": [list(map(_plain, rung)) for rung in solution.ladder],
        "remarks": list(solution.remarks),
        "seconds": solution.seconds,
        "unknowns": {k: list(map(_plain, v)) for k, v in solution.unknowns.items()},
        "levels": None if solution.levels is None else [float(v) for v in solution.levels],
        "level_errors": None if solution.level_errors is None else [float(v) for v in solution.level_errors],
        "richer": solution._richer,
        "reached": solution.reached,
        "spreads": {k: _plain(v) for k, v in solution.spreads.items()},
        "members": [
            {
                "errors": {k: _plain(v) for k, v in one.errors.items()},
                "residual": _plain(one.residual),
                "converged": one.converged,
            }
            for one in solution.members
        ],
    }
    info = {
        "kind": KIND,
        KIND: record | {"target": ", ".join(solution.fields)},
        "result": {"metric": "relative error", "value": _plain(solution.error)},
        "run": {"status": "finished" if solution.converged else "not converged"},
        "engine": {"versions": versions()},
    }
    model = {"answer": solution.model, "defect": solution.defect_model, "levels": solution.level_models}
    extras = {"report.html": solution.report().encode()} if report else {}
    return Snapshot(info=info, model=model), extras


def load(path: Any) -> Solution:
    """Return the solution in a folder.

    Raises:
        BadInput: the folder holds no solution, or its files are damaged.
    """
    from ansatz.store import RunFolder

    snapshot, remarks = RunFolder.read(path)
    if snapshot.info.get("kind") != KIND:
        raise BadInput(
            f"{path} holds no solution of an equation but {snapshot.info.get('kind', 'another run')}."
        )
    record = snapshot.info[KIND]
    solution = Solution(
        restated(record["statement"]), record["method"], snapshot.model["answer"], snapshot.model["defect"],
        {k: float(v) for k, v in record["errors"].items()}, float(record["residual"]),
        bool(record["converged"]),
        float(record["accuracy"]), tuple(Rung(*rung) for rung in record["ladder"]),
        (*record["remarks"], *remarks), float(record["seconds"]),
        {k: Estimate(*v) for k, v in record["unknowns"].items()},
        None if record["levels"] is None else np.array(record["levels"]),
        None if record["level_errors"] is None else np.array(record["level_errors"]),
    )  # fmt: skip
    solution._richer = bool(record["richer"])
    solution.reached = record["reached"]
    solution.level_models = tuple(snapshot.model["levels"])
    solution.spreads = {k: float(v) for k, v in record["spreads"].items()}
    models = solution.model.members if record["members"] else ()
    for model, one in zip(models, record["members"], strict=True):
        member = replace(
            solution, model=model, errors={k: float(v) for k, v in one["errors"].items()},
            residual=float(one["residual"]), converged=bool(one["converged"]), remarks=(), ladder=(),
            members=(), spreads={},
        )  # fmt: skip
        solution.members = (*solution.members, member)
    return solution


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, float | np.floating) else value
