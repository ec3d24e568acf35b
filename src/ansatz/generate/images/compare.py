"""`compare_images`: the families after the same images, with the same parameters, for the same seconds."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ansatz.core import BadInput, count_parameters
from ansatz.generate import report_shared as shared
from ansatz.generate.images.families import family_of, known
from ansatz.generate.images.judge import Judged, about_bits, classical, make_measure
from ansatz.generate.images.report import table_of
from ansatz.generate.images.settings import ImagesSettings
from ansatz.generate.images.sheet import sheet
from ansatz.generate.images.source import find_images, split_images
from ansatz.generate.images.train import judged_model, make_ready_model, train_model
from ansatz.results import plots
from ansatz.results.numbers import Interval, number
from ansatz.results.report import Facts, Picture, Remarks, Section, Sentence, Table, render

PARAMETERS = 200_000
"""Of each network, about, where no number is given."""


class Compared(NamedTuple):
    """What a comparison found.

    `judged` are the figures of the families, in their order, and then of the classical models; `parameters`
    and `steps` those of each family, `speed` the images that it draws in a second; `draws` PNGs by name.
    """

    judged: list[Judged]
    parameters: dict[str, int]
    steps: dict[str, int]
    speed: dict[str, float]
    draws: dict[str, bytes]
    seconds: float
    source: dict[str, Any]
    remarks: list[str]

    def record(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        names = ("parameters", "steps", "speed", "seconds", "source", "remarks")
        own = {name: getattr(self, name) for name in names}
        return {"judged": [one.to_json() for one in self.judged], **own}

    def answer(self) -> str:
        """Return in a sentence which model comes nearest."""
        best = min(self.judged, key=lambda one: one.fid.value)
        said = f"Of {len(self.judged)} models, {best.name} draws nearest to the images: FID "
        return f"{said}{number(best.fid.value, 3)}, where unseen images are at {number(best.fid.floor, 3)}."

    def work(self) -> Table:
        """Return what each family did in its time."""
        rows = [
            (name, f"{self.parameters[name]:,}", f"{self.steps[name]:,}", number(self.speed[name], 3))
            for name in self.parameters
        ]
        return Table(["family", "parameters", "steps", "draws a second"], rows)

    def report(self) -> str:
        """Return the comparison as one HTML page."""
        entries = [(one.name, Interval(one.fid.value, *one.fid.interval)) for one in self.judged]
        drawn = plots.comparison(entries, x_label="FID in own features")
        place = shared.place_of(self.source, "images in memory")
        figures = [
            table_of(self.judged, None, self.source["levels"]),
            Picture(drawn, "Smaller is better.", "FID"),
            self.work(),
        ]
        pictures = [Picture(png, f"Drawn by the {name}.", name) for name, png in self.draws.items()]
        facts = [
            ("source", place),
            ("seconds for each family", number(self.seconds)),
            ("images", self.source["images"]),
        ]
        data = [Facts(facts), *([Remarks(tuple(self.remarks))] if self.remarks else [])]
        return render(
            [Section("Side by side", figures), Section("Draws", pictures), Section("Data", data)],
            "Which model draws best?",
            subtitle=f"The families of models of images, on {place}",
            answer=Sentence(self.answer()),
        )


def compare_images(
    data: Any,
    *,
    budget: float = 60.0,
    parameters: int = PARAMETERS,
    models: Sequence[str] = (),
    judged: int = 0,
    steps: int = 0,
    seed: int = 0,
    tell: Callable[[str], None] = lambda words: None,
) -> Compared:
    """Train families on the same images and return their figures, in the same features, side by side.

    `data` are those of `generate_images`; each of the `models`, all that are known if none is named, has
    about so many `parameters` and trains for `budget` seconds, compilation included, or for so many `steps`.

    Raises:
        BadInput: for a family that is not known, or images that cannot be learned.
    """
    names = tuple(models) or known()
    for name in names:
        family_of(name)
    if len(set(names)) < len(names):
        raise BadInput(f"A family stands twice among {', '.join(names)}.")
    settings = ImagesSettings(
        budget=budget, parameters=parameters, judged=judged, steps=steps, seed=seed, baselines=False
    )
    given = find_images(data)
    images, remarks = split_images(given, settings)
    tell("Learning the features in which all are judged.")
    measure = make_measure(images, settings.draws, settings.feature_steps, seed)
    source = given.source | {"levels": images.levels}
    found = Compared([], {}, {}, {}, {}, budget, source, remarks)
    for name in names:
        own = dataclasses.replace(settings, model=name)
        tell(f"{name} …")
        ready = make_ready_model(given, own, family_of(name).recipe(), training_only=True)
        run = train_model(ready)
        model = judged_model(ready, run, measure)
        begun = time.perf_counter()
        model.sample(measure.count, seed=seed + 2)
        found.speed[name] = measure.count / (time.perf_counter() - begun)
        found.judged.append(model.judged[0])
        found.parameters[name], found.steps[name] = count_parameters(run.model), run.step
        across = int(model.pictures["columns"][0])
        found.draws[name] = sheet(model.pictures["draws"] / 255, across, wide=440)
    found.judged.extend(classical(measure))
    if bits := about_bits(found.judged, images.levels):
        remarks.append(bits)
    return found
