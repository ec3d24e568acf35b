"""`ansatz solve`: a differential equation, from its text to a function with an error you can believe.

Write derivatives as u_t, u_xx or u''. The echo on stderr says how the problem was understood.

examples:
  ansatz solve "y'' = -y" --on "t=0..6" --where "y(0)=1" "y'(0)=0" --out runs/oscillator
  ansatz solve "u_t + u*u_x = nu*u_xx" --let "nu=0.01/pi" --on "t=0..1, x=-1..1" \\
      --where "u(0,x)=-sin(pi*x)" "u(t,-1)=0" "u(t,1)=0"
  ansatz solve "-psi''/2 + x^2*psi/2 = E*psi" --on "x=-9..9" --where "psi(-9)=0" "psi(9)=0" \\
      --eigenvalue E --levels 6
  ansatz solve "y' = -k*y" --on "t=0..1" --where "y(0)=1" --unknown "k=2" --data decay.csv
  ansatz solve "y'' = -omega^2*y" --sweep "omega=1..10:10" --on "t=0..1" --where "y(0)=1" "y'(0)=0"
  ansatz solve --gallery oscillator --let "omega=10"
  ansatz solve --list
"""

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer

STATED = ("on", "where", "unknown", "eigenvalue", "complex", "data")


def command(arguments: list[str]) -> int:
    """Solve what the words state; return 1 if the answer did not converge."""
    from ansatz.cli._answer import Answer
    from ansatz.cli._flags import parse

    asked, named = parse(_form(), [_kept(word) for word in arguments], "solve", __doc__ or "")
    answer = Answer(as_json=asked.json, quiet=asked.quiet)
    if asked.list:
        from ansatz.cli._solved import gallery_list

        answer.give(*gallery_list())
        return 0
    with answer.working():
        record, shown, code = _solve(asked, named, answer, shlex.join(["ansatz", "solve", *arguments]))
    answer.give(record, shown)
    return code


def _kept(word: str) -> str:
    """Mark an equation that begins with a minus, so that it is not taken for a flag."""
    return f" {word}" if word[:1] == "-" and word[1:2] not in ("", "-", "h") else word


def _solve(
    asked: Any, named: set[str], answer: "Answer", words: str
) -> tuple[dict[str, Any], list[Any], int]:
    """Return the record of the answer, what is shown of it, and the exit code."""
    from ansatz.cli._flags import seconds
    from ansatz.cli._solved import Bar, keep, solved_answer
    from ansatz.cli.main import DONE, FAILED
    from ansatz.equations.export import check_export
    from ansatz.equations.solve import solve
    from ansatz.errors import BadInput

    budget = seconds(asked.budget)
    if asked.sweep:
        from ansatz.cli._swept import solve_swept

        _check_gallery(asked, named)
        stated = _words(asked) if asked.gallery is None else {}
        record, shown, good = solve_swept(asked, stated, _network(asked), budget, answer, words)
        return record, shown, DONE if good else FAILED
    if asked.paired:
        raise BadInput("--paired says how several --sweep go together, and there is none.")
    for path in asked.export:
        check_export(path)
    entry = None if asked.gallery is None else _entry(asked, named)
    problem = _stated(asked) if entry is None else entry.problem(asked.levels)
    answer.tell(problem.echo())
    for remark in (*problem.remarks, *(entry.remarks if entry is not None else ())):
        answer.tell(f"· {remark}")
    accuracy, size = asked.accuracy, asked.size
    if entry is not None:
        accuracy, size = accuracy or entry.accuracy, size or entry.size
    options = {"accuracy": accuracy} if accuracy is not None else {}
    with Bar(answer) as bar:
        solution = solve(
            problem,
            method=asked.method,
            soft=asked.soft,
            size=size,
            budget=budget,
            check=asked.check,
            seed=asked.seed,
            progress=bar,
            network=_network(asked),
            **options,
        )
    kept = keep(solution, entry, asked, words)
    record, shown = solved_answer(solution, entry, kept)
    return record, shown, DONE if solution.converged else FAILED


def _entry(asked: Any, named: set[str]) -> Any:
    """Return the equation of the gallery, its parameters taken from `--let`."""
    from ansatz.equations import gallery
    from ansatz.equations.gallery._entry import parameters_of

    _check_gallery(asked, named)
    return gallery.get(asked.gallery, **parameters_of(asked.let))


def _check_gallery(asked: Any, named: set[str]) -> None:
    """Refuse words that state a problem beside one of the gallery."""
    from ansatz.errors import BadInput

    if asked.gallery is None:
        return
    if asked.equations or (wrong := [one for one in STATED if one in named]):
        what = "An equation" if asked.equations else f"--{wrong[0]}"
        raise BadInput(f"{what} cannot be given with --gallery: the gallery states {asked.gallery} in full.")


