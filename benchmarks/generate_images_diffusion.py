"""D3: digits by class and by sentence, also by sentences whose sums no training image was called by."""

import time
from typing import Any

import numpy as np

from ansatz.core import Pairs, count_parameters
from ansatz.generate.images.diffusion import ImageDiffusion
from ansatz.generate.images.diffusion_draw import draw_images
from ansatz.generate.images.diffusion_sentences import arithmetic
from ansatz.maps.condition import Told
from ansatz.training.fit import fit
from benchmarks.generate_images import JUDGED, digits, distance, judge
from benchmarks.run import entry

Row = list[dict[str, Any]]
SECONDS = 420.0
"""The budget of the training; drawing must fit into what is left of twelve minutes."""
RECIPE = ImageDiffusion(width=384)
GUIDANCE = 2.0
ASKED = 1000
STEPS = 32


def conditional_digits() -> Row:
    """D3: how often a classifier agrees with what was asked for, the own-FID, and the time of it all."""
    data = digits()
    features, accuracy = judge(data)
    found = arithmetic()
    begun = time.perf_counter()
    # Each image is called by one sentence of its value.
    told = Told(data.y, found.captions(data.y, seed=0))
    run = fit(RECIPE, Pairs(data.x, told), budget=SECONDS, key=0)
    drawn = draw_images(run, JUDGED, classes=np.arange(JUDGED) % 10, steps=STEPS)
    asked = np.arange(ASKED) % 10
    shares = {}
    for name, conditions in {
        "class": {"classes": asked},
        "sentence": {"sentences": found.captions(asked, seed=1)},
        "sentence held out": {"sentences": found.captions(asked, seed=2, held=True)},
    }.items():
        images = draw_images(run, ASKED, seed=1, guidance=GUIDANCE, steps=STEPS, **conditions)
        shares[name] = 100 * float((features.classes(images) == asked).mean())
    seconds = time.perf_counter() - begun
    value, floor, card = distance(features, drawn, data)
    note = (
        f"{count_parameters(run.model.live):,} parameters, {run.step:,} steps; guidance {GUIDANCE:g}, "
        f"{STEPS} denoisings; the judge is right on {100 * accuracy:.2f} % of the test images; "
        f"{sum(map(len, found.held))} sentences were held out of {sum(map(len, (*found.train, *found.held)))}"
    )
    peer = "classifier trained apart"
    figures = [
        entry("", f"MNIST by {name}: agreement of a classifier, {ASKED} images", share, unit="%", must=93,
              aim=98, better="higher", peer=peer, note=note, seconds=seconds)
        for name, share in shares.items()
    ]  # fmt: skip
    return [
        *figures,
        entry("", "MNIST by class: own-FID over that of data themselves", value / floor, unit="", must=10,
              aim=5, better="lower", peer="training images against test images", note=card, seconds=seconds),
        entry("", "MNIST: training, compiling and drawing 8,000 images", seconds, unit="s", must=720,
              aim=600, better="lower", note=note, seconds=seconds),
    ]  # fmt: skip
