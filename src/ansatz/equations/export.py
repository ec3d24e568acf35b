"""A solution on a grid as a file for other programs: NPZ, CSV or VTK."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from ansatz._spelling import nearest
from ansatz.equations.sampling import Sample, real_parts, sample
from ansatz.errors import BadInput
from ansatz.store import write_file

__all__ = ["check_export", "export"]


def export(solution: Any, path: str | Path, axes: tuple[np.ndarray, ...] | None = None) -> Path:
    """Write the fields of a solution and their estimated errors on a grid; return the path.

    Args:
        solution: what `solve` returned.
        path: `.npz` holds the nodes of each coordinate and the fields `[n, m, …]`; `.csv` a row for each
            point inside the domain; `.vtk` the legacy format that ParaView and VisIt read, up to three
            coordinates.
        axes: the nodes of each coordinate, `[n]`, `[m]`, … (for VTK equidistant); by default at most 200,000
            points in all.

    Raises:
        BadInput: the ending is another one, or VTK has no room for so many coordinates.
    """
    path = check_export(path)
    if path.suffix == ".vtk" and len(solution.problem.coordinates) > 3:
        count = len(solution.problem.coordinates)
        raise BadInput(f"VTK has three coordinates at most, not {count}; export to .npz or .csv.")
    found = sample(solution, axes, errors=True)
    write_file(path, WRITERS[path.suffix](found))
    return path


def check_export(path: str | Path) -> Path:
    """Return the path if its ending is one of the formats."""
    path = Path(path)
    if path.suffix not in WRITERS:
        raise BadInput(f"There is no export to {path.name!r}; the ending: {nearest(path.suffix, WRITERS)}.")
    return path


def npz_bytes(found: Sample) -> bytes:
    """Return an NPZ archive of the nodes and the fields."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {**dict(zip(found.names, found.axes, strict=True)), **found.values}
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def csv_bytes(found: Sample) -> bytes:
    """Return a table with a row for each point inside, numbers with all their digits."""
    columns = found.columns()
    rows = zip(*(one.tolist() for one in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(repr, row)) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def vtk_bytes(found: Sample) -> bytes:
    """Return structured points in the legacy format of VTK, binary and therefore big-endian."""
    missing = 3 - len(found.axes)
    sizes = [*found.shape, *[1] * missing]
    origin = [*(float(one[0]) for one in found.axes), *[0.0] * missing]
    steps = [*(float(one[-1] - one[0]) / (len(one) - 1) for one in found.axes), *[1.0] * missing]
    for name, one, step in zip(found.names, found.axes, steps, strict=False):
        if not np.allclose(np.diff(one), step, rtol=1e-9):
            raise BadInput(
                f"The nodes of {name} are not equidistant, which structured points of VTK must be."
            )
    head = [
        "# vtk DataFile Version 3.0", f"{', '.join(found.values)} over {', '.join(found.names)}", "BINARY",
        "DATASET STRUCTURED_POINTS", "DIMENSIONS " + " ".join(map(str, sizes)),
        "ORIGIN " + " ".join(map(repr, origin)), "SPACING " + " ".join(map(repr, steps)),
        f"POINT_DATA {np.prod(sizes)}",
    ]  # fmt: skip
    parts = ["\n".join(head).encode() + b"\n"]
    for name, one in real_parts(found.values).items():
        parts.append(f"SCALARS {name} double 1\nLOOKUP_TABLE default\n".encode())
        # VTK runs through the first coordinate fastest.
        parts.append(np.asarray(one, ">f8").tobytes(order="F") + b"\n")
    return b"".join(parts)


WRITERS = {".npz": npz_bytes, ".csv": csv_bytes, ".vtk": vtk_bytes}
