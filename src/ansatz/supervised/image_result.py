"""Fitted images: what the network says of new ones, what it was measured to be worth, and its folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ansatz.core import BadInput
from ansatz.results.numbers import Interval
from ansatz.supervised.baselines import BaselineResult, Verdict
from ansatz.supervised.conformal import Coverage, PredictionSets
from ansatz.supervised.fitted import Fitted, open_fit
from ansatz.supervised.image_evaluate import ImageEvaluation, Pictures, Sights
from ansatz.supervised.image_network import ImageNetwork
from ansatz.supervised.image_predictor import ImagePredictor
from ansatz.supervised.image_settings import ImageSettings
from ansatz.training.run import from_snapshot

WORDS, ARRAYS = "evaluation.json", "evaluation.safetensors"


@dataclass(frozen=True)
class ImageFit(Fitted):
    """Fitted images.

    `evaluation` holds the figures of the test part, `run` the training, `parts` the number of images by
    their use, `remarks` what was done to the images, a sentence each.
    """

    predictor: ImagePredictor
    evaluation: ImageEvaluation
    recipe: ImageNetwork
    settings: ImageSettings

    kind = "images"

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
        return [*lines, *self.ending()]

    def page(self) -> str:
        """Return the report as one HTML page."""
        from ansatz.supervised.image_report import image_report

        return image_report(self)

    def measured(self) -> dict[str, bytes]:
        """Return the files that hold the evaluation."""
        return dict(zip((WORDS, ARRAYS), pack_evaluation(self.evaluation), strict=True))

    def record(self) -> dict[str, Any]:
        """Return what `run.json` says of this fit beyond the training."""
        predictor = self.predictor
        return super().record() | {"classes": list(predictor.classes), "shape": list(predictor.shape)}


def load_image_fit(path: Any) -> ImageFit:
    """Load a fit from its folder; only known classes are built, and nothing in it is executed."""
    snapshot, record, remarks = open_fit(path, "images", "images")
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
        from_snapshot(snapshot, remarks), predictor, unpack_evaluation(*files), snapshot.recipe,
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
