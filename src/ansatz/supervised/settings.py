"""The choices of `ansatz fit` that are not the network's own."""

import dataclasses
from typing import Any

from ansatz._spelling import nearest
from ansatz.core import BadInput
from ansatz.supervised.network import TableNetwork
from ansatz.supervised.options import check_budget, check_sizes, sort_options

SPLITS = ("random", "group", "time")


@dataclasses.dataclass(frozen=True)
class TableSettings:
    """How a table is split, trained and judged.

    - `task`: regression, binary or multiclass; found from the target where it is None.
    - `log`: fit the logarithm of a positive target.
    - `ignore`: columns that are not inputs.
    - `test`: the share of rows that are touched once, at the end.
    - `split`, `by`: "random" (stratified for classes), or by a column `by` "group" or "time".
    - `members`: networks in the ensemble, 0 to choose (8 for small tables, 4 for large ones).
    - `tune`: compare so many networks on the validation rows first, by successive halving; 0 for none.
    - `epochs`: the most passes over the data, 0 to choose; `budget`: the most seconds, or None.
    - `proven`: for a small table CV+ intervals, wider and with a proven coverage.
    - `baselines`, `attribution`: whether to compare, and to look at which columns matter.
    - `seed`: of the split, the initialisation and the mini-batches.
    """

    task: str | None = None
    log: bool = False
    ignore: tuple[str, ...] = ()
    test: float = 0.1
    split: str = "random"
    by: str | None = None
    members: int = 0
    tune: int = 0
    epochs: int = 0
    budget: float | None = None
    proven: bool = False
    baselines: bool = True
    attribution: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be, before data are read."""
        if not 0 < self.test < 1:
            raise BadInput(f"test={self.test} is no share of the rows: it lies between 0 and 1.")
        if self.split not in SPLITS:
            raise BadInput(f"There is no split {self.split!r}; {nearest(self.split, SPLITS)}.")
        if (self.split == "random") != (self.by is None):
            raise BadInput("A split by group or time needs by=COLUMN, and a random one has none.")
        check_sizes(self, not_negative=("members", "tune", "epochs", "seed"))
        check_budget(self.budget)


def sort_out(options: dict[str, Any]) -> tuple[TableSettings, TableNetwork]:
    """Return the settings and the network that keyword arguments ask for; unknown ones get a sentence."""
    mine, theirs = sort_options(options, TableSettings, TableNetwork)
    if "ignore" in mine:
        mine["ignore"] = tuple([mine["ignore"]] if isinstance(mine["ignore"], str) else mine["ignore"])
    return TableSettings(**mine), TableNetwork(**theirs)
