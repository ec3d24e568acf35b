"""`ansatz play`: learns to act in an environment, and says what its policy is worth.

The first word is the environment: a name, gymnasium:NAME for any of Gymnasium's, or FILE.py:CLASS for one of
your own. `ansatz play --list` shows the environments and the algorithms, `ansatz play --with dqn --help` what
an algorithm takes beside.

examples:
  ansatz play CartPole-v1 --with ppo --out runs/pole
  ansatz play CartPole-v1 --with dqn --seeds 4 --total-steps 50000
  ansatz play DeepSea --let size=12 --budget 60s
  ansatz play world.py:Maze --with q-learning
  ansatz play gymnasium:LunarLander-v3 --with ppo
  ansatz play Puzzle8 --with curriculum
  ansatz play --resume runs/pole
  ansatz watch runs/pole
"""

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer
    from ansatz.cli._work import Work

WITH_RESUME = {"resume", "env", "quiet", "report", "json", "checkpoint"}
CHOICES = "choices"


def command(arguments: list[str]) -> int:
    """Do what the words ask for; return the exit code."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse

    if "--list" in arguments:
        return _listed("--json" in arguments)
    place, arguments = _first(arguments)
    asked, named = parse(_form(_algorithm(place, arguments)), arguments, "play", __doc__ or "")
    answer = Answer(as_json=asked.json, quiet=asked.quiet)
    with answer.working():
        record, shown, code = _play(place, asked, named, answer)
    answer.give(record, shown)
    return code


def _first(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the environment, which is the first word, and the flags, --with by its full name."""
    flags = ["--algorithm" + one[6:] if one.partition("=")[0] == "--with" else one for one in arguments]
    if flags and not flags[0].startswith("-"):
        return flags[0], flags[1:]
    return None, flags


def _algorithm(place: str | None, arguments: list[str]) -> str | None:
    """Return the algorithm whose flags are taken: the one named, or the usual one of the environment."""
    from ansatz.core import BadInput
    from ansatz.rl.algorithms import algorithm, usual_algorithm

    for at, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        if flag == "--algorithm":
            if not equals and at + 1 == len(arguments):
                raise BadInput("--with needs a value: an algorithm.")
            name = value if equals else arguments[at + 1]
            algorithm(name)
            return name
    if place is None or "--help" in arguments or "-h" in arguments:
        return None
    from ansatz.rl.play import find_env

    return usual_algorithm(find_env(place, _parameters(_let(arguments))).env)


def _play(
    place: str | None, asked: Any, named: set[str], answer: "Answer"
) -> tuple[dict[str, Any], list[Any], int]:
    from ansatz.cli._fitted import interrupted
    from ansatz.cli._flags import seconds
    from ansatz.cli._work import Interrupted, do_work
    from ansatz.cli.fit import new_folder
    from ansatz.core import BadInput

    every = seconds(asked.checkpoint, "--checkpoint")
    assert every is not None
    if asked.resume is not None:
        if wrong := sorted(named - WITH_RESUME):
            flag = wrong[0].replace("_", "-")
            raise BadInput(f"--{flag} cannot be given with --resume: the run keeps its recorded settings.")
        folder, prepare = Path(asked.resume), _resumed(place or asked.env, asked, answer)
    elif place is None:
        raise BadInput(
            "There is nothing to play: name an environment first; `ansatz play --list` shows them."
        )
    else:
        stem = Path(place.rpartition(":")[2] or place).name
        folder = new_folder(asked.out, stem)
        prepare = functools.partial(_begun, place, asked, named)
    try:
        player = do_work(prepare, folder, answer, every=every)
    except Interrupted as stop:
        return interrupted(stop)
    return _told(player, folder, report=asked.report)


def _begun(place: str, asked: Any, named: set[str]) -> "Work":
    """Return the work of a new run."""
    from ansatz.cli._flags import seconds
    from ansatz.rl.play import find_env, make_ready

    choices = {field.name for field in dataclasses.fields(asked.choices)}
    options = {name: getattr(asked.choices, name) for name in named & choices}
    if "budget" in options:
        options["budget"] = seconds(options["budget"])
    options |= {
        f.name: getattr(asked.recipe, f.name) for f in dataclasses.fields(asked.recipe) if f.name in named
    }
    return _work(make_ready(find_env(place, _parameters(asked.let)), options), None, asked.report)


