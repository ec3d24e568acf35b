"""What every kind of generative model is before it is trained, and the way from there to a folder."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax

from ansatz.core import Status
from ansatz.generate.budget import Plan, used_up
from ansatz.training.devices import Placement
from ansatz.training.fit import fit
from ansatz.training.hooks import Checkpoint
from ansatz.training.run import Run


@dataclasses.dataclass(frozen=True)
class Ready:
    """Data that are read, and what will be trained on them.

    The recipe of the `plan` is built from `data`; `source` says where these came from, `remarks` what was
    done to them.
    """

    data: Any
    settings: Any
    plan: Plan
    source: dict[str, Any]
    remarks: list[str]

    @property
    def recipe(self) -> Any:
        """The recipe, its sizes chosen."""
        return self.plan.recipe

    @property
    def words(self) -> str:
        """What is about to be done, in a sentence."""
        return self.plan.words

    @property
    def begun(self) -> dict[str, Any]:
        """What a run folder says from the first moment, enough to begin again to the same bits."""
        place = self.plan.placement
        return {
            "settings": dataclasses.asdict(self.settings),
            "source": self.source,
            "driver": self.plan.driver,
            "placement": None if place is None else list(place),
        }


def time_left(settings: Any, started: float) -> float:
    """Return the seconds left of the budget; where none are, and no steps given, raise `BadInput`."""
    spent = time.monotonic() - started
    if spent >= settings.seconds and not settings.steps:
        raise used_up(settings.seconds, spent, "reading the data")
    return settings.seconds - spent


def planned(settings: Any, plan: Plan, started: float) -> Any:
    """Return the settings with the steps of a plan; where the budget allows none, raise `BadInput`."""
    if not plan.steps:
        raise used_up(settings.seconds, time.monotonic() - started)
    return dataclasses.replace(settings, steps=plan.steps)


def repeated(recipe: Any, steps: int, begun: dict[str, Any]) -> Plan:
    """Return the plan of a run that has begun, as far as this machine still has its devices."""
    place = None if begun["placement"] is None else Placement(*begun["placement"])
    if place is not None and place.devices > len(jax.local_devices()):
        place = None
    return Plan(recipe, steps, begun["driver"], place, f"Going on with {steps:,} steps.")


def train(ready: Ready, hooks: Sequence[Any] = (), resume: Run | None = None) -> Run:
    """Train the network on data that are ready."""
    plan = ready.plan
    return fit(
        plan.recipe,
        ready.data,
        steps=plan.steps,
        key=ready.settings.seed,
        driver=plan.driver if plan.driver in ("loop", "stepped") else None,
        placement=plan.placement,
        hooks=hooks,
        resume=resume,
    )


def generated(
    kind: str,
    chosen: tuple[Any, Any],
    make_ready: Callable[..., Ready],
    judge: Callable[[Any, Run], Any],
    *,
    out: Any = None,
    hooks: Sequence[Any] = (),
    resume: Run | None = None,
) -> Any:
    """Return what `judge(ready, run)` makes of the trained `make_ready(settings, recipe, begun=…)`.

    `chosen` are the settings and the recipe, those of the run to `resume` if one is given.  In the folder
    `out` the training is kept as it grows, and then the result, whose `kind` it records.
    """
    settings, recipe = chosen
    begun = None
    if resume is not None:
        settings, recipe = dataclasses.replace(settings, steps=resume.total), resume.recipe
        begun = {name: resume.info[name] for name in ("driver", "placement")}
    ready = make_ready(settings, recipe, begun=begun)
    if out is None:
        return judge(ready, _uninterrupted(ready, hooks, resume))
    from ansatz.store import RunFolder

    with RunFolder.create(out) as folder:
        extra = {"kind": f"{kind}, unfinished", kind: ready.begun}
        run = _uninterrupted(ready, (*hooks, Checkpoint(folder, 20.0, extra=extra)), resume)
        model = judge(ready, run)
        folder.finish(*model.files())
    return model


def _uninterrupted(ready: Ready, hooks: Sequence[Any], resume: Run | None) -> Run:
    run = train(ready, hooks, resume)
    if run.status is Status.interrupted:
        raise KeyboardInterrupt(run.message)
    return run
