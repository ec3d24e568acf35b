"""What a trained model of images is worth: its draws beside unseen images, and what it copies."""

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors

from ansatz.generate.images.baselines import fit_classical
from ansatz.generate.images.families import BY_CLASS, family_of
from ansatz.generate.images.family import Bound
from ansatz.generate.images.source import SplitImages
from ansatz.generate.metrics.card import Card, measured
from ansatz.generate.metrics.distances import frechet, kernel_distance
from ansatz.generate.metrics.features import Features, as_bytes, train_features
from ansatz.generate.metrics.manifolds import Manifolds, manifolds
from ansatz.generate.metrics.memorisation import Memorisation, memorisation
from ansatz.generate.metrics.two_sample import TwoSample, two_sample
from ansatz.results.numbers import number
from ansatz.training.run import Run

if TYPE_CHECKING:
    from ansatz.generate.images.train import ReadyModel

NEIGHBOURS = 5
AGAINST = 3000
"""The most training images with which draws are compared."""
TOLD_APART = 500
"""The most draws that a classifier tries to tell from images."""
BOUNDED = 200
"""The most held-out images of which a bound is measured."""
SHOWN, NEAREST, KEPT = 80, 12, 256
"""The draws that are shown, those whose neighbours are looked for, and the held-out images that are kept."""
RESAMPLES = 40
FEW_LEVELS = 128
"""Where bytes have as few values, or fewer, their bits are said to be of these."""
SEARCHED = 60_000
"""The most training images among which copies are looked for."""


@dataclasses.dataclass(frozen=True)
class Judged:
    """What draws of one model are worth.

    `fid` and `kid` are the distances from training images in features learned here, `manifolds` precision,
    recall, density and coverage among held-out images, `apart` how well a classifier tells draws from them,
    `copied` whether they lie nearer to the training images than held-out ones do.  `bound` is what the
    model says of held-out images, `bits` the same in bits for a number of the image where it is of bytes;
    `agreement` the share of draws by class in which the features' classifier reads that class.
    """

    name: str
    seconds: float
    fid: Card
    kid: Card
    manifolds: Manifolds
    apart: TwoSample
    copied: Memorisation
    bound: Bound | None = None
    bits: float | None = None
    agreement: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return {
            field.name: value._asdict() if hasattr(value := getattr(self, field.name), "_asdict") else value
            for field in dataclasses.fields(self)
        }

    @staticmethod
    def from_json(found: dict[str, Any]) -> "Judged":
        """Return the figures that `to_json` wrote."""
        read = dict(found)
        for name in ("fid", "kid"):
            read[name] = Card(**(read[name] | {"interval": tuple(read[name]["interval"])}))
        read["apart"] = TwoSample(**(read["apart"] | {"interval": tuple(read["apart"]["interval"])}))
        read["manifolds"] = Manifolds(**read["manifolds"])
        read["copied"] = Memorisation(**read["copied"])
        read["bound"] = read["bound"] and Bound(**read["bound"])
        return Judged(**read)


class Measure(NamedTuple):
    """What draws are measured with: features, and images with their features, the same for every model."""

    features: Features
    images: SplitImages
    count: int
    data: np.ndarray
    held: np.ndarray
    seed: int

    def judge(self, name: str, drawn: np.ndarray, seconds: float, **more: Any) -> Judged:
        """Return what draws `float32[count, H, W, C]` in [0, 1] are worth."""
        seen, resampled = self.features(drawn), {"seed": self.seed, "resamples": RESAMPLES}
        parts = {"features": self.features.hash, **resampled}
        held = self.held[: len(seen)]
        near = min(NEIGHBOURS, len(held) - 1, len(seen) - 1)
        flat = as_bytes(drawn).reshape(len(drawn), -1).astype(np.float32) / 255
        train, unseen = (_rows(x) for x in (self.images.train[:SEARCHED], self.images.held[: self.count]))
        return Judged(
            name,
            seconds,
            measured("FID", frechet, seen, self.data, held, **parts),
            measured("KID", kernel_distance, seen, self.data[: len(seen)], held, **parts),
            manifolds(seen, held, near),
            two_sample(seen[:TOLD_APART], held[:TOLD_APART], seed=self.seed),
            memorisation(flat, train, unseen),
            **more,
        )


