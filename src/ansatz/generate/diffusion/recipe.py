"""Diffusion on vectors: a recipe that learns to draw more rows like those of an array."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz._spelling import choose
from ansatz.core import BadInput, Fixed, Pairs, Parts, Recipe, Watch
from ansatz.data.table import Blocks, Table
from ansatz.generate.diffusion.average import Averaged, averaging, of_average, of_live, parameters, power
from ansatz.generate.diffusion.denoisers import Learned
from ansatz.generate.diffusion.objective import denoising
from ansatz.generate.diffusion.schedule import SCHEDULES
from ansatz.generate.rows import as_rows, check_held, set_aside
from ansatz.maps.denoiser import DenoisingMLP
from ansatz.training.optimizers import optimizer, schedule
from ansatz.training.updates import Descend

VALIDATIONS = 20
BLOCK = 2048
"""The most rows in one block of a validation."""


class VectorModel(Averaged):
    """A denoiser of standardized vectors, ``z = (x - center) / scale``, and its average."""

    center: Fixed
    scale: Fixed


class VectorDiffusion(Recipe):
    """Learn to draw vectors like the rows `x: [N, d]` of `Pairs(x, y)`; y are classes `[N]` or None.

    - `process`: flow, linear, cosine or exploding (see `schedule`).
    - `prediction`: what the network predicts (see `prediction`); `space`: in what squares are taken, "" for
      the same; `times`: how noise levels are drawn (see `objective`).
    - `width`, `depth`, `waves`, `activation`: of the network (see `DenoisingMLP`).
    - `batch`, `learning_rate`, `schedule`, `warmup`, `clip`: of Adam's training.
    - `average`: the width of the average of the parameters, as a share of the steps (see `power`).
    - `drop`: the share of rows trained without their class, which guidance needs.
    - `held`: the share of rows, in [0, 1), on which the loss is measured and that do not train.

    Each column is brought to mean 0 and deviation 1.  Data that are no table of finite numbers, classes
    that are not whole numbers from 0 on, and columns without spread raise `BadInput`.
    """

    process: str = eqx.field(default="flow", static=True)
    prediction: str = eqx.field(default="flow", static=True)
    space: str = eqx.field(default="", static=True)
    times: str = eqx.field(default="log_normal", static=True)
    width: int = eqx.field(default=64, static=True)
    depth: int = eqx.field(default=3, static=True)
    waves: int = eqx.field(default=16, static=True)
    activation: str = eqx.field(default="silu", static=True)
    batch: int = eqx.field(default=256, static=True)
    learning_rate: float = eqx.field(default=4e-3, static=True)
    schedule: str = eqx.field(default="cosine", static=True)
    warmup: float = eqx.field(default=0.02, static=True)
    clip: float = eqx.field(default=1.0, static=True)
    average: float = eqx.field(default=0.05, static=True)
    drop: float = eqx.field(default=0.1, static=True)
    held: float = eqx.field(default=0.05, static=True)

    def build(self, data: Pairs, key: Any) -> Parts:
        """Return the parts for these rows."""
        x, y = as_rows(data)
        inside, order = jax.random.split(key)
        check_held(self.held, "rows")
        train, held = set_aside(order, len(x), self.held)
        center, scale = x[train].mean(0), x[train].std(0)
        if (flat := np.flatnonzero(scale <= 1e-6 * np.abs(center))).size:
            raise BadInput(f"Column {flat[0]} of the data has next to no spread: leave it out.")
        pairs = Pairs(jnp.asarray((x - center) / scale, jnp.float32), None if y is None else jnp.asarray(y))
        net = DenoisingMLP(
            x.shape[1], self.width, self.depth, 0 if y is None else int(y.max()) + 1, 0, self.waves,
            self.activation, key=inside,
        )  # fmt: skip
        live = Learned(net, choose("process", self.process, SCHEDULES)(), self.prediction)  # type: ignore
        fixed = [Fixed(jnp.asarray(value, jnp.float32)) for value in (center, scale)]
        model = VectorModel(live, parameters(live), *fixed)
        loss = denoising(self.times, self.space or None, drop=self.drop)
        rule = optimizer("adam", self.learning_rate, clip=self.clip or None)
        down = Descend(of_live(loss), rule, schedule=schedule(self.schedule, self.warmup))
        watch = None
        if len(held):
            blocks = Blocks(pairs, min(BLOCK, len(held)), held)
            watch = Watch(blocks, of_average(loss), self._every(len(train)), blocks.blocks)
        return Parts(model, Table(pairs, self.batch, train), (down,), averaging(power(self.average)), watch)

    def _every(self, rows: int) -> int:
        """Return the steps between validations: a pass over the data, and at least 100."""
        return max(100, rows // self.batch)
