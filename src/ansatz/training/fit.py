"""`fit`: run a recipe on data until its steps, its budget or its patience are used up."""

import math
import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.random as jr
import numpy as np

from ansatz.core import BadInput, Each, Recipe, Stage, Status
from ansatz.training import devices, prepare, records
from ansatz.training.devices import Placement
from ansatz.training.hooks import Event, Hook, Interrupt
from ansatz.training.program import CHUNK, unflatten
from ansatz.training.run import Run, restore_arrays, save_arrays, versions
from ansatz.training.step import best_model

VISIT = 0.5
"""The seconds between two visits to the host."""


def fit(
    recipe: Recipe | Sequence[Stage],
    data: Any = None,
    *,
    steps: int | None = None,
    budget: float | None = None,
    key: Any = 0,
    seeds: int = 1,
    placement: Placement | None = None,
    driver: str | None = None,
    hooks: Sequence[Hook] = (),
    resume: Run | None = None,
) -> Run:
    """Train what a recipe builds from the data, and return the run.

    **Arguments**

    - `recipe`: a `Recipe`, or a sequence of `Stage`s, each with its own number of steps.
    - `data`: whatever the recipe's `build` takes; `Each([...])` gives every seed data of its own.
    - `steps`: the number of steps (at least 1); not needed with stages or a `budget`.
    - `budget`: the wall-clock seconds that the run may take, compilation included.  The number of
      steps, at most `steps`, is set from the measured speed, so that schedules end in time, and recorded.
    - `key`: an integer or a JAX key; the same key gives the same bits on the same machine.
    - `seeds`: so many independent runs at once; arrays of the run get a leading axis.
    - `placement`, `driver` ("loop" or "stepped"): chosen by measurement where they are None.
    - `hooks`: called at each visit to the host with one `Event`; a returned status ends the run.
    - `resume`: a `Run` to go on from; the result equals the unbroken run to the bit.

    Raises `BadInput` before anything compiles when the arguments do not fit together.

    >>> import jax.numpy as jnp, optax
    >>> from ansatz.core import Parts, Recipe, Source
    >>> from ansatz.training.updates import Descend
    >>> class Nothing(Source):
    ...     def init(self, model, key): return ()
    ...     def next(self, state, model, clock, key): return (), state
    >>> class Parabola(Recipe):
    ...     rate: float = 0.1
    ...     def build(self, data, key):
    ...         down = Descend(lambda x, batch, key: ((x - 3) ** 2, {}), optax.sgd(self.rate))
    ...         return Parts(jnp.asarray(0.0), Nothing(), (down,))
    >>> run = fit(Parabola(), steps=100)
    >>> run.message, round(float(run.model), 4)
    ('The run finished: all its steps were taken.', 3.0)
    """
    begun = time.monotonic()
    stages = _stages(recipe, steps, budget)
    _check(seeds, budget, driver, data, resume, stages)
    key = jr.key(key) if isinstance(key, int | np.integer) else key
    devices.keep_compiled_programs()
    session = _Session(stages, data, key, seeds, placement, driver, tuple(hooks), budget, begun)
    with Interrupt() as interrupt:
        return session.run(resume, interrupt)


