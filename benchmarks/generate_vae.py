"""V1 and V2: the linear autoencoder against PPCA, and the likelihood of binarised digits.

Each function measures one bar and returns its figures; the area's file numbers them.
"""

import time
from typing import Any

import jax
import numpy as np

from ansatz.data.datasets import load_images
from ansatz.data.images import as_float
from ansatz.generate.vae.ppca import fit_ppca, subspace_angle
from ansatz.generate.vae.recipe import VAE
from ansatz.generate.vae.result import fit_vae
from benchmarks.run import entry

Row = list[dict[str, Any]]
DRAWS = 500
TESTED = 2000
EPOCHS = 60


def linear() -> Row:
    """V1: the bound and the plane of a linear autoencoder against maximum likelihood in closed form."""
    random = np.random.default_rng(0)
    loadings = random.normal(size=(4, 12)) * np.array([[3.0], [2.0], [1.5], [1.0]])
    x = random.normal(size=(2000, 4)) @ loadings + 0.5 * random.normal(size=(2000, 12))
    begun = time.perf_counter()
    best = fit_ppca(x, 4)
    top = best.log_likelihood(x).mean()
    with jax.enable_x64(True):
        recipe = VAE(latent=4, depth=0, batch=2000, learning_rate=0.06, held=0.0)
        fitted = fit_vae(x, recipe, steps=8000)
        bound, _ = fitted.bound(x, draws=64)
        tighter = [float(fitted.log_likelihood(x, samples=k).mean()) for k in (1, 10, 100)]
    seconds = time.perf_counter() - begun
    weight = np.asarray(fitted.model.decoder.last.weight)
    note = (
        f"log-likelihood {top:.4f} nats, bound {bound:.4f}; importance-weighted with 1, 10, 100 draws "
        f"{', '.join(f'{t:.4f}' for t in tighter)}"
    )
    common: dict[str, Any] = {"peer": "probabilistic PCA", "seconds": seconds}
    return [
        entry("", "linear autoencoder: gap of its bound from the likelihood of PPCA",
              100 * (top - bound) / abs(top), unit="%", must=0.1, aim=0.01, better="lower", note=note,
              **common),
        entry("", "linear autoencoder: largest angle of its plane from the principal one",
              subspace_angle(weight, best.loadings), unit="°", must=1, aim=0.1, better="lower", **common),
    ]  # fmt: skip


def binary_digits() -> Row:
    """V2: importance-sampled likelihood of binarised test digits after at most five minutes of training."""
    images = load_images("mnist")
    rows = as_float(images.x).reshape(len(images.x), -1)
    x, y = rows[~images.test], rows[images.test]
    ones = (np.random.default_rng(0).random(y.shape) < y).astype(np.float32)[:TESTED]
    recipe = VAE(
        latent=40, width=300, depth=2, likelihood="bernoulli", binarize=True, batch=256, learning_rate=2e-3,
        held=0.02,
    )  # fmt: skip
    begun = time.perf_counter()
    fitted = fit_vae(x, recipe, steps=EPOCHS * len(x) // recipe.batch)
    seconds = time.perf_counter() - begun
    values = -fitted.log_likelihood(ones, samples=DRAWS)
    bound, apart = fitted.bound(ones)
    error = values.std() / np.sqrt(len(values))
    mean = np.clip(x.mean(0), 1e-3, 1 - 1e-3)
    alone = -(ones * np.log(mean) + (1 - ones) * np.log1p(-mean)).sum(1).mean()
    note = (
        f"{values.mean():.2f} ± {error:.2f} nats, {DRAWS} draws, the first {TESTED} test digits drawn 0 or 1 "
        f"once; bound {-bound:.2f} with divergence {apart:.2f}; {fitted.active(ones)} of {recipe.latent} "
        f"components say something; independent pixels {alone:.1f}"
    )
    peer = "pythae's VAE 89.78, 200 draws"
    return [
        entry("", "binarised MNIST: importance-sampled negative log-likelihood", values.mean(), unit="nats",
              must=95, aim=90, better="lower", note=note, peer=peer, seconds=seconds),
        entry("", "binarised MNIST: training with compilation", seconds, unit="s", must=300, aim=300,
              better="lower", peer=peer, seconds=seconds),
    ]  # fmt: skip
