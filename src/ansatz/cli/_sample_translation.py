"""What `ansatz sample` does with a translator: answers to a text, verified where that can be done."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer


def sample(asked: Any, answer: "Answer") -> tuple[dict[str, Any], list[Any]]:
    """Return the record of the answers and what is shown of them."""
    from rich.table import Table

    from ansatz.core import BadInput
    from ansatz.generate.translation_model import load_translation
    from ansatz.results.numbers import number

    model = load_translation(asked.run)
    for remark in model.remarks:
        answer.tell(f"· {remark}")
    if asked.input is None:
        raise BadInput(f"{asked.run} translates: give it a text with --input.")
    if asked.beams < 1:
        raise BadInput(f"--beams {asked.beams} finds no answer; it is at least 1.")
    text = asked.input.strip()
    if not text:
        raise BadInput("The text of --input is empty; there is nothing to translate.")
    found = model.translate([text], asked.beams)[0]
    table = Table(box=None, pad_edge=False, header_style="dim")
    titles = ("answer", "log-probability", *(("verified",) if model.accepts else ()))
    for title in titles:
        table.add_column(title, justify="left" if title == "answer" else "right")
    for one in found:
        marks = () if one.verified is None else ("yes" if one.verified else "no",)
        table.add_row(one.text or "(empty)", number(one.log_probability, 3), *marks)
    answers = [
        {"text": one.text, "log_probability": one.log_probability, "verified": one.verified} for one in found
    ]
    record = {"run": asked.run, "input": text, "answers": answers}
    shown: list[Any] = [table]
    if model.accepts and not any(one.verified for one in found):
        shown.append(f"None of {len(found)} answers is right; more beams may find one (--beams).")
    return record, shown