class _Session:
    """The host's side of one call of `fit`."""

    def __init__(self, stages, data, key, seeds, placement, driver, hooks, budget, begun):
        self.stages, self.data, self.key, self.seeds = stages, data, key, seeds
        self.placement, self.wanted, self.hooks = placement, driver, hooks
        self.budget, self.begun = budget, begun
        self.history, self.validation = records.Records(), records.Records()
        self.latest: dict[str, float] = {}
        self.remarks: list[str] = []
        self.message = ""

    def run(self, resume: Run | None, interrupt: Interrupt) -> Run:
        """Go through the stages."""
        first, model = 0, None
        if resume is not None:
            self._take_up(resume)
            first = resume.stage
        for index in range(first, len(self.stages)):
            resumed = resume if index == first else None
            status = self._stage(index, model, resumed, interrupt)
            if status not in (Status.finished, Status.stopped_early):
                break
            model = self._model()
        return self._result(status)

    def _stage(self, index: int, model: Any, resume: Run | None, interrupt: Interrupt) -> Status:
        stage = self.stages[index]
        enter = stage.enter if model is not None else None
        ready = prepare.prepare(stage.recipe, self.data, self.key, self.seeds, enter, model)
        self.index, self.ready, self.step = index, ready, 0
        placement, wanted = self.placement, self.wanted
        if resume is not None:
            placement, wanted = _as_before(resume)
        self.total = stage.steps or (resume.total if resume else 2**31 - 2)
        self.driver = prepare.choose(ready, self.seeds, wanted, placement, self.total)
        program = self.driver.program
        _, self.arrays, _ = prepare.arrays_for(program.place, program.shared, ready)
        if resume is not None and resume.state:
            self.step = resume.step
            self.arrays, source = restore_arrays(resume.state, self.arrays, ready.source_state)
            if ready.source_state is not None:
                self.driver.source_state = source
        elif self.budget is not None and len(self.stages) == 1:
            self.total = min(self.total, self._steps_within_budget())
        return self._train(interrupt)

    def _train(self, interrupt: Interrupt) -> Status:
        """Alternate between chunks of steps and visits to the host."""
        program, visited = self.driver.program, time.monotonic()
        seconds = program.step_seconds
        if self.step >= self.total:
            self._visit({}, Status.finished, 0.0)
            return Status.finished
        while True:
            late = self.budget is not None and time.monotonic() - self.begun >= self.budget
            if interrupt.wished or late:
                why = Status.interrupted if interrupt.wished else Status.out_of_budget
                self._visit({}, why, 0.0)
                return why
            count = 1 if seconds is None else min(CHUNK, max(1, round(VISIT / seconds)))
            count = min(count, self.total - self.step)
            chunk = self.driver.run(
                self.arrays, self.ready.key, self.step, self.total, count, lambda: interrupt.wished
            )
            part = self._record(chunk)
            now = time.monotonic()
            if chunk.taken:
                seconds = (now - visited) / chunk.taken if seconds is None else seconds
                seconds = 0.5 * seconds + 0.5 * (now - visited) / chunk.taken
            status = self._status(chunk)
            asked = self._visit(part, status, 1 / seconds if seconds else 0.0)
            if asked is not None:
                return asked
            visited = time.monotonic()

    def _record(self, chunk: Any) -> dict[str, Any]:
        program = self.driver.program
        steps = np.arange(self.step, self.step + chunk.taken)
        part = self.history.add(self.index, steps, program.train, chunk.rows)
        checks = self.validation.add(self.index, chunk.times, program.check, chunk.checks)
        if checks:
            self.latest = records.means({name: column[-1:] for name, column in checks.items()})
        self.arrays, self.step = chunk.arrays, self.step + chunk.taken
        return part

    def _status(self, chunk: Any) -> Status | None:
        if chunk.bad is not None:
            self.message = self._explain(chunk.bad)
            return Status.nonfinite
        if chunk.done:
            return Status.stopped_early
        return Status.finished if self.step >= self.total else None

    def _explain(self, bad: np.ndarray) -> str:
        where = np.argwhere(~np.isfinite(bad))[0]
        name = self.driver.program.train.place_name(int(where[-1]))
        seed = f" of seed {where[0]}" if bad.ndim > 1 else ""
        return (
            f"The metric {name!r}{seed} became {bad[tuple(where)]} at step {self.step}; the state before "
            "that step is kept. A smaller learning rate, clipping, or a look at extreme values in the "
            "data helps."
        )

    def _visit(self, part: dict[str, Any], status: Status | None, rate: float) -> Status | None:
        """Call the hooks; return the status with which the stage ends, or None to go on."""
        last = self.index == len(self.stages) - 1
        shown = status if last or status not in (Status.finished, Status.stopped_early) else None
        event = Event(
            step=self.step,
            total=self.total,
            stage=self.index,
            stages=len(self.stages),
            metrics=records.means(part),
            validation=self.latest,
            elapsed=time.monotonic() - self.begun,
            rate=rate,
            status=shown,
            snapshot=lambda: self._result(status or Status.interrupted).snapshot(),
        )
        wishes = [wish for hook in self.hooks if (wish := hook(event)) is not None]
        return status if status is not None or not wishes else wishes[0]

    def _steps_within_budget(self) -> int:
        """Return the number of steps that the rest of the budget allows, at the measured speed."""
        assert self.budget is not None
        seconds = self.driver.program.step_seconds
        if seconds is None:
            seconds = self.driver.measured(self.arrays, self.ready.key)
        left = self.budget - (time.monotonic() - self.begun)
        return max(1, math.floor(0.93 * left / seconds))

    def _take_up(self, resume: Run) -> None:
        if resume.seeds != self.seeds:
            raise BadInput(f"The saved run has {resume.seeds} seeds, not {self.seeds}.")
        self.history = records.Records(dict(resume.history))
        self.validation = records.Records(dict(resume.validation))
        now = versions()
        for name, was in resume.info.get("versions", {}).items():
            if now.get(name) != was:
                self.remarks.append(
                    f"Resumed with {name} {now.get(name)} instead of {was}: the bits may differ from an "
                    "unbroken run's."
                )

    def _model(self) -> Any:
        return best_model(unflatten(self.driver.program.state, self.arrays))

    def _result(self, status: Status) -> Run:
        program, driver = self.driver.program, self.driver
        state = unflatten(program.state, self.arrays)
        info = {
            "driver": driver.name,
            "placement": list(program.place),
            "step_seconds": program.step_seconds,
            "compile_seconds": program.compile_seconds,
            "seconds": time.monotonic() - self.begun,
            "best_step": None if state.best is None else np.asarray(state.best.step).tolist(),
            "versions": versions(),
            "remarks": self.remarks,
        }
        message = self.message if status is Status.nonfinite else status.value
        if status is Status.stopped_early and state.best is not None:
            best = np.ravel(info["best_step"])
            where = f"step {best[0]}" if best.min() == best.max() else f"steps {best.min()} to {best.max()}"
            kind = "It is that of" if best.size == 1 else "The seeds' best are those of"
            message = f"{message} {kind} {where}; {self.step} steps were taken."
        return Run(
            model=best_model(state),
            status=status,
            message=message,
            step=self.step,
            total=self.total,
            stage=self.index,
            seeds=self.seeds,
            key=self.key,
            recipe=self.stages[self.index].recipe,
            history=self.history.columns(),
            validation=self.validation.columns(),
            state=save_arrays(self.arrays, getattr(driver, "source_state", None)),
            info=info,
        )


