"""What watches a run from the host: one event, at each visit between compiled chunks."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ansatz.core import Status


@dataclass
class Event:
    """A visit to the host.

    `metrics` are means over the steps since the last visit, `validation` the newest figures of the
    watch (over seeds: their means).  `snapshot()` copies the whole state for a checkpoint.
    """

    step: int
    total: int
    stage: int
    stages: int
    metrics: dict[str, float]
    validation: dict[str, float]
    elapsed: float
    rate: float
    status: Status | None
    snapshot: Callable[[], Any] = field(repr=False)

    @property
    def remaining(self) -> float:
        """The seconds left at the present rate."""
        return (self.total - self.step) / self.rate if self.rate > 0 else float("inf")


Hook: TypeAlias = Callable[[Event], Status | None]
"""Called at each visit; a status that it returns ends the run with that status."""


class Checkpoint:
    """Save the run into its folder every so many seconds, and when it ends for whatever reason.

    A failed write (disk full) is told once and the run goes on: the last good checkpoint stays.
    """

    def __init__(
        self,
        folder: Any,
        every: float = 30.0,
        tell: Callable[[str], None] = print,
        extra: dict[str, Any] | None = None,
    ):
        self.folder, self.every, self.tell, self.extra = folder, every, tell, extra or {}
        self.last = time.monotonic()
        self.failed: str | None = None

    def __call__(self, event: Event) -> Status | None:
        """Save if the time has come."""
        unfinished = event.status not in (None, Status.finished, Status.stopped_early)
        if time.monotonic() - self.last < self.every and not unfinished:
            return None
        try:
            snapshot = event.snapshot()
            snapshot.info |= self.extra
            self.folder.checkpoint(snapshot, event.step)
            self.failed = None
        except OSError as error:
            if self.failed is None:
                self.tell(f"{error} The run goes on; the last good checkpoint is kept.")
            self.failed = str(error)
        self.last = time.monotonic()
        return None


class Progress:
    """A line on the terminal: step, loss, rate and the time left; plain lines where there is none."""

    def __init__(self, label: str = "training", seconds: float = 5.0, console: Any = None):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self.console = console or Console(stderr=True)
        self.label, self.seconds, self.last = label, seconds, time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"))
        self.bar = Progress(*columns, console=self.console, transient=True)
        self.task = None

    def __call__(self, event: Event) -> Status | None:
        """Draw the newest figures."""
        text = describe(event)
        if self.console.is_terminal:
            if self.task is None:
                self.bar.start()
                self.task = self.bar.add_task(self.label, total=event.total, text=text)
            self.bar.update(self.task, completed=event.step, total=event.total, text=text)
            if event.status is not None:
                self.bar.stop()
        elif time.monotonic() - self.last >= self.seconds:
            self.last = time.monotonic()
            self.console.print(f"{self.label}: {text}", highlight=False)
        return None


def describe(event: Event) -> str:
    """Return a visit in a few words."""
    figures = [f"{name} {value:.4g}" for name, value in _first(event.metrics)[:2]]
    figures += [f"validation {name} {value:.4g}" for name, value in _first(event.validation)[:1]]
    stage = f"stage {event.stage + 1}/{event.stages}, " if event.stages > 1 else ""
    left = (
        f"{event.remaining:.0f} s left" if event.remaining < 6000 else f"{event.remaining / 3600:.1f} h left"
    )
    step = f"step {event.step:,} of {event.total:,}"
    return ", ".join([stage + step, *figures, f"{event.rate:,.4g} steps/s", left])


def _first(metrics: dict[str, float]) -> list[tuple[str, float]]:
    """Return metrics in their order, a return before all others: it is what a policy is trained for."""
    return sorted(metrics.items(), key=lambda one: one[0] != "return")


class Interrupt:
    """Turn Ctrl-C and SIGTERM into a wish that the run notices between two steps.

    A second Ctrl-C interrupts at once.  Outside the main thread signals stay as they are.
    """

    def __init__(self) -> None:
        self.wished = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupt":
        """Take over the signals."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._wish)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _wish(self, number: int, frame: Any) -> None:
        if self.wished and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.wished = True
