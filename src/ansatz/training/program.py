"""A recipe's step, traced once and compiled: as a loop of many steps, or one call a step.

The step is traced to a jaxpr; both drivers run that jaxpr, so they take the same steps:

* `Loop` runs a chunk of steps in one `while_loop` of dynamic length, validation included; it stops
  at the first step whose metrics are not finite;
* `Stepped` calls the step once at a time on flat, donated arrays: for sources on the host, and for
  convolutions, which XLA runs on one thread inside a loop on a CPU.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec
from jaxtyping import PyTree

from ansatz._compat import jaxpr_as_fun, shard_map
from ansatz.core import BadInput, Mean, Metrics, Parts
from ansatz.training.devices import Placement
from ansatz.training.step import State, advance, clock_at, draw, judge, learn, validate
from ansatz.training.structure import same

CHUNK = 4096
"""The most steps that one call of a loop takes: the length of its record of metrics."""


class Flat(NamedTuple):
    """A tree as a flat list of arrays and what puts it together again."""

    arrays: list[Any]
    treedef: Any
    rest: Any

    @property
    def skeleton(self) -> PyTree:
        """The tree with a mark in the place of each array."""
        marks = jax.tree.unflatten(self.treedef, ["array"] * len(self.arrays))
        return eqx.combine(marks, self.rest)


def flatten(tree: PyTree) -> Flat:
    """Split a tree into its arrays and all else."""
    arrays, rest = eqx.partition(tree, eqx.is_array)
    leaves, treedef = jax.tree.flatten(arrays)
    return Flat(leaves, treedef, rest)


def unflatten(flat: Flat, arrays: Any) -> PyTree:
    """Put other arrays into the place of a tree's own."""
    return eqx.combine(jax.tree.unflatten(flat.treedef, arrays), flat.rest)


def same_structure(a: Flat, b: Flat) -> bool:
    """Tell whether two trees agree in all but the values of their arrays."""
    shapes = [[(x.shape, x.dtype) for x in flat.arrays] for flat in (a, b)]
    return shapes[0] == shapes[1] and same(a.skeleton, b.skeleton)


class Columns:
    """The names of the metrics, in the order of their places in a row."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.means: set[str] = set()

    def pack(self, metrics: Metrics) -> Any:
        """Return the metrics as one row; a `Mean` takes two places."""
        self.names, self.means, values = [], set(), []
        for name, metric in metrics.items():
            parts = (metric.total, metric.weight) if isinstance(metric, Mean) else (metric,)
            for part in parts:
                if jnp.ndim(part) != 0:
                    raise BadInput(
                        f"The metric {name!r} has the shape {jnp.shape(part)}; a metric is a scalar."
                    )
            self.names.append(name)
            if isinstance(metric, Mean):
                self.means.add(name)
            values.extend(jnp.asarray(part) for part in parts)
        dtype = jnp.float64 if any(v.dtype == jnp.float64 for v in values) else jnp.float32
        return jnp.stack([v.astype(dtype) for v in values]) if values else jnp.zeros(0, dtype)

    def unpack(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return rows `[..., m]` as columns `[...]`; a `Mean` of weight 0 is nan."""
        columns, place = {}, 0
        for name in self.names:
            if name in self.means:
                weight = rows[..., place + 1]
                with np.errstate(invalid="ignore", divide="ignore"):
                    columns[name] = np.where(weight == 0, np.nan, rows[..., place] / weight)
                place += 2
            else:
                columns[name] = rows[..., place]
                place += 1
        return columns

    def place_name(self, place: int) -> str:
        """Return the name of the metric at a place of a row."""
        names = [name for name in self.names for _ in range(2 if name in self.means else 1)]
        return names[place]


