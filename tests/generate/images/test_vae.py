"""Autoencoders of images: real trainings on small digits, the walk against Python, and what is refused."""

import base64
import hashlib
import json
import re
import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_digits

from ansatz.core import BadInput, Pairs, count_parameters
from ansatz.generate.images.vae import ImageVAE, VAEFamily, drawn_ones
from ansatz.generate.images.vae_walk import LARGEST, latent_walk, walk_policy, walk_script
from ansatz.generate.vae.result import FittedVAE
from ansatz.training.fit import fit
from ansatz.training.run import load

NODE = shutil.which("node")
SMALL = {"latent": 6, "width": 48, "depth": 1, "batch": 64, "learning_rate": 5e-3, "held": 0.0}
SHAPE = (8, 8, 1)


def digits():
    pixels, labels = load_digits(return_X_y=True)
    images = np.round(pixels.reshape(-1, *SHAPE) * 255 / 16).astype(np.uint8)
    return images[:1500], labels[:1500], images[1500:], labels[1500:]


@pytest.fixture(scope="module")
def trained():
    x, y, _, _ = digits()
    return fit(ImageVAE(**SMALL), Pairs(x, y), steps=1200)


CASES = {
    "mlp": {},
    "convolutional": {"net": "convolutional", "width": 8},
    "gaussian": {"likelihood": "gaussian"},
    "binarised": {"binarize": True, "held": 0.05},
    "importance": {"samples": 3, "binarize": True},
    "plain": {"plain": True},
    "convolutional gaussian": {
        "net": "convolutional",
        "width": 16,
        "likelihood": "gaussian",
        "learning_rate": 2e-2,
    },
}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_trains_draws_and_is_saved(name, tmp_path):
    x, _, held, labels = digits()
    recipe = ImageVAE(**SMALL | CASES[name])
    run = fit(recipe, Pairs(x, None), steps=1200)
    assert len(run.validation.get("loss", ())) == (recipe.held > 0) * 12
    family = VAEFamily()
    rows = held.reshape(len(held), -1) / 255
    fitted = FittedVAE(run)
    apart = ((fitted.reconstruct(rows) - rows) ** 2).mean() / rows.var(0).mean()
    assert apart < 0.6
    run.save(tmp_path / "run")
    again = load(tmp_path / "run")
    assert again.model.shape == SHAPE
    if recipe.plain:
        assert family.bound(run, held) is None
        with pytest.raises(BadInput, match="no distribution of codes"):
            family.draw(run, 3)
        return
    drawn = family.draw(run, 7, seed=1)
    assert drawn.shape == (7, *SHAPE) and drawn.dtype == np.float32 and 0 <= drawn.min() < drawn.max() <= 1
    assert np.array_equal(drawn, family.draw(again, 7, seed=1))
    assert not np.array_equal(drawn, family.draw(run, 7, seed=2))
    bound = family.bound(run, held[:100])
    assert bound is not None and np.isfinite(bound.value) and bound.error > 0
    assert bound.value < (64 * np.log(256) if recipe.likelihood == "gaussian" else 64 * np.log(2))
    if name == "convolutional gaussian":
        assert len(family.figures(run, held, classes=labels)) == 6


def test_bound_of_bytes_is_one():
    # Images whose every byte is one of two at random: 64 log 2 nats, and no density model can know more.
    random = np.random.default_rng(0)
    images = random.integers(100, 102, (2000, *SHAPE)).astype(np.uint8)
    recipe = ImageVAE(likelihood="gaussian", latent=2, width=16, depth=1)
    bound = VAEFamily().bound(fit(recipe, Pairs(images[:1000], None), steps=600), images[1000:])
    assert bound is not None
    # A normal density of variance 1/4 + 1/12 is what it can be: the entropy with the uniform noise on top.
    best = 64 * 0.5 * np.log(2 * np.pi * np.e * (1 / 4 + 1 / 12))
    assert 64 * np.log(2) < bound.value and bound.value == pytest.approx(best, rel=0.03)


