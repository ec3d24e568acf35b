"""The choices of a fit of images that are not the network's own."""

import dataclasses
from typing import Any

from ansatz.core import BadInput
from ansatz.supervised.image_network import ImageNetwork
from ansatz.supervised.options import check_budget, check_sizes, sort_options


@dataclasses.dataclass(frozen=True)
class ImageSettings:
    """How labelled images are split, trained and judged.

    - `test`: the share of images that are touched once, at the end; a data set whose makers set a test
      part apart keeps theirs.
    - `validation`: the share of the rest on which the best step is chosen, at most 2,500 images; 0 for
      none.
    - `members`: networks in the ensemble.
    - `epochs`: the most passes over the images, 0 to choose; `budget`: the most seconds, or None.
    - `baselines`: whether to compare with classical methods.
    - `seed`: of the split, the initialization and the mini-batches.
    """

    test: float = 0.1
    validation: float = 0.1
    members: int = 1
    epochs: int = 0
    budget: float | None = None
    baselines: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be, before images are read."""
        if not 0 < self.test < 1:
            raise BadInput(f"test={self.test} is no share of the images: it lies between 0 and 1.")
        if not 0 <= self.validation < 1:
            raise BadInput(f"validation={self.validation} is no share of the images: it lies in [0, 1).")
        check_sizes(self, at_least_one=("members",), not_negative=("epochs", "seed"))
        check_budget(self.budget)


def sort_out_images(options: dict[str, Any]) -> tuple[ImageSettings, ImageNetwork]:
    """Return the settings and the network that keyword arguments ask for; unknown ones get a sentence.

    >>> settings, network = sort_out_images({"epochs": 3, "map": "mlp"})
    >>> settings.epochs, network.map
    (3, 'mlp')
    """
    mine, theirs = sort_options(options, ImageSettings, ImageNetwork)
    if "filters" in theirs:
        given = theirs["filters"]
        theirs["filters"] = (given,) if isinstance(given, int) else tuple(given)
    return ImageSettings(**mine), ImageNetwork(**theirs)