def _stated(asked: Any) -> Any:
    """Return the problem that the words state."""
    from ansatz.equations.declare import problem_of_text

    return problem_of_text(**_words(asked))


def _words(asked: Any) -> dict[str, Any]:
    """Return the words that state a problem, as `problem_of_text` takes them."""
    from ansatz.errors import BadInput

    if not asked.equations:
        raise BadInput("There is nothing to solve: write an equation, as \"y'' = -y\", or --gallery NAME.")
    if not asked.on:
        raise BadInput('The domain is missing: say where the equation holds, as --on "t=0..1".')
    return {
        "equations": list(asked.equations),
        "on": asked.on,
        "where": list(asked.where),
        "let": asked.let,
        "unknowns": asked.unknown,
        "eigenvalue": asked.eigenvalue,
        "levels": asked.levels or 1,
        "complex": asked.complex,
        "data": None if asked.data is None else _columns(asked.data),
        "corners": "accept" if asked.accept_corners else "reject",
    }


def _columns(path: str) -> dict[str, Any]:
    """Return the columns of numbers of a table."""
    from ansatz.core import BadInput
    from ansatz.data import read_table

    frame = read_table(Path(path))
    columns = {name: frame[name].to_numpy() for name in frame.columns if frame[name].dtype.is_numeric()}
    if not columns:
        raise BadInput(
            f"{path} has no column of numbers; a row holds the coordinates and the measured fields."
        )
    return columns


def _network(asked: Any) -> dict[str, Any]:
    """Return the settings of the network that were given."""
    given = {name: getattr(asked, name) for name in ("width", "depth", "steps", "members")}
    return {name: value for name, value in given.items() if value is not None}


def _form() -> type:
    """Return the dataclass of the flags."""
    import tyro

    from ansatz.cli._flags import flag
    from ansatz.equations.solve import METHODS

    word: Any = str | None
    many: Any = tuple[str, ...]
    rows = [
        ("equations", flag(many, "the equations", tyro.conf.Positional, metavar="EQ"), ()),
        ("on", flag(str, 'the domain: "t=0..1, x=-1..1" or "x,y=disk(0,0,1)"', metavar="DOMAIN"), ""),
        ("where", flag(many, 'the conditions: "u(0,x)=sin(x)", "periodic(x)", "u=0"', metavar="COND"), ()),
        ("let", flag(str, 'constants: "nu=0.01/pi, k=2"; parameters of the gallery', metavar="LIST"), ""),
        ("sweep", flag(many, 'constants with many values: "omega=1,2,5", "k=0..1:11"', metavar="LIST"), ()),
        ("paired", flag(bool, "several --sweep go in pairs, not in every combination"), False),
        ("unknown", flag(str, 'constants to find from data, with a start: "nu=0.1"', metavar="LIST"), ""),
        ("eigenvalue", flag(str, "the name of the eigenvalue", metavar="NAME"), ""),
        ("levels", flag(int | None, "how many of its lowest values"), None),
        ("complex", flag(many, "the complex fields", metavar="NAME"), ()),
        ("data", flag(word, "a table of coordinates and measured fields", metavar="FILE"), None),
        ("gallery", flag(word, "solve this equation of the gallery", metavar="NAME"), None),
        ("list", flag(bool, "list the gallery"), False),
        ("accept_corners", flag(bool, "accept conditions that contradict one another in a corner"), False),
        ("accuracy", flag(float | None, "the relative error aimed at; 1e-6 if not given"), None),
        ("method", flag(str, ", ".join(METHODS)), "auto"),
        ("soft", flag(bool, "conditions as penalties (networks only)"), False),
        ("check", flag(bool, "compare with a classical solver"), False),
        ("budget", flag(word, "stop after this time with what there is", metavar="TIME"), None),
        ("size", flag(int | None, "the most unknowns of one least-squares problem"), None),
        ("seed", flag(int, "of random points and parameters"), 0),
        ("width", flag(int | None, "of the network's layers"), None),
        ("depth", flag(int | None, "how many layers the network has"), None),
        ("steps", flag(int | None, "of the network's training"), None),
        ("members", flag(int | None, "how many networks are trained at once and averaged"), None),
        ("out", flag(word, "the folder to keep the solution and its report in", metavar="DIR"), None),
        ("export", flag(many, "write values on a grid: .npz, .csv or .vtk", metavar="FILE"), ()),
        ("json", flag(bool, "print one JSON object instead of tables"), False),
        ("quiet", flag(bool, "no echo and no progress on stderr"), False),
    ]
    return dataclasses.make_dataclass("Solve", rows, frozen=True)
