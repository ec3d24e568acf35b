"""Diffusion on images: a training on small digits, what it is told, what it completes, what it refuses."""

import io

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from ansatz.core import BadInput, Pairs
from ansatz.generate.images.diffusion import BACKBONES, DiffusionFamily, ImageDiffusion, conditioned
from ansatz.generate.images.diffusion_draw import draw_images, inpaint
from ansatz.generate.images.diffusion_pictures import film
from ansatz.generate.images.diffusion_sentences import NUMBERS, arithmetic, tokens, value
from ansatz.generate.images.family import as_images
from ansatz.maps.condition import Condition, Told, as_told
from ansatz.maps.denoiser import Noisy
from ansatz.maps.patch_transformer import ModulatedBlock, PatchTransformer, plane_code
from ansatz.maps.unet import UNet, doubled
from ansatz.training.fit import fit
from ansatz.training.run import load

SHAPE = (8, 8, 1)
KEY = jax.random.key(0)
TEN = np.repeat(np.arange(10), 10)
ask = eqx.filter_jit(lambda net, x: net(x))


def digits():
    pixels, labels = load_digits(return_X_y=True)
    images = np.round(pixels.reshape(-1, *SHAPE) * 255 / 16).astype(np.uint8)
    return images[:1500], labels[:1500], images[1500:], labels[1500:]


def named(labels):
    return [f"a {NUMBERS[label]}" for label in labels]


@pytest.fixture(scope="module")
def trained():
    x, y, _, _ = digits()
    recipe = ImageDiffusion(
        backbone="patches",
        prediction="flow",
        width=32,
        depth=1,
        batch=64,
        learning_rate=5e-3,
        drop=0.2,
        held=0.0,
    )
    return fit(recipe, Pairs(x, Told(y, named(y))), steps=700)


@pytest.fixture(scope="module")
def plain():
    x, y, _, _ = digits()
    recipe = ImageDiffusion(
        backbone="mlp", prediction="flow", width=128, depth=2, batch=64, learning_rate=3e-3, held=0.1
    )
    return fit(recipe, Pairs(x, y), steps=600)


@pytest.fixture(scope="module")
def judge():
    x, y, held, labels = digits()
    machine = SVC(gamma=0.02).fit(x.reshape(len(x), -1) / 64, y)
    assert machine.score(held.reshape(len(held), -1) / 64, labels) > 0.94
    return lambda images: machine.predict(images.reshape(len(images), -1) * 255 / 64)


def test_a_block_with_closed_gates_is_the_identity():
    block, (h, modulation) = ModulatedBlock.example(KEY)
    closed = modulation.at[jnp.array([2, 5])].set(0.0)
    assert np.array_equal(ask(block, (h, closed)), h) and not np.allclose(ask(block, (h, modulation)), h)


def test_a_transformer_on_patches_sees_where_they_lie_and_its_norm_is_one():
    code = plane_code(5, 7, 16)
    assert len(np.unique(code.round(6), axis=0)) == 35
    net, noisy = PatchTransformer.example(KEY)
    moved = noisy._replace(x=jnp.roll(noisy.x, (2, 2), (0, 1)))
    assert not np.allclose(jnp.roll(ask(net, noisy), (2, 2), (0, 1)), ask(net, moved), atol=1e-3)
    # A whole patch of zeros has no norm; it must not divide by it.
    assert np.isfinite(ask(net, noisy._replace(x=jnp.zeros_like(noisy.x)))).all()


def test_what_is_not_said_has_no_effect():
    net, noisy = PatchTransformer.example(KEY)
    told = lambda label, present=None: ask(net, Noisy(noisy.x, noisy.t, label, present))  # noqa: E731
    silent = told(None)
    assert np.array_equal(silent, told(jnp.asarray(-1)))
    assert np.array_equal(silent, told(jnp.asarray(2), jnp.asarray(False)))
    assert not np.allclose(silent, told(jnp.asarray(2)))
    condition, both = Condition.example(KEY)
    of = lambda *words: ask(condition, jnp.asarray([*words, 0, 0][:4]))  # noqa: E731
    parts = ask(condition, both.label) + ask(condition, both.words)
    assert np.allclose(ask(condition, both), parts, atol=1e-6) and not np.any(of(0, 0))
    # A transformer reads the order of the words, and what fills a sentence up is not read.
    assert not np.allclose(of(3, 1), of(1, 3))
    assert np.allclose(of(3, 1), ask(condition, jnp.asarray([3, 1])), atol=1e-6)


