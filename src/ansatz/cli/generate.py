"""`ansatz generate`: draw me more like these. A model of a text, of images, or of what texts become.

The first word says of what: text, images or translation. `ansatz generate images --help` shows what it takes.

examples:
  ansatz generate text --data plays.txt --budget 3m --out runs/plays
  ansatz generate images --data digits --model diffusion --budget 60s --out runs/digits
  ansatz sample runs/plays --prompt "ROMEO:" --length 300
  ansatz generate translation --task derivative --budget 5m --out runs/slopes
  ansatz sample runs/slopes --input "x^2*sin(x)"
"""

from collections.abc import Callable


def command(arguments: list[str]) -> int:
    """Do what the words after the kind ask for; return the exit code."""
    from ansatz._spelling import nearest
    from ansatz.core import BadInput

    if not arguments or arguments[0] in ("-h", "--help"):
        print((__doc__ or "").strip())
        return 0
    kind, *rest = arguments
    if kind.startswith("-"):
        raise BadInput(f"The first word says what to generate: {', '.join(KINDS)}; {kind} comes after it.")
    if kind not in KINDS:
        raise BadInput(f"There is nothing {kind!r} to generate; {nearest(kind, KINDS)}.")
    return KINDS[kind](rest)


def _text(arguments: list[str]) -> int:
    from ansatz.cli._generate_text import command

    return command(arguments)


def _images(arguments: list[str]) -> int:
    from ansatz.cli._generate_images import command

    return command(arguments)


def _translation(arguments: list[str]) -> int:
    from ansatz.cli._generate_translation import command

    return command(arguments)


KINDS: dict[str, Callable[[list[str]], int]] = {"text": _text, "images": _images, "translation": _translation}
"""What can be generated; each kind has a file `_generate_KIND.py` with its flags."""
