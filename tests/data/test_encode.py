"""From columns to arrays and back: formulas, leaks, records, and tables that do not fit."""

import json
import math
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.data import TableEncoder, TargetEncoder, prepare, read_table, split
from ansatz.data.encode import fit_numeric
from ansatz.data.encoders import Numeric


def table(n: int = 200, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "real": rng.normal(3, 2, n),
            "holes": pl.Series(rng.normal(size=n)).scatter(list(range(0, n, 5)), None),
            "skewed": np.exp(2 * rng.normal(size=n)),
            "truth": rng.random(n) < 0.3,
            "few": rng.choice(["a", "b", "c"], n),
            "many": [f"w{i}" for i in rng.integers(0, 30, n)],
            "day": [datetime(2020, 1, 1) + timedelta(hours=37 * int(i)) for i in rng.integers(0, 400, n)],
            "y": rng.normal(size=n),
        }
    )


FRAME = table()
FITTED = TableEncoder.fit(FRAME, target="y")


def test_shapes_names_and_kinds():
    x = FITTED.transform(FRAME)
    assert x.numeric.shape == (200, len(FITTED.names)) and x.numeric.dtype == np.float32
    assert x.codes.shape == (200, 1) and x.codes.dtype == np.int32
    assert FITTED.names[:6] == ["real", "holes", "holes missing", "skewed", "truth = true", "few = a"]
    assert FITTED.parents[:4] == ["real", "holes", "holes", "skewed"] and len(FITTED.parents) == len(
        FITTED.names
    )
    assert FITTED.code_names == ["many"] and FITTED.sizes == (31,) and x.codes.max() <= 30
    assert np.isfinite(x.numeric).all() and np.abs(x.numeric).max() <= 4


def test_robust_scaling_is_the_formula():
    values = np.random.default_rng(1).normal(size=101)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    u = (values - middle) / (high - low)
    encoder = TableEncoder.fit(pl.DataFrame({"v": values}))
    expected = (u / np.sqrt(1 + (u / 3) ** 2)).astype(np.float32)
    assert np.allclose(encoder.transform(pl.DataFrame({"v": values})).numeric[:, 0], expected, rtol=1e-6)


def test_standard_and_quantile_scaling():
    values = np.random.default_rng(1).normal(5, 3, 1000)
    frame = pl.DataFrame({"v": values})
    z = TableEncoder.fit(frame, method="standard").transform(frame).numeric
    assert abs(z.mean()) < 1e-6 and abs(z.std() - 1) < 1e-6
    q = TableEncoder.fit(pl.DataFrame({"v": values**3}), method="quantile").transform(
        pl.DataFrame({"v": values**3})
    )
    order = np.argsort(values)
    assert (np.diff(q.numeric[order, 0]) >= 0).all() and abs(q.numeric.std() - 1) < 0.02


def test_skewed_positive_values_are_spread_and_symmetric_ones_are_not():
    rng = np.random.default_rng(0)
    assert fit_numeric(pl.Series("v", np.exp(2 * rng.normal(size=500)))).log > 0
    assert fit_numeric(pl.Series("v", rng.random(500))).log == 0
    assert fit_numeric(pl.Series("v", -np.exp(2 * rng.normal(size=500)))).log == 0


def test_missing_and_infinite_numbers():
    train = pl.DataFrame({"v": [1.0, 2.0, None, 4.0, 3.0]})
    x = TableEncoder.fit(train).transform(train).numeric
    assert x[2].tolist() == [0.0, 1.0] and x[:, 1].sum() == 1
    remarks: list[str] = []
    full = TableEncoder.fit(pl.DataFrame({"v": [1.0, 2.0, 4.0]}))
    odd = full.transform(pl.DataFrame({"v": [None, math.inf, -math.inf]}), remarks=remarks).numeric
    assert odd[:, 0].tolist() == [0.0, 3.0, -3.0]
    assert any("had none in training" in r for r in remarks) and any("infinite" in r for r in remarks)


@settings(deadline=None, max_examples=80, derandomize=True)
@given(
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), min_size=1, max_size=30),
    method=st.sampled_from(["robust", "standard", "quantile"]),
)
def test_any_numbers_give_finite_features(values, method):
    column = pl.Series("v", values, dtype=pl.Float64)
    encoder = fit_numeric(column, method)
    z = encoder.encode(column, None)
    assert np.isfinite(z).all()
    order = np.argsort(np.nan_to_num(values, nan=0.0), kind="stable")
    present = [i for i in order if not math.isnan(values[i])]
    assert (np.diff(z[present, 0]) >= -1e-9).all()