def test_doubling_undoes_averaging_of_flat_squares():
    x = jax.random.normal(KEY, (3, 2, 2))
    assert np.allclose(doubled(x).reshape(3, 2, 2, 2, 2).mean((1, 3)), x, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: PatchTransformer.example(KEY)[0](Noisy(jnp.zeros((4, 4, 2)), jnp.asarray(0.0))), "5, 4, 2"),
        (lambda: UNet.example(KEY)[0](Noisy(jnp.zeros((5, 4)), jnp.asarray(0.0))), "5, 4, 2"),
        (lambda: UNet((4, 4, 1), (2, 2, 2, 2), key=KEY), "1 to 3"),
        (lambda: PatchTransformer((4, 4, 1), 2, 8, positions="none", key=KEY), "positions"),
        (lambda: Condition(4, -1, key=KEY), "at least 0"),
        (lambda: Condition(4, 3, key=KEY)(jnp.asarray([1, 2])), "reads no sentences"),
        (lambda: Condition(4, 3, key=KEY)(Told()), "says nothing"),
        (lambda: as_told(jnp.asarray(0.5)), "float32"),
        (
            lambda: PatchTransformer((4, 4, 1), 2, 8, 1, key=KEY)(
                Noisy(jnp.zeros((4, 4, 1)), jnp.asarray(0.0), jnp.asarray(1))
            ),
            "knows no conditions",
        ),
    ],
)
def test_shapes_and_conditions_that_do_not_fit(call, match):
    with pytest.raises(BadInput, match=match):
        call()


def test_it_learns_digits(trained):
    loss = trained.history["loss"]
    assert loss[0] > 1.8 and loss[-50:].mean() < 0.8 and np.isfinite(loss).all()
    drawn = draw_images(trained, 100, seed=2)
    x = digits()[0] / 255
    assert drawn.shape == (100, *SHAPE) and drawn.dtype == np.float32 and 0 <= drawn.min() < drawn.max() <= 1
    # The mean and the deviation of each pixel are those of the data.
    assert np.abs(drawn.mean(0) - x.mean(0)).max() < 0.2 and np.abs(drawn.std(0) - x.std(0)).max() < 0.2
    assert np.allclose(drawn[:70], draw_images(trained, 70, seed=2), atol=1e-3)
    assert not np.allclose(drawn, draw_images(trained, 100, seed=3), atol=0.1)


def test_classes_sentences_and_guidance_decide_what_is_drawn(trained, judge):
    agree = lambda **told: (judge(draw_images(trained, 100, seed=1, **told)) == TEN).mean()  # noqa: E731
    by_class, by_sentence = agree(classes=TEN), agree(sentences=named(TEN))
    assert min(by_class, by_sentence) > 0.4 and agree() < 0.25
    assert agree(classes=TEN, guidance=2.5) > by_class + 0.1
    one = draw_images(trained, 100, seed=1, sentences="a seven")
    assert np.array_equal(one, draw_images(trained, 100, seed=1, sentences=["a seven"] * 100))


UPPER = np.arange(8)[:, None] < np.repeat(4, 8)
"""The known half of an image."""


def test_a_completed_image_keeps_what_is_known(plain):
    image = digits()[2][0]
    drawn = inpaint(plain, image, UPPER, 8)
    assert np.array_equal(drawn[:, :4], np.repeat(image[None, :4] / np.float32(255), 8, 0))
    assert drawn[:, 4:].std(0).mean() > 0.02


def test_the_known_half_says_something_of_the_other(plain):
    x, _, held, _ = digits()
    mean = x[:, 4:].mean(0) / 255
    away = []
    for image in held[:12]:
        guess = inpaint(plain, image, UPPER, 8)[:, 4:].mean(0)
        away.append([((one - image[4:] / 255) ** 2).mean() for one in (guess, mean)])
    assert np.mean(away, 0)[0] < 0.9 * np.mean(away, 0)[1]


def test_the_bound_is_one_of_bytes(plain):
    _, _, held, labels = digits()
    family = DiffusionFamily()
    bound = family.bound(plain, held, labels)
    assert bound is not None and bound.error > 0 and "density" in bound.what
    # Less than bytes drawn at random need; and those, which it has never seen, it thinks less likely.
    assert bound.value < 64 * np.log(256)
    noise = np.random.default_rng(0).integers(0, 256, held[:64].shape).astype(np.uint8)
    far = family.bound(plain, noise, labels[:64])
    assert far is not None and far.value > bound.value + 5 * bound.error


def test_figures_and_the_film_decode(plain):
    gif = Image.open(io.BytesIO(film(plain, 4, classes=np.arange(4), frames=5)))
    assert gif.format == "GIF" and gif.n_frames == 5
    frames = []
    for at in range(5):
        gif.seek(at)
        frames.append(np.asarray(gif.convert("L"), float))
    # From noise on: the dark background appears.
    assert frames[0].shape == frames[-1].shape and np.median(frames[-1]) < np.median(frames[0])
    shown = DiffusionFamily().figures(plain, digits()[2][:1])
    assert [one.picture[:4] for one in shown] == [b"GIF8", b"\x89PNG", b"\x89PNG"]


def test_the_perceptron_learns_and_is_validated(plain, judge):
    assert plain.history["loss"][-50:].mean() < 0.85 and plain.validation["loss"][-1] < 0.85
    assert (judge(draw_images(plain, 100, classes=TEN)) == TEN).mean() > 0.4
    with pytest.raises(BadInput, match="reads no sentences"):
        draw_images(plain, 2, sentences="a one")


