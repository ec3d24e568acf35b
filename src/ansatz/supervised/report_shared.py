"""What the reports of tables and of images have in common: tone, settings, versions, the command."""

import dataclasses
import shlex
from typing import Any

from ansatz.core import Status
from ansatz.results.report import Code, Details, Facts, Section, Sentence
from ansatz.supervised.fitted import Fitted
from ansatz.training.run import Run

TONES = {"better": "good", "no clear difference": "note", "worse": "bad"}


def judged(said: str, fitted: Fitted) -> Sentence:
    """Return what was measured and the verdict, in its tone; a run that broke says so instead."""
    if fitted.run.status is Status.nonfinite:
        return Sentence(f"{said} {fitted.run.message}", "bad")
    verdict = fitted.evaluation.verdict
    if verdict is None:
        return Sentence(said)
    return Sentence(f"{said} {verdict.sentence}", TONES[verdict.outcome])


def place_of(fitted: Fitted, otherwise: str) -> str:
    """Return where the data came from, in words."""
    return str(fitted.source.get("catalogue") or fitted.source.get("path") or otherwise)


def again(fitted: Fitted, command: str) -> Section:
    """Return the section that tells how to do the fit again."""
    versions = fitted.run.info.get("versions", {})
    return Section(
        "Do it again",
        [
            Code(command),
            Details("Every setting", [Facts(settings_rows(fitted))]),
            Details("Versions", [Facts(list(versions.items()))]),
        ],
        "The same command, data and versions on the same machine give the same bits.",
    )


def versions_line(run: Run) -> str:
    """Return the versions at the foot of a report."""
    versions = run.info.get("versions", {})
    return " · ".join(f"{name} {versions[name]}" for name in ("ansatz", "jax", "python") if name in versions)


def command_words(fitted: Fitted, call: str, words: list[str]) -> str:
    """Return the command that gives a fit again: `ansatz fit PLACE`, `words`, and what was chosen.

    Where the data were in memory it is the Python line that begins with `call`.
    """
    chosen, place = choices(fitted), place_of(fitted, "")
    if not place:
        given = "".join(f", {name}={value!r}" for name, value in chosen.items())
        return f"import ansatz\n\n{call}{given})"
    words = ["ansatz", "fit", place, *words]
    if fitted.source.get("own copy"):
        words += ["--path", str(fitted.source["own copy"])]
    for name, value in chosen.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, tuple):
            words += [f"--{flag}", *map(str, value)]
        else:
            words += [f"--{flag}", f"{value:g}s" if name == "budget" else str(value)]
    return shlex.join(words)


def choices(fitted: Fitted) -> dict[str, Any]:
    """Return the settings that differ from the defaults, those that were found included."""
    chosen = {}
    for have in (fitted.settings, fitted.recipe):
        default = type(have)()
        for field in dataclasses.fields(have):
            value = getattr(have, field.name)
            if value != getattr(default, field.name):
                chosen[field.name] = value
    return chosen


def settings_rows(fitted: Fitted) -> list[tuple[str, Any]]:
    """Return every setting and its value, as a report lists them."""
    rows = []
    for have in (fitted.settings, fitted.recipe):
        for field in dataclasses.fields(have):
            value = getattr(have, field.name)
            rows.append((field.name, ", ".join(map(str, value)) if isinstance(value, tuple) else value))
    return rows