def test_pixels_are_ones_as_often_as_they_are_bright():
    images = jnp.asarray(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4000, 1))
    share = np.asarray(drawn_ones(images, jax.random.key(0))).mean(1)
    assert share[0] == 0 and share[255] == pytest.approx(1, abs=1e-3)
    assert np.abs(share - np.arange(256) / 255).max() < 5 * 0.5 / np.sqrt(4000)


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
@pytest.mark.parametrize("kind", ["mlp", "convolutional", "gaussian"])
def test_the_page_decodes_as_python_does(trained, kind, tmp_path):
    x, _, held, _ = digits()
    run = trained if kind == "mlp" else fit(ImageVAE(**SMALL | CASES[kind]), Pairs(x, None), steps=200)
    fitted = FittedVAE(run)
    codes = fitted.encode(held.reshape(len(held), -1) / 255)
    page = latent_walk(run.model, SHAPE, codes)
    assert page is not None and len(page) < 300_000
    data, script = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    assert script == walk_script()
    (tmp_path / "data.json").write_text(data)
    (tmp_path / "codes.json").write_text(json.dumps(codes[:40].tolist()))
    (tmp_path / "run.js").write_text(
        script
        + '\nconst fs = require("fs"), read = name => fs.readFileSync(__dirname + "/" + name, "utf8");\n'
        + 'const data = walk.read(read("data.json"));\n'
        + "console.log(JSON.stringify(JSON.parse(read('codes.json')).map(z => [...walk.decode(data, z)])));\n"
    )
    done = subprocess.run([NODE, tmp_path / "run.js"], capture_output=True, text=True, check=True, timeout=60)
    assert np.abs(np.array(json.loads(done.stdout)) - fitted.decode(codes[:40])).max() < 1e-3
    # What one sees first is the image that stands first.
    starts = json.loads(data)["starts"]
    assert np.allclose(starts[0], codes[0], atol=1e-4) and not np.any(starts[-1])


def test_a_page_may_allow_the_script_by_its_hash(trained):
    page = latent_walk(trained.model, SHAPE, np.eye(6))
    assert page is not None
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert walk_policy() == f"'sha256-{digest}'"
    assert "http" not in page and "</" not in script


@pytest.mark.parametrize(("width", "kind"), [(300, "float16"), (500, "int8"), (800, None)])
def test_a_large_decoder_is_rounded_or_left_out(width, kind):
    recipe = ImageVAE(latent=8, width=width, depth=2)
    model = recipe.model((28, 28, 1), np.zeros(784), 1.0, jax.random.key(0))
    page = latent_walk(model, (28, 28, 1), np.eye(8))
    if kind is None:
        assert page is None
        return
    assert page is not None and len(page.encode()) <= LARGEST and f'"type":"{kind}"' in page


def test_sizes_and_reconstructions(trained):
    family = VAEFamily()
    for net in ("mlp", "convolutional"):
        recipe = family.sized(ImageVAE(net=net, depth=1, latent=6), SHAPE, 30_000)
        model = recipe.model(SHAPE, np.zeros(64), 1.0, jax.random.key(0))
        assert count_parameters(model) == pytest.approx(30_000, rel=0.05)
    _, _, held, labels = digits()
    figures = {one.title: one for one in family.figures(trained, held, classes=labels)}
    mine, theirs = map(float, re.findall(r"(0\.\d+)", figures["Through the bottleneck"].words))
    assert mine < 1.3 * theirs
    walk = figures["A walk through the codes"].picture
    assert isinstance(walk, str) and walk.startswith("<div") and walk.count("<input") == 6
    assert all(isinstance(one.picture, str) or one.picture[1:4] == b"PNG" for one in figures.values())


@pytest.mark.parametrize(
    ("options", "data", "match"),
    [
        ({"net": "transformer"}, None, "net"),
        ({"latent": 0}, None, "at least 1"),
        ({"samples": 3, "beta": 2.0}, None, "beta=1"),
        ({"binarize": True, "likelihood": "gaussian"}, None, "bernoulli"),
        ({"held": 1.0}, None, "set aside"),
        ({}, np.zeros((5, 8, 8, 1), np.uint8), "the same"),
        ({}, np.zeros((5, 8, 8, 1)), "bytes"),
    ],
)
def test_bad_input(options, data, match):
    with pytest.raises(BadInput, match=match):
        fit(ImageVAE(**options), Pairs(digits()[0] if data is None else data, None), steps=1)


def test_a_class_cannot_be_asked_for(trained):
    with pytest.raises(BadInput, match="knows no classes"):
        VAEFamily().draw(trained, 2, classes=3)
    with pytest.raises(BadInput, match="at least 4 images"):
        VAEFamily().figures(trained, np.zeros((9, 4, 4, 1), np.uint8))
