"""The policy of the package: its file, that its ways are R-moves that untie, what is refused."""

import equinox as eqx
import jax
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.knots.certificate import certify, standard
from ansatz.knots.table import named
from ansatz.knots.verify import verify
from ansatz.rl.unknot_policy import STORED, load, save, trained, untrained, ways_of


def test_the_file_is_small_and_says_how_it_was_made():
    facts = load(STORED)[1]
    assert STORED.stat().st_size <= 2_000_000
    assert facts["seed"] == 0 and facts["steps"] > 0 and len(facts["cpu_seconds"]) == 2


def test_a_policy_is_read_back_as_it_was(tmp_path):
    key, model = jax.random.key(3), untrained(8, 2)
    noisy = jax.tree.map(lambda x: x + jax.random.normal(key, x.shape), eqx.filter(model, eqx.is_array))
    model = eqx.combine(noisy, model)
    save(model, tmp_path / "policy.npz", seed=7)
    again, facts = load(tmp_path / "policy.npz")
    assert facts == {"seed": 7, "width": 8, "depth": 2}
    for one, other in zip(jax.tree.leaves(model), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)


def test_its_ways_untie_by_r_moves_and_are_verified():
    diagram = named("Culprit")
    ways = ways_of(diagram, runs=16, steps=150)
    assert len(ways) >= 12 and [len(way) for way in ways] == sorted(len(way) for way in ways)
    for way in ways[:3]:
        assert {move[0] for move in way} <= {"R1-", "R1+", "R2-", "R2+", "R3"}
        assert "is the unknot" in verify(certify(standard(diagram), way))
    assert ways == ways_of(diagram, runs=16, steps=150)


def test_a_knot_has_no_way():
    assert ways_of(named("4_1"), runs=4, steps=20) == []


def test_what_makes_no_sense_is_refused():
    with pytest.raises(BadInput, match="temperature is 0"):
        ways_of(named("Culprit"), temperature=0)
    with pytest.raises(BadInput, match="runs"):
        ways_of(named("Culprit"), runs=0)


def test_the_policy_of_the_package_is_read_once():
    assert trained() is trained()
