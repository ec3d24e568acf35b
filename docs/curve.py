"""The recipe of the chapters: a network on points, with everything that the notes name as a field."""

import equinox as eqx
import jax.numpy as jnp

from ansatz.core import Pairs, Parts, Recipe, Watch
from ansatz.data.table import Table, Whole
from ansatz.maps import MLP
from ansatz.objectives import objective, penalized
from ansatz.training.optimizers import optimizer, schedule
from ansatz.training.updates import Descend


class Curve(Recipe):
    """Fit an MLP to points; `data` is (train, validation) or the training points alone."""

    width: int = eqx.field(default=32, static=True)
    depth: int = eqx.field(default=1, static=True)
    activation: str = eqx.field(default="tanh", static=True)
    loss: str = eqx.field(default="mean_squared_error", static=True)
    method: str = eqx.field(default="adam", static=True)
    rate: float = eqx.field(default=1e-2, static=True)
    schedule: str = eqx.field(default="constant", static=True)
    batch: int | None = eqx.field(default=None, static=True)
    dropout: float = eqx.field(default=0.0, static=True)
    l1: float = eqx.field(default=0.0, static=True)
    l2: float = eqx.field(default=0.0, static=True)
    patience: int | None = eqx.field(default=None, static=True)

    def build(self, data, key):
        """Return the parts for points `x: [N, in]`, `y: [N, out]`."""
        train, held = data if isinstance(data, tuple) and not isinstance(data, Pairs) else (data, None)
        train = Pairs(*(jnp.asarray(part) for part in train[:2]))
        sizes = train.x.shape[1], train.y.shape[1]
        model = MLP(*sizes, self.width, self.depth, self.activation, dropout=self.dropout, key=key)
        loss = penalized(objective(self.loss), self.l1, self.l2)
        rate = None if self.method == "lbfgs" else self.rate
        move = Descend(loss, optimizer(self.method, rate), schedule=schedule(self.schedule))
        source = Whole(train) if self.batch is None else Table(train, self.batch)
        watch = None
        if held is not None:
            watch = Watch(Whole(held), objective(self.loss), every=20, patience=self.patience)
        return Parts(model, source, (move,), watch=watch)
