"""A table as work that is kept in a run folder: from its source, or from an unfinished run."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from ansatz.cli._answer import Answer
from ansatz.cli._source import Given, check_unchanged, find_source
from ansatz.cli._work import Work
from ansatz.core import BadInput
from ansatz.supervised.network import TableNetwork
from ansatz.supervised.ready import Ready, make_ready, train
from ansatz.supervised.settings import TableSettings
from ansatz.supervised.table import judge
from ansatz.training.run import Run


@dataclass(frozen=True)
class Job:
    """A table to fit: the data, the choices, and the run to go on from, if there is one."""

    given: Given
    settings: TableSettings
    recipe: TableNetwork
    run: Run | None = None


def table_work(job: Job, answer: Answer, *, report: bool = True) -> Work:
    """Read a table and return what is to be done with it."""
    ready = tuned(prepared(job), answer)
    members, rows = ready.settings.members, len(ready.plan.development)
    return Work(
        kind="table",
        words=f"Training {members} networks on {rows} rows.",
        begun={"settings": _plain(ready.settings), "source": ready.source, "target": ready.prepared.target},
        recipe=ready.recipe,
        run=job.run,
        train=lambda hooks, run: train(ready, hooks=hooks, resume=run),
        judge=lambda run: judge(ready, run),
        files=lambda fitted: fitted.files(report=report),
    )


def prepared(job: Job) -> Ready:
    """Return the table read, split and encoded; the record of its source says how to find it again."""
    given = job.given
    assert given.target is not None
    ready = make_ready(given.data, given.target, job.settings, job.recipe)
    ready.prepared.remarks[:0] = given.remarks
    return ready._replace(source=ready.source | given.origin)


def tuned(ready: Ready, answer: Answer) -> Ready:
    """Return the table with the best of `--tune` networks as its recipe; the test part is not touched."""
    if not ready.settings.tune:
        return ready
    from ansatz.supervised.tune import tune

    return tune(ready, ready.settings.tune, seed=ready.settings.seed, tell=answer.tell)[0]


def resumed_table(
    found: tuple[str, dict[str, Any], Any, Run | None, list[str]],
    folder: str,
    source: str | None,
    loss: str | None,
    budget: float | None,
) -> Job:
    """Return the job that an unfinished run records (`found`, as `recorded` returns it).

    `source` says where the table now stands, if it has moved; `loss` must repeat an objective of the
    user's own, for no file is run because a run names it; `budget` allows that many more seconds.
    """
    _, record, recipe, run, remarks = found
    if not isinstance(recipe, TableNetwork):
        raise BadInput(f"{folder} does not hold the recipe of its run; it cannot be resumed.")
    if ".py:" in recipe.loss and loss != recipe.loss:
        raise BadInput(
            f"{folder} was trained with an objective of your own; add --loss {recipe.loss} to run that file."
        )
    try:
        settings = TableSettings(**(record["settings"] | {"ignore": tuple(record["settings"]["ignore"])}))
        origin = dict(record["source"])
        target = record["target"]
        target = str(target["name"] if isinstance(target, dict) else target)
    except (KeyError, TypeError) as error:
        raise BadInput(f"{folder} does not say what was fitted: {error!r}.") from None
    settings = replace(settings, budget=budget or settings.budget)
    given = _recorded_source(origin, source, target)
    return Job(given._replace(remarks=[*given.remarks, *remarks]), settings, recipe, run)


def _plain(settings: TableSettings) -> dict[str, Any]:
    return asdict(settings) | {"ignore": list(settings.ignore)}


def _recorded_source(origin: dict[str, Any], source: str | None, target: str) -> Given:
    name = origin.get("catalogue")
    if isinstance(name, str) and source is None:
        copy = origin.get("own copy")
        return find_source(name, target, copy if isinstance(copy, str) else None)
    place = source or origin.get("path")
    if not isinstance(place, str):
        raise BadInput("The run was fitted to a table in memory; resume it where that table is.")
    check_unchanged(origin, place)
    return find_source(place, target)
