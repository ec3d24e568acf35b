"""`ansatz sample`: what a trained model writes after a prompt, makes of an input, or draws.

A text comes as it is written. Images become one picture of all of them (--out grid.png), an archive
(--out draws.npz), or a picture each (--out FOLDER). The same seed gives the same.

examples:
  ansatz sample runs/slopes --input "x^2*sin(x)" --beams 8
  ansatz sample runs/plays --prompt "ROMEO:" --length 300 --temperature 0.8 --seed 1
  ansatz sample runs/plays --prompt "To be" --temperature 0 --json
  ansatz sample runs/digits --count 16 --classes 3 --guidance 2 --out grid.png
  ansatz sample runs/sums --count 8 --sentence "three plus four"
"""

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer

TEXT = ("prompt", "length", "temperature", "top_k", "top_p", "min_p", "stop", "seed")
IMAGES = (
    "count",
    "classes",
    "sentence",
    "guidance",
    "sampler",
    "steps",
    "temperature",
    "noise",
    "out",
    "seed",
)
TRANSLATION = ("input", "beams")
FLAGS = {
    "text": (TEXT, "a text"),
    "image model": (IMAGES, "images"),
    "translation": (TRANSLATION, "translations"),
}
SHARED = {"run", "json"}


def command(arguments: list[str]) -> int:
    """Write or draw what the words ask for; return the exit code."""
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
        taken, what = FLAGS.get(kind, (named, ""))
        if wrong := sorted(named - set(taken) - SHARED):
            flag = wrong[0].replace("_", "-")
            raise BadInput(f"--{flag} says nothing to a model of {what}; `ansatz sample --help` tells more.")
        if kind == "image model":
            from ansatz.cli._sample_images import draw

            record, shown = draw(asked, named, answer)
        elif kind == "translation":
            from ansatz.cli._sample_translation import sample

            record, shown = sample(asked, answer)
        else:
            record, shown = _write(asked, answer), []
    answer.give(record, shown)
    return 0


def _write(asked: Any, answer: "Answer") -> dict[str, Any]:
    """Write a text as it comes, and return the record of the answer."""
    from ansatz.generate.text_model import load_text_model

    model = load_text_model(asked.run)
    for remark in model.remarks:
        answer.tell(f"· {remark}")
    drawn = {name: getattr(asked, name) for name in TEXT if name != "prompt"}
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
                flag(float, "1 draws as the model predicts, less is more careful; of a text 0 the likeliest"),
                0.8,
            ),
            ("top_k", flag(int, "draw only from so many of the likeliest, 0 from all"), 0),
            ("top_p", flag(float, "draw only from the likeliest that have this probability together"), 1.0),
            ("min_p", flag(float, "draw only from those so many times as likely as the likeliest"), 0.0),
            ("stop", flag(str, "a token at which to end", metavar="TEXT"), ""),
            ("count", flag(int, "how many images to draw"), 16),
            (
                "classes",
                flag(tuple[str, ...], "the classes of images, taken in turn", metavar="NAME"),
                (),
            ),
            ("sentence", flag(word, "what the images are to show", metavar="TEXT"), None),
            ("guidance", flag(float, "how closely a diffusion follows a class or a sentence"), 1.0),
            ("sampler", flag(str, "of a diffusion: dpm++, heun, euler, ddim, …"), "dpm++"),
            ("steps", flag(int, "of a diffusion's sampler"), 24),
            ("noise", flag(bool, "of a VAE: draw the pixels too"), False),
            ("out", flag(word, "a .png, an .npz, or a folder; NAME.png if not given", metavar="PATH"), None),
            ("seed", flag(int, "of the draws"), 0),
            ("json", flag(bool, "print one JSON object"), False),
        ],
        frozen=True,
    )
