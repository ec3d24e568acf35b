"""Sweeps: closed forms for many values, networks trained at once, what fails alone, files, and words."""

import csv
import json
from pathlib import Path

import jax
import numpy as np
import pytest
from tests.cli.malformed import ran

import ansatz
from ansatz.core import BadInput
from ansatz.equations.solve import solve
from ansatz.equations.solve_network import training_of
from ansatz.equations.sweep import Sweep, sweep
from ansatz.equations.sweep_network import grouped
from ansatz.equations.sweep_statement import Texts
from ansatz.equations.sweep_values import cases_of, lists_of
from ansatz.equations.together import Lane, train
from ansatz.training import prepare

T = np.linspace(0, 1, 11)
OSCILLATOR = {"problem": "y'' = -omega^2*y", "on": "t=0..1", "where": ["y(0)=1", "y'(0)=0"]}
SMALL = {"width": 6, "depth": 1, "points": 32}


@pytest.fixture(scope="module")
def oscillators():
    return sweep(**OSCILLATOR, let={"omega": [1, 2, 5]}, accuracy=1e-9)


def test_oscillators_are_cosines(oscillators):
    s = oscillators
    assert (
        s.y(T).shape == (3, 11) and s.y(0.5).shape == (3,) and s.y(T[:, None] * [[1, 0]]).shape == (3, 11, 2)
    )
    omega = s.parameters["omega"][:, None]
    np.testing.assert_allclose(s.y(T), np.cos(omega * T), atol=1e-9)
    np.testing.assert_allclose(s.y.derivative("tt")(T), -(omega**2) * np.cos(omega * T), atol=1e-6)
    np.testing.assert_array_equal(s.y.t.t(T), s.y.derivative("tt")(T))
    assert s.parameters.keys() == {"omega"} and s.shape == (3,) and len(s) == 3 and s.converged.all()
    assert s.error.shape == (3,) and s.error.max() < 1e-9 and s.failures == ("", "", "")
    assert "All 3 values converged" in s.verdict and "one after another" in s.remarks[0]


def test_heat_decays_over_a_grid_of_values():
    s = sweep(
        "u_t = D*u_xx", on="t=0..1, x=0..1", where=["u(0,x)=A*sin(pi*x)", "u(t,0)=0", "u(t,1)=0"],
        let={"D": [0.1, 0.5], "A": [1, 2, "pi"]},
    )  # fmt: skip
    assert s.shape == (2, 3) and s.parameters["A"].tolist() == [1, 2, np.pi] * 2
    x = np.linspace(0, 1, 7)
    t, x = np.meshgrid(T, x, indexing="ij")
    found = s.u(t, x).reshape(*s.shape, *t.shape)
    for i, diffusivity in enumerate((0.1, 0.5)):
        for j, size in enumerate((1, 2, np.pi)):
            true = size * np.exp(-diffusivity * np.pi**2 * t) * np.sin(np.pi * x)
            np.testing.assert_allclose(found[i, j], true, atol=1e-6)


def test_pairs_and_constants_that_follow():
    s = sweep(
        "y' = -k*y", on="t=0..T", where="y(0)=c",
        let={"k": [1, 2], "T": [1, 0.5], "c": "k/2"}, paired=True,
    )  # fmt: skip
    assert s.shape == (2,) and s.parameters.keys() == {"k", "T"}
    np.testing.assert_allclose(s.y(0.5), [0.5 * np.exp(-0.5), np.exp(-1)], atol=1e-7)
    with pytest.raises(BadInput, match=r"For k = 2, T = 0.5: t = 0.8 is outside"):
        s.y(0.8)


def test_levels_follow_the_spring():
    s = sweep(
        "-psi''/2 + w^2*x^2*psi/2 = E*psi", on="x=-9..9", where=["psi(-9)=0", "psi(9)=0"],
        eigenvalue="E", levels=2, let={"w": [1, 1.5, 2]},
    )  # fmt: skip
    np.testing.assert_allclose(s.levels, np.outer([1, 1.5, 2], [0.5, 1.5]), atol=1e-8)
    assert {"level 0", "level 1"} <= set(s.table().columns) and "Levels over w" in s.report()


def test_a_problem_whose_constants_are_parameters():
    (t,) = ansatz.coords("t")
    u, k = ansatz.field("u", t), ansatz.parameter("k")
    problem = ansatz.Problem(u.t == -k * u, on={t: (0, 1)}, where=[u(t=0) == 1])
    s = ansatz.sweep(problem, let={"k": np.array([1.0, 3.0])})
    np.testing.assert_allclose(s.u(1.0), np.exp([-1.0, -3.0]), atol=1e-7)
    with pytest.raises(BadInput, match="no parameter 'q'"):
        ansatz.sweep(problem, let={"q": [1, 2]})


