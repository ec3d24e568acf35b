import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import ansatz
from ansatz.core import BadInput
from ansatz.supervised.report import report
from ansatz.supervised.report_figures import thinned
from ansatz.supervised.result import load_table_fit
from ansatz.supervised.table import fit_table

QUICK = {"members": 2, "epochs": 3, "width": 8, "depth": 1, "bins": 4}
HOSTILE = '<script>alert("1")</script>&<b>$x^2$'


def table(rows=80, inputs=2, kind="number", seed=0):
    random = np.random.default_rng(seed)
    columns = {f"x{at}": random.normal(size=rows) for at in range(inputs)}
    y = columns["x0"] + 0.1 * random.normal(size=rows)
    if kind == "binary":
        y = np.where(y > 0, "yes", "no")
    if kind == "multiclass":
        y = np.array(["red", "green", "blue"])[np.arange(rows) % 3]
    return columns | {"y": y}


@pytest.fixture(scope="module", params=["curve", "plane", "number", "multiclass"])
def fitted(request):
    kinds = {
        "curve": (table(inputs=1), {}),
        "plane": (table(kind="binary"), {}),
        "number": (table() | {"word": np.array(["a", "b", "c", "d"] * 20)}, {"baselines": False}),
        "multiclass": (table(rows=90, inputs=3, kind="multiclass"), {"attribution": False}),
    }
    data, options = kinds[request.param]
    return request.param, fit_table(data, "y", **QUICK, **options)


class Reader(HTMLParser):
    """Collects the tags of a page and the text of its headings."""

    def __init__(self):
        super().__init__()
        self.tags, self.headings, self.inside = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.inside = tag

    def handle_data(self, data):
        if self.inside in ("h1", "h2", "h3") and data.strip():
            self.headings.append(data.strip())


def read(page):
    reader = Reader()
    reader.feed(page)
    return reader


def test_every_task_has_its_pictures(fitted):
    kind, fit = fitted
    headings = read(fit.report()).headings
    own = {
        "curve": {"Fitted curve", "Predicted and true", "Residuals"},
        "plane": {"Decision boundary", "Confusion matrix", "Reliability"},
        "number": {"Predicted and true", "Residuals", "Errors", "Importance"},
        "multiclass": {"Confusion matrix", "Reliability", "Beside baselines"},
    }
    assert own[kind] <= set(headings)
    assert {"Loss", "Columns", "How far to trust it", "Do it again"} <= set(headings)
    assert ("Beside baselines" in headings) == bool(fit.evaluation.baselines)
    assert ("Importance" in headings) == (fit.evaluation.importance is not None)


def test_the_page_is_small_and_asks_for_nothing(fitted):
    page = fitted[1].report()
    assert len(page.encode()) < 500_000
    assert "script" not in read(page).tags
    assert not re.search(r'(?:src|href)="(?!#|data:image/png;base64,)', page)


def test_a_loaded_fit_renders_the_same_bytes(fitted, tmp_path):
    fit = fitted[1]
    fit.save(tmp_path / "run")
    page = fit.report()
    assert load_table_fit(tmp_path / "run").report() == page
    assert (tmp_path / "run" / "report.html").read_text(encoding="utf-8") == page
    assert ansatz.report(tmp_path / "run", tmp_path / "page.html") == page
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page


def test_hostile_names_and_words_are_escaped():
    data = table(inputs=1)
    words = np.array([HOSTILE, "plain"] * 40)
    hostile = {HOSTILE: data["x0"], "words": words, "y" + HOSTILE: data["y"]}
    page = fit_table(hostile, "y" + HOSTILE, **QUICK, baselines=False).report()
    assert "script" not in read(page).tags and "<b>" not in page
    assert "&lt;script&gt;" in page
    classes = {"x": data["x0"], "y": np.where(data["x0"] > 0, HOSTILE, "other")}
    page = fit_table(classes, "y", **QUICK, baselines=False, attribution=False).report()
    assert "script" not in read(page).tags and "<b>" not in page


def test_the_command_repeats_what_was_chosen(tmp_path):
    data = table(inputs=2)
    path = tmp_path / "my table.csv"
    lines = ["x0,x1,y", *(",".join(map(str, row)) for row in zip(*data.values(), strict=True))]
    path.write_text("\n".join(lines))
    fit = fit_table(path, "y", **QUICK, baselines=False, attribution=False, ignore=("x1",), seed=7)
    page = fit.report()
    assert f"ansatz fit &#39;{path}&#39; --target y" in page
    for words in ("--ignore x1", "--members 2", "--epochs 3", "--width 8", "--no-baselines", "--seed 7"):
        assert words in page
    assert "--dropout" not in page


def test_the_answer_takes_the_tone_of_the_verdict(fitted):
    _, fit = fitted
    page = fit.report()
    if fit.evaluation.verdict is None:
        assert 'class="answer plain"' in page
        return
    tone = {"better": "good", "worse": "bad", "no clear difference": "note"}[fit.evaluation.verdict.outcome]
    assert f'class="answer {tone}"' in page


def test_a_bare_run_has_a_report(fitted):
    page = report(fitted[1].run)
    assert "TableNetwork" in page and "Loss" in read(page).headings


def test_what_has_no_report_gets_a_sentence():
    with pytest.raises(BadInput, match="no report of a int"):
        report(3)


def test_thinned_curves_keep_means_and_gaps():
    steps, values = np.arange(1000), np.stack([np.arange(1000.0), np.full(1000, np.nan)], axis=1)
    x, y = thinned(steps, values)
    assert x.shape == (240,) and y.shape == (2, 240)
    np.testing.assert_allclose(y[0], x)
    assert np.isnan(y[1]).all()


def test_pictures_inside_are_whole(fitted):
    for data in re.findall(r"data:image/png;base64,([^\"]+)", fitted[1].report()):
        assert base64.b64decode(data).startswith(b"\x89PNG")
