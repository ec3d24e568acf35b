"""A report of every kind of block and figure, from small made data, as a reader would see it."""

import numpy as np
import pytest

from ansatz.results import pictures, plots
from ansatz.results.compare import Column, Comparison, Entry
from ansatz.results.index import Card, render_index
from ansatz.results.numbers import Interval, duration
from ansatz.results.report import (
    Code,
    Details,
    Facts,
    Picture,
    Remarks,
    Section,
    Sentence,
    Table,
    Tiles,
    render,
)

ENTRIES = (
    ("network", Interval(0.0912, 0.0885, 0.0941)),
    ("gradient boosting", Interval(0.0931, 0.0902, 0.0962)),
    ("ridge regression", Interval(0.128, 0.1241, 0.1322)),
    ("nearest neighbors", Interval(0.142, 0.1372, 0.1471)),
    ("mean", Interval(1.012, 0.9931, 1.031)),
)


def regression_figures(rng):
    y = rng.normal(7, 1, 3000)
    noise = 0.25 * rng.standard_normal(3000)
    guess = y + noise
    steps = np.arange(0, 4000, 40)
    train = np.exp(-steps / 700) + 0.01 + 0.004 * rng.random(100)
    validation = np.exp(-steps / 700) + 0.03 + steps * 3e-6
    names = ["carat", "clarity", "color", "cut", "depth", "table <b>&", "a long name of a column"]
    importance = np.array([0.9, 0.31, 0.22, 0.06, 0.01, 0.004, -0.002])
    band = (np.full(7, -0.012), np.full(7, 0.014))
    return [
        Picture(
            plots.loss_curves({"training": (steps, train), "validation": (steps, validation)}, stop=2520.0),
            "The model with the lowest validation loss, at step 2,520, is kept.",
            "Loss",
        ),
        Picture(
            plots.parity(y, guess, lower=guess - 0.4, upper=guess + 0.4, name="log price"),
            "Each point is a held-out example; the bars are 90 % intervals.",
            "Predicted against true",
        ),
        Picture(plots.residuals(guess, y - guess, name="log price"), "No trend is left.", "Residuals"),
        Picture(
            plots.residual_histogram(y - guess, name="log price"), "Nearly normal.", "Residuals, distribution"
        ),
        Picture(
            plots.attribution_bars(
                names, importance, spread=np.full(7, 0.01), chance=band, any_column=0.02, x_label="RMSE lost"
            ),
            "Columns beyond the dashed line matter more than chance would show in any column.",
            "What the prediction hangs on",
        ),
        Picture(plots.comparison(ENTRIES), "RMSE on the test part with 95 % intervals.", "Baselines"),
    ]


def classification_figures(rng):
    side = np.linspace(-3, 3, 90)
    a, b = np.meshgrid(side, side)
    logits = np.stack([a + np.sin(2 * b), b - a, -1.5 * b], axis=2)
    p = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    x = rng.uniform(-3, 3, (240, 2))
    y = np.argmax(
        np.stack([x[:, 0] + np.sin(2 * x[:, 1]), x[:, 1] - x[:, 0], -1.5 * x[:, 1]], axis=1), axis=1
    )
    grid = np.linspace(0, 6, 200)
    t = rng.uniform(0, 6, 120)
    images = rng.random((16, 12, 12)) * np.hanning(12)[:, None] * np.hanning(12)
    captions = [f"{i % 10} → {i % 9}" for i in range(16)]
    counts = np.array([[50, 2, 0], [3, 45, 1], [0, 4, 60]])
    confidence = np.linspace(0.4, 0.98, 8)
    return [
        Picture(
            pictures.decision_boundary(side, side, p, x, y, labels=["adelie", "gentoo", "chinstrap"]),
            "Fainter where the model is less sure.",
            "Decision boundary",
        ),
        Picture(
            plots.confusion_matrix(counts, ["adelie", "gentoo", "chinstrap"]), "Rows are true.", "Confusion"
        ),
        Picture(
            plots.reliability_diagram(
                {
                    "before": (confidence, confidence - 0.1, np.arange(8) * 20 + 5),
                    "after": (confidence, confidence + 0.01, np.arange(8) * 20 + 5),
                }
            ),
            "After temperature scaling the confidence is the share that is right.",
            "Calibration",
        ),
        Picture(
            plots.fitted_curve(
                t, np.sin(t) + 0.2 * rng.standard_normal(120), grid, np.sin(grid),
                lower=np.sin(grid) - 0.35, upper=np.sin(grid) + 0.35, x_name="time (s)", y_name="voltage",
            ),
            "The band holds 90 % of new points.",
            "The fit",
        ),
        Picture(
            pictures.example_images(images, captions, wrong=[i > 9 for i in range(16)]),
            "Red where the model is wrong.", "Examples",
        ),
        Picture(pictures.filters(rng.standard_normal((5, 5, 1, 16))), "First layer.", "Filters"),
        Picture(
            pictures.activation_maps(images[0], rng.random((12, 12, 15))), "First layer.", "Activations"
        ),
    ]  # fmt: skip