def test_networks_of_all_values_are_trained_as_each_alone():
    network = {**SMALL, "steps": 8, "resample": 0}
    many = sweep(**OSCILLATOR, let={"omega": [1, 2]}, method="lm", network=network, seed=4)
    for at, omega in enumerate((1, 2)):
        alone = solve(**OSCILLATOR, let=f"omega={omega}", method="lm", network=network, seed=4)
        np.testing.assert_allclose(many.solutions[at].y(T), alone.y(T), atol=1e-8)
    assert np.abs(many.y(T)[0] - many.y(T)[1]).max() > 0.1
    assert "2 networks were trained at once, by one program" in many.remarks[0]


@pytest.fixture(scope="module")
def crowd():
    return sweep(
        "y' = -k*y + b", on="t=0..1", where="y(0)=A", let={"k": [0.5, 1, 2], "A": "1+k", "b": 0.5},
        method="lm", network={**SMALL, "steps": 40, "members": 2},
    )  # fmt: skip


def test_constants_are_data_of_equations_and_of_exact_conditions(crowd):
    k = crowd.parameters["k"][:, None]
    truth = (1 + k - 0.5 / k) * np.exp(-k * T) + 0.5 / k
    assert np.abs(crowd.y(T) - truth).max() < 1e-3 and crowd.converged.all()
    np.testing.assert_allclose(crowd.y(0.0), 1.0 + k[:, 0], atol=1e-13)
    true = np.linalg.norm(crowd.y(T) - truth, axis=1) / np.linalg.norm(truth, axis=1)
    assert (crowd.error < 5 * true + 1e-7).all() and (true < 5 * crowd.error).all()
    assert crowd.y.spread(T).shape == (3, 11) and crowd.y.spread(T)[:, 1:].min() > 0
    model = crowd.solutions[1].members[0].model
    assert model.parameters == ("A", "k") and model.constants.value.tolist() == [2.0, 1.0]


def test_a_second_sweep_compiles_nothing():
    count = [0]

    def listen(name, seconds, **_):
        count[0] += name == "/jax/core/compile/backend_compile_duration"

    training = training_of("lm", False, 1e-6, {**SMALL, "steps": 3})
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        prepare.forget_programs()
        compiled = []
        for equation, values in (("y' = -k*y", (1, 2)), ("y' = -k*y", (3, 5)), ("y' = -k*y^2", (3, 5))):
            stated = Texts(equation, "t=0..1", "y(0)=k", {})
            general = stated.general(cases_of({"k": values}).listed)
            before = count[0]
            train(training.recipe(general.problem), [Lane(one) for one in general.values], steps=3)
            compiled.append(count[0] - before)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert compiled[0] > 0 and compiled[1] == 0 and compiled[2] > 0


def groups_of(equations, on, where, let):
    stated, cases = Texts(equations, on, where, {}), cases_of(let)
    problems = {at: stated.problem(case) for at, case in enumerate(cases.listed)}
    return grouped(stated, cases.listed, problems, soft=False)


def test_what_cannot_be_one_program_is_trained_alone():
    both = groups_of("y' = -k*y", "t=0..T", "y(0)=1", {"T": [1, 2], "k": [3, 4]})
    assert [one.places for one in both] == [[0, 1], [2, 3]]
    assert both[1].values == [{"k": 3.0}, {"k": 4.0}] and both[1].problem.unknowns
    # A weight of a condition that is a symbol is not built in, and one that is a number is.
    weights = groups_of("y'' = -y", "t=0..1", ["y(0)=0", "m*y'(0)=1"], {"m": [1, 2]})
    assert [one.places for one in weights] == [[0], [1]] and not weights[0].problem.unknowns


def test_a_failed_value_does_not_lose_the_others(tmp_path):
    s = sweep("y' = -y/c", on="t=0..1", where="y(0)=1", let={"c": [1, 0]})
    assert s.solutions[1] is None and "no finite value" in s.failures[1] and s.failures[0] == ""
    assert s.converged.tolist() == [True, False] and np.isinf(s.error[1]) and "1 of 2 values" in s.verdict
    assert float(s.y(1.0)[0]) == pytest.approx(np.exp(-1)) and np.isnan(s.y([0.5, 0.7])[1]).all()
    s.save(tmp_path / "kept")
    back = Sweep.load(tmp_path / "kept")
    assert back.failures == s.failures and back.solutions[1] is None and not (tmp_path / "kept/002").exists()
    s.export(tmp_path / "values.npz")
    with np.load(tmp_path / "values.npz") as arrays:
        assert np.isnan(arrays["y"][1]).all() and np.isfinite(arrays["y"][0]).all()


