"""`ansatz VERB …`: finds the verb, and turns what goes wrong into one sentence and an exit code.

A verb is a public module of this folder with `command(arguments) -> exit code`; the first line of its
docstring is its line in the help.  Nothing heavy is imported before a verb asks for it.
"""

import contextlib
import difflib
import importlib
import json
import os
import pkgutil
import sys
import warnings
from collections.abc import Sequence
from types import ModuleType

DONE, FAILED, BAD_INPUT, BROKEN, INTERRUPTED = 0, 1, 2, 70, 130
"""The exit codes: done, the answer fails the check asked for, bad input, a defect of Ansatz, interrupted."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `argv` are the words after `ansatz`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    with warnings.catch_warnings():
        if argv is None and "--debug" not in arguments:
            warnings.simplefilter("ignore")
        return _dispatch(arguments)


def verbs() -> dict[str, ModuleType]:
    """Return the modules of the verbs by name.

    >>> sorted({"fit", "predict", "report", "list", "data"} - set(verbs()))
    []
    """
    folder = [os.path.dirname(__file__)]  # noqa: PTH120
    names = [found.name for found in pkgutil.iter_modules(folder) if not found.name.startswith("_")]
    modules = {name: importlib.import_module(f"ansatz.cli.{name}") for name in names if name != "main"}
    return {name.replace("_", "-"): one for name, one in modules.items() if hasattr(one, "command")}


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help") or arguments == ["help"]:
        print(_help())
        return DONE
    if arguments[0] in ("-V", "--version"):
        from ansatz import __version__

        print(f"ansatz {__version__}")
        return DONE
    word, *rest = arguments
    if word == "help":
        word, rest = rest[0], ["--help"]
    known = verbs()
    if word not in known:
        close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
        hint = f"did you mean 'ansatz {close[0]}'?" if close else f"the verbs are {', '.join(known)}."
        return _say(f"There is no verb {word!r}; {hint}", BAD_INPUT, arguments)
    return _run(known[word], rest)


def _run(verb: ModuleType, arguments: list[str]) -> int:
    debug = "--debug" in arguments
    arguments = [word for word in arguments if word != "--debug"]
    try:
        code = verb.command(arguments)
        sys.stdout.flush()
        return code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else DONE
    except KeyboardInterrupt:
        return _say("Interrupted.", INTERRUPTED, arguments)
    except BrokenPipeError:
        # Whoever read the output has enough of it; what is still buffered goes nowhere.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        if debug:
            raise
        return _failed(error, arguments)


def _failed(error: Exception, arguments: list[str]) -> int:
    from ansatz.core import BadInput

    if isinstance(error, BadInput):
        code = _say(str(error), BAD_INPUT, arguments)
        # A text that is not understood is shown with a mark under the place.
        if caret := getattr(error, "caret", ""):
            print(caret, file=sys.stderr)
        return code
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        text = str(error) if error.strerror is None else f"The system refused{where}: {error.strerror}."
        return _say(str(error) if str(error).endswith(".") else text, BAD_INPUT, arguments)
    if isinstance(error, MemoryError):
        return _say("The memory is not enough; use fewer rows or columns.", BAD_INPUT, arguments)
    kind, said = type(error).__name__, " ".join(str(error).split())[:200].rstrip(".")
    text = f"Ansatz failed with {kind} ({said}); please report it, with what --debug prints."
    return _say(text, BROKEN, arguments)


def _say(sentence: str, code: int, arguments: list[str]) -> int:
    sentence = " ".join(sentence.split())
    print(f"ansatz: {sentence}", file=sys.stderr)
    if "--json" in arguments:
        print(json.dumps({"error": sentence, "exit_code": code}))
    return code


def _help() -> str:
    """Return what `ansatz --help` prints."""
    known = verbs()
    width = max(map(len, known))
    lines = [f"  {name:<{width}}  {_summary(module)}" for name, module in known.items()]
    return "\n".join(
        [
            "usage: ansatz VERB ...",
            "",
            "Machine learning for mathematics and physics, with an honest error on every answer.",
            "",
            "verbs:",
            *lines,
            "",
            "examples:",
            "  ansatz fit measurements.csv --target y --out runs/first",
            "  ansatz predict runs/first new.csv --out predictions.csv",
            """  ansatz solve "y'' = -y" --on "t=0..6" --where "y(0)=1" "y'(0)=0\"""",
            "",
            "`ansatz VERB --help` shows what a verb takes, with an example.  Everywhere: --json prints one",
            "JSON object as the last line, --debug shows the traceback of a failure.",
            "Exit codes: 0 done, 1 the answer fails the check asked for, 2 bad input, 70 a defect of Ansatz,",
            "130 interrupted with the state saved.",
        ]
    )


def _summary(module: ModuleType) -> str:
    first = (module.__doc__ or "").strip().splitlines()[0]
    return first.partition(": ")[2] or first
