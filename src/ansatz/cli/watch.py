"""`ansatz watch`: an episode of what `ansatz play` trained, in the terminal, as a GIF or as a page.

examples:
  ansatz watch runs/pole
  ansatz watch runs/pole --seed 3 --speed 4
  ansatz watch runs/pole --out pole.gif
  ansatz watch runs/pole --out pole.html
"""

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer

ENDINGS = (".gif", ".html", ".txt")
PAUSE = 0.1
"""The seconds between two frames at speed 1."""


def command(arguments: list[str]) -> int:
    """Show what the words ask for; return the exit code."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse
    from ansatz.core import BadInput

    asked, _ = parse(_form(), arguments, "watch", __doc__ or "")
    if asked.run is None:
        raise BadInput("Name the run to watch: ansatz watch RUN.")
    if asked.out is not None and Path(asked.out).suffix.lower() not in ENDINGS:
        raise BadInput(f"--out {asked.out!r} should end in {', '.join(ENDINGS)}.")
    if asked.steps < 1 or not asked.speed > 0:
        raise BadInput("--steps is at least 1 and --speed above 0.")
    answer = Answer(as_json=asked.json)
    with answer.working():
        from ansatz.rl.episode import frames
        from ansatz.rl.player import load_player

        player = load_player(asked.run, asked.env)
        for remark in player.run.remarks:
            answer.tell(f"· {remark}")
        episode = player.episode(asked.seed, asked.steps)
        film = frames(player.env, episode)
        if asked.out is not None:
            _write(film, Path(asked.out), player)
    record = {
        "run": asked.run, "return": episode.total, "steps": len(episode.reward),
        "terminated": episode.terminated, "truncated": episode.truncated, "out": asked.out,
    }  # fmt: skip
    if asked.out is None and not asked.json:
        _show(film, answer, asked.speed)
    answer.give(record, [f"{len(film)} frames are in {asked.out}."] if asked.out else [])
    return 0


def _show(film: Any, answer: "Answer", speed: float) -> None:
    """Play a film in the terminal; where there is none, print its first and last frame."""
    if not answer.stdout.isatty():
        for one in (film[0], film[-1]) if len(film) > 1 else film:
            answer.reader.print(one.text, markup=False, soft_wrap=True)
            answer.reader.print(one.line, markup=False, soft_wrap=True)
        return
    from rich.live import Live
    from rich.text import Text

    with Live(console=answer.reader, auto_refresh=False) as live:
        for one in film:
            live.update(Text(f"{one.text}\n\n{one.line}"), refresh=True)
            time.sleep(PAUSE / speed)


def _write(film: Any, path: Path, player: Any) -> None:
    from ansatz.results import text_film
    from ansatz.results.report import Section, render
    from ansatz.store import write_file

    if path.suffix.lower() == ".gif":
        data = text_film.gif(film)
    elif path.suffix.lower() == ".txt":
        data = "\n\n".join(f"{one.text}\n{one.line}" for one in film).encode()
    else:
        caption = f"{len(film) - 1} steps of a policy by {player.settings.algorithm.upper()}."
        data = render([Section("An episode", [text_film.live(film, caption)])], player.name).encode()
    write_file(path, data)


def _form() -> type:
    import tyro

    from ansatz.cli._flags import flag

    word: Any = str | None
    return dataclasses.make_dataclass(
        "Watch",
        [
            ("run", flag(word, "the folder of a run", tyro.conf.Positional, metavar="RUN"), None),
            ("seed", flag(int, "of the episode"), 0),
            ("steps", flag(int, "the most steps of the episode"), 1000),
            ("speed", flag(float, "how many times as fast as ten frames a second"), 1.0),
            ("out", flag(word, "a .gif, an .html page or a .txt", metavar="FILE"), None),
            ("env", flag(word, "FILE.py:CLASS of an environment of your own", metavar="FILE.py:CLASS"), None),
            ("json", flag(bool, "print one JSON object"), False),
        ],
        frozen=True,
    )