def comparison():
    columns = (
        Column("rmse", "RMSE [95 % interval]", higher_is_better=False),
        Column("r2", "R²", higher_is_better=True),
        Column("seconds", "time", write=duration),
    )
    rows = tuple(
        Entry(name, {"rmse": interval, "r2": 1 - interval.value**2, "seconds": 1.5 * at + 0.03}, own=at == 0)
        for at, (name, interval) in enumerate(ENTRIES)
    )
    return Comparison(columns, rows, "On the 5,394 rows of the test part.")


def example_sections():
    rng = np.random.default_rng(0)
    table = {
        "carat": rng.lognormal(-0.4, 0.5, 500),
        "depth": np.where(rng.random(500) < 0.08, np.nan, rng.normal(61.7, 1.4, 500)),
        "cut": rng.choice(
            ["Ideal", "Premium", "Good", "Very Good", "Fair"], 500, p=[0.4, 0.3, 0.1, 0.15, 0.05]
        ),
        "color <i>": rng.choice(list("DEFGHIJ"), 500),
        "price": rng.integers(300, 18_000, 500),
    }
    ranks = Table(
        ("row", "true", "predicted", "error"), [(i, 7.1 * i, 7.2 * i, 0.1 * i) for i in range(1, 5)]
    )
    return [
        Section(
            "Result",
            [
                comparison().block(),
                Sentence(
                    "The network earned its keep: RMSE 0.0912 against 0.0931 of gradient boosting.", "good"
                ),
                Sentence("Coverage lies within its 99.9 % band.", "note"),
                Sentence("A column had no variance.", "bad"),
                *regression_figures(rng),
            ],
            "On rows that neither training nor any choice has seen.",
        ),
        Section("Classes & <images>", classification_figures(rng)),
        Section(
            "Data",
            [
                Picture(pictures.data_summary(table), "The table as it was read.", wide=True),
                Facts((("file", "diamonds.csv"), ("rows", 53_940), ("split", "80 : 10 : 10, seed 0"))),
                Tiles((("rows", 53_940, ""), ("columns", 10, "3 categories"))),
                Remarks(
                    ["8 % of depth is missing; the gaps were flagged and filled.", "“color <i>” was kept."]
                ),
            ],
        ),
        Section(
            "Reproduce",
            [
                Code(
                    "ansatz fit diamonds.csv --target price --seed 0 --map mlp --loss mse", "In a terminal:"
                ),
                Details("The largest errors", [ranks, Sentence("None of them is a typing error.")]),
            ],
        ),
    ]


@pytest.fixture(scope="session")
def example_report():
    return render(
        example_sections(),
        "price from the other columns of diamonds.csv",
        subtitle="53,940 rows · 9 columns · regression · an ensemble of 8 MLPs",
        answer=Sentence(
            "The price is predicted to 9.1 % (RMSE of its logarithm 0.0912), 2 % closer than gradient"
            " boosting; nine of ten intervals hold the true price.",
            "good",
        ),
        tiles=[
            ("RMSE of log price", 0.0912, "95 % interval 0.0885 to 0.0941"),
            ("R²", 0.9917, "on 5,394 held-out rows"),
            ("coverage", "90.3 %", "asked for 90 %"),
            ("time", "42 s", "2 cores"),
        ],
        footer="Ansatz 0.1.0 · run 2f6b · seed 0 · jax 0.10.2",
    )


@pytest.fixture(scope="session")
def example_index():
    figures = regression_figures(np.random.default_rng(0))
    cards = [
        Card("Nuclear binding energies", "RMSE 0.42 MeV", "nuclei/report.html", figures[1].image),
        Card("Digits", "99.0 % right", "digits/report.html", figures[0].image, "41 s"),
        Card("No picture <yet>", "A result in one line.", "other/report.html"),
    ]  # fmt: skip
    return render_index(cards, "The tour", subtitle="What Ansatz does, in a minute.")
