"""What a verb prints: sentences and tables for a reader, or one JSON object for a program."""

import contextlib
import json
import math
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from rich.console import Console

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 160
"""Of tables where there is no terminal."""


class Answer:
    """The one place where a verb speaks: results on stdout, progress on stderr.

    With `as_json` stdout carries one JSON object and nothing else, whatever a library prints.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet
        self.stdout = sys.stdout
        width = None if self.stdout.isatty() else WIDTH
        self.reader = Console(file=self.stdout, highlight=False, width=width)
        self.progress = Console(stderr=True, highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Send what libraries print to stderr, so that stdout holds the answer alone."""
        with contextlib.redirect_stdout(sys.stderr):
            yield

    def tell(self, sentence: str) -> None:
        """Say what is being done, unless asked to be quiet."""
        if not self.quiet:
            self.progress.print(sentence, style="dim", markup=False)

    def give(self, record: dict[str, Any], shown: Iterable[Any]) -> None:
        """Print the answer: the record as JSON, or what is shown to a reader."""
        if self.as_json:
            print(json.dumps(plain(record), ensure_ascii=False), file=self.stdout)
            return
        for one in shown:
            self.reader.print(one, markup=False, soft_wrap=isinstance(one, str))


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it; what is infinite or no number becomes null.

    >>> plain({"a": np.float32("nan"), "b": (1, np.int64(2))})
    {'a': None, 'b': [1, 2]}
    """
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def sparkline(values: Any, width: int = 40) -> str:
    """Return a curve `[n]` in one line, each character the mean of a part of it.

    >>> sparkline([8, 4, 2, 1, 1], width=5)
    '█▄▂▁▁'
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return ""
    means = np.array([part.mean() for part in np.array_split(values, min(width, len(values)))])
    span = means.max() - means.min()
    heights = np.zeros(len(means)) if span <= 0 else (means - means.min()) / span
    return "".join(BARS[round(float(height) * (len(BARS) - 1))] for height in heights)