def test_what_classes_mean_teaches_the_sentences(judge):
    x, y, _, _ = digits()
    sums = arithmetic()
    recipe = ImageDiffusion(width=128, depth=2, batch=64, learning_rate=3e-3, held=0.0)
    run = fit(recipe, Pairs(x, Told(y, sums.captions(y))), steps=800)
    assert DiffusionFamily().bound(run, x[:4]) is None
    assert run.history["reading"][-50:].mean() < 0.1 < run.history["reading"][:20].mean()
    drawn = draw_images(run, 100, seed=1, guidance=2.0, sentences=sums.captions(TEN, seed=1))
    assert (judge(drawn) == TEN).mean() > 0.8


def test_saved_and_loaded_draws_the_same(trained, tmp_path):
    trained.save(tmp_path / "run")
    again = load(tmp_path / "run")
    told = {"sentences": "a three"}
    assert np.array_equal(draw_images(again, 100, **told), draw_images(trained, 100, **told))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_is_built_for_images_of_any_shape(backbone):
    x = np.random.default_rng(0).integers(0, 256, (12, 5, 4, 3)).astype(np.uint8)
    recipe = ImageDiffusion(backbone=backbone, width=8, depth=2, batch=4, held=0.25)
    parts = recipe.build(Pairs(x, np.arange(12) % 3), KEY)
    noisy = Noisy(jnp.zeros((5, 4, 3)), jnp.asarray(0.1), Told(jnp.asarray(1)))
    assert not np.any(ask(parts.model.live.network, noisy)) and parts.watch is not None
    inside = parts.model.inside(jnp.asarray(x[0]), KEY)
    assert np.abs(np.asarray(parts.model.outside(inside)) - x[0] / 255).max() < 0.5 / 255 + 1e-5
    sized = DiffusionFamily().sized(recipe, (16, 16, 1), 60_000)
    net = eqx.filter_eval_shape(sized.network, (16, 16, 1), 0, 0, 0, KEY)
    size = sum(leaf.size for leaf in jax.tree.leaves(net) if isinstance(leaf, jax.ShapeDtypeStruct))
    assert size == pytest.approx(60_000, rel=0.3)


def test_sentences_of_arithmetic():
    found = arithmetic()
    for digit, (train, held) in enumerate(zip(*found, strict=True)):
        assert train and held and {value(s) for s in (*train, *held)} == {digit}
    together = [s for row in found.train for s in row]
    for sentence in (s for row in found.held for s in row):
        # No sentence of the training is it, begins with it, or goes on with it after its first number.
        assert not any(sentence in other for other in together)
    assert arithmetic(1).held != found.held and arithmetic(0).held == found.held
    assert len(set(found.captions(np.full(50, 7), seed=1))) > 10


def test_what_cannot_be_drawn(trained):
    cases = [
        ({"classes": 10}, "knows 10 classes"),
        ({"classes": [0.5] * 3}, "float64"),
        ({"classes": [1, 2]}, r"\[2\]"),
        ({"sentences": ["a one"]}, "1 sentences for 3"),
        ({"sentences": "a platypus"}, "platypus"),
        ({"sentences": ""}, "0 words"),
        ({"sentences": "a one a two a three"}, "6 words"),
        ({"guidance": 2.0}, "Guidance needs a condition"),
        ({"sampler": "eulr"}, "euler"),
    ]
    for options, match in cases:
        with pytest.raises(BadInput, match=match):
            draw_images(trained, 3, **options)
    with pytest.raises(BadInput, match="at least 1"):
        draw_images(trained, 0)
    image = digits()[0][0]
    with pytest.raises(BadInput, match="float64"):
        inpaint(trained, image / 255, np.ones((8, 8), bool))
    with pytest.raises(BadInput, match="True or False"):
        inpaint(trained, image, np.ones((8, 8)))


@pytest.mark.parametrize(
    ("x", "y", "match"),
    [
        (np.zeros((5, 8, 8, 1)), None, "bytes"),
        (np.zeros((5, 8, 8), np.uint8), None, "bytes"),
        (np.zeros((5, *SHAPE), np.uint8), None, "the same"),
        ("some", np.arange(3), "Classes"),
        ("some", np.arange(5) - 1, "Classes"),
        ("some", ["a one"] * 4, "there are|these are 4"),
        ("some", ["a one"] * 4 + [" "], "Sentence 4 says nothing"),
        ("some", Told(np.arange(5), [1, 2, 3, 4, 5]), "texts"),
    ],
)
def test_bad_data(x, y, match):
    images = digits()[0][:5] if isinstance(x, str) else x
    with pytest.raises(BadInput, match=match):
        conditioned(Pairs(images, y))


def test_bad_settings():
    x = digits()[0]
    for options, match in (
        ({"backbone": "patch"}, "patches"),
        ({"held": 1.0}, "set aside"),
        ({"width": -1}, "sizes"),
    ):
        with pytest.raises(BadInput, match=match):
            ImageDiffusion(**options)
    with pytest.raises(BadInput, match="words"):
        tokens(["a one"], None or _reader(), 1)
    assert as_images(Pairs(x, None))[1] is None


def _reader():
    from ansatz.data.token_words import WordTokens

    return WordTokens.fit(["a one"], specials=())
