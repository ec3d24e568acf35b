"""Bars are kept as they were printed, row by row, and the page says which are missed."""

import json
import math
from pathlib import Path

import pytest
from benchmarks import page, run


def figure(name: str = "fake-1", value: float = 2.0, **fields: object) -> dict:
    bars = {"unit": "%", "must": 5, "aim": 3, "better": "lower", "peer": "a | b", **fields}
    return run.entry(name, "overhead of nothing", value, **bars)


def rows() -> list:
    return [lambda: [figure()], lambda: [figure("fake-2a", 4.0), figure("fake-2b", 9.0, note="Alas.")]]


def stored(folder: Path) -> list[dict]:
    return json.loads((folder / "fake.json").read_text())


def test_all_rows_are_kept_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run.run("fake", rows(), [], tmp_path)
    kept = stored(tmp_path)
    assert [one["id"] for one in kept] == ["fake-1", "fake-2a", "fake-2b"]
    assert [one["met"] for one in kept] == [True, True, False]
    assert all(list(one) == run.FIELDS for one in kept)
    assert kept[2]["command"] == "make bench AREA=fake ROW=2"
    assert "MISSED 9 %" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [tmp_path / "fake.json"]


def test_one_row_replaces_its_figures_alone(tmp_path: Path):
    run.run("fake", rows(), [], tmp_path)
    run.run("fake", [*rows()[:1], lambda: [figure("fake-2", 1.0)]], [2], tmp_path)
    assert [(one["id"], one["value"]) for one in stored(tmp_path)] == [("fake-1", 2.0), ("fake-2", 1.0)]


def test_order_is_by_number():
    assert sorted(["fit-10", "fit-2b", "fit-2a"], key=run.order) == ["fit-2a", "fit-2b", "fit-10"]


@pytest.mark.parametrize(
    ("value", "better", "met"),
    [
        (5, "lower", True),
        (5.1, "lower", False),
        (5, "higher", True),
        (4, "higher", False),
        (math.nan, "lower", False),
    ],
)
def test_met_is_the_promised_direction(value: float, better: str, met: bool):
    assert run.is_met(figure(value=value, better=better)) is met


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (lambda: [], "no figure"),
        (lambda: [figure("fake-3")], "fake-3"),
        (lambda: [figure(better="more")], "more"),
        (lambda: [figure(value=math.nan)], "nan"),
        (lambda: [figure(colour="red")], "colour"),
        (lambda: [{"id": "fake-1"}], "what, value"),
    ],
)
def test_bad_figures_are_refused_and_nothing_is_written(tmp_path: Path, row, wrong: str):
    with pytest.raises(ValueError, match=wrong):
        run.run("fake", [row], [1], tmp_path)
    assert not list(tmp_path.iterdir())


def test_unknown_rows_and_areas_get_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(ValueError, match="rows 1 to 2, and no row 7"):
        run.run("fake", rows(), [7], tmp_path)
    assert run.main(["nowhere"]) == 2
    assert "no area 'nowhere'" in capsys.readouterr().err


def test_page_shows_every_figure_and_hides_no_miss(tmp_path: Path):
    run.run("fake", rows(), [], tmp_path)
    target = tmp_path / "page.md"
    page.write_page(tmp_path, target)
    text = target.read_text()
    assert "| `fake-1` | overhead of nothing | 2 % | ≤ 5 | ≤ 3 | aim met |" in text
    assert "| 4 % | ≤ 5 | ≤ 3 | met |" in text and "**missed**" in text
    assert "2 of 3 figures reach their bar" in text and "Alas." in text
    assert page.cell("a | b\nc") == "a \\| b c"


def test_page_without_figures_says_so(tmp_path: Path):
    assert "Nothing has been measured" in page.page(tmp_path)


def test_committed_page_matches_the_committed_figures():
    assert page.PAGE.read_text() == page.page()
