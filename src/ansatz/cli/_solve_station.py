"""The station of the tour that solves equations: the oscillator of the notes, then Burgers' equation."""

from typing import Any, NamedTuple

from ansatz.equations import gallery
from ansatz.equations.solution_report import sections, true_errors
from ansatz.equations.solve import solve
from ansatz.equations.views import field_pictures
from ansatz.results.numbers import duration, number
from ansatz.results.report import Picture, Section, Sentence, Table, render

TOUR = (("oscillator", {"omega": 80.0}), ("oscillator_boundary", {"omega": 10.0}), ("burgers", {}))


class Solved(NamedTuple):
    """An equation of the gallery and its solution."""

    entry: Any
    solution: Any

    @property
    def error(self) -> float:
        """The true relative error, the largest over the fields."""
        return max(true_errors(self.solution, self.entry).values())


def equations() -> tuple[str, str, Picture]:
    """Solve the equations of the tour; return their page, the answer in one line, and a picture of it."""
    found = []
    for name, parameters in TOUR:
        entry = gallery.get(name, **parameters)
        found.append(Solved(entry, solve(entry.problem(), accuracy=entry.accuracy, size=entry.size)))
    first, last = found[0], found[-1]
    answer = (
        f"The oscillator is right to {number(first.error, 2)} after {duration(first.solution.seconds)}, "
        f"Burgers' equation to {number(last.error, 2)} after {duration(last.solution.seconds)}."
    )
    return _page(found, answer), answer, field_pictures(last.solution)[0]


def _page(found: list[Solved], answer: str) -> str:
    rows = [
        (
            one.entry.title,
            number(one.solution.error, 2),
            number(one.error, 2),
            duration(one.solution.seconds),
        )
        for one in found
    ]
    header = ["equation", "estimated error", "true error", "time"]
    caption = "Relative errors in the L2 norm; the references are certified by other methods."
    parts = [Section("At a glance", [Table(header, rows, caption=caption)])]
    for one in found:
        words = f"ansatz solve --gallery {one.entry.name}"
        words += f' --let "{one.entry.let}"' if one.entry.name.startswith("oscillator") else ""
        told = sections(one.solution, one.entry, command=words)
        parts.append(Section(one.entry.title, [block for part in told for block in part.blocks]))
    good = all(one.solution.converged for one in found)
    return render(
        parts,
        "Differential equations",
        subtitle="An equation, its conditions, and a function that fulfils both.",
        answer=Sentence(answer, "good" if good else "bad"),
    )
