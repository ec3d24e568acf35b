"""Rows 10 and 11: the lecture notes' plain form in the same time, and the error estimate over the gallery."""

import statistics
from typing import Any

from ansatz.equations import gallery
from benchmarks.run import entry
from benchmarks.solve_measure import FAILED, finite, lettered, solved

SEEDS = 5
LEAST = 30.0
"""Seconds that the plain form is given where ours needs less: it could not start in less."""


def plain() -> list[dict[str, Any]]:
    """Row 10: an MLP, penalties for the conditions and Adam, on the oscillator and Burgers' equation."""
    asked: list[Any] = [
        ("oscillator", {"omega": 10}, "oscillator, ω = 10", 1e-13),
        ("burgers", {}, "Burgers' equation", 1e-6),
    ]
    figures = []
    for name, parameters, label, accuracy in asked:
        own = solved(name, parameters, accuracy=accuracy)
        # The budget counts from the call of `solve`; importing is on top for both.
        budget = max(own["inside"], LEAST) if "inside" in own else LEAST
        found = [
            solved(name, parameters, method="adam", soft=True, budget=budget, seed=seed)
            for seed in range(SEEDS)
        ]
        errors = [one["error"] for one in found]
        middle = statistics.median(errors)
        note = (
            f"plain form {middle:.1e} (worst of {SEEDS} seeds {max(errors):.1e}) in {budget:.0f} s of "
            f"training, {found[0]['seconds']:.1f} s in all; ours {own['error']:.1e} in "
            f"{own['seconds']:.1f} s. Reported, no bar."
        )
        figures.append(
            entry(
                "", f"{label}: error of the notes' plain form over ours", middle / own["error"],
                unit="×", must=1, aim=1, better="higher", peer="MLP, soft conditions, Adam", note=note,
                seconds=found[0]["seconds"],
            )
        )  # fmt: skip
    return lettered(10, figures)


def estimates() -> list[dict[str, Any]]:
    """Row 11: the estimated over the true error of every equation of the gallery, as it is asked there."""
    ratios: dict[str, float] = {}
    seconds = 0.0
    for name in gallery.__all__:
        found = solved(name)
        seconds += found["seconds"]
        true = finite(found["error"])
        ratios[name] = found["estimate"] / true if true < FAILED and true > 0 else 0.0
        print(f"{name}: {found['estimate']:.1e} / {true:.1e}, {found['seconds']:.1f} s", flush=True)
    shares = {
        factor: 100 * sum(1 / factor <= ratio <= factor for ratio in ratios.values()) / len(ratios)
        for factor in (3, 10)
    }
    outside = [f"{name} {ratio:.2g}" for name, ratio in ratios.items() if not 0.1 <= ratio <= 10]
    note = f"{len(ratios)} equations; outside: {', '.join(outside) or 'none'}"
    common = {"unit": "%", "better": "higher", "seconds": seconds, "note": note}
    return lettered(
        11,
        [
            entry(
                "", "error estimate within a factor 10 of the error", shares[10], must=90, aim=95, **common
            ),
            entry("", "error estimate within a factor 3 of the error", shares[3], must=0, aim=90, **common),
        ],
    )
