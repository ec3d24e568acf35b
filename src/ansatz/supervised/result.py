"""A fitted table: what it predicts, what it was measured to be worth, and its folder."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ansatz.data import TableEncoder, TargetEncoder, read_table
from ansatz.supervised.conformal import CrossPlus, PredictionSets, Split
from ansatz.supervised.evaluate import Evaluation
from ansatz.supervised.evaluation_file import evaluation_from_json, evaluation_to_json
from ansatz.supervised.fitted import Fitted, open_fit
from ansatz.supervised.network import TableNetwork
from ansatz.supervised.predictor import Predictor
from ansatz.supervised.settings import TableSettings
from ansatz.training.run import from_snapshot


@dataclass(frozen=True)
class TableFit(Fitted):
    """A fitted table.

    `evaluation` holds the figures of the test part, `run` the training, `parts` the number of rows by
    their use, `remarks` what was done to the table, a sentence each.
    """

    predictor: Predictor
    evaluation: Evaluation
    recipe: TableNetwork
    settings: TableSettings

    kind = "table"

    def predict(self, table: Any) -> np.ndarray:
        """Return the predicted target `[N]` of the rows of a table or path."""
        return self.predictor.predict(read_table(table))

    def interval(self, table: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends `[N]` of the prediction intervals (of the level trained for)."""
        return self.predictor.interval(read_table(table))

    def probabilities(self, table: Any) -> np.ndarray:
        """Return the calibrated probabilities `[N, classes]`."""
        return self.predictor.probabilities(read_table(table))

    def summary(self) -> list[str]:
        """Return the result in a few sentences."""
        found = self.evaluation
        kind = "intervals" if self.predictor.task == "regression" else "sets"
        value = found.interval
        lines = [
            f"{found.metric} {value.value:.4g} on {self.parts['test']} test rows "
            f"(95% interval {value.lower:.4g} to {value.upper:.4g}).",
            f"The {found.level:.0%} {kind} hold {found.coverage.share:.1%} of the test rows; "
            f"their mean {'width' if kind == 'intervals' else 'size'} is {found.coverage.width:.4g}.",
        ]
        return [*lines, *self.ending()]

    def page(self) -> str:
        """Return the report as one HTML page."""
        from ansatz.supervised.report import table_report

        return table_report(self)

    def measured(self) -> dict[str, bytes]:
        """Return the file that holds the evaluation."""
        return {"evaluation.json": evaluation_to_json(self.evaluation)}

    def record(self) -> dict[str, Any]:
        """Return what `run.json` says of this fit beyond the training."""
        return super().record() | {
            "encoder": self.predictor.encoder.to_json(),
            "target": self.predictor.target.to_json(),
            "intervals": _plain_intervals(self.predictor.intervals),
            "settings": asdict(self.settings) | {"ignore": list(self.settings.ignore)},
        }


def load_table_fit(path: Any) -> TableFit:
    """Load a fit from its folder; only known classes are built, and nothing in it is executed."""
    snapshot, record, remarks = open_fit(path, "table", "a table")
    settings = dict(record["settings"])
    settings["ignore"] = tuple(settings["ignore"])
    predictor = Predictor(
        TableEncoder.from_json(record["encoder"]),
        TargetEncoder.from_json(record["target"]),
        snapshot.model,
        float(record["temperature"]),
        _intervals_from(record["intervals"]),
        None if record["sets"] is None else PredictionSets(**record["sets"]),
    )
    evaluation = evaluation_from_json((Path(path) / "evaluation.json").read_bytes())
    run = from_snapshot(snapshot, remarks)
    return TableFit(
        run, predictor, evaluation, snapshot.recipe, TableSettings(**settings), dict(record["parts"]),
        dict(record["source"]), (*record["remarks"], *remarks),
    )  # fmt: skip


def _plain_intervals(intervals: Split | CrossPlus | None) -> dict[str, Any] | None:
    if intervals is None:
        return None
    if isinstance(intervals, Split):
        return {"kind": "split"} | asdict(intervals)
    return {
        "kind": "cross", "scores": intervals.scores.tolist(), "fold": intervals.fold.tolist(),
        "level": intervals.level,
    }  # fmt: skip


def _intervals_from(record: dict[str, Any] | None) -> Split | CrossPlus | None:
    if record is None:
        return None
    fields = {name: value for name, value in record.items() if name != "kind"}
    if record["kind"] == "split":
        return Split(**fields)
    return CrossPlus(np.asarray(fields["scores"]), np.asarray(fields["fold"]), fields["level"])
