"""What a run is at one moment, as files and back."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ansatz.core import BadInput
from ansatz.store.columns import columns_from_bytes, columns_to_bytes
from ansatz.store.decode import decode
from ansatz.store.encode import encode
from ansatz.store.jsonfile import LIMIT, from_json, parse_json, to_json
from ansatz.store.manifest import FORMAT, SCHEMA, NewerSchema
from ansatz.store.tensors import tree_from_bytes, tree_to_bytes

RUN = "run.json"
TREES = {name: f"{name}.safetensors" for name in ("model", "state", "best")}
TABLES = {name: f"{name}.parquet" for name in ("history", "validation")}
FILES = frozenset({RUN, *TREES.values(), *TABLES.values()})


@dataclasses.dataclass
class Snapshot:
    """A run at one moment.

    Args:
        info: what `run.json` records: recipe, seed, status, versions; plain JSON.
        model: the trained map, or `None`.
        state: the rest of what training needs to go on, any tree of arrays, or `None`.
        history: columns over the steps, each `[rows, ...]`, all equally long.
        validation: columns over the validations, likewise.
        best: the map with the lowest validation loss, or `None`.
        step: how many steps were taken.
        recipe: what was run, a tree of plain fields without arrays, or `None`.
    """

    info: dict[str, Any] = dataclasses.field(default_factory=dict)
    model: Any = None
    state: Any = None
    history: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    validation: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    best: Any = None
    step: int = 0
    recipe: Any = None


def pack(snapshot: Snapshot) -> dict[str, bytes]:
    """Return the files of a snapshot, a function of its values alone; raises `BadInput` if one is none."""
    if type(snapshot.step) is not int or not 0 <= snapshot.step < 2**62:
        raise BadInput(f"The step of a snapshot is a number from 0 on, not {snapshot.step!r}.")
    run = {"format": FORMAT, "schema": SCHEMA, "step": snapshot.step}
    run |= {"info": to_json(snapshot.info), "recipe": _recipe_to_json(snapshot.recipe)}
    text = (json.dumps(run, indent=2, allow_nan=False) + "\n").encode()
    if len(text) > LIMIT:
        raise BadInput(f"info takes {len(text)} bytes of JSON, more than the {LIMIT} that a run may have.")
    files = {RUN: text}
    for name, file in TREES.items():
        tree = getattr(snapshot, name)
        if tree is not None:
            files[file] = tree_to_bytes(tree)
    for name, file in TABLES.items():
        columns = getattr(snapshot, name)
        if columns:
            files[file] = columns_to_bytes(columns, name)
    return files


def unpack(files: Mapping[str, bytes], classes: Mapping[str, type]) -> tuple[Snapshot, list[str]]:
    """Return the snapshot in these files and remarks on what could not be rebuilt.

    Raises:
        BadInput: if a file is none that `pack` writes. Only the state of training and the
            recipe may fail to be rebuilt (their classes may be another library's or another
            version's): then they are `None`, and a remark says so.
    """
    run = parse_json(files[RUN], RUN)
    if type(run) is not dict or run.get("format") != FORMAT or type(run.get("schema")) is not int:
        raise BadInput(f"{RUN} is not the record of an Ansatz run.")
    if run["schema"] > SCHEMA:
        raise NewerSchema(
            f"{RUN} was written by a newer Ansatz (schema {run['schema']}; this one reads up to {SCHEMA}); "
            "upgrade Ansatz to load it."
        )
    step, info = run.get("step"), run.get("info")
    if type(step) is not int or type(info) is not dict:
        raise BadInput(f"{RUN} lacks its step or its info.")
    snapshot, remarks = Snapshot(info=from_json(info), step=step), []
    snapshot.recipe = _recipe_from_json(run.get("recipe"), classes, remarks)
    for name, file in TREES.items():
        if file in files:
            try:
                setattr(snapshot, name, tree_from_bytes(files[file], classes))
            except BadInput as error:
                if name != "state":
                    raise BadInput(f"{file}: {error}") from None
                remarks.append(f"{file} was not loaded, so the run cannot be resumed: {error}")
    for name, file in TABLES.items():
        if file in files:
            setattr(snapshot, name, columns_from_bytes(files[file], file))
    return snapshot, remarks


def _recipe_to_json(recipe: Any) -> Any:
    """Return the recipe as JSON; one with code or arrays in it cannot be written, and the run still is."""
    if recipe is None:
        return None
    try:
        spec, arrays = encode(recipe)
    except BadInput as error:
        return {"unsaved": str(error)}
    return {"unsaved": f"the tree's {next(iter(arrays))} is an array"} if arrays else spec


def _recipe_from_json(found: Any, classes: Mapping[str, type], remarks: list[str]) -> Any:
    if found is None:
        return None
    if type(found) is dict and set(found) == {"unsaved"}:
        reason = str(found["unsaved"])[:300].rstrip(".")
        remarks.append(f"The recipe was not written, for it is more than plain fields: {reason}.")
        return None
    try:
        return decode(found, {}, classes)
    except BadInput as error:
        remarks.append(f"The recipe in {RUN} was not loaded: {error}")
        return None