def test_encoder_does_not_change_when_test_rows_change():
    train, _, test = split(FRAME.height, seed=3)
    changed = (
        FRAME.with_row_index()
        .with_columns(
            pl.when(pl.col("index").is_in(test.tolist()))
            .then(pl.col("real") * 1e6)
            .otherwise(pl.col("real"))
            .alias("real"),
            pl.when(pl.col("index").is_in(test.tolist()))
            .then(pl.lit("new"))
            .otherwise(pl.col("few"))
            .alias("few"),
            pl.when(pl.col("index").is_in(test.tolist()))
            .then(pl.col("y") + 1e3)
            .otherwise(pl.col("y"))
            .alias("y"),
        )
        .drop("index")
    )
    assert not changed.equals(FRAME)
    fitted = [TableEncoder.fit(f[train], target="y") for f in (FRAME, changed)]
    targets = [TargetEncoder.fit(f[train]["y"], "regression") for f in (FRAME, changed)]
    assert fitted[0] == fitted[1] and targets[0] == targets[1]
    a, b = (e.transform(f[train]) for e, f in zip(fitted, (FRAME, changed), strict=True))
    assert (a.numeric == b.numeric).all() and (a.codes == b.codes).all()
    assert TableEncoder.fit(changed, target="y") != TableEncoder.fit(FRAME, target="y")


@pytest.mark.parametrize("method", ["robust", "standard", "quantile"])
def test_record_is_exact(method: str):
    encoder = TableEncoder.fit(FRAME.with_columns(k=pl.lit(1)), target="y", method=method)
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert again == encoder and again.dropped[0].name == "k"
    a, b = encoder.transform(FRAME), again.transform(FRAME)
    assert (a.numeric == b.numeric).all() and (a.codes == b.codes).all()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.pop("target"),
        lambda r: r.update(more=1),
        lambda r: r["encoders"][0].update(kind="os.system"),
        lambda r: r["encoders"][0].update(more=1),
        lambda r: r["encoders"][0].pop("center"),
        lambda r: r["encoders"][0].update(center="1"),
        lambda r: r["encoders"][0].update(kind=["numeric"]),
        lambda r: r["encoders"].append(3),
        lambda r: r["dropped"].append({"name": "a", "other": 1}),
        lambda r: r.update(encoders=None),
    ],
)
def test_foreign_record_is_refused(spoil):
    record = json.loads(json.dumps(FITTED.to_json()))
    spoil(record)
    with pytest.raises(BadInput):
        TableEncoder.from_json(record)


def test_predicting_from_a_table_that_does_not_fit():
    with pytest.raises(BadInput, match=r"no column 'real', .* is it 'reals'"):
        FITTED.transform(FRAME.rename({"real": "reals"}))
    with pytest.raises(BadInput, match=r"'real' holds 'a', 'b' \(row 1\) where numbers"):
        FITTED.transform(FRAME[:2].with_columns(real=pl.Series(["a", "b"])))
    with pytest.raises(BadInput, match="where dates are needed"):
        FITTED.transform(FRAME.with_columns(day=pl.lit(3)))
    remarks: list[str] = []
    same = FITTED.transform(FRAME.with_columns(extra=pl.lit(1)).drop("y"), remarks=remarks)
    assert (same.numeric == FITTED.transform(FRAME).numeric).all() and "'extra'" in remarks[0]


def test_new_words_are_unknown_and_said():
    remarks: list[str] = []
    odd = FRAME[:2].with_columns(few=pl.Series(["z", None]), many=pl.Series(["new", None]))
    x = FITTED.transform(odd, remarks=remarks)
    places = [i for i, parent in enumerate(FITTED.parents) if parent == "few"]
    assert (x.numeric[:, places] == 0).all() and x.codes.tolist() == [[0], [0]]
    assert any("'few'" in r and "'z'" in r for r in remarks) and any("'many'" in r for r in remarks)


def test_whole_numbers_and_words_of_them_are_one():
    train = pl.DataFrame({"c": ["1", "2", "x", "1"]})
    encoder = TableEncoder.fit(train)
    floats = encoder.transform(pl.DataFrame({"c": [1.0, 2.0]})).numeric
    assert (floats == encoder.transform(pl.DataFrame({"c": ["1", "2"]})).numeric).all()


def test_a_hundred_thousand_categories_are_capped_and_said():
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in rng.zipf(1.3, 300_000) % 100_000]
    remarks: list[str] = []
    encoder = TableEncoder.fit(pl.DataFrame({"c": words}), remarks=remarks)
    assert encoder.sizes == (513,) and "512 most frequent" in remarks[0]
    codes = encoder.transform(pl.DataFrame({"c": words})).codes[:, 0]
    assert codes.max() == 512 and np.bincount(codes)[1] == np.bincount(codes)[1:].max()
    unique = pl.DataFrame({"c": [f"w{i}" for i in range(100_000)], "x": np.arange(100_000.0)})
    assert [c.kind for c in TableEncoder.fit(unique).dropped] == ["identifier"]


