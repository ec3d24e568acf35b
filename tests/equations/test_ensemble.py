"""Ensembles of networks of different starts: their mean, their spread, what overflows, and what is kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput, Mean
from ansatz.equations.solution import Solution
from ansatz.equations.solve import solve
from ansatz.equations.together import Apart, Lane, Trained, _end_of, train
from ansatz.training.step import clock_at

STATED = {"problem": "y'' = -y", "on": "t=0..2", "where": ["y(0)=0", "y'(0)=1"], "method": "lm"}
SMALL = {"width": 8, "depth": 1, "points": 40}
T = np.linspace(0, 2, 21)


@pytest.fixture(scope="module")
def three():
    return solve(**STATED, network={**SMALL, "steps": 40, "members": 3}, seed=2)


def test_the_answer_is_the_mean_of_members_that_differ(three):
    each = np.stack([one.y(T) for one in three.members])
    assert len(three.members) == 3 and all(np.ptp(each, axis=0)[1:] > 1e-9)
    np.testing.assert_allclose(three.y(T), each.mean(0), atol=1e-14)
    slopes = np.stack([one.y.tt(T) for one in three.members])
    np.testing.assert_allclose(three.y.derivative("tt")(T), slopes.mean(0), atol=1e-12)
    with jax.enable_x64(True):
        np.testing.assert_allclose(jax.vmap(three.map)(jnp.asarray(T[:, None]))[:, 0], three.y(T), atol=1e-12)


def test_conditions_stay_exact(three):
    for one in (three, *three.members):
        assert float(one.y(0.0)) == pytest.approx(0, abs=1e-13)
        assert float(one.y.t(0.0)) == pytest.approx(1, abs=1e-13)
    assert float(three.y.spread(0.0)) < 1e-13 and float(three.y.t.spread(0.0)) < 1e-13


def test_the_spread_is_the_standard_deviation_over_the_members(three):
    each = np.stack([one.y(T) for one in three.members])
    np.testing.assert_allclose(three.y.spread(T), each.std(0, ddof=1), atol=1e-15)
    assert three["y"].spread(T.reshape(3, 7)).shape == (3, 7) and np.shape(three.y.spread(t=0.5)) == ()
    points = three.scattered()[0]
    apart = np.linalg.norm(three.y.spread(points)) / np.linalg.norm(three.y(points))
    assert three.spreads == {"y": pytest.approx(apart, rel=1e-9)}
    assert f"its 3 members spread by {apart:.1e}" in three.verdict


def test_the_error_is_estimated_for_the_mean_and_for_every_member(three):
    def true(one):
        return np.linalg.norm(one.y(T) - np.sin(T)) / np.linalg.norm(np.sin(T))

    assert three.converged and three.method == "lm" and "3 × 25 parameters" in three.ladder[0].note
    for one in (three, *three.members):
        assert true(one) / 3 < one.error < 3 * true(one) + 1e-9
        assert one.residual < 1e-3
    assert len({one.error for one in three.members}) == 3


def test_the_first_member_is_the_network_of_the_seed():
    network = {**SMALL, "steps": 6}
    alone = solve(**STATED, network=network, seed=3)
    both = solve(**STATED, network={**network, "members": 2}, seed=3)
    np.testing.assert_allclose(both.members[0].y(T), alone.y(T), atol=1e-8)
    assert np.abs(both.members[1].y(T) - alone.y(T)).max() > 1e-6


def test_an_ensemble_is_kept_with_its_members(three, tmp_path):
    three.save(tmp_path / "kept")
    back = Solution.load(tmp_path / "kept")
    assert np.array_equal(back.y(T), three.y(T)) and np.array_equal(back.y.spread(T), three.y.spread(T))
    assert back.spreads == three.spreads and back.verdict == three.verdict
    for one, other in zip(back.members, three.members, strict=True):
        assert np.array_equal(one.y.t(T), other.y.t(T))
        assert (one.errors, one.residual, one.converged) == (other.errors, other.residual, other.converged)
    page = (tmp_path / "kept" / "report.html").read_text()
    assert "The members" in page and "Spread of y" in page and "of 3 networks" in page


def test_one_network_has_no_spread_and_least_squares_no_members():
    alone = solve("y' = -y", on="t=0..1", where="y(0)=1")
    with pytest.raises(BadInput, match="One network has no spread"):
        alone.y.spread(0.5)
    for method in ("auto", "series"):
        with pytest.raises(BadInput, match="add a method such as 'lm'"):
            solve("y' = -y", on="t=0..1", where="y(0)=1", method=method, network={"members": 2})
    for count in (0, -1, True):
        with pytest.raises(BadInput, match="members to be an integer of at least 1"):
            solve("y' = -y", on="t=0..1", where="y(0)=1", method="lm", network={"members": count})


class Grow(Apart):
    """x ← x² until it overflows, in the place of an update."""

    update: int = 0

    def init(self, model):
        return jnp.zeros((), jnp.int32)

    def apply(self, model, opt, batch, clock, key):
        return model**2, opt + 1, {"loss": jnp.exp(model)}


def test_what_overflows_stays_and_what_is_beside_it_goes_on():
    update = Apart(Grow())

    def one(x):
        opt = update.init(x)
        for step in range(6):
            x, opt, metrics = update.apply(x, opt, None, clock_at(step, 6), jax.random.key(0))
        return x, opt, metrics["loss"]

    with jax.enable_x64(True):
        x, count, loss = jax.vmap(one)(jnp.asarray([1.0, 30.0]))
    # 30² is 900, of which the exponential is infinite: the second ends there, after one step.
    assert isinstance(loss, Mean) and x.tolist() == [1.0, 900.0] and count.tolist() == [6, 1]
    assert loss.weight.tolist() == [1.0, 0.0] and float(loss.total[0]) == pytest.approx(np.e)


def test_a_loss_is_lost_where_no_later_one_is_finite():
    nan = np.nan
    assert _end_of(np.array([3.0, 2.0, 1.0])) == (1.0, None)
    assert _end_of(np.array([3.0, nan, 1.0])) == (1.0, None)
    assert _end_of(np.array([3.0, 2.0, nan, nan])) == (2.0, 2)
    loss, lost = _end_of(np.array([nan, nan]))
    assert np.isnan(loss) and lost == 0
    assert Trained(None, 1.0).lost is None and Lane({}).start == 0 and callable(train)