def test_a_resonance_is_marked_and_a_network_whose_loss_is_no_number():
    ends = sweep("y'' = -w^2*y", on="t=0..1", where=["y(0)=0", "y(1)=1"], let={"w": [1, "pi"]})
    assert ends.converged.tolist() == [True, False] and ends.sentence(1).startswith("Not converged")
    roots = sweep(
        "y' = sqrt(c + y)", on="t=0..1", where="y(0)=1", let={"c": [1, -9]}, method="lm",
        network={**SMALL, "steps": 20},
    )  # fmt: skip
    assert roots.converged.tolist() == [True, False]
    assert "became infinite or no number at step 0" in roots.sentence(1)
    # With z = √(1 + y): z' = 1/2, so that y(1) = (√2 + 1/2)² - 1.
    assert float(roots.y(1.0)[0]) == pytest.approx((np.sqrt(2) + 0.5) ** 2 - 1, abs=1e-4)


@pytest.mark.parametrize(
    ("let", "stated", "words"),
    [
        ({"omega": []}, {}, "omega is swept over no value"),
        ({"omega": [1, float("nan")]}, {}, "value nan of omega is no finite number"),
        ({"omega": ["nan"]}, {}, "value nan of omega is no finite number"),
        ({"omega": [1, None]}, {}, "value None of omega is no finite number"),
        ({"omega": [1, "two"]}, {}, "Unknown symbol 'two'"),
        ({"omega": {1, 2}}, {}, "list of numbers in order"),
        ({"omega": np.ones((2, 2))}, {}, "list of numbers in order"),
        ({"omega": 3}, {}, "Nothing is swept"),
        ("omega=1,2", {}, "constants of a sweep are a mapping"),
        ({"omga": [1, 2]}, {}, "no constant 'omga'; did you mean 'omega'"),
        ({"omega": [1, 2], "t": [1, 2]}, {}, "t is a coordinate"),
        ({"omega": [1, 2], "y": [1, 2]}, {}, "y is an unknown function"),
        ({"omega": [1, 2]}, {"eigenvalue": "omega"}, "omega is the eigenvalue"),
        ({"omega": [1, 2]}, {"unknowns": "omega=1"}, "omega is to be found from data"),
        ({"omega": [1, 2]}, {"method": "magic"}, "method 'magic' is not known"),
        ({"omega": [1, 2]}, {"network": {"members": 3}}, "add a method such as 'lm'"),
        ({"omega": [1, 2]}, {"acuracy": 1e-3}, "did you mean 'accuracy'"),
        ({"omega": [1, 2], "k": [1, 2, 3]}, {"paired": True}, "omega has 2, k has 3"),
        ({"omega": range(200), "k": range(200)}, {}, "40,000 values; at most 10,000"),
        ({"omega": [1, 2]}, {"method": "lm", "network": {"widht": 3}}, "did you mean 'width'"),
        ({"omega": [1, 2]}, {"problem": "y'' = -omega^2*y +"}, "must stand there"),
        ({"omega": [1, 2]}, {"where": ["y(0)=1"]}, "is missing"),
    ],
)
def test_bad_input_is_one_sentence(let, stated, words):
    with pytest.raises(BadInput, match=words) as caught:
        sweep(**(OSCILLATOR | stated), let=let)
    assert str(caught.value).count(". ") == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("omega", "sweeps nothing; write omega=1,2,5"),
        ("omega=", "sweeps nothing"),
        ("omega=1,,2", "missing between two commas"),
        ("omega=1..5", "lacks its number of values"),
        ("omega=1..5:1", "lacks its number of values"),
        ("omega=1..5:x", "lacks its number of values"),
        ("omega=1; omega=2", "omega is swept twice"),
    ],
)
def test_bad_words_get_a_sentence(text, words):
    with pytest.raises(BadInput, match=words):
        lists_of([text])


def test_words_are_lists_and_ranges():
    assert lists_of(["a=1..2:3, 5", "b=atan2(1,1)"]) == {"a": [1.0, 1.5, 2.0, "5"], "b": ["atan2(1,1)"]}


