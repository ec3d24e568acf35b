"""`ansatz sample`: what a trained model writes after a prompt, or makes of an input.

The text comes as it is written. The same seed gives the same text.

examples:
  ansatz sample runs/slopes --input "x^2*sin(x)" --beams 8
  ansatz sample runs/plays --prompt "ROMEO:" --length 300 --temperature 0.8 --seed 1
  ansatz sample runs/plays --prompt "To be" --temperature 0 --json
"""

import dataclasses
from typing import Any


def command(arguments: list[str]) -> int:
    """Write what the words ask for; return the exit code."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse
    from ansatz.cli._runs import whole_kind
    from ansatz.core import BadInput

    asked, named = parse(_form(), arguments, "sample", __doc__ or "")
    if asked.run is None:
        raise BadInput("A sample needs a run: ansatz sample RUN.")
    answer = Answer(as_json=asked.json)
    with answer.working():
        kind = whole_kind(asked.run).partition(",")[0]
        if kind == "translation":
            from ansatz.cli._sample_translation import sample

            record, shown = sample(asked, named, answer)
        else:
            record, shown = _write(asked, answer), []
    answer.give(record, shown)
    return 0


def _write(asked: Any, answer: Any) -> dict[str, Any]:
    """Let a model of a text write; return the record of it."""
    from ansatz.core import BadInput
    from ansatz.generate.text_model import load_text_model

    model = load_text_model(asked.run)
    for remark in model.remarks:
        answer.tell(f"· {remark}")
    if asked.input is not None:
        raise BadInput(f"{asked.run} writes texts and translates none; give it a --prompt.")
    drawn = {
        name: getattr(asked, name)
        for name in ("length", "temperature", "top_k", "top_p", "min_p", "stop", "seed")
    }
    pieces = model.stream(asked.prompt, **drawn)
    text = "".join(pieces) if asked.json else _shown(asked.prompt, pieces, answer.stdout)
    return {"run": asked.run, "prompt": asked.prompt, "text": text, **drawn}


def _shown(prompt: str, pieces: Any, out: Any) -> str:
    """Print a prompt and what follows as it comes; return what followed."""
    written = []
    for piece in pieces:
        if not written:
            out.write(prompt)
        written.append(piece)
        out.write(piece)
        out.flush()
    out.write("\n")
    return "".join(written)


def _form() -> type:
    import tyro

    from ansatz.cli._flags import flag

    word: Any = str | None
    return dataclasses.make_dataclass(
        "Sample",
        [
            ("run", flag(word, "the folder of a run", tyro.conf.Positional, metavar="RUN"), None),
            ("input", flag(word, "the text to translate", metavar="TEXT"), None),
            ("beams", flag(int, "how many answers to an input to look for"), 4),
            ("prompt", flag(str, "what the text begins with", metavar="TEXT"), ""),
            ("length", flag(int, "how many tokens to write"), 300),
            (
                "temperature",
                flag(float, "1 draws as the model predicts, less is more careful, 0 the likeliest"),
                0.8,
            ),
            ("top_k", flag(int, "draw only from so many of the likeliest, 0 from all"), 0),
            ("top_p", flag(float, "draw only from the likeliest that have this probability together"), 1.0),
            ("min_p", flag(float, "draw only from those so many times as likely as the likeliest"), 0.0),
            ("stop", flag(str, "a token at which to end", metavar="TEXT"), ""),
            ("seed", flag(int, "of the draws"), 0),
            ("json", flag(bool, "print one JSON object"), False),
        ],
        frozen=True,
    )