def _stages(recipe: Any, steps: int | None, budget: float | None) -> list[Stage]:
    if isinstance(recipe, Recipe):
        if steps is None and budget is None:
            raise BadInput("fit needs to know when to stop: give steps=..., or budget=... in seconds.")
        if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
            raise BadInput(f"steps={steps!r} is not a number of steps: give an integer of at least 1.")
        return [Stage(recipe, steps or 0)]
    stages = list(recipe)
    if not stages or not all(
        isinstance(stage, Stage) and isinstance(stage.recipe, Recipe) for stage in stages
    ):
        raise BadInput(f"fit takes a Recipe or a sequence of Stages, not {type(recipe).__name__}.")
    if steps is not None:
        raise BadInput("With stages each stage has its own steps; leave steps=... out.")
    if bad := [stage.steps for stage in stages if stage.steps < 1]:
        raise BadInput(f"A stage with {bad[0]} steps cannot be run: give each stage at least 1.")
    return stages


def _check(seeds: int, budget: Any, driver: Any, data: Any, resume: Any, stages: list[Stage]) -> None:
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise BadInput(f"seeds={seeds!r} is not a number of seeds: give an integer of at least 1.")
    if budget is not None and not (isinstance(budget, int | float) and budget > 0):
        raise BadInput(f"budget={budget!r} is not a time: give a positive number of seconds.")
    if driver not in (None, "loop", "stepped"):
        raise BadInput(f"driver={driver!r} is not known: it is 'loop' or 'stepped', or None to choose.")
    if isinstance(data, Each) and seeds == 1 and len(data) != 1:
        raise BadInput(f"Each holds {len(data)} data sets for one seed: set seeds={len(data)}.")
    if resume is not None and not isinstance(resume, Run):
        raise BadInput(f"resume takes a Run, as `ansatz.load` returns it, not {type(resume).__name__}.")
    if resume is not None and resume.stage >= len(stages):
        raise BadInput(
            f"The saved run is in stage {resume.stage + 1}, but there are only {len(stages)} stages."
        )


def _as_before(resume: Run) -> tuple[Placement | None, str | None]:
    """Return the choices of the saved run, where this machine still has its devices."""
    kind, count = resume.info["placement"]
    name = resume.info["driver"]
    driver = {"one by one": "stepped", "hosted": None}.get(name, name)
    free = name in ("one by one", "hosted") or count > len(jax.local_devices())
    return None if free else Placement(kind, count), driver
