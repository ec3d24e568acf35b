"""The texts that translators learn from: exact, parted into what trains and what tests, and judged."""

import math

import numpy as np
import pytest
import sympy

from ansatz.core import BadInput
from ansatz.data.formula_text import parse_formula
from ansatz.data.string_pairs import read_pairs
from ansatz.generate.divisors import by_divisor, by_the_rules, divisor_pairs, is_test_pair
from ansatz.generate.products import product_derivatives
from ansatz.generate.translate_tasks import TASKS, Drawn
from ansatz.generate.translation_judge import baselines, grouped, share


def test_sums_of_products_are_differentiated_exactly():
    x = sympy.Symbol("x")
    for part in ("train", "test"):
        for one in product_derivatives(60, part, seed=2):
            given, found = (parse_formula(text, ["x"]) for text in one[:2])
            assert sympy.expand(sympy.diff(given, x) - found) == 0
            assert one.target == "0" or "--" not in one.target
    train, test = (
        {parse_formula(e.source, ["x"]) for e in product_derivatives(300, part)} for part in ("train", "test")
    )
    assert not train & test and len(train) > 200


def test_pairs_have_their_divisor_and_are_parted_in_either_order():
    for part in ("train", "test"):
        x, y = divisor_pairs(2000, part, largest=3000, seed=1)
        assert y.tolist() == [math.gcd(a, b) for a, b in x.tolist()]
        assert 1 <= x.min() and x.max() <= 3000
        assert (is_test_pair(x) == (part == "test")).all()
        assert (is_test_pair(x[:, ::-1]) == (part == "test")).all()
    grid = np.stack(np.meshgrid(np.arange(1, 300), np.arange(1, 300)), -1).reshape(-1, 2)
    assert is_test_pair(grid).mean() == pytest.approx(0.1, abs=0.01)
    # Two random numbers have the divisor 1 with probability 6/π².
    _, y = divisor_pairs(20_000, largest=10**6)
    assert (y == 1).mean() == pytest.approx(6 / math.pi**2, abs=0.01)
    assert divisor_pairs(5, divisor=7)[1].tolist() == [7] * 5


def test_the_rules_are_the_primes_of_the_base():
    for base in (2, 10, 30, 49):
        primes = sympy.primefactors(base)
        for divisor in range(1, 200):
            wanted = math.prod(p ** sympy.multiplicity(p, divisor) for p in primes)
            assert by_the_rules(divisor, base) == wanted
    rows = by_divisor([4, 3, 3, 3], ["4", "1", "1", "3"], 10)
    assert [(r.divisor, r.count, r.commonest, r.rule) for r in rows] == [(3, 3, "1", 1), (4, 1, "4", 4)]
    assert rows[0].right == pytest.approx(1 / 3) and rows[0].held == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", TASKS)
def test_tasks_draw_what_their_check_accepts(name):
    task = TASKS[name]
    drawn = task.draw(40, "train", 0, 7, 20)
    assert drawn == task.draw(40, "train", 0, 7, 20) != task.draw(40, "train", 1, 7, 20)
    tokenizer = task.tokenizer(7, drawn.sources + drawn.targets)
    for source, target in zip(*drawn[:2], strict=True):
        assert tokenizer.decode(tokenizer.encode(source)) == source
        assert tokenizer.decode(tokenizer.encode(target)) == target
        if not task.accepts:
            a, b = map(int, source.split())
            assert int(target) == (math.gcd(a, b) if name == "gcd" else a + b)
    if task.accepts:
        assert all(task.accepts(s, t) for s, t in zip(drawn.sources[:5], drawn.targets, strict=False))


def test_what_is_judged():
    assert share(0, 10).lower == 0 and share(10, 10).upper == 1
    found = grouped(["degree 2", "degree 10", "degree 2"], [True, False, False])
    assert [(g.name, g.count, g.right) for g in found] == [("degree 2", 2, 0.5), ("degree 10", 1, 0.0)]
    train = Drawn(["abc", "xyz", "xyw"], ["1", "2", "2"], ["", "", ""])
    commonest, nearest = baselines(train, Drawn(["abd", "xyq"], ["1", "2"], ["", ""]))
    assert commonest.right == 0.5 and nearest.right == 1.0


def test_cells_are_taken_as_they_are_written(tmp_path):
    rows = [f"00{i},-{i} " for i in range(9)]
    (tmp_path / "codes.csv").write_text("code,minus\n" + "\n".join(rows) + "\n")
    pairs = read_pairs(tmp_path / "codes.csv")
    assert pairs.sources[:2] == ["000", "001"] and pairs.targets[:2] == ["-0", "-1"]
    turned = read_pairs(tmp_path / "codes.csv", "minus", "code")
    assert turned.sources == pairs.targets and turned.names == ("minus", "code")
    with pytest.raises(BadInput, match="at most 2"):
        read_pairs(tmp_path / "codes.csv", longest=2)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: product_derivatives(1, "held"), "'train' or 'test'"),
        (lambda: divisor_pairs(1, "held"), "'train' or 'test'"),
        (lambda: divisor_pairs(1, largest=10, divisor=9), "too few multiples of 9"),
    ],
)
def test_bad_input(make, says):
    with pytest.raises(BadInput, match=says):
        make()
