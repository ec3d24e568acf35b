"""The two objectives are the formulas, each update moves its own player, and they take turns as told."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ansatz.core import BadInput, Map, Pairs, Parts, Recipe
from ansatz.data.table import Whole
from ansatz.generate.diffusion.average import exponential
from ansatz.generate.gan.game import (
    Game,
    Labeled,
    Noise,
    generate,
    players,
    the_critic,
    the_generator,
)
from ansatz.generate.gan.labels import Concatenated, Projected
from ansatz.generate.gan.losses import LOSSES
from ansatz.generate.gan.spectrum import eigenvalues, jacobian
from ansatz.maps import MLP
from ansatz.training.fit import fit
from ansatz.training.step import clock_at

X = np.random.default_rng(0).normal(size=(16, 2)).astype(np.float32)
BATCH = Pairs(jnp.asarray(X), None)
KEY = jax.random.key(5)


def small(classes=0):
    a, b = jax.random.split(jax.random.key(1))
    if not classes:
        return players(MLP(3, 2, 5, 1, "tanh", key=a), MLP(2, 1, 5, 1, "tanh", key=b))
    return players(
        Concatenated(MLP(7, 2, 5, 1, key=a), classes, 4, key=a),
        Projected(MLP(2, 5, 5, 1, key=b), classes, 5, key=b),
    )


class Play(Recipe):
    """A game on all rows, by plain gradient descent."""

    critic_steps: int = eqx.field(default=1, static=True)
    fall: float = eqx.field(default=1.0, static=True)
    simultaneous: bool = eqx.field(default=False, static=True)

    def build(self, data, key):
        game = Game("relativistic", Noise(3), r1=0.3, r2=0.2, fall=self.fall)
        rules = optax.sgd(0.1), optax.sgd(0.2)
        updates = game.updates(*rules, self.critic_steps, simultaneous=self.simultaneous)
        return Parts(small(), Whole(data), updates, game.after(exponential(0.9)))


def arrays(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_array))]


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(arrays(a), arrays(b), strict=True))


@pytest.mark.parametrize("name", LOSSES)
def test_objectives_are_the_formulas(name):
    game, model = Game(name, Noise(2, 1), r1=0.7, r2=0.3, slope_one=2.0), small()
    value, metrics = game.critic(model, BATCH, None)
    # Without a key, noise and places between are those of key 0.
    noise, _, places = jax.random.split(jax.random.key(0), 3)
    fake = generate(model.generator.live, game.noise, noise, 16)
    D = lambda x: model.critic(x)[0]  # noqa: E731
    real, false = jax.vmap(D)(BATCH.x), jax.vmap(D)(fake)
    slope = jax.vmap(jax.grad(D))
    at = [np.asarray(slope(x), np.float64) for x in (BATCH.x, fake)]
    share = np.asarray(jax.random.uniform(places, (16, 1)))
    middle = np.asarray(slope(jnp.asarray(share * X + (1 - share) * np.asarray(fake))))
    penalty = 0.35 * np.mean(np.sum(at[0] ** 2, 1)) + 0.15 * np.mean(np.sum(at[1] ** 2, 1))
    penalty += 2 * np.mean((np.linalg.norm(middle, axis=1) - 1) ** 2)
    expected = float(LOSSES[name].critic(real, false)) + penalty
    assert float(value) == pytest.approx(expected, rel=1e-5)
    assert float(metrics["penalty"]) == pytest.approx(penalty, rel=1e-5)
    assert float(metrics["real"]) == pytest.approx(float(real.mean()), abs=1e-6)
    other = game.generator(model, BATCH, None)[0]
    assert float(other) == pytest.approx(float(LOSSES[name].generator(real, false)), rel=1e-5, abs=1e-6)


def test_each_update_moves_its_own_player_alone():
    game, model = Game("hinge", Noise(3), r1=1.0), small()
    first, second = game.updates(optax.sgd(0.1), optax.sgd(0.1))
    moved, _, metrics = first.apply(model, first.init(model), BATCH, clock_at(0, 2), KEY)
    assert equal(the_generator(moved), the_generator(model)) and not equal(moved.critic, model.critic)
    assert set(metrics) == {"critic", "critic/real", "critic/fake", "critic/penalty"}
    moved, _, _ = second.apply(model, second.init(model), BATCH, clock_at(0, 2), KEY)
    assert equal(the_critic(moved), the_critic(model))
    assert not equal(the_generator(moved), the_generator(model))
    assert equal(moved.generator.average, model.generator.average)


def test_generator_waits_for_the_critic_and_history_says_so():
    run = fit(Play(critic_steps=3), BATCH, steps=7)
    taken = np.isfinite(run.history["generator"])
    assert taken.tolist() == [True, False, False, True, False, False, True]
    assert np.isfinite(run.history["critic"]).all()


def test_simultaneous_moves_both_from_the_same_point():
    both = Play(simultaneous=True).build(BATCH, KEY)
    game = Game("relativistic", Noise(3), r1=0.3, r2=0.2)
    (update,), model = both.updates, both.model
    moved, _, _ = update.apply(model, update.init(model), BATCH, clock_at(0, 2), KEY)
    first, second = jax.random.split(KEY)
    down = eqx.filter_grad(lambda g: game.generator(eqx.tree_at(the_generator, model, g), BATCH, second)[0])
    along = eqx.filter_grad(lambda c: game.critic(eqx.tree_at(the_critic, model, c), BATCH, first)[0])
    expected = eqx.apply_updates(
        the_generator(model), jax.tree.map(lambda g: -0.1 * g, down(the_generator(model)))
    )
    for a, b in zip(arrays(the_generator(moved)), arrays(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    expected = eqx.apply_updates(
        the_critic(model), jax.tree.map(lambda g: -0.2 * g, along(the_critic(model)))
    )
    for a, b in zip(arrays(the_critic(moved)), arrays(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_penalties_fall_and_the_average_follows():
    run = fit(Play(fall=0.01), BATCH, steps=20)
    assert float(run.model.strength.value) == pytest.approx(0.01 ** (19 / 20), rel=1e-4)
    assert float(fit(Play(), BATCH, steps=2).model.strength.value) == 1
    live, mean = arrays(run.model.generator.live), arrays(run.model.generator.model)
    start = arrays(Play().build(BATCH, KEY).model.generator.live)
    apart = [
        [np.linalg.norm(a - b) for a, b in zip(x, y, strict=True)] for x, y in ((live, mean), (live, start))
    ]
    assert 0 < max(apart[0]) < max(apart[1])


def test_noise_is_normal_with_one_code_of_each_kind_as_often():
    z = np.asarray(Noise(2, 4).sample(KEY, 20_000))
    assert np.abs(z[:, :2].mean(0)).max() < 0.03 and np.abs(z[:, :2].std(0) - 1).max() < 0.03
    assert set(np.unique(z[:, 2:])) == {0.0, 1.0} and (z[:, 2:].sum(1) == 1).all()
    assert np.abs(z[:, 2:].mean(0) - 0.25).max() < 0.02
    assert Noise(0, 3).sample(KEY, 2).shape == (2, 3)


def test_players_are_told_the_labels():
    model, label = small(classes=3), jnp.asarray([0, 1, 2, 7])
    fake = generate(model.generator.live, Noise(3), KEY, 4, label)
    again = generate(model.generator.live, Noise(3), KEY, 4, label[::-1])
    assert fake.shape == (4, 2) and not np.allclose(fake, again)
    x = jnp.ones(2)
    answers = [float(model.critic(Labeled(x, label[i]))[0]) for i in range(4)]
    assert len(set(answers)) == 4
    # A label that is not known has the vector 0: the projection adds nothing.
    phi = model.critic.features(x)
    assert answers[3] == pytest.approx(float(model.critic.last(phi)[0]), rel=1e-6)
    assert answers[1] - answers[3] == pytest.approx(float(model.critic.table.weight[1] @ phi), rel=1e-4)
    batch = Pairs(jnp.asarray(X), jnp.arange(16) % 3)
    value, _ = Game("non_saturating", Noise(3), r1=1.0, slope_one=1.0).critic(model, batch, KEY)
    assert jnp.isfinite(value)


@pytest.mark.parametrize("kind", [Concatenated, Projected])
def test_labeled_maps_jit_and_batch(kind):
    model, pair = kind.example(KEY)
    batch = jax.tree.map(lambda a: jnp.stack([a, a]), pair)
    np.testing.assert_allclose(eqx.filter_jit(model)(pair), model(pair), rtol=1e-5)
    np.testing.assert_allclose(jax.vmap(model)(batch)[1], model(pair), rtol=1e-5)


def test_jacobian_is_that_of_finite_differences():
    with jax.enable_x64(True):
        model = jax.tree.map(lambda a: a.astype(jnp.float64) if eqx.is_inexact_array(a) else a, small())
        batch, game = Pairs(jnp.asarray(X, jnp.float64), None), Game("non_saturating", Noise(3), r1=0.5)
        found, generators = jacobian(game, model, batch)
        assert generators == 32 and found.shape == (53, 53)
        # The critic's rows and columns are minus a Hessian; a column of each kind by differences.
        assert np.allclose(found[32:, 32:], found[32:, 32:].T, atol=1e-12)
        from ansatz.generate.gan.spectrum import field

        v, point, _ = field(game, model, batch)
        for at in (3, 40):
            step = jnp.zeros(53).at[at].set(1e-6)
            column = (v(point + step) - v(point - step)) / 2e-6
            np.testing.assert_allclose(found[:, at], column, atol=1e-7)
        mu = eigenvalues(game, model, batch)
        assert mu.sum() == pytest.approx(np.trace(found), rel=1e-9)
        assert (np.diff(mu.real) <= 1e-9).all()


def test_bad_games_are_refused():
    with pytest.raises(BadInput, match="did you mean 'minimax'"):
        Game("minmax", Noise(1))
    with pytest.raises(BadInput, match="factor r2"):
        Game("hinge", Noise(1), r2=-1.0)
    with pytest.raises(BadInput, match=r"share in \(0, 1\]"):
        Game("hinge", Noise(1), fall=0.0)
    with pytest.raises(BadInput, match="not both 0"):
        Noise(0)
    with pytest.raises(BadInput, match="at least 1, not 0"):
        Game("hinge", Noise(1)).updates(optax.sgd(0.1), optax.sgd(0.1), critic_steps=0)
    pair = players(MLP(3, 2, 5, key=KEY), MLP(2, 2, 5, key=KEY))
    with pytest.raises(BadInput, match=r"answers one number, and this one answers \[2\]"):
        Game("hinge", Noise(3)).critic(pair, BATCH, KEY)
    wide = players(MLP(3, 2, 80, key=KEY), MLP(2, 1, 80, key=KEY))
    with pytest.raises(BadInput, match="at most 4096"):
        eigenvalues(Game("hinge", Noise(3)), wide, BATCH)


def test_any_map_can_play():
    class Shift(Map):
        by: jax.Array

        def __call__(self, x, *, key=None):
            return x + self.by

    class Slopes(Map):
        weight: jax.Array

        def __call__(self, x, *, key=None):
            return self.weight @ x

    class Shifted(Recipe):
        def build(self, data, key):
            game = Game("non_saturating", Noise(2), r1=0.1)
            updates = game.updates(optax.adam(0.02, b1=0.0), optax.adam(0.05, b1=0.0))
            model = players(Shift(jnp.zeros(2)), Slopes(jnp.zeros(2)))
            return Parts(model, Whole(data), updates, game.after(exponential(0.98)))

    target = np.array([1.5, -0.5], np.float32)
    x = np.random.default_rng(3).normal(size=(512, 2)).astype(np.float32)
    run = fit(Shifted(), Pairs(jnp.asarray(x + target), None), steps=800)
    # The best shift is the mean of these rows.
    assert np.abs(np.asarray(run.model.generator.model.by) - target - x.mean(0)).max() < 0.15
