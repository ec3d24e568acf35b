"""Fitted images: what the network says of new ones, what it was measured to be worth, and its folder."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ansatz.core import BadInput
from ansatz.results.numbers import Interval
from ansatz.supervised.baselines import BaselineResult, Verdict
from ansatz.supervised.conformal import Coverage, PredictionSets
from ansatz.supervised.image_evaluate import ImageEvaluation, Pictures, Sights
from ansatz.supervised.image_network import ImageNetwork
from ansatz.supervised.image_predictor import ImagePredictor
from ansatz.supervised.image_settings import ImageSettings
from ansatz.training.run import Run, from_snapshot

WORDS, ARRAYS = "evaluation.json", "evaluation.safetensors"


@dataclass(frozen=True)
class ImageFit:
    """Fitted images.

    `evaluation` holds the figures of the test part, `run` the training, `parts` the number of images by
    their use, `remarks` what was done to the images, a sentence each.
    """

    run: Run
    predictor: ImagePredictor
    evaluation: ImageEvaluation
    recipe: ImageNetwork
    settings: ImageSettings
    parts: dict[str, int]
    source: dict[str, Any]
    remarks: tuple[str, ...]

    def predict(self, images: Any) -> np.ndarray:
        """Return the classes `[N]` of images: an array `[N, H, W(, C)]`, a picture, a folder, an archive."""
        return self.predictor.predict(images)

    def probabilities(self, images: Any) -> np.ndarray:
        """Return the calibrated probabilities `[N, classes]` of images."""
        return self.predictor.probabilities(images)

    def sets(self, images: Any) -> np.ndarray:
        """Return which classes belong to each image's prediction set, `bool[N, classes]`."""
        assert self.predictor.sets is not None
        return self.predictor.sets.sets(self.probabilities(images))

    def summary(self) -> list[str]:
        """Return the result in a few sentences."""
        found, value = self.evaluation, self.evaluation.interval
        lines = [
            f"accuracy {value.value:.4g} on {self.parts['test']:,} test images "
            f"(95% interval {value.lower:.4g} to {value.upper:.4g}).",
            f"The {found.level:.0%} sets hold the right class of {found.coverage.share:.1%} of the test "
            f"images; their mean size is {found.coverage.width:.4g}.",
        ]
        return [*lines, *([found.verdict.sentence] if found.verdict else []), self.run.message]

    def save(self, path: Any) -> None:
        """Write the folder of this fit, all of it or nothing."""
        from ansatz.store import RunFolder

        with RunFolder.create(path) as folder:
            folder.finish(*self.files())

    def report(self, path: Any = None) -> str:
        """Return the report as one HTML page, and write it if a path is given."""
        from ansatz.supervised.image_report import image_report

        page = image_report(self)
        if path is not None:
            from ansatz.store import write_file

            write_file(Path(path), page.encode())
        return page

    def files(self) -> tuple[Any, dict[str, bytes]]:
        """Return the snapshot and the further files of the folder."""
        snapshot = self.run.snapshot(kind="images", images=self.record())
        snapshot.model = self.predictor.model
        words, arrays = pack_evaluation(self.evaluation)
        return snapshot, {WORDS: words, ARRAYS: arrays, "report.html": self.report().encode()}

    def record(self) -> dict[str, Any]:
        """Return what `run.json` says of this fit beyond the training."""
        predictor = self.predictor
        return {
            "classes": list(predictor.classes),
            "shape": list(predictor.shape),
            "temperature": float(predictor.temperature),
            "sets": None if predictor.sets is None else asdict(predictor.sets),
            "settings": asdict(self.settings),
            "parts": self.parts,
            "source": self.source,
            "remarks": list(self.remarks),
        }


def load_image_fit(path: Any) -> ImageFit:
    """Load a fit from its folder; only known classes are built, and nothing in it is executed."""
    from ansatz.store import RunFolder

    snapshot, remarks = RunFolder.read(path)
    if snapshot.info.get("kind") != "images":
        raise BadInput(f"{path} is no finished fit of images; resume it with `ansatz fit --resume {path}`.")
    record = snapshot.info["images"]
    height, width, channels = record["shape"]
    predictor = ImagePredictor(
        tuple(record["classes"]),
        (height, width, channels),
        snapshot.model,
        float(record["temperature"]),
        None if record["sets"] is None else PredictionSets(**record["sets"]),
    )
    files = [(Path(path) / name).read_bytes() for name in (WORDS, ARRAYS)]
    return ImageFit(
        from_snapshot(snapshot), predictor, unpack_evaluation(*files), snapshot.recipe,
        ImageSettings(**record["settings"]), dict(record["parts"]), dict(record["source"]),
        (*record["remarks"], *remarks),
    )  # fmt: skip


def pack_evaluation(found: ImageEvaluation) -> tuple[bytes, bytes]:
    """Return an evaluation as JSON and as the safetensors of its arrays."""
    arrays = {"y": found.y, "probabilities": found.probabilities, "confusion": found.confusion}
    groups = {"examples": found.examples, "mistakes": found.mistakes, "sights": found.sights}
    for group, parts in groups.items():
        arrays |= {f"{group}.{name}": array for name, array in parts._asdict().items()}
    words = {
        "interval": found.interval._asdict(),
        "scores": found.scores,
        "coverage": found.coverage._asdict(),
        "level": found.level,
        "baselines": [
            b._asdict() | {"predictions": None, "interval": b.interval._asdict()} for b in found.baselines
        ],
        "verdict": found.verdict and found.verdict._asdict() | {"gain": found.verdict.gain._asdict()},
    }
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return json.dumps(words, allow_nan=True).encode(), safetensors.numpy.save(plain)


def unpack_evaluation(words: bytes, arrays: bytes) -> ImageEvaluation:
    """Undo `pack_evaluation`; the baselines' predictions were not kept."""
    try:
        r, held = json.loads(words), safetensors.numpy.load(arrays)
        nothing = np.zeros((0, 0))
        compared = [
            BaselineResult(**(b | {"predictions": nothing, "interval": Interval(**b["interval"])}))
            for b in r["baselines"]
        ]
        said = r["verdict"]
        return ImageEvaluation(
            held["y"], held["probabilities"], Interval(**r["interval"]), dict(r["scores"]), held["confusion"],
            Coverage(**r["coverage"]), float(r["level"]), compared,
            said and Verdict(**(said | {"gain": Interval(**said["gain"])})),
            Pictures(*(held[f"examples.{name}"] for name in Pictures._fields)),
            Pictures(*(held[f"mistakes.{name}"] for name in Pictures._fields)),
            Sights(*(held[f"sights.{name}"] for name in Sights._fields)),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise BadInput(f"The evaluation of this run is damaged: {error!r}.") from None