def make_measure(images: SplitImages, count: int, steps: int, seed: int = 0) -> Measure:
    """Learn features of the training images and return what `count` draws, at most, are measured with."""
    height, width = images.train.shape[1:3]
    steps = max(min(steps, round(steps * 784 / (height * width))), 60)
    features = train_features(images.train, images.train_y, steps=steps, seed=seed)
    count = min(count, len(images.held))
    chosen = np.random.default_rng(seed).permutation(len(images.train))[:AGAINST]
    data, held = features(images.train[np.sort(chosen)]), features(images.held[:count])
    return Measure(features, images, count, data, held, seed)


def judge_images(ready: "ReadyModel", run: Run, measure: Measure | None = None) -> tuple[Any, ...]:
    """Return what a trained model and the classical ones are worth, and the pictures of a report.

    The first of the judged is the model; `pictures` are arrays by name.
    """
    settings, images, family = ready.settings, ready.images, family_of(ready.settings.model)
    measure = measure or make_measure(images, settings.draws, settings.feature_steps, settings.seed)
    classes = None
    if images.train_y is not None and settings.model in BY_CLASS:
        random = np.random.default_rng(settings.seed)
        classes = random.choice(images.train_y, measure.count).astype(np.int32)
    drawn = family.draw(run, measure.count, seed=settings.seed + 1, classes=classes)
    agreement = None
    if classes is not None:
        agreement = float((measure.features.classes(drawn) == classes).mean())
    bound = family.bound(run, images.held[:BOUNDED])
    bits = None
    if bound is not None and getattr(run.recipe, "likelihood", "") != "bernoulli":
        bits = in_bits(bound.value, images.train.shape[1:])
    found = [
        measure.judge(settings.model, drawn, run.info["seconds"], bound=bound, bits=bits, agreement=agreement)
    ]
    pictures = _pictures(run, ready, drawn, classes)
    if settings.baselines:
        found += classical(measure, pictures)
    return found, pictures


def classical(measure: Measure, pictures: dict[str, np.ndarray] | None = None) -> list[Judged]:
    """Return what classical models of the training images are worth; some of their draws join `pictures`."""
    images, found = measure.images, []
    shape = images.train.shape[1:]
    for at, one in enumerate(fit_classical(images.train, measure.seed)):
        drawn = one.draw(measure.count, shape, measure.seed)
        bound = one.bound(images.held[:BOUNDED])
        bits = in_bits(bound.value, shape)
        found.append(measure.judge(one.name, drawn, one.seconds, bound=bound, bits=bits))
        if pictures is not None:
            pictures[f"classical.{at}"] = as_bytes(drawn[:20])
    return found


def in_bits(nats: float, shape: tuple[int, ...]) -> float:
    """Return nats for an image as bits for each of its numbers.

    >>> round(in_bits(64 * 8 * math.log(2), (8, 8, 1)), 6)
    8.0
    """
    return nats / math.log(2) / math.prod(shape)


def about_bits(judged: Sequence[Judged], levels: int) -> str:
    """Return what is to be known of the bits of images whose bytes have so many values; "" if nothing is."""
    if levels > FEW_LEVELS or all(one.bits is None for one in judged):
        return ""
    return (
        f"The images have {levels} of the 256 levels of a byte: their bits do not compare with those of "
        "images of all levels, nor quite with one another, for an autoregressive model knows the levels (at "
        f"most {number(math.log2(levels), 3)} bits for a number) and a density of bytes spread over their "
        "steps does not (8)."
    )


def _pictures(run: Run, ready: "ReadyModel", drawn: np.ndarray, classes: Any) -> dict[str, np.ndarray]:
    """Return the arrays that a report shows: draws, the training images next to them, held-out images."""
    images, seed, count = ready.images, ready.settings.seed, SHOWN
    if classes is not None:
        # A row for each class, in order, says more than draws of chance.
        names = min(len(images.classes) or int(classes.max()) + 1, 10)
        across = max(count // names, 1)
        wanted = np.repeat(np.arange(names, dtype=np.int32), across)
        shown = family_of(ready.settings.model).draw(run, len(wanted), seed=seed, classes=wanted)
    else:
        wanted, across = None, 10
        shown = drawn[:count]
    some = as_bytes(drawn[:NEAREST])
    search = NearestNeighbors(n_neighbors=1).fit(_rows(images.train))
    near = search.kneighbors(_rows(some), return_distance=False)[:, 0]
    found = {
        "draws": as_bytes(shown),
        "columns": np.asarray([across], np.int32),
        "looked up": some,
        "nearest": images.train[near],
        "held": images.held[:KEPT],
    }
    if images.held_y is not None:
        found["held classes"] = images.held_y[:KEPT]
    return found


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float32) / 255
