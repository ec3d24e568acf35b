"""`ansatz generate images`: a model that draws more images like yours, judged by images that it has not seen.

The images are a folder (with one subfolder a class, or without), an NPZ archive, IDX files, or the name of a
data set (`ansatz data list`). Size, batch and steps are chosen from the measured speed of the machine, so
that all is done within the budget. `--model NAME --help` shows the flags of a family.

examples:
  ansatz generate images --data photos --model diffusion --budget 10m --out runs/photos
  ansatz generate images --data digits --model vae --budget 60s
  ansatz generate images --data mnist --model diffusion --sentences arithmetic --budget 15m
  ansatz generate images --resume runs/photos
"""

from typing import TYPE_CHECKING, Any

from ansatz.cli._generated import Kind, Ways, new_table

if TYPE_CHECKING:
    from ansatz.generate.images.model import ImageGenerator


def command(arguments: list[str]) -> int:
    """Train what the words ask for; return the exit code."""
    return Pictures(_model(arguments)).command(arguments, __doc__ or "")


def _model(arguments: list[str]) -> str:
    """Return the family that the words name; its fields are flags."""
    for at, word in enumerate(arguments):
        if word == "--model" and at + 1 < len(arguments):
            return arguments[at + 1]
        if word.startswith("--model="):
            return word.partition("=")[2]
    return "diffusion"


class Pictures(Kind):
    """Images, by a model of one family."""

    name, kind, model = "images", "image model", "model of images"
    data, metavar = "a folder of images, an archive, or a data set", "DIR"
    nothing = "There are no images: name a folder, a file or a data set with --data."
    before = "set of images as it was"

    def __init__(self, family: str) -> None:
        self.family = family

    @property
    def recipe(self) -> type:
        """Any: loading checks that it is the family's."""
        from ansatz.core import Recipe

        return Recipe

    def types(self) -> tuple[type, type]:
        """Return the settings, and the recipe of the family."""
        from ansatz.generate.images.families import family_of
        from ansatz.generate.images.settings import ImagesSettings

        return ImagesSettings, family_of(self.family).recipe

    def ways(self) -> Ways:
        """Return what is done with images."""
        from ansatz.generate.images.settings import sort_out_images
        from ansatz.generate.images.source import find_images
        from ansatz.generate.images.train import judged_model, make_ready_model

        return Ways(sort_out_images, lambda place, _: find_images(place), make_ready_model, judged_model)

    def told(self, model: "ImageGenerator") -> tuple[dict[str, Any], list[Any]]:
        """Return the figures of the model and of the classical ones, and a table of them."""
        from ansatz.generate.images.report import answer

        run, own = model.run, model.judged[0]
        record = {
            "model": model.settings.model,
            "fid": own.fid.value,
            "floor": own.fid.floor,
            "judged": [one.to_json() for one in model.judged],
            "classes": list(model.classes),
            "shape": list(model.shape),
            "images": run.step * run.recipe.batch,
        }
        return record, [judged_table(model.judged), "", answer(model).text, run.message]


def judged_table(judged: Any, own: int | None = 0) -> Any:
    """Return the figures of models for the terminal."""
    from ansatz.generate.images.report import table_of

    figures = table_of(judged)
    found = new_table(*figures.header)
    for at, row in enumerate(figures.texts()):
        found.add_row(*row, style="bold" if at == own else None)
    return found
