"""A sweep as a table, as values on a grid, and as a folder and back."""

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ansatz._spelling import nearest
from ansatz.equations.sampling import MOST, Sample, nodes, sample
from ansatz.equations.solution import Solution
from ansatz.equations.solution_file import files as solution_files
from ansatz.equations.solution_file import load as load_solution
from ansatz.equations.statement import restated, statement
from ansatz.equations.sweep import Sweep
from ansatz.errors import BadInput

if TYPE_CHECKING:
    import polars as pl

KIND = "sweep"
ENDINGS = (".csv", ".npz")


def table(swept: Sweep) -> "pl.DataFrame":
    """Return a row for every value."""
    import polars as pl

    columns: dict[str, Any] = dict(swept.parameters)
    columns["converged"] = swept.converged
    columns["error"] = swept.error
    columns["residual"] = [np.nan if one is None else float(one.residual) for one in swept.solutions]
    if any(one is not None and one.members for one in swept.solutions):
        columns["spread"] = [
            max(one.spreads.values()) if one is not None and one.spreads else np.nan
            for one in swept.solutions
        ]
    if (levels := swept.levels) is not None:
        columns |= {f"level {n}": levels[:, n] for n in range(levels.shape[1])}
    for name in swept.first.unknowns:
        each = [None if one is None else one.unknowns.get(name) for one in swept.solutions]
        columns[name] = [np.nan if one is None else one.value for one in each]
        columns[f"{name} sigma"] = [np.nan if one is None else one.sigma for one in each]
    columns["seconds"] = [np.nan if one is None else one.seconds for one in swept.solutions]
    columns["verdict"] = [swept.sentence(at) for at in range(len(swept))]
    return pl.DataFrame(columns)


def check_export(path: str | Path) -> Path:
    """Return the path if its ending is one of the formats."""
    path = Path(path)
    if path.suffix not in ENDINGS:
        advice = nearest(path.suffix, ENDINGS)
        raise BadInput(f"There is no export of a sweep to {path.name!r}; the ending: {advice}.")
    return path


def export(swept: Sweep, path: Path, axes: tuple[np.ndarray, ...] | None = None) -> Path:
    """Write the fields of all solutions and their estimated errors on a grid; return the path.

    Args:
        swept: what `sweep` returned.
        path: `.npz` holds the constants `[k]`, the nodes of each coordinate (`[n]`, or `[k, n]` where the
            domains differ) and the fields `[k, n, m, …]`, NaN without a solution; `.csv` a row for each value
            and each point inside.
        axes: the nodes of each coordinate; by default at most 200,000 points in all.

    Raises:
        BadInput: the ending is another one.
    """
    from ansatz.store import write_file

    path = check_export(path)
    samples = [None if one is None else _sample(one, axes, len(swept)) for one in swept.solutions]
    write_file(path, npz_bytes(swept, samples) if path.suffix == ".npz" else csv_bytes(swept, samples))
    return path


def npz_bytes(swept: Sweep, samples: list[Sample | None]) -> bytes:
    """Return an NPZ archive of the constants, the nodes and the fields."""
    known = [one for one in samples if one is not None]
    arrays: dict[str, Any] = dict(swept.parameters)
    for number, name in enumerate(known[0].names):
        each = [one.axes[number] for one in known]
        blank = np.full_like(each[0], np.nan)
        same = all(np.array_equal(one, each[0]) for one in each)
        rows = [blank if one is None else one.axes[number] for one in samples]
        arrays[name] = each[0] if same else np.stack(rows)
    for name, like in known[0].values.items():
        blank = np.full_like(like, np.nan)
        arrays[name] = np.stack([blank if one is None else one.values[name] for one in samples])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def csv_bytes(swept: Sweep, samples: list[Sample | None]) -> bytes:
    """Return a table with a row for each value and each point inside, numbers with all their digits."""
    lines: list[str] = []
    for at, one in enumerate(samples):
        if one is None:
            continue
        columns = one.columns()
        if not lines:
            lines.append(",".join([*swept.parameters, *columns]))
        own = [repr(float(values[at])) for values in swept.parameters.values()]
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        lines += [",".join([*own, *map(repr, row)]) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def save(swept: Sweep, path: Any, *, command: str = "") -> None:
    """Write the folder of a sweep: its record is written last, after the solutions.

    Every solution is a folder of its own, `001`, `002`, …; beside them stand `index.html`, `report.html` and
    `values.csv`.
    """
    from ansatz.equations.sweep_report import index, page
    from ansatz.store import RunFolder, Snapshot
    from ansatz.training.run import versions

    folders = folders_of(swept)
    with RunFolder.create(path) as folder:
        for name, solution in zip(folders, swept.solutions, strict=True):
            if solution is not None:
                with RunFolder.create(folder.path / name) as inner:
                    inner.finish(*solution_files(solution))
        known = [float(one) for one in swept.error[np.isfinite(swept.error)]]
        record = {
            "parameters": {name: [float(v) for v in values] for name, values in swept.parameters.items()},
            "shape": list(swept.shape),
            "folders": folders,
            "failures": list(swept.failures),
            "method": swept.method,
            "remarks": list(swept.remarks),
            "seconds": swept.seconds,
            "general": None if swept.general is None else statement(swept.general),
            "target": f"{', '.join(swept.first.fields)} over {', '.join(swept.parameters)}",
        }
        info = {
            "kind": KIND,
            KIND: record,
            "result": {"metric": "largest relative error", "value": max(known, default=float("inf"))},
            "run": {"status": "finished" if swept.converged.all() else "not converged"},
            "engine": {"versions": versions()},
        }
        samples = [None if one is None else _sample(one, None, len(swept)) for one in swept.solutions]
        extras = {
            "index.html": index(swept, folders).encode(),
            "report.html": page(swept, command=command).encode(),
            "values.csv": csv_bytes(swept, samples),
        }
        folder.finish(Snapshot(info=info), extras)


def folders_of(swept: Sweep) -> list[str]:
    """Return the names of the solutions' folders, empty where there is no solution."""
    width = max(3, len(str(len(swept))))
    return ["" if one is None else f"{at:0{width}d}" for at, one in enumerate(swept.solutions, 1)]


def load(path: Any) -> Sweep:
    """Return the sweep in a folder.

    Raises:
        BadInput: the folder holds no sweep, or its files are damaged.
    """
    from ansatz.store import RunFolder

    snapshot, remarks = RunFolder.read(path)
    if snapshot.info.get("kind") != KIND:
        raise BadInput(f"{path} holds no sweep but {snapshot.info.get('kind', 'another run')}.")
    record = snapshot.info[KIND]
    solutions: list[Solution | None] = []
    for name in record["folders"]:
        if name and not re.fullmatch(r"\d{3,9}", name):
            raise BadInput(f"{path} names the folder {name!r}, which is none of a sweep's.")
        solutions.append(load_solution(Path(path) / name) if name else None)
    general = None if record["general"] is None else restated(record["general"])
    return Sweep(
        {name: np.array(values, float) for name, values in record["parameters"].items()},
        tuple(record["shape"]), tuple(solutions), tuple(record["failures"]), record["method"],
        (*record["remarks"], *remarks), float(record["seconds"]), general,
    )  # fmt: skip


def _sample(solution: Solution, axes: tuple[np.ndarray, ...] | None, count: int) -> Sample:
    """Return a solution on a grid that leaves room for as many as `count`."""
    problem = solution.problem
    size = len(problem.coordinates)
    if axes is None:
        each = max(2, min(1001, int((MOST / count) ** (1 / size))))
        axes = nodes(problem, each)
    return sample(solution, axes, errors=solution.defect_model is not None)
