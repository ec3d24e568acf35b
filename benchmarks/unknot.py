"""The bars of `ansatz unknot`, in their order."""

from collections.abc import Callable
from typing import Any

from benchmarks.run import numbered
from benchmarks.unknot_env import environment
from benchmarks.unknot_learned import learned, learning, shipped
from benchmarks.unknot_rivals import hard, hard_cores_pass, hard_cores_r
from benchmarks.unknot_search import alone, named_diagrams, rate, reidemeister_only
from benchmarks.unknot_verdicts import verdicts

MEASURES: list[Callable[[], list[dict[str, Any]]]] = [
    environment,
    named_diagrams,
    reidemeister_only,
    alone,
    rate,
    hard,
    hard_cores_r,
    hard_cores_pass,
    verdicts,
    learned,
    learning,
    shipped,
]
ROWS = numbered("unknot", MEASURES)
