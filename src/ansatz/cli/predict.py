"""`ansatz predict`: what a run says of new rows, with intervals or probabilities.

A number gets the columns prediction, lower and upper; a class gets prediction and one probability a
class. For the solution of an equation the table holds coordinates, and the fields are added. Columns
that number the rows stand before them. Without --out the answer is CSV on stdout.

examples:
  ansatz predict runs/first new.csv
  ansatz predict runs/first new.csv --out predictions.parquet
"""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from ansatz.supervised.predictor import Predictor

ENDINGS = (".csv", ".parquet")


def command(arguments: list[str]) -> int:
    """Predict what the words ask for; return the exit code."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse
    from ansatz.core import BadInput

    asked, _ = parse(_form(), arguments, "predict", __doc__ or "")
    if asked.run is None or asked.table is None:
        raise BadInput("A prediction needs a run and a table: ansatz predict RUN TABLE.")
    if asked.out is not None and Path(asked.out).suffix not in ENDINGS:
        raise BadInput(f"--out {asked.out!r} should end in {' or '.join(ENDINGS)}.")
    answer = Answer(as_json=asked.json)
    remarks: list[str] = []
    with answer.working():
        found = _predictions(asked.run, asked.table, remarks)
        if asked.out is not None:
            _write(found, Path(asked.out))
    for remark in remarks:
        answer.tell(f"· {remark}")
    if asked.json:
        record = {"rows": found.height, "columns": found.columns, "out": asked.out, "remarks": remarks}
        answer.give(record if asked.out else record | {"predictions": found.to_dicts()}, [])
    elif asked.out is None:
        sys.stdout.write(found.write_csv())
    else:
        answer.give({}, [f"{found.height} predictions are in {asked.out}."])
    return 0


def predictions(predictor: "Predictor", frame: "pl.DataFrame", remarks: list[str]) -> "pl.DataFrame":
    """Return the answers to the rows of a table as columns."""
    import polars as pl

    answers = predictor.answers(predictor.encoder.transform(frame, remarks=remarks))
    found = predictor.mean(answers)
    if predictor.task == "regression":
        lower, upper = predictor.encoded_interval(answers)
        return pl.DataFrame({"prediction": predictor.target.inverse(found), "lower": lower, "upper": upper})
    chances = {f"probability {name}": found[:, at] for at, name in enumerate(predictor.target.classes)}
    return pl.DataFrame({"prediction": predictor.target.inverse(found.argmax(1)), **chances})


def _predictions(run: str, table: str, remarks: list[str]) -> "pl.DataFrame":
    import polars as pl

    from ansatz.cli._runs import whole_kind
    from ansatz.data import infer_columns, read_table
    from ansatz.supervised.result import load_table_fit

    kind = whole_kind(run)
    if kind == "solution":
        return _values(run, read_table(table, remarks=remarks), remarks)
    if kind == "sweep":
        from ansatz.core import BadInput

        raise BadInput(f"{run} holds the solutions for many values; name the folder of one, as {run}/001.")
    if kind == "images":
        from ansatz.cli._images import predict_pictures

        return predict_pictures(run, table, remarks)
    fitted = load_table_fit(run)
    remarks += fitted.run.remarks
    frame = read_table(table, remarks=remarks)
    found = predictions(fitted.predictor, frame, remarks)
    keys = [column.name for column in infer_columns(frame) if column.kind == "identifier"]
    keys = [name for name in keys if name not in found.columns]
    return pl.concat([frame.select(keys), found], how="horizontal") if keys else found


def _values(run: str, frame: "pl.DataFrame", remarks: list[str]) -> "pl.DataFrame":
    """Return the fields of a solution at places, with the estimated error of each."""
    import numpy as np
    import polars as pl

    from ansatz.core import BadInput
    from ansatz.equations.solution_file import load

    solution = load(run)
    remarks += solution.remarks
    names = [s.name for s in solution.problem.coordinates]
    for name in names:
        if name not in frame.columns:
            raise BadInput(f"The table has no column {name!r}; a place is given by {', '.join(names)}.")
    places = {name: frame[name].cast(pl.Float64).to_numpy() for name in names}
    columns: dict[str, Any] = dict(places)
    for name in solution.fields:
        value, error = solution[name](**places), solution.defect(name, **places)
        parts = {"_re": np.real, "_im": np.imag} if np.iscomplexobj(value) else {"": np.asarray}
        columns |= {f"{name}{end}": part(value) for end, part in parts.items()}
        columns[f"{name} estimated error"] = np.abs(error)
    return pl.DataFrame(columns)


def _write(found: "pl.DataFrame", out: Path) -> None:
    """Write the predictions, the whole file or nothing."""
    import io

    from ansatz.core import BadInput
    from ansatz.store import write_file

    if not out.parent.is_dir():
        raise BadInput(f"There is no folder {out.parent} to write {out.name} into.")
    buffer = io.BytesIO()
    if out.suffix == ".csv":
        found.write_csv(buffer)
    else:
        found.write_parquet(buffer)
    try:
        write_file(out, buffer.getvalue())
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}.") from None


def _form() -> type:
    import tyro

    from ansatz.cli._flags import flag

    word: Any = str | None
    return dataclasses.make_dataclass(
        "Predict",
        [
            ("run", flag(word, "the folder of a run", tyro.conf.Positional, metavar="RUN"), None),
            ("table", flag(word, "the rows to predict", tyro.conf.Positional, metavar="TABLE"), None),
            ("out", flag(word, "a file, .csv or .parquet; stdout if not given"), None),
            ("json", flag(bool, "print one JSON object"), False),
        ],
        frozen=True,
    )
