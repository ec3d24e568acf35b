"""The bars of adversarial networks of images, and V3: training of an autoencoder beside pythae.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from ansatz.core import Pairs, count_parameters
from ansatz.data.datasets import load_images
from ansatz.generate.images.diffusion_draw import draw_images
from ansatz.generate.images.gan import GANFamily, ImageGAN
from ansatz.generate.images.vae import ImageVAE
from ansatz.generate.metrics.card import Card
from ansatz.generate.metrics.features import Features, fid, train_features
from ansatz.generate.metrics.two_sample import two_sample
from ansatz.training.fit import fit
from benchmarks.generate_images_diffusion import RECIPE, STEPS
from benchmarks.run import entry
from benchmarks.solve_measure import PEERS, process, python_of

Row = list[dict[str, Any]]
BUDGET = 240.0
"""Seconds of training, so that with compiling it stays below eight minutes."""
DRAWN = 10_000
TOLD = 2000
EPOCHS = 5
BATCH, LATENT = 100, 16


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the images and classes that train, and the images that test."""
    images = load_images("mnist")
    x = np.asarray(images.x).reshape(-1, 28, 28, 1)
    return x[~images.test], np.asarray(images.y)[~images.test].astype(np.int32), x[images.test]


def judged(features: Features, drawn: np.ndarray, x: np.ndarray, held: np.ndarray) -> Card:
    """Return the own-FID of draws against as many training digits; its floor is that of the test digits."""
    return fid(features, drawn, x[:DRAWN], held[:DRAWN], resamples=10)


def diffused(features: Features, seconds: float = BUDGET) -> Card:
    """Return the own-FID of the diffusion of D3, by class, that is given the same seconds."""
    x, y, held = digits()
    run = fit(RECIPE, Pairs(x, y), budget=seconds)
    classes = np.random.default_rng(0).choice(y, DRAWN)
    return judged(features, draw_images(run, DRAWN, classes=classes, steps=STEPS), x, held)


def digits_gan(features: Features | None = None, diffusion: float | None = None) -> Row:
    """Own-FID of a GAN of MNIST over a diffusion's in the same features; what a two-sample test tells.

    Without `features` or the own-FID of a `diffusion` these are made here.
    """
    x, y, held = digits()
    features = features or train_features(x, y)
    begun = time.perf_counter()
    run = fit(ImageGAN(), Pairs(x, y), budget=BUDGET)
    seconds = time.perf_counter() - begun
    drawn = GANFamily().draw(run, DRAWN)
    card = judged(features, drawn, x, held)
    told = two_sample(features(drawn[:TOLD]), features(held[:TOLD]))
    other = diffusion or diffused(features).value
    low, high = told.interval
    note = (
        f"{card}; the diffusion's {other:.3g}; gradient boosting on the features tells {told.accuracy:.1%} "
        f"of draws and test digits apart ({low:.1%} to {high:.1%}); {run.step:,} steps, "
        f"{count_parameters(run.model):,} parameters"
    )
    return [
        entry("", "GAN of MNIST: own-FID over that of the diffusion", card.value / other, unit="times",
              must=2.5, aim=1.5, better="lower", peer="diffusion, same data and features", note=note,
              seconds=seconds),
        entry("", "GAN of MNIST: training with compilation", seconds, unit="s", must=480, aim=480,
              better="lower", seconds=seconds),
    ]  # fmt: skip


def autoencoder_rate() -> Row:
    """V3: training samples a second of pythae's default autoencoder of MNIST, here and there."""
    x, _, _ = digits()
    recipe = ImageVAE(
        latent=LATENT, width=512, depth=1, activation="relu", batch=BATCH, learning_rate=1e-3,
        schedule="constant", warmup=0.0, held=0.0,
    )  # fmt: skip
    steps = len(x) // BATCH
    fit(recipe, Pairs(x, None), steps=steps)
    begun = time.perf_counter()
    run = fit(recipe, Pairs(x, None), steps=EPOCHS * steps)
    seconds = time.perf_counter() - begun
    own = EPOCHS * steps * BATCH / seconds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.npz"
        np.savez(path, x=x[..., 0])
        wanted = [str(path), str(EPOCHS), str(BATCH), str(LATENT)]
        theirs = process([python_of("pythae"), str(PEERS / "pythae_vae.py"), *wanted], [])
    if theirs["parameters"] != count_parameters(run.model):
        raise RuntimeError(f"pythae's net has {theirs['parameters']} parameters, and ours is another.")
    rate = len(x) / theirs["seconds"]
    note = (
        f"{own:,.0f} samples a second, pythae {rate:,.0f}; 784-512-{LATENT}-512-784, "
        f"{theirs['parameters']:,} parameters, "
        f"batches of {BATCH}, Adam; {EPOCHS} epochs, without compiling and the peer's first epoch"
    )
    return [
        entry("", "autoencoder of MNIST: training samples a second over pythae's, same net", own / rate,
              unit="times", must=2, aim=5, better="higher", peer=f"pythae 0.1.2, torch {theirs['torch']}",
              versions={"torch": theirs["torch"]}, note=note, seconds=seconds),
    ]  # fmt: skip
