"""Adversarial networks of images: trainings on small digits, what is drawn, shown and refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_digits

from ansatz.core import BadInput, Pairs, Status, count_parameters
from ansatz.generate.gan.game import Noise
from ansatz.generate.gan.losses import LOSSES
from ansatz.generate.gan.penalties import zero_centered
from ansatz.generate.images.gan import GANFamily, ImageGAN
from ansatz.generate.images.gan_figures import arc, binned, draws_by_class
from ansatz.generate.images.gan_players import ImageGame
from ansatz.maps.affine import Affine
from ansatz.training.fit import fit
from ansatz.training.run import load

SHAPE = (8, 8, 1)
SMALL = {"net": "mlp", "width": 48, "critic_width": 48, "depth": 2, "critic_depth": 2, "noise": 6}
WASSERSTEIN = {"loss": "wasserstein", "r1": 0.0, "r2": 0.0, "slope_one": 10.0, "critic_steps": 5}


def digits():
    pixels, labels = load_digits(return_X_y=True)
    images = np.round(pixels.reshape(-1, *SHAPE) * 255 / 16).astype(np.uint8)
    return images[:1500], labels[:1500], images[1500:]


@pytest.fixture(scope="module")
def trained():
    x, y, _ = digits()
    return fit(ImageGAN(**SMALL, critic_rate=2e-3, learning_rate=2e-3), Pairs(x, y), steps=2500)


def test_each_class_is_drawn_and_varies(trained):
    x, y, _ = digits()
    family = GANFamily()
    assert trained.status is Status.finished
    means = np.stack([x[y == one].mean(0) for one in range(10)]) / 255
    for one in range(10):
        drawn = family.draw(trained, 200, seed=1, classes=one)
        assert drawn.shape == (200, *SHAPE) and drawn.dtype == np.float32
        assert 0 <= drawn.min() and drawn.max() <= 1
        apart = np.abs(means - drawn.mean(0)).mean((1, 2, 3))
        assert apart.argmin() == one and apart[one] < 0.08
        assert drawn.std(0).mean() > 0.5 * (x[y == one] / 255).std(0).mean()


def test_draws_are_repeated_by_seed_and_do_not_hang_on_how_many(trained, tmp_path):
    family = GANFamily()
    few, many = family.draw(trained, 3, seed=4, classes=7), family.draw(trained, 260, seed=4, classes=7)
    assert np.array_equal(few, many[:3]) and not np.array_equal(many[:10], many[250:])
    assert not np.array_equal(few, family.draw(trained, 3, seed=5, classes=7))
    assert not np.array_equal(few, family.draw(trained, 3, seed=4, classes=7, averaged=False))
    mixed = family.draw(trained, 3, seed=4, classes=np.array([7, 0, 7]))
    assert np.array_equal(mixed[[0, 2]], few[[0, 2]]) and np.abs(mixed[1] - few[1]).max() > 0.1
    trained.save(tmp_path / "run")
    assert np.array_equal(family.draw(load(tmp_path / "run"), 3, seed=4, classes=7), few)
    assert family.bound(trained, digits()[2]) is None


def test_classes_are_drawn_as_often_as_they_were_seen():
    x, y, _ = digits()
    few = np.concatenate([np.flatnonzero(y == 0)[:90], np.flatnonzero(y == 1)[:10]])
    recipe = ImageGAN(**SMALL | {"width": 8, "critic_width": 8})
    model = recipe.build(Pairs(x[few], y[few].astype(np.int32)), jax.random.key(0)).model
    assert np.allclose(model.frequency.value, [0.9, 0.1])


@pytest.mark.parametrize("name", ["patches", "wasserstein"])
def test_other_nets_and_games_find_the_mean_and_the_spread(name):
    x, _, _ = digits()
    options = {
        "patches": {"net": "patches", "width": 8, "critic_width": 8, "depth": 1, "critic_depth": 1},
        "wasserstein": {**WASSERSTEIN, "fall": 1.0, "second": 0.9},
    }[name]
    steps = {"patches": 600, "wasserstein": 4000}[name]
    rates = {"learning_rate": 2e-3, "critic_rate": 2e-3}
    run = fit(ImageGAN(**SMALL | rates | options), Pairs(x, None), steps=steps)
    drawn = GANFamily().draw(run, 500)
    plain = np.abs(x.mean(0) / 255).mean()
    assert np.abs(drawn.mean(0) - x.mean(0) / 255).mean() < 0.2 * plain
    assert drawn.std(0).mean() > 0.6 * (x / 255).std(0).mean()
    with pytest.raises(BadInput, match="had no classes"):
        GANFamily().draw(run, 2, classes=1)
    assert draws_by_class(run).title == "Draws"


def test_the_critic_sees_bytes_spread_over_their_step():
    x, _, _ = digits()
    model = ImageGAN(**SMALL, loss="non_saturating").build(Pairs(x, None), jax.random.key(0)).model
    # D(x) = Σ x: the critic's mean on data is that of (b + 1/2) / 128 - 1.
    total = eqx.tree_at(lambda m: m.weight, Affine(64, 1, key=jax.random.key(0)), jnp.ones((1, 64)))
    model = eqx.tree_at(lambda m: m.critic, model, total)
    batch = Pairs(jnp.asarray(x[:400].reshape(400, -1)), None)
    noise = Noise(SMALL["noise"])
    _, metrics = ImageGame("wasserstein", noise, r1=1.0).critic(model, batch, jax.random.key(1))
    mean = ((x[:400].reshape(400, -1) + 0.5) / 128 - 1).sum(1).mean()
    assert float(metrics["real"]) == pytest.approx(mean, abs=0.01)
    assert float(metrics["penalty"]) == float(zero_centered(jnp.ones((1, 64)))) == 32


def test_figures(trained):
    _, _, held = digits()
    figures = {one.title: one.picture for one in GANFamily().figures(trained, held)}
    assert list(figures) == [
        "Draws by class", "From one draw to another", "Draws and their neighbors in data", "Losses",
        "What the critic answers", "Phase portrait",
    ]  # fmt: skip
    for at, picture in enumerate(figures.values()):
        assert picture[1:4] == b"PNG" if at < 3 else picture.startswith("<svg")
    with pytest.raises(BadInput, match=r"images of shape \[8, 8, 1\]"):
        GANFamily().figures(trained, held[:, :7])


def test_curves_and_arcs():
    at, mean = binned(np.where(np.arange(3000) % 2, np.nan, np.arange(3000)))
    assert len(at) == len(mean) == 300 and np.allclose(at, mean + 1) and mean[0] == 4
    a, b = np.random.default_rng(0).normal(size=(2, 50))
    a, b = (v / np.linalg.norm(v) for v in (a, b))
    way = arc(a[None], b[None], np.linspace(0, 1, 7)[:, None])
    assert np.allclose(np.linalg.norm(way, axis=1), 1) and np.allclose(way[[0, -1]], [a, b])
    steps = (way[1:] * way[:-1]).sum(1)
    assert np.allclose(steps, steps[0])


def test_sized_counts_both_players():
    recipe = GANFamily().sized(ImageGAN(net="mlp"), (28, 28, 1), 300_000)
    model = recipe.model((28, 28, 1), np.zeros(0), jax.random.key(0))
    assert count_parameters(model) == pytest.approx(300_000, rel=0.05)
    assert recipe.width == recipe.critic_width


def test_bad_input(trained):
    x, y, _ = digits()
    cases = {
        "net 'mpl'; did you mean 'mlp'": {"net": "mpl"},
        "loss 'minmax'; did you mean 'minimax'": {"loss": "minmax"},
        "critic_width is a number of at least 1, not 0": {"critic_width": 0},
        "rate critic_rate must be": {"critic_rate": -1.0},
        "decay second": {"second": 1.0},
        "slope held": {"loss": "wasserstein", "r1": 0.0},
    }
    for match, options in cases.items():
        with pytest.raises(BadInput, match=match):
            ImageGAN(**options)
    assert all(ImageGAN(loss=name, slope_one=1.0).loss == name for name in LOSSES)
    for match, data in {"should be bytes": Pairs(x / 255, y), "one for each": Pairs(x, y[:-1])}.items():
        with pytest.raises(BadInput, match=match):
            fit(ImageGAN(**SMALL), data, steps=1)
    family = GANFamily()
    for match, options in {"from 0 to 9": {"classes": 10}, "no option 'noise'": {"noise": 1}}.items():
        with pytest.raises(BadInput, match=match):
            family.draw(trained, 2, **options)
    with pytest.raises(BadInput, match="at least 1, not 0"):
        family.draw(trained, 0)
