"""Draws the figure of the README: `python docs/make_figures.py` writes docs/images/fit.svg."""

from pathlib import Path

import numpy as np

from ansatz.results.plots import fitted_curve
from ansatz.supervised.table import fit_table

ROWS, LEVEL = 300, 0.9
CHOICES = {"bins": 24, "mixed": False, "patience": 80, "baselines": False, "attribution": False}


def damped_wave() -> dict[str, np.ndarray]:
    """Return 300 noisy measurements of a damped oscillation; the noise grows with time."""
    random = np.random.default_rng(3)
    t = np.sort(random.uniform(0.0, 10.0, ROWS))
    noise = (0.03 + 0.02 * t) * random.normal(size=ROWS)
    return {"time": t, "displacement": np.exp(-0.15 * t) * np.cos(2.0 * t) + noise}


def main() -> None:
    """Fit the measurements and write the figure."""
    table = damped_wave()
    fitted = fit_table(table, "displacement", **CHOICES)
    grid = {"time": np.linspace(0.0, 10.0, 240)}
    lower, upper = fitted.interval(grid)
    figure = fitted_curve(
        table["time"], table["displacement"], grid["time"], fitted.predict(grid),
        lower=lower, upper=upper, x_name="time", y_name="displacement", level=LEVEL,
    )  # fmt: skip
    target = Path(__file__).parent / "images" / "fit.svg"
    target.parent.mkdir(exist_ok=True)
    target.write_text(figure + "\n", encoding="utf-8")
    print(*fitted.summary(), sep="\n")


if __name__ == "__main__":
    main()