class Program:
    """The traced step of some parts, for states and data of fixed shapes.

    `seeds` is 0 for a single run, else the length of the leading axis of every array in the state;
    `shared` says which arrays of the parts are the same for all seeds.
    """

    def __init__(
        self, parts: Parts, state: State, key: Any, seeds: int, shared: list[bool], place: Placement
    ):
        self.parts, self.state = flatten(parts._replace(model=None)), flatten(state)
        self.seeds, self.shared, self.place, self.host = seeds, shared, place, parts.source.host
        self.train, self.check = Columns(), Columns()
        self.key = key
        self.watch = parts.watch
        self.jaxprs: dict[str, Any] = {}
        self.compiled: dict[str, Any] = {}
        self.compile_seconds = 0.0
        self.driver: str | None = None
        self.step_seconds: float | None = None

    def fits(self, other: "Program") -> bool:
        """Tell whether this program computes what `other` would, so that it need not be compiled."""
        return (
            (self.seeds, self.shared, self.place) == (other.seeds, other.shared, other.place)
            and same_structure(self.state, other.state)
            and same_structure(self.parts, other.parts)
            and self.key.shape == other.key.shape
            and self.key.dtype == other.key.dtype
        )

    def one(self, consts: Any, arrays: Any, key: Any, step: Any, total: Any) -> tuple[Any, Any]:
        """One training step on flat arrays."""
        parts, state = unflatten(self.parts, consts), unflatten(self.state, arrays)
        clock = clock_at(step, total)
        if self.place.kind == "batch":
            batch, source = draw(parts, state, clock, key)
            batch = jax.lax.with_sharding_constraint(batch, self.place.spread())
            new, metrics = learn(parts, state._replace(source=source), batch, clock, key)
            arrays = jax.lax.with_sharding_constraint(self._closed(new), self.place.replicated())
            return arrays, self.train.pack(metrics)
        new, metrics = advance(parts, state, clock, key)
        return self._closed(new), self.train.pack(metrics)

    def learn(self, consts: Any, arrays: Any, batch: Any, key: Any, step: Any, total: Any) -> tuple[Any, Any]:
        """The compiled half of a step whose batch comes from the host."""
        parts, state = unflatten(self.parts, consts), unflatten(self.state, arrays)
        new, metrics = learn(parts, state, batch, clock_at(step, total), key)
        return self._closed(new), self.train.pack(metrics)

    def validate(self, consts: Any, arrays: Any, key: Any, step: Any, total: Any) -> tuple[Any, Any]:
        """Validation on flat arrays, after `step` steps."""
        parts, state = unflatten(self.parts, consts), unflatten(self.state, arrays)
        new, metrics = validate(parts, state, clock_at(step, total), key)
        return self._closed(new), self.check.pack(metrics)

    def judge(self, consts: Any, arrays: Any, batches: Any, step: Any, total: Any) -> tuple[Any, Any]:
        """The compiled half of a validation whose batches come from the host, after `step` steps."""
        parts, state = unflatten(self.parts, consts), unflatten(self.state, arrays)
        new, metrics = judge(parts, state, batches, clock_at(step, total))
        return self._closed(new), self.check.pack(metrics)

    def over_seeds(self, function: Any) -> Any:
        """Return the function over the seeds' leading axes; step and total stay scalars."""
        if not self.seeds:
            return function
        axes = ([None if shared else 0 for shared in self.shared], 0, 0, None, None)
        return jax.vmap(function, in_axes=axes)

    def trace(self, name: str, consts: Any) -> Any:
        """Return the jaxpr of `one` or `validate` as a function of flat arrays; traced once."""
        if name not in self.jaxprs:
            step = jnp.zeros((), jnp.int32)
            function = self.over_seeds(getattr(self, name))
            self.jaxprs[name] = jax.make_jaxpr(function)(*self._shapes(consts), step, step)
        closed = self.jaxprs[name]
        run = jaxpr_as_fun(closed)
        count = len(self.state.arrays)

        def flat(consts: Any, arrays: Any, key: Any, step: Any, total: Any) -> tuple[Any, Any]:
            out = run(*jax.tree.leaves((consts, arrays, key, step, total)))
            return list(out[:count]), out[count]

        return flat

    def _shapes(self, consts: Any) -> tuple[Any, Any, Any]:
        """Return constants, state and keys as one device sees them: its share of the seeds."""
        share = self.seeds // self.place.devices if self.seeds else 0

        def cut(x: Any) -> Any:
            return jax.ShapeDtypeStruct((share, *x.shape[1:]) if self.seeds else x.shape, x.dtype)

        whole = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in consts]
        consts = [x if shared else cut(x) for x, shared in zip(whole, self.shared, strict=True)]
        return consts, [cut(x) for x in self.state.arrays], cut(self.key)

    def has_convolution(self, consts: Any) -> bool:
        """Tell whether a step computes a convolution."""
        self.trace("one", consts)
        return has_primitive(self.jaxprs["one"].jaxpr, "conv_general_dilated")

    def _closed(self, new: State) -> list[Any]:
        flat = flatten(new)
        if flat.treedef != self.state.treedef:
            raise BadInput(
                "A step changed the structure of the model or of its source; an update, `after` and a source "
                "must return trees like those they were given."
            )
        axis = 1 if self.seeds else 0
        for was, now in zip(self.state.arrays, flat.arrays, strict=True):
            if was.shape[axis:] != now.shape or was.dtype != now.dtype:
                raise BadInput(
                    f"A step turned an array {was.dtype}{list(was.shape[axis:])} of the model or source into "
                    f"{now.dtype}{list(now.shape)}; a step must keep shapes and types."
                )
        return flat.arrays


