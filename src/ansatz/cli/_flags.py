"""Flags from typed fields: `parse` turns words into a dataclass, and what does not fit into a sentence."""

import contextlib
import dataclasses
import difflib
import inspect
import io
import re
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import tyro

from ansatz.core import BadInput

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
METAVARS = {int: "INT", float: "FLOAT", str: "WORD"}
KINDS = {int: "a whole number", float: "a number", str: "a word"}


def parse(form: type, arguments: Sequence[str], verb: str, description: str) -> tuple[Any, set[str]]:
    """Return an instance of the dataclass `form` made from words, and the names of the flags given.

    Raises:
        BadInput: for a flag that is none (with the nearest spelling), or a value of another type.
        SystemExit: with code 0 after `--help`.
    """
    types = flag_types(form)
    given = {_check_flag(word, types, verb) for word in arguments if _is_flag(word)} - {"help", "h"}
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            found = tyro.cli(
                form,
                args=list(arguments),
                prog=f"ansatz {verb}",
                description=description,
                config=(tyro.conf.OmitArgPrefixes,),
            )
    except SystemExit as end:
        if not end.code:
            raise
        raise BadInput(_sentence(said.getvalue(), types, arguments, verb)) from None
    return found, given


def flag_types(form: type) -> dict[str, Any]:
    """Return the plain type of each field of a dataclass by name; nested dataclasses are laid open."""
    found: dict[str, Any] = {}
    for name, hint in typing.get_type_hints(form).items():
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            found |= flag_types(hint)
        else:
            plain = [one for one in typing.get_args(hint) if one is not type(None)]
            found[name] = plain[0] if plain and typing.get_origin(hint) is not tuple else hint
    return found


def form_of(
    kinds: Sequence[type],
    name: str,
    *,
    leave_out: Sequence[str] = (),
    helps: Mapping[str, str] | None = None,
    replaced: Mapping[str, tuple[Any, Any]] | None = None,
) -> type:
    """Return a dataclass with the fields of `kinds`, each with the help that their docstrings, or those of
    the classes that they derive from, give it.

    `helps` are for fields that the docstring does not mention, `replaced` gives other types and defaults.
    """
    texts, hints = dict(helps or {}), {}
    for kind in kinds:
        for one in reversed(kind.__mro__):
            texts |= described(one.__doc__ or "")
        hints |= typing.get_type_hints(kind)
    replaced, listed = replaced or {}, []
    for field in (field for kind in kinds for field in dataclasses.fields(kind)):
        if field.name in leave_out:
            continue
        hint, default = replaced.get(field.name, (hints[field.name], field.default))
        helped = flag(hint, texts.get(field.name, ""))
        listed.append((field.name, helped, dataclasses.field(default=default)))
    return dataclasses.make_dataclass(name, listed, kw_only=True, frozen=True)


def flag(kind: Any, help_: str, *more: Any, metavar: str | None = None) -> Any:
    """Return the type `kind` with the help of its flag; `more` are markers of tyro."""
    plain = [one for one in typing.get_args(kind) if one is not type(None)] or [kind]
    metavar = metavar or (None if typing.get_origin(kind) is tuple else METAVARS.get(plain[0]))
    return Annotated[(kind, tyro.conf.arg(help=help_, metavar=metavar), *more)]


def described(doc: str) -> dict[str, str]:
    r"""Return what the bullets of a docstring say of each name.

    >>> described("- `a`, `b`: of both; `c`: of c,\n  at length.\n")
    {'a': 'of both', 'b': 'of both', 'c': 'of c, at length'}
    """
    found: dict[str, str] = {}
    for bullet in re.split(r"^- ", inspect.cleandoc(doc), flags=re.MULTILINE)[1:]:
        text = " ".join(bullet.split("\n\n")[0].split())
        for part in re.split(r"; (?=`\w+`(?:, `\w+`)*:)", text):
            match = re.fullmatch(r"((?:`\w+`(?:, )?)+): (.*)", part)
            if match:
                said = match[2].rstrip(".").replace("`", "")
                found |= dict.fromkeys(re.findall(r"`(\w+)`", match[1]), said)
    return found


def seconds(text: str | None, flag: str = "--budget") -> float | None:
    """Return the seconds that a time such as `60s`, `3m` or `1.5h` means.

    >>> seconds("3m")
    180.0
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)", text.strip().lower())
    if match is None or match[2] not in UNITS or not float(match[1]) > 0:
        raise BadInput(f"{flag} {text!r} is no time; write 60s, 3m or 1h.")
    return float(match[1]) * UNITS[match[2]]


def _is_flag(word: str) -> bool:
    return word.startswith("-") and word != "-" and not re.fullmatch(r"-[\d.].*|-inf|-nan", word)


def _check_flag(word: str, types: Mapping[str, Any], verb: str) -> str:
    """Return the name of the field that a flag sets, or raise with the nearest flag."""
    name = word.lstrip("-").partition("=")[0].replace("-", "_")
    if word in ("-h", "--help"):
        return "help"
    positive = name.removeprefix("no_")
    if word.startswith("--") and name in types:
        return name
    if word.startswith("--no") and types.get(positive) is bool:
        return positive
    flags = [f"--{known.replace('_', '-')}" for known in types]
    flags += [f"--no-{known.replace('_', '-')}" for known, kind in types.items() if kind is bool]
    given = word.partition("=")[0]
    close = difflib.get_close_matches(given, flags, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"`ansatz {verb} --help` lists them."
    raise BadInput(f"There is no flag {given!r}; {hint}")


def _sentence(said: str, types: Mapping[str, Any], arguments: Sequence[str], verb: str) -> str:
    """Return one sentence about words that tyro refused."""
    rows = [line.strip("│╭╮╰╯+| ") for line in said.splitlines()]
    text = " ".join(row for row in rows[1:] if row).lstrip("-─ ")
    text = re.split(r"[─-]{4,}|For full helptext", text)[0].strip()
    flag = (re.findall(r"--[a-z][\w-]*", text) or ["--"])[0]
    name = flag[2:].replace("-", "_")
    if name in types and ("parsing" in text or "invalid" in text.lower()):
        return f"{flag} takes {KINDS.get(types[name], 'another value')}, not {_value(flag, arguments)}."
    if name in types and "issing" in text:
        return f"{flag} needs a value: {KINDS.get(types[name], 'see --help')}."
    if text.startswith("Unrecognized"):
        words = text.partition(": ")[2]
        return (
            f"There is no place for {words.partition(',')[0]!r}; `ansatz {verb} --help` shows what is taken."
        )
    return f"{text.rstrip('.') or 'The words do not fit'}; `ansatz {verb} --help` shows what is taken."


def _value(flag: str, arguments: Sequence[str]) -> str:
    spelled = {flag, flag.replace("_", "-"), "--" + flag[2:].replace("-", "_")}
    for at, word in reversed(list(enumerate(arguments))):
        name, equals, value = word.partition("=")
        if name in spelled:
            return repr(value if equals else (arguments[at + 1] if at + 1 < len(arguments) else ""))
    return "what was given"
