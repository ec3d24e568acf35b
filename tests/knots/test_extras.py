"""Regina, knot Floer homology and SnapPy, where they are installed; a sentence where they are not."""

import importlib.util

import pytest

from ansatz.errors import BadInput
from ansatz.knots.codes import from_pd, torus
from ansatz.knots.diagram import circle
from ansatz.knots.extras import Floer, floer, has_infinite_cyclic_group, volume
from ansatz.knots.table import hard_unknots, named

KINK = from_pd([[1, 1, 2, 2]])
QUESTIONS = {"regina": has_infinite_cyclic_group, "knot_floer_homology": floer, "snappy": volume}


@pytest.mark.parametrize("package", QUESTIONS)
def test_a_missing_package_is_told(package: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=rf"package {package} is not installed.*'ansatz\[knots\]'"):
        QUESTIONS[package](circle())


@pytest.mark.parametrize("package", QUESTIONS)
def test_links_are_refused(package: str):
    pytest.importorskip(package, reason="the extra 'knots' is not installed")
    with pytest.raises(BadInput, match="2 components"):
        QUESTIONS[package](torus(2, 4))


def test_regina_recognises_unknots_alone():
    pytest.importorskip("regina", reason="the extra 'knots' is not installed")
    small = [named(name) for name in hard_unknots() if named(name).crossings <= 32]
    assert all(has_infinite_cyclic_group(knot) for knot in (circle(), KINK, *small))
    assert not any(has_infinite_cyclic_group(named(name)) for name in ("3_1", "8_19", "K11n34", "K11n42"))


def test_floer_homology_has_the_known_genera():
    pytest.importorskip("knot_floer_homology", reason="the extra 'knots' is not installed")
    assert floer(circle()) == floer(KINK) == floer(named("Culprit")) == Floer(0, True, 0, 1)
    assert floer(named("8_19")) == Floer(3, True, 3, 5)
    assert [floer(named(name)).genus for name in ("K11n34", "K11n42", "10_139")] == [3, 2, 4]


def test_snappy_finds_the_known_volumes():
    pytest.importorskip("snappy", reason="the extra 'knots' is not installed")
    assert volume(named("4_1")) == pytest.approx(2.0298832128, abs=1e-8)
    assert volume(named("K11n34")) == pytest.approx(volume(named("K11n42")), abs=1e-8)
    assert volume(circle()) == volume(KINK) == volume(named("8_19")) == 0