def test_dates_become_time_and_cycles():
    days = [datetime(2020, 1, 1) + timedelta(days=i) for i in range(800)]
    frame = pl.DataFrame({"t": days})
    encoder = TableEncoder.fit(frame)
    assert encoder.names == ["t time", "t sin year", "t cos year", "t sin week", "t cos week"]
    x = encoder.transform(frame).numeric
    assert x[0, 0] == 0 and x[-1, 0] == 1
    assert np.allclose(x[:-7, 3:], x[7:, 3:], atol=1e-5)
    spelled = pl.DataFrame({"t": [d.strftime("%Y-%m-%d") for d in days]})
    assert np.allclose(TableEncoder.fit(spelled).transform(spelled).numeric, x)
    with pytest.raises(BadInput, match="'soon' in row 1 where a date"):
        TableEncoder.fit(spelled).transform(pl.DataFrame({"t": ["soon"]}))


def test_nothing_to_learn_from():
    with pytest.raises(BadInput, match="No column can be used"):
        TableEncoder.fit(pl.DataFrame({"k": [1, 1], "y": [1, 2]}), target="y")
    with pytest.raises(BadInput, match="no rows"):
        TableEncoder.fit(FRAME.clear(), target="y")
    with pytest.raises(BadInput, match="did you mean 'robust'"):
        TableEncoder.fit(FRAME, target="y", method="robsut")


def test_target_of_regression_goes_there_and_back():
    y = pl.Series("y", np.exp(np.random.default_rng(0).normal(size=100)))
    for log in (False, True):
        encoder = TargetEncoder.fit(y, "regression", log=log)
        v = encoder.transform(y)
        assert v.dtype == np.float32 and abs(v.mean()) < 1e-6 and abs(v.std() - 1) < 1e-5
        assert np.allclose(encoder.inverse(v), y.to_numpy(), rtol=1e-5)
        assert TargetEncoder.from_json(json.loads(json.dumps(encoder.to_json()))) == encoder
    with pytest.raises(BadInput, match=r"is -1 in row 2, so it has no logarithm"):
        TargetEncoder.fit(pl.Series("y", [1.0, -1.0]), "regression", log=True)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["no", "yes", "no"], ("no", "yes")),
        ([True, False, True], (False, True)),
        ([5, 3, 4], (3, 4, 5)),
        ([1.0, 0.0, 1.0], (0, 1)),
    ],
)
def test_classes_go_there_and_back(values, classes):
    y = pl.Series("y", values)
    encoder = TargetEncoder.fit(y, "binary" if len(classes) == 2 else "multiclass")
    codes = encoder.transform(y)
    assert encoder.classes == classes and codes.dtype == np.int32
    assert encoder.inverse(codes).tolist() == values
    assert TargetEncoder.from_json(json.loads(json.dumps(encoder.to_json()))) == encoder


def test_unseen_class_is_said_and_wrong_targets_are_refused():
    encoder = TargetEncoder.fit(pl.Series("y", ["a", "b"]), "binary")
    remarks: list[str] = []
    assert encoder.transform(pl.Series("y", ["a", "z"]), remarks=remarks).tolist() == [0, -1]
    assert "1 rows have a class" in remarks[0]
    with pytest.raises(BadInput, match="one class"):
        TargetEncoder.fit(pl.Series("y", ["a", "a"]), "binary")
    with pytest.raises(BadInput, match="is a class"):
        TargetEncoder.fit(pl.Series("y", ["a", "b"]), "binary", log=True)
    with pytest.raises(BadInput, match="no task"):
        TargetEncoder.fit(pl.Series("y", ["a", "b"]), "binry")
    with pytest.raises(BadInput, match="needs the fields"):
        TargetEncoder.from_json(encoder.to_json() | {"more": 1})
    with pytest.raises(BadInput, match="missing or infinite"):
        TargetEncoder.fit(pl.Series("y", [1.0, None]), "regression")


def test_a_messy_file_comes_through_whole(tmp_path):
    rows = ["id;price;size;kind;when"]
    rows += [
        f"{i};{100 + i},5;{'?' if i % 7 == 0 else i};{'ab'[i % 2]};{1 + i % 28:02d}.03.2021"
        for i in range(50)
    ]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    prepared = prepare(read_table(tmp_path / "t.csv"), "price")
    encoder = TableEncoder.fit(prepared.frame, target="price")
    assert prepared.task == "regression"
    assert [c.name for c in encoder.dropped] == ["id"]
    assert encoder.names[:3] == ["size", "size missing", "kind = b"]
    assert isinstance(encoder.encoders[0], Numeric)