def make_loop(program: Program, consts: Any) -> Any:
    """Return the compiled-loop function `(consts, arrays, key, start, total, count)`.

    It takes up to `count` steps and returns the new arrays, the number of steps taken and the
    records: `rows [CHUNK, (seeds,) m]`, `checks [c, (seeds,) v]` and the steps of the checks.
    """
    one = program.trace("one", consts)
    watch = program.watch
    check = program.trace("validate", consts) if watch else None
    every = watch.every if watch else 0
    room = CHUNK // every + 2 if watch else 1
    width = program.jaxprs["one"].out_avals[-1]
    check_width = program.jaxprs["validate"].out_avals[-1] if watch else width

    def loop(consts: Any, arrays: Any, key: Any, start: Any, total: Any, count: Any) -> Any:
        seeds = (arrays[0].shape[0],) if program.seeds else ()

        def train(carry: Any) -> Any:
            i, _, arrays, rows = carry
            arrays, row = one(consts, arrays, key, start + i, total)
            rows = jax.lax.dynamic_update_index_in_dim(rows, row, i, 0)
            return i + 1, jnp.isfinite(row).all(), arrays, rows

        def visit(carry: Any) -> Any:
            i, fine, arrays, rows, checks, times, done = carry
            end = jnp.minimum(count, i + every - (start + i) % every) if watch else count
            i, fine, arrays, rows = jax.lax.while_loop(
                lambda c: (c[0] < end) & c[1], train, (i, fine, arrays, rows)
            )
            if watch:
                due = fine & (((start + i) % every == 0) | (start + i == total))
                arrays, checks, times, done = jax.lax.cond(
                    due, measure, lambda *same: same[:4], arrays, checks, times, done, start + i
                )
            return i, fine, arrays, rows, checks, times, done

        def measure(arrays: Any, checks: Any, times: Any, done: Any, step: Any) -> Any:
            assert check is not None
            arrays, row = check(consts, arrays, key, step, total)
            checks = jax.lax.dynamic_update_index_in_dim(checks, row, done, 0)
            return arrays, checks, times.at[done].set(step), done + 1

        def going(carry: Any) -> Any:
            i, fine, arrays, *_ = carry
            return (i < count) & fine & ~exhausted(program, arrays)

        rows = jnp.full((CHUNK, *seeds, width.shape[-1]), jnp.nan, width.dtype)
        checks = jnp.full((room, *seeds, check_width.shape[-1]), jnp.nan, check_width.dtype)
        times, zero = jnp.zeros(room, jnp.int32), jnp.zeros((), jnp.int32)
        first = (zero, jnp.asarray(True), arrays, rows, checks, times, zero)
        i, fine, arrays, rows, checks, times, _ = jax.lax.while_loop(going, visit, first)
        return arrays, i[None], fine[None], rows, checks, times[None]

    if program.place.kind != "seeds" or program.place.devices == 1:
        return jax.jit(loop)
    mesh, spread, whole = program.place.mesh, PartitionSpec("seeds"), PartitionSpec()
    along = PartitionSpec(None, "seeds")
    return jax.jit(
        shard_map(
            loop,
            mesh=mesh,
            in_specs=([whole if s else spread for s in program.shared], spread, spread, whole, whole, whole),
            out_specs=(spread, spread, spread, along, along, spread),
            check_vma=False,
        )
    )


def exhausted(program: Program, arrays: Any) -> Any:
    """Tell whether validation has run out of patience, for every seed."""
    watch = program.watch
    if watch is None or watch.patience is None:
        return jnp.asarray(False)
    best = unflatten(program.state, arrays).best
    return (best.stale >= watch.patience).all()


def has_primitive(jaxpr: Any, name: str) -> bool:
    """Tell whether a primitive of this name stands anywhere in a jaxpr."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == name:
            return True
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns") and has_primitive(inner, name):
                    return True
    return False
