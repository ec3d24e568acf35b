"""A trained model of images: it draws more, says what it was measured to be worth, and stays in a folder."""

import dataclasses
import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ansatz._spelling import nearest
from ansatz.core import BadInput
from ansatz.generate.images.families import BY_CLASS, OPTIONS, family_of
from ansatz.generate.images.family import Family, Figure
from ansatz.generate.images.judge import Judged
from ansatz.generate.images.settings import ImagesSettings
from ansatz.results.kept import Kept
from ansatz.store.finished import finished
from ansatz.training.run import Run, from_snapshot

KIND = "image model"
ARRAYS = "pictures.safetensors"


@dataclasses.dataclass(frozen=True)
class ImageGenerator(Kept):
    """A trained model of images.

    `run` is the training; `judged` what draws are worth, the model's own first and then the classical ones';
    `pictures` the arrays that the report shows; `classes` the names of the classes, if any; `shape` that of
    an image (height, width, channels); `source` where the images came from, `remarks` what the reader should
    know.
    """

    run: Run
    judged: list[Judged]
    pictures: dict[str, np.ndarray]
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    settings: ImagesSettings
    source: dict[str, Any]
    remarks: tuple[str, ...]

    @property
    def family(self) -> Family:
        """The family of the model."""
        return family_of(self.settings.model)

    def sample(
        self,
        count: int = 16,
        *,
        classes: Any = None,
        sentence: Any = None,
        guidance: float | None = None,
        seed: int = 0,
        **options: Any,
    ) -> np.ndarray:
        """Draw images `float32[count, H, W, C]` in [0, 1]; the same seed gives the same images.

        `classes` is the name or number of a class, or several, taken in turn; `sentence` a sentence that the
        model has learned to read; `guidance` how closely a diffusion follows either, 1 as the data do;
        `options` are those of the family: `sampler` and `steps` of a diffusion, `temperature` of an
        autoregressive model, `noise` of a VAE.

        Raises:
            BadInput: for a class that is not known, or an option that the family has not.
        """
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise BadInput(f"The number of images is an integer of at least 1, not {count!r}.")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise BadInput(f"The seed is an integer of at least 0, not {seed!r}.")
        wanted = {"sentences": sentence, "guidance": guidance} | options
        wanted = {name: value for name, value in wanted.items() if value is not None}
        name = self.settings.model
        for option in wanted:
            if option not in OPTIONS[name]:
                raise BadInput(
                    f"A model of the family {name} has no {option.removesuffix('s')} to draw by; "
                    f"it takes {', '.join(OPTIONS[name])}."
                )
        labels = None if classes is None else self.labels(classes, count)
        if sentence is not None and not self.settings.sentences:
            raise BadInput("This model reads no sentences; train one with --sentences arithmetic.")
        if guidance is not None and labels is None and sentence is None:
            raise BadInput("Guidance follows a class or a sentence, and none is given.")
        return self.family.draw(self.run, count, seed=seed, classes=labels, **wanted)

    def labels(self, classes: Any, count: int) -> np.ndarray:
        """Return a class `[count]` for each image from names or numbers of classes, taken in turn."""
        if self.settings.model not in BY_CLASS:
            raise BadInput(
                f"A model of the family {self.settings.model} draws from all images, not by class."
            )
        if not self.classes:
            raise BadInput("The images had no classes; draw without one.")
        several = isinstance(classes, Sequence | np.ndarray) and not isinstance(classes, str)
        given = [str(one) for one in (classes if several else [classes])]
        for one in given:
            if one not in self.classes:
                raise BadInput(f"There is no class {one!r}; {nearest(one, self.classes[:40])}.")
        found = [self.classes.index(one) for one in given]
        return np.asarray([found[at % len(found)] for at in range(count)], np.int32)

    def figures(self) -> tuple[Figure, ...]:
        """Return what the report shows of this family, of the held-out images that were kept."""
        held, y = self.pictures["held"], self.pictures.get("held classes")
        family, more = self.family, {}
        if y is not None and "classes" in inspect.signature(family.figures).parameters:
            more = {"classes": y}
        return family.figures(self.run, held, seed=self.settings.seed, **more)

    def page(self) -> str:
        """Return the report as one HTML page."""
        from ansatz.generate.images.report import images_page

        return images_page(self)

    @staticmethod
    def load(path: Any) -> "ImageGenerator":
        """Return the model in a folder; nothing in it is executed."""
        return load_image_model(path)

    def files(self, *, report: bool = True) -> tuple[Any, dict[str, bytes]]:
        """Return the snapshot and the further files of the folder, with or without a report."""
        record = {
            "settings": dataclasses.asdict(self.settings),
            "classes": list(self.classes),
            "shape": list(self.shape),
            "source": self.source,
            "judged": [json.loads(json.dumps(one.to_json())) for one in self.judged],
            "remarks": [one for one in self.remarks if one not in self.run.remarks],
        }
        result = {"metric": "own-feature FID", "value": self.judged[0].fid.value}
        snapshot = self.run.snapshot(kind=KIND, result=result, **{KIND: record})
        arrays = {name: np.ascontiguousarray(array) for name, array in self.pictures.items()}
        files = {ARRAYS: safetensors.numpy.save(arrays)}
        return snapshot, files | ({"report.html": self.report().encode()} if report else {})


def load_image_model(path: Any) -> ImageGenerator:
    """Load a model from its folder; only known classes are built, and nothing in it is executed.

    Raises:
        BadInput: if the folder holds no finished model of images.
    """
    snapshot, record, remarks = finished(path, KIND, "a model of images", "generate images")
    try:
        settings = ImagesSettings(**record["settings"])
        judged = [Judged.from_json(one) for one in record["judged"]]
        height, width, channels = record["shape"]
        pictures = safetensors.numpy.load((Path(path) / ARRAYS).read_bytes())
        held = pictures["held"].shape[1:]
        classes, source = tuple(record["classes"]), dict(record["source"])
    except (KeyError, TypeError, ValueError, OSError, safetensors.SafetensorError) as error:
        raise BadInput(f"{path} does not say what was trained: {error!r}.") from None
    shape = getattr(snapshot.model, "shape", held)
    if tuple(shape) != (height, width, channels) or tuple(held) != (height, width, channels):
        raise BadInput(
            f"{path} holds a model of images {list(shape)} and a record of images {[height, width, channels]}"
            "; the two do not belong together."
        )
    if not isinstance(snapshot.recipe, family_of(settings.model).recipe):
        raise BadInput(f"{path} holds no recipe of the family {settings.model!r}.")
    return ImageGenerator(
        from_snapshot(snapshot, remarks), judged, pictures, classes, (height, width, channels), settings,
        source, (*record["remarks"], *remarks),
    )  # fmt: skip
