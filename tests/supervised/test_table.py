import jax
import numpy as np
import polars as pl
import pytest

from ansatz.core import BadInput, Status
from ansatz.supervised.conformal import CrossPlus, coverage_band
from ansatz.supervised.evaluate import evaluate
from ansatz.supervised.ready import make_ready, predictor_of, train
from ansatz.supervised.result import load_table_fit
from ansatz.supervised.settings import sort_out
from ansatz.supervised.table import fit_table
from ansatz.training.run import load

NETWORK = {"members": 2, "width": 32, "depth": 1, "dropout": 0.0, "bins": 16, "mixed": False, "patience": 40}
QUICK = {**NETWORK, "learning_rate": 0.01, "baselines": False, "attribution": False}
BARE = {**QUICK, "epochs": 2}


def surface(rows=600, seed=0, noise=0.1):
    random = np.random.default_rng(seed)
    x, z = random.uniform(-2, 2, (2, rows))
    return {"x": x, "z": z, "y": np.sin(2 * x) + 0.5 * z + noise * random.normal(size=rows)}


@pytest.fixture(scope="module")
def fitted():
    return fit_table(surface(), "y", **QUICK, epochs=80)


def test_a_known_function_is_recovered(fitted):
    new = surface(500, seed=1, noise=0.0)
    error = fitted.predict(new) - new["y"]
    assert np.sqrt(np.mean(error**2)) < 0.1
    assert fitted.evaluation.scores["r2"] > 0.95
    assert (
        fitted.evaluation.interval.lower
        <= fitted.evaluation.scores["rmse"]
        <= fitted.evaluation.interval.upper
    )


def test_intervals_cover_as_promised_and_are_not_wider_than_the_noise_asks(fitted):
    new = surface(2000, seed=2)
    lower, upper = fitted.interval(new)
    share = float(np.mean((lower <= new["y"]) & (new["y"] <= upper)))
    held = fitted.parts["early stopping"] * fitted.run.seeds
    low, high = coverage_band(held, 2000, 0.9)
    # The members' errors calibrate the ensemble, whose own are smaller: it errs on the wide side.
    assert low <= share <= max(high, 0.97)
    exact = 2 * 1.645 * 0.1
    assert np.mean(upper - lower) < 1.6 * exact


def test_proven_intervals_hold_at_least_as_often():
    options = {**QUICK, "epochs": 40}
    table, new = surface(200), surface(2000, seed=2)
    shares = {}
    for proven in (False, True):
        fitted = fit_table(table, "y", **options, proven=proven)
        lower, upper = fitted.interval(new)
        shares[proven] = float(np.mean((lower <= new["y"]) & (new["y"] <= upper)))
    assert isinstance(fitted.predictor.intervals, CrossPlus)
    assert shares[True] >= shares[False] - 0.01 and shares[True] > 0.85


def test_with_calibration_rows_the_coverage_lies_in_its_band():
    table = surface(6500, noise=0.3)
    fitted = fit_table(table, "y", **QUICK, epochs=6)
    assert fitted.parts["calibration"] > 500
    new = surface(4000, seed=3, noise=0.3)
    lower, upper = fitted.interval(new)
    share = float(np.mean((lower <= new["y"]) & (new["y"] <= upper)))
    low, high = coverage_band(fitted.parts["calibration"], 4000, 0.9)
    assert low <= share <= high


def test_probabilities_are_those_of_the_law_that_drew_the_classes():
    random = np.random.default_rng(0)
    x = random.uniform(-3, 3, 3000)
    chance = 1 / (1 + np.exp(-1.5 * x))
    y = np.where(random.random(3000) < chance, "yes", "no")
    fitted = fit_table({"x": x, "y": y}, "y", **QUICK, epochs=15)
    grid = np.linspace(-2.5, 2.5, 50)
    found = fitted.probabilities({"x": grid})
    assert fitted.predictor.target.classes == ("no", "yes")
    assert np.abs(found[:, 1] - 1 / (1 + np.exp(-1.5 * grid))).mean() < 0.05
    np.testing.assert_allclose(found.sum(1), 1.0, atol=1e-6)
    assert fitted.evaluation.scores["ece"] < 0.08


