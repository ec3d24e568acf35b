"""The bars of `ansatz unknot`, in their order."""

from collections.abc import Callable
from typing import Any

from benchmarks.run import numbered
from benchmarks.unknot_env import environment
from benchmarks.unknot_search import alone, hard, named_diagrams, rate, reidemeister_only

MEASURES: list[Callable[[], list[dict[str, Any]]]] = [
    environment,
    named_diagrams,
    reidemeister_only,
    alone,
    rate,
    hard,
]
ROWS = numbered("unknot", MEASURES)
