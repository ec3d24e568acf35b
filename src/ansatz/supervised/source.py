"""Where a table came from, so that a resumed run knows its data again."""

import hashlib
from pathlib import Path
from typing import Any

import polars as pl


def source_record(table: Any, frame: pl.DataFrame) -> dict[str, Any]:
    """Return where a table came from: its file and hash, or a hash of its values."""
    shape = {"rows": frame.height, "columns": frame.columns}
    if isinstance(table, str | Path) and Path(table).is_file():
        digest = hashlib.sha256(Path(table).read_bytes()).hexdigest()
        return {"path": str(table), "sha256": digest} | shape
    rows = frame.hash_rows(seed=0).to_numpy()
    return {"path": None, "sha256": hashlib.sha256(rows.tobytes()).hexdigest()} | shape