def test_the_test_rows_do_not_reach_the_model():
    table, options = surface(200), sort_out(BARE)
    held = np.arange(0, 200, 10)
    changed = {name: column.copy() for name, column in table.items()}
    for column in changed.values():
        column[held] = 1e6
    models = []
    for data in (table, changed):
        ready = make_ready(data, "y", *options, held_out=held)
        assert list(ready.plan.test) == list(held)
        run = train(ready)
        predictor = predictor_of(ready, run)
        models.append((jax.tree.leaves((run.model, predictor.model)), predictor.encoder, predictor.intervals))
    first, second = models
    for a, b in zip(first[0], second[0], strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    assert first[1] == second[1]
    assert first[2] == second[2]


def test_a_saved_fit_answers_with_the_same_bits(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    again = load_table_fit(tmp_path / "run")
    new = surface(50, seed=4)
    np.testing.assert_array_equal(again.predict(new), fitted.predict(new))
    for one, other in zip(again.interval(new), fitted.interval(new), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.summary() == fitted.summary()
    assert again.settings == fitted.settings and again.parts == fitted.parts
    np.testing.assert_array_equal(again.run.history["loss"], fitted.run.history["loss"])


def test_what_is_wrong_with_the_files_of_a_saved_fit_is_remarked(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    with (tmp_path / "run" / "report.html").open("ab") as page:
        page.write(b"more")
    again = load_table_fit(tmp_path / "run")
    (remark,) = again.run.remarks
    assert "report.html" in remark and "the run itself is whole" in remark
    assert again.remarks == (*fitted.remarks, remark) and again.data_remarks == fitted.remarks
    assert load(tmp_path / "run").remarks == (remark,)
    assert remark not in again.report()
    again.save(tmp_path / "copy")
    assert load_table_fit(tmp_path / "copy").remarks == fitted.remarks


def test_every_door_refuses_too_few_rows(tmp_path):
    table = surface(9)
    pl.DataFrame(table).write_csv(tmp_path / "few.csv")
    for given, name in ((table, "The table"), (tmp_path / "few.csv", "few.csv")):
        with pytest.raises(BadInput, match=f"^{name} has 9 rows with a target; a fit needs 10 at least"):
            fit_table(given, "y", **BARE, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert len(make_ready(surface(10), "y", *sort_out(BARE)).plan.test) == 1


def test_no_group_stands_on_both_sides():
    table = surface(200) | {"person": np.repeat([f"p{at}" for at in range(40)], 5)}
    ready = make_ready(table, "y", *sort_out({**BARE, "split": "group", "by": "person"}))
    person, plan = np.asarray(table["person"]), ready.plan
    assert not set(person[plan.test]) & set(person[plan.development])
    for trained, held in zip(plan.train, plan.held, strict=True):
        assert not set(person[trained]) & set(person[held])


def test_what_is_later_is_the_test_part():
    random = np.random.default_rng(0)
    table = surface(200) | {"when": random.permutation(200)}
    ready = make_ready(table, "y", *sort_out({**BARE, "split": "time", "by": "when"}))
    when, plan = table["when"], ready.plan
    assert when[plan.development].max() < when[plan.test].min()
    assert when[plan.train[0]].max() < when[plan.held[0]].min()


def test_each_row_has_one_use(fitted):
    ready = make_ready(surface(300), "y", *sort_out(BARE))
    plan = ready.plan
    assert not set(plan.test) & set(plan.development)
    assert len(set(plan.test) | set(plan.development)) == 300
    for trained, held in zip(plan.train, plan.held, strict=True):
        assert not set(trained) & set(held)
    assert sum(fitted.parts[use] for use in ("training", "early stopping", "test")) == 600


def test_gaps_and_words_are_inputs():
    random = np.random.default_rng(0)
    words = random.choice(["low", "high"], 400)
    x = random.normal(size=400)
    gaps = random.random(400) < 0.3
    y = np.where(words == "high", 2.0, 0.0) + np.where(gaps, 1.0, 0.0) + 0.05 * random.normal(size=400)
    frame = pl.DataFrame({"x": np.where(gaps, np.nan, x), "w": words, "y": y})
    fitted = fit_table(frame, "y", **QUICK, epochs=100)
    assert fitted.evaluation.scores["rmse"] < 0.3
    new = pl.DataFrame({"x": [None, 0.0], "w": ["high", "low"]}, schema={"x": pl.Float64, "w": pl.String})
    np.testing.assert_allclose(fitted.predict(new), [3.0, 0.0], atol=0.5)
    assert len(fitted.predict(pl.DataFrame({"x": [1.0], "w": ["never seen"]}))) == 1


def test_true_columns_matter_and_noise_does_not():
    random = np.random.default_rng(0)
    noise = {f"noise{at}": random.normal(size=500) for at in range(3)}
    x = random.normal(size=500)
    y = 2 * x + 0.3 * random.normal(size=500)
    options = {**QUICK, "attribution": True}
    found = fit_table({"x": x, **noise, "y": y}, "y", **options, epochs=40).evaluation
    assert found.importance is not None and found.null is not None
    means = dict(zip(found.importance.names, found.importance.mean, strict=True))
    assert means["x"] > 5 * found.null.any_column
    assert all(means[name] < max(found.null.any_column, 0.05 * means["x"]) for name in noise)
    # Slopes have no null: a flexible map wiggles along noise too, and only the order can be asked for.
    assert found.gradient["x"] > 2 * max(found.gradient[name] for name in noise)


def test_baselines_and_a_verdict_stand_beside():
    found = fit_table(surface(200), "y", **{**BARE, "baselines": True}).evaluation
    names = [one.name for one in found.baselines]
    assert names == ["mean", "ridge regression", "gradient boosting", "nearest neighbors"]
    assert found.verdict is not None and found.verdict.against in names
    assert found.verdict.outcome == "worse"


def test_a_logarithm_of_the_target_keeps_its_unit():
    random = np.random.default_rng(0)
    x = random.uniform(0, 3, 300)
    y = np.exp(2 * x) * np.exp(0.05 * random.normal(size=300))
    fitted = fit_table({"x": x, "y": y}, "y", **QUICK, epochs=80, log=True)
    found = fitted.predict({"x": np.array([0.5, 1.5, 2.5])})
    np.testing.assert_allclose(found, np.exp([1.0, 3.0, 5.0]), rtol=0.15)
    lower, _ = fitted.interval({"x": np.array([0.1])})
    assert lower[0] > 0


def test_no_member_stops_before_a_third_of_the_run():
    random = np.random.default_rng(0)
    noise = {"x": random.normal(size=300), "y": random.normal(size=300)}
    run = train(make_ready(noise, "y", *sort_out({**QUICK, "patience": 2, "epochs": 60})))
    epoch = run.total // 60
    assert run.status is Status.stopped_early
    assert run.total / 3 < run.step < run.total / 2 and run.step % epoch == 0
    # Nothing can be learned, and yet the best is the first third's.
    assert max(np.ravel(run.best_step)) < run.total / 3


def test_a_budget_ends_the_training():
    fitted = fit_table(surface(200), "y", **{**QUICK, "patience": 10**6}, epochs=10**6, budget=4.0)
    assert fitted.run.status in (Status.finished, Status.out_of_budget)
    assert (
        fitted.run.step < 10**6
        and fitted.run.info["seconds"] < 8
        and np.isfinite(fitted.evaluation.scores["rmse"])
    )


def test_the_same_seed_gives_the_same_bits_and_another_another():
    first, second, other = (fit_table(surface(100), "y", **BARE, seed=seed) for seed in (1, 1, 2))
    new = surface(20, seed=5)
    np.testing.assert_array_equal(first.predict(new), second.predict(new))
    assert not np.array_equal(first.predict(new), other.predict(new))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"learning_rat": 1.0}, "learning_rate"),
        ({"test": 1.5}, "share"),
        ({"split": "tme", "by": "x"}, "time"),
        ({"split": "group"}, "by=COLUMN"),
        ({"split": "group", "by": "nobody"}, "nobody"),
        ({"members": -1}, "negative"),
        ({"budget": 0.0}, "seconds"),
        ({"map": "network2"}, "network"),
        ({"loss": "cross_entropy"}, "number"),
        ({"task": "regresion"}, "regression"),
        ({"ignore": "nothing"}, "nothing"),
        ({"log": True}, "logarithm"),
    ],
)
def test_what_cannot_be_gets_one_sentence(options, said):
    with pytest.raises(BadInput, match=said) as found:
        fit_table(surface(60), "y", **{**BARE, **options})
    assert "\n" not in str(found.value)


def test_a_target_that_is_not_there_gets_the_nearest():
    with pytest.raises(BadInput, match="'y'"):
        fit_table(surface(60), "yy", **BARE)


def test_probabilities_of_a_number_and_intervals_of_a_class_are_refused(fitted):
    with pytest.raises(BadInput, match="number"):
        fitted.probabilities(surface(5))
    classes = surface(60) | {"y": np.arange(60) % 2 == 0}
    with pytest.raises(BadInput, match="class"):
        fit_table(classes, "y", **BARE).interval(surface(5))


def test_evaluate_sees_only_the_rows_of_the_test_part(fitted):
    ready = make_ready(surface(100), "y", *sort_out(BARE))
    predictor = predictor_of(ready, train(ready))
    found = evaluate(predictor, ready.prepared, ready.plan, ready.x, 0.9, compare=False, attribution=False)
    np.testing.assert_array_equal(found.y, surface(100)["y"][ready.plan.test])
    assert found.summary["x"].rows == len(ready.plan.development)
