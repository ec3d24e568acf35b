"""Derivatives as text, and a translator that learns to reverse words."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.data.formula_text import parse_formula
from ansatz.generate.derivatives import derivatives, differentiated, is_derivative, is_test, spelled, written
from ansatz.generate.translate import Translator, fit_translator, make_texts, next_target

POLYNOMIALS = st.lists(st.integers(-9, 9), min_size=2, max_size=6)


@settings(deadline=None)
@given(POLYNOMIALS, st.integers(0, 10**6))
def test_spellings_equal_the_polynomial(coefficients, seed):
    x = sympy.Symbol("x")
    wanted = sum(c * x**n for n, c in enumerate(coefficients))
    text = spelled(coefficients, np.random.default_rng(seed))
    assert sympy.expand(parse_formula(text, ["x"]) - wanted) == 0
    assert sympy.expand(parse_formula(written(coefficients), ["x"]) - wanted) == 0
    found = written(differentiated(coefficients))
    assert sympy.expand(parse_formula(found, ["x"]) - sympy.diff(wanted, x)) == 0
    powers = [term.count("x") and (term.partition("^")[2] or "1") for term in re.split("[+-]", found) if term]
    assert [int(p) for p in powers] == sorted({int(p) for p in powers}, reverse=True)


def test_no_test_polynomial_was_seen_in_any_spelling():
    parts = {}
    for part in ("train", "test"):
        found = derivatives(2000, part, seed=1)
        parts[part] = {tuple(sympy.Poly(parse_formula(one.source, ["x"]), sympy.Symbol("x")).all_coeffs())
                       for one in found}  # fmt: skip
        assert {one.degree for one in found} == {1, 2, 3, 4, 5}
        assert all(is_derivative(one.source, one.target) for one in found[:20])
    assert not parts["train"] & parts["test"]
    assert derivatives(5, seed=3) == derivatives(5, seed=3) != derivatives(5, seed=4)
    share = np.mean([is_test([a, b, c]) for a in range(20) for b in range(20) for c in range(1, 20)])
    assert share == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    ("source", "answer", "right"),
    [
        ("exp(2*x)", "2*exp(2*x)", True),
        ("x*log(x)", "log(x)+1", True),
        ("(x+1)^3", "3*x^2+6*x+3", True),
        ("x^3", "3*x^2+1/10^6", False),
        ("x^3", "", False),
        ("x^3", "3*y^2", False),
    ],
)
def test_answers_are_verified(source, answer, right):
    assert is_derivative(source, answer) is right


def words(count, seed):
    random = np.random.default_rng(seed)
    return ["".join(random.choice(list("abcd"), random.integers(1, 6))) for _ in range(count)]


def test_the_loss_counts_the_tokens_of_the_targets_alone():
    texts = make_texts(["ab", "c"], ["ba", "c"])
    pairs, padding = texts.pairs, texts.tokenizer.padding
    source, target = (np.pad(a, ((0, 0), (0, 3)), constant_values=padding) for a in pairs[:2])
    longer = pairs._replace(source=source, target=target)
    model = Translator(layers=1, size=8, heads=2).model(texts._replace(pairs=longer), jax.random.key(0))
    loss, metrics = next_target(model, pairs)
    assert float(next_target(model, longer)[0]) == pytest.approx(float(loss), rel=1e-5)
    assert 0 <= float(metrics["right"]) <= 1

    def alone(i):
        return float(next_target(model, jax.tree.map(lambda a: jnp.asarray(a[i : i + 1]), pairs))[0])

    assert float(loss) == pytest.approx((3 * alone(0) + 2 * alone(1)) / 5, rel=1e-5)


def test_words_are_reversed_and_the_verified_come_first():
    sources = words(4000, 0)
    recipe = Translator(layers=2, size=48, heads=4, batch=64, learning_rate=3e-3)
    fitted = fit_translator(sources, [w[::-1] for w in sources], recipe, steps=900)
    new = words(200, 1)
    answers = fitted.translate(new)
    assert np.mean([one[0].text == word[::-1] for one, word in zip(answers, new, strict=True)]) > 0.95
    several = fitted.translate(new[:5], 4, verify=lambda s, a: len(a) == len(s) and a != s[::-1])
    for found in several:
        marks = [one.verified for one in found]
        assert len(found) == 4 and marks == sorted(marks, reverse=True)
        assert all(one.log_probability <= 0 for one in found)
    assert fitted.translate(new[:7]) == answers[:7]


def test_bad_input():
    recipe = Translator(layers=1, size=8, heads=2, batch=4, held=0.0)
    fitted = fit_translator(["ab", "b"], ["b", "a"], recipe, steps=1)
    with pytest.raises(BadInput, match="'z'"):
        fitted.translate(["az"])
    with pytest.raises(BadInput, match="1 to 2"):
        fitted.translate(["aaa"])
    with pytest.raises(BadInput, match="as many of both"):
        fit_translator(["a"], [], recipe)
    with pytest.raises(BadInput, match="positions"):
        Translator(positions="here")
    with pytest.raises(BadInput, match="train"):
        derivatives(3, "validation")
