import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.results import canvas, pictures, plots
from ansatz.results.numbers import Interval
from ansatz.results.report import Picture

HOSTILE = '<script>alert(1)</script>"&$x_1$\n\x00</svg>'
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal(80), RNG.standard_normal(80)
SIDE = np.linspace(0.0, 1.0, 9)
P = RNG.dirichlet(np.ones(3), (9, 9))

FIGURES = {
    "loss_curves": lambda t: plots.loss_curves(
        {t: (np.arange(9), np.exp(-np.arange(9.0)))}, stop=5.0, y_label=t
    ),
    "loss_seeds": lambda t: plots.loss_curves({t: (np.arange(9), RNG.random((4, 9)))}),
    "parity": lambda t: plots.parity(Y, X, lower=X - 1, upper=X + 1, name=t),
    "residuals": lambda t: plots.residuals(X, Y, name=t),
    "histogram": lambda t: plots.residual_histogram(Y, name=t),
    "confusion": lambda t: plots.confusion_matrix(np.eye(3) * 5, [t, "b", "c"]),
    "reliability": lambda t: plots.reliability_diagram({t: ([0.5, 0.9], [0.4, 0.9], [10, 20])}),
    "curve": lambda t: plots.fitted_curve(
        X, Y, SIDE, SIDE, lower=SIDE - 1, upper=SIDE + 1, x_name=t, y_name=t
    ),
    "attribution": lambda t: plots.attribution_bars(
        [t, "b"], [1.0, 0.1], spread=[0.1, 0.1], chance=([-0.1, -0.1], [0.1, 0.1]), any_column=0.2, x_label=t
    ),
    "comparison": lambda t: plots.comparison([(t, Interval(1.0, 0.9, 1.1)), ("b", Interval(9.0, 8.0, 9.9))]),
    "boundary": lambda t: pictures.decision_boundary(
        SIDE, SIDE, P, RNG.random((30, 2)), np.arange(30) % 3, labels=[t, 1, 2], names=[t, t]
    ),
    "examples": lambda t: pictures.example_images(
        RNG.random((3, 5, 5, 3)), [t, "b", "c"], wrong=[True, False, False]
    ),
    "filters": lambda t: pictures.filters(RNG.standard_normal((3, 3, 2, 5))),
    "activations": lambda t: pictures.activation_maps(RNG.random((6, 6)), RNG.random((3, 3, 20))),
    "summary": lambda t: pictures.data_summary(
        {t: X, "b": np.array([t, None, "z"], object), "c": [None, None]}
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_safe_small_and_follows_the_theme(name):
    svg = FIGURES[name](HOSTILE)
    assert Picture(svg, "").markup() == svg
    root = ElementTree.fromstring(svg)
    assert not [e for e in root.iter() if str(e.tag).endswith("script")]
    assert root.get("width") is None and root.get("viewBox") is not None
    colors = set(re.findall(r"#[0-9a-f]{6}(?![0-9a-f])", re.sub(r"var\([^)]*\)", "", svg)))
    assert (colors <= {"#ffffff", "#000000"} and "var(--" in svg) or name == "filters"
    assert len(svg) < 150_000


@pytest.mark.parametrize("name", ["parity", "boundary", "attribution", "summary"])
def test_the_same_figure_gives_the_same_bytes(name):
    global RNG
    RNG = np.random.default_rng(1)
    first = FIGURES[name]("a")
    RNG = np.random.default_rng(1)
    assert first == FIGURES[name]("a")
    assert "20" + "26-" not in first and "<metadata" not in first


def test_what_is_drawn_are_the_data():
    svg = plots.comparison([("a", Interval(0.5, 0.4, 0.6)), ("b", Interval(0.7, 0.6, 0.8))])
    assert ">0.500<" in svg and ">0.700<" in svg and ">a<" in svg
    counts = plots.confusion_matrix([[12, 3], [4, 56]], ["x", "y"])
    assert [int(n) for n in re.findall(r">(\d+)</text>", counts)] == [12, 3, 4, 56]
    bars = plots.attribution_bars(["low", "high"], [0.1, 0.9])
    assert bars.index(">high<") < bars.index(">low<")


def test_many_points_become_one_picture():
    few, many = (plots.residuals(np.arange(float(n)), np.ones(n)) for n in (50, 50_000))
    assert "<image" not in few and many.count("<image") == 1 and len(many) < 120_000


def test_global_settings_stay_as_they_were():
    before = dict(matplotlib.rcParams)
    plots.residuals(X, Y)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.parity([1.0], [1.0]),
        lambda: plots.parity([np.nan, 1.0], [np.inf, 1.0], lower=[-np.inf, 0.0], upper=[np.inf, 2.0]),
        lambda: plots.residual_histogram([]),
        lambda: plots.residual_histogram([0.0, 0.0]),
        lambda: plots.loss_curves({"a": ([0], [np.nan])}),
        lambda: plots.loss_curves({}),
        lambda: plots.attribution_bars([], []),
        lambda: plots.confusion_matrix(np.ones((40, 40)), [f"class {i}" for i in range(40)]),
        lambda: pictures.data_summary({"empty": np.array([np.nan, np.nan])}),
        lambda: pictures.data_summary({"day": np.array(["2020-01-01", "NaT"], "datetime64[us]")}),
        lambda: pictures.filters(np.zeros((3, 3, 1, 1))),
    ],
)
def test_degenerate_data_are_drawn_all_the_same(draw):
    assert draw().startswith("<svg")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: pictures.data_summary({}),
        lambda: pictures.filters(np.zeros((3, 3))),
        lambda: pictures.example_images(np.zeros((2, 3, 3, 4)), ["a", "b"]),
        lambda: pictures.activation_maps(np.zeros((3, 3)), np.zeros((3, 3))),
        lambda: pictures.decision_boundary(SIDE, SIDE, P[:3], np.zeros((1, 2)), np.zeros(1), labels=["a"]),
    ],
)
def test_wrong_shapes_are_refused_with_one_sentence(draw):
    with pytest.raises(BadInput, match=r"\.$"):
        draw()


def test_both_themes_have_readable_contrast():
    def luminance(color):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    for theme, page in ((canvas.LIGHT, "#ffffff"), (canvas.DARK, "#171b25")):
        for name, value in theme.items():
            pair = sorted((luminance(value), luminance(page)))
            contrast = (pair[1] + 0.05) / (pair[0] + 0.05)
            assert contrast > {"line": 1.1, "ink": 10.0, "muted": 4.5}.get(name, 3.0), (name, value)