def _resumed(place: str | None, asked: Any, answer: "Answer") -> Any:
    """Return what prepares the work of an unfinished run."""
    from ansatz.cli._work import recorded
    from ansatz.core import BadInput
    from ansatz.rl.play import ReadyPlay, find_env
    from ansatz.rl.player import KIND, place_of
    from ansatz.rl.trial import PlaySettings, Trial

    _, record, recipe, run, remarks = recorded(asked.resume, (KIND,), "training in an environment")
    for remark in remarks:
        answer.tell(f"· {remark}")
    try:
        settings, source = PlaySettings(**record["settings"]), dict(record["source"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{asked.resume} does not say what was trained: {error!r}.") from None
    if not isinstance(recipe, Trial):
        raise BadInput(f"{asked.resume} does not hold the recipe of its run; it cannot be resumed.")

    def prepare() -> "Work":
        given = find_env(place or place_of(source, asked.resume), source.get("parameters"))
        if given.source.get("sha256") != source.get("sha256"):
            raise BadInput(
                f"{given.source.get('file') or place} has changed since the run began (another SHA-256); "
                "resume with the file as it was, or begin a new run."
            )
        return _work(ReadyPlay(given.env, settings, recipe, source), run, asked.report)

    return prepare


def _work(ready: Any, run: Any, report: bool) -> "Work":
    from ansatz.cli._work import Work
    from ansatz.rl.play import judge, train
    from ansatz.rl.player import KIND

    return Work(
        kind=KIND,
        words=ready.words,
        begun=ready.begun,
        recipe=ready.recipe,
        run=run,
        train=lambda hooks, run: train(ready, hooks, run),
        judge=lambda run: judge(ready, run),
        files=lambda player: player.files(report=report),
        verb="play",
    )


def _told(player: Any, folder: Path, *, report: bool) -> tuple[dict[str, Any], list[Any], int]:
    """Return the record of a policy, what is shown of it, and the exit code."""
    from ansatz.cli._answer import sparkline
    from ansatz.cli._generated import new_table
    from ansatz.cli.main import DONE, FAILED
    from ansatz.core import Status, count_parameters
    from ansatz.results.numbers import number
    from ansatz.rl.algorithms import steps_of
    from ansatz.rl.play_report import answer, worth_table
    from ansatz.rl.worth import curve

    run, found = player.run, player.evaluation
    page = str(folder / "report.html") if report else None
    record = {
        "run": str(folder),
        "environment": player.name,
        "algorithm": player.settings.algorithm,
        "status": run.status.name,
        "message": run.message,
        "return": found.worth.value,
        "interval": found.worth[1:3],
        "seeds": found.returns.mean(1),
        "chance": found.by_chance.value,
        "best": found.best,
        "solved": found.solved,
        "search": found.search and dataclasses.asdict(found.search),
        "env_steps": player.env_steps,
        "steps": run.step,
        "parameters": count_parameters(run.member(0)),
        "seconds": run.info["seconds"],
        "remarks": list(player.remarks),
        "report": page,
    }
    table = new_table("policy", "return")
    for name, value in worth_table(player).rows:
        table.add_row(name, number(value))
    _, values = curve(run.validation, steps_of(player.recipe.learner))
    means = values.mean(0)
    lines = [f"returns {sparkline(means)}  {means[0]:.4g} → {means[-1]:.4g}"] if means.size else []
    said = answer(player).text
    shown = [table, "", said, *lines, *([] if run.message in said else [run.message])]
    shown += [found.search.words] if found.search else []
    shown += [f"· {remark}" for remark in player.remarks]
    shown.append(f"The run is in {folder}" + (f", its report in {page}." if page else "."))
    again = f" --env {player.source['file']}" if player.source.get("file") else ""
    shown.append(f"`ansatz watch {folder}{again}` shows an episode.")
    return record, shown, FAILED if run.status is Status.nonfinite else DONE


def _listed(as_json: bool) -> int:
    """Print the environments and the algorithms."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._generated import new_table
    from ansatz.rl.algorithms import ALGORITHMS
    from ansatz.rl.envs.names import NAMES, described

    environments, algorithms = new_table("environment"), new_table("algorithm")
    environments.add_column("")
    algorithms.add_column("")
    for name in NAMES:
        environments.add_row(name, described(name))
    for name, one in ALGORITHMS.items():
        algorithms.add_row(name, one.words)
    record = {
        "environments": list(NAMES),
        "algorithms": {name: one.words for name, one in ALGORITHMS.items()},
    }
    others = (
        "Every other one of Gymnasium's is gymnasium:NAME, played in Python by ppo, a2c, trpo, dqn or sac."
    )
    Answer(as_json=as_json).give(record, [environments, "", others, "", algorithms])
    return 0


def _let(arguments: list[str]) -> tuple[str, ...]:
    """Return the words after --let."""
    found: list[str] = []
    taking = False
    for word in arguments:
        taking = word == "--let" or (taking and not word.startswith("--"))
        found += [word] if taking and word != "--let" else []
    return tuple(found)


def _parameters(words: tuple[str, ...]) -> dict[str, Any]:
    """Return the parameters of an environment, `name=value` each.

    >>> _parameters(("size=12", "slippery=false", "rate=0.5", "map=8x8"))
    {'size': 12, 'slippery': False, 'rate': 0.5, 'map': '8x8'}
    """
    from ansatz.core import BadInput

    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise BadInput(f"--let {word!r} sets nothing; write name=value, as in --let size=12.")
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _form(name: str | None) -> type:
    """Return the dataclass of all flags; without an algorithm those that every one has."""
    from ansatz.cli._flags import flag, flag_types, form_of
    from ansatz.rl.algorithms import algorithm
    from ansatz.rl.trial import PlaySettings

    word: Any = str | None
    replaced = {"budget": (str | None, None), "algorithm": (str | None, None)}
    choices = form_of((PlaySettings,), "Choices", replaced=replaced)
    recipe: Any = dataclasses.make_dataclass("Recipe", [], frozen=True)
    if name is not None:
        kind = algorithm(name)
        recipe = form_of((kind.recipe,), "Recipe", leave_out=[*flag_types(choices), *kind.fixed])
    return dataclasses.make_dataclass(
        "Play",
        [
            ("let", flag(tuple[str, ...], "parameters of the environment", metavar="NAME=VALUE"), ()),
            ("out", flag(word, "the folder of the run; runs/NAME-1, runs/NAME-2, … if not given"), None),
            ("resume", flag(word, "go on with the run in this folder, with its recorded settings"), None),
            ("env", flag(word, "with --resume: FILE.py:CLASS of an environment of your own"), None),
            ("quiet", flag(bool, "no progress on stderr"), False),
            ("report", flag(bool, "write report.html into the run"), True),
            ("json", flag(bool, "print one JSON object instead of tables"), False),
            ("checkpoint", flag(str, "the time between two checkpoints", metavar="TIME"), "20s"),
            (CHOICES, choices, choices()),
            ("recipe", recipe, recipe()),
        ],
        frozen=True,
    )
