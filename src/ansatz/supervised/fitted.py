"""What every fit of data can do: be saved, drawn as a report, and opened again from its folder."""

from dataclasses import asdict, dataclass
from typing import Any

from ansatz.core import BadInput
from ansatz.results.kept import Kept
from ansatz.training.run import Run


@dataclass(frozen=True)
class Fitted(Kept):
    """A fit: its training, what it predicts, what it was measured to be worth, and its choices."""

    run: Run
    predictor: Any
    evaluation: Any
    recipe: Any
    settings: Any
    parts: dict[str, int]
    source: dict[str, Any]
    remarks: tuple[str, ...]

    kind = ""

    @property
    def data_remarks(self) -> tuple[str, ...]:
        """What was done to the data: the remarks without those on the files that were loaded."""
        return tuple(remark for remark in self.remarks if remark not in self.run.remarks)

    def files(self, *, report: bool = True) -> tuple[Any, dict[str, bytes]]:
        """Return the snapshot and the further files of the folder, with or without a report."""
        snapshot = self.run.snapshot(kind=self.kind, **{self.kind: self.record()})
        snapshot.model = self.predictor.model
        extras = self.measured()
        return snapshot, extras | ({"report.html": self.report().encode()} if report else {})

    def measured(self) -> dict[str, bytes]:
        """Return the files that hold the evaluation."""
        raise NotImplementedError

    def record(self) -> dict[str, Any]:
        """Return what `run.json` says of this fit beyond the training."""
        sets = self.predictor.sets
        return {
            "temperature": float(self.predictor.temperature),
            "sets": None if sets is None else asdict(sets),
            "settings": asdict(self.settings),
            "parts": self.parts,
            "source": self.source,
            "remarks": list(self.data_remarks),
        }

    def ending(self) -> list[str]:
        """Return the sentences with which a summary ends: the verdict, and how the training ended."""
        said = self.evaluation.verdict
        return [*([said.sentence] if said else []), self.run.message]


def open_fit(path: Any, kind: str, words: str) -> tuple[Any, dict[str, Any], tuple[str, ...]]:
    """Return the snapshot of a finished fit in a folder, its record, and remarks on its files.

    Only known classes are built, and nothing in the folder is executed; `words` says what was fitted.
    """
    from ansatz.store import RunFolder

    snapshot, remarks = RunFolder.read(path)
    if snapshot.info.get("kind") != kind:
        raise BadInput(f"{path} is no finished fit of {words}; resume it with `ansatz fit --resume {path}`.")
    return snapshot, snapshot.info[kind], tuple(remarks)