def test_a_sweep_is_kept_with_its_table_and_pages(oscillators, tmp_path):
    oscillators.save(tmp_path / "kept")
    back = Sweep.load(tmp_path / "kept")
    assert np.array_equal(back.y(T), oscillators.y(T)) and back.verdict == oscillators.verdict
    assert back.general is not None and back.parameters["omega"].tolist() == [1, 2, 5]
    assert back.table().equals(oscillators.table())
    names = {one.name for one in (tmp_path / "kept").iterdir()}
    assert {"001", "002", "003", "index.html", "report.html", "values.csv", "run.json"} <= names
    assert 'href="002/report.html"' in (tmp_path / "kept/index.html").read_text()
    page = (tmp_path / "kept/report.html").read_text()
    assert "ω = 1, 2, 5" in page and "<svg" in page and "<script" not in page
    with (tmp_path / "kept/values.csv").open(newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert max(abs(row["y"] - np.cos(row["omega"] * row["t"])) for row in rows) < 1e-8
    assert len(rows) == 3 * 1001 and {row["omega"] for row in rows} == {1, 2, 5}
    path = oscillators.export(tmp_path / "values.npz", axes=(T,))
    with np.load(path) as arrays:
        assert arrays["omega"].shape == (3,) and np.array_equal(arrays["t"], T)
        assert np.array_equal(arrays["y"], oscillators.y(T))
    with pytest.raises(BadInput, match="no export of a sweep"):
        oscillators.export(tmp_path / "values.vtk")
    with pytest.raises(BadInput, match="holds no solution"):
        ansatz.Solution.load(tmp_path / "kept")


WORDS = ["y'' = -omega^2*y", "--on", "t=0..1", "--where", "y(0)=1", "y'(0)=0"]


def test_the_command_sweeps(tmp_path):
    folder = str(tmp_path / "run")
    words = ["solve", *WORDS, "--sweep", "omega=1..3:2", "--out", folder, "--json", "--quiet"]
    code, out, err = ran(words)
    found = json.loads(out)
    assert (code, err) == (0, "") and found["converged"] and found["parameters"] == {"omega": [1.0, 3.0]}
    assert [one["constants"] for one in found["values"]] == [{"omega": 1.0}, {"omega": 3.0}]
    assert max(found["error"]) < 1e-6 and found["values"][0]["verdict"].startswith("Converged")
    assert Path(found["index"]).exists() and "--sweep" in Path(found["report"]).read_text()
    code, out, _ = ran(["list", folder, "--json"])
    assert code == 0 and json.loads(out)["runs"][0]["what"] == "sweep, y over omega"
    assert ran(["report", folder])[0] == 0
    code, _, err = ran(["predict", folder, str(tmp_path / "run" / "values.csv")])
    assert code == 2 and "name the folder of one" in err


def test_the_command_shows_true_errors_of_the_gallery_and_what_failed():
    code, out, err = ran(["solve", "--gallery", "oscillator_boundary", "--sweep", "omega=1,pi"])
    assert code == 1 and "true error" in out and "1 of 2 values converged" in out and "is 1 pi" in out
    assert "2 values, from omega = 1" in err
    code, _, err = ran(["solve", "--gallery", "oscillator", "--sweep", "omga=1,2"])
    assert code == 2 and "did you mean 'omega'" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([*WORDS, "--sweep", "omga=1,2"], "did you mean 'omega'"),
        ([*WORDS, "--sweep", "omega=1,2", "--let", "omega=3"], "omega has a value in --let and is swept too"),
        ([*WORDS, "--let", "omega=3", "--paired"], "--paired says how several --sweep go together"),
        ([*WORDS, "--sweep", "omega=1,2", "--export", "a.vtk"], "no export of a sweep"),
        ([*WORDS, "--sweep", "omega=1,2", "--members", "3"], "add a method such as 'lm'"),
        (["--sweep", "omega=1,2"], "There is nothing to solve"),
    ],
)
def test_bad_words_of_the_command_are_one_sentence(words, sentence):
    code, out, err = ran(["solve", *words])
    assert code == 2 and out == "" and sentence in err.splitlines()[-1]


def test_the_command_trains_an_ensemble():
    words = ["solve", "y' = -y", "--on", "t=0..1", "--where", "y(0)=1", "--method", "lm", "--width", "4"]
    code, out, err = ran([*words, "--depth", "1", "--steps", "15", "--members", "2", "--json", "--quiet"])
    found = json.loads(out)
    assert code == 0 and err == "" and len(found["members"]) == 2 and 0 < found["spreads"]["y"] < 1e-2
