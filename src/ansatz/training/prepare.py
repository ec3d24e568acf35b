"""From a recipe and data to arrays and a program: built once a seed, compiled once a structure."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ansatz.core import BadInput, Each, Parts, Recipe
from ansatz.training.devices import ONE, Placement, for_batch, for_seeds
from ansatz.training.drivers import Loop, Stepped, measured
from ansatz.training.hosted import Hosted
from ansatz.training.oneseed import OneByOne
from ansatz.training.program import Program, flatten, unflatten
from ansatz.training.step import State, clock_at, draw, start

_programs: list[Program] = []
_MOST = 64
HEAVY = 0.01
"""A step of so many seconds is worth splitting over devices."""


class Prepared(NamedTuple):
    """The parts of a stage as arrays: `consts` of the parts, `arrays` of the state, one `key` a seed."""

    parts: Parts
    consts: list[Any]
    shared: list[bool]
    state: State
    source_state: Any
    key: Any


def seed_keys(key: Any, seeds: int) -> list[Any]:
    """Return the key of each seed; seed i has the same key whatever the number of seeds."""
    return [jr.fold_in(key, i) for i in range(seeds)]


def prepare(recipe: Recipe, data: Any, key: Any, seeds: int, enter: Any = None, old: Any = None) -> Prepared:
    """Build the recipe once a seed and stack what differs between the seeds."""
    if isinstance(data, Each) and len(data) != seeds:
        raise BadInput(f"Each holds {len(data)} data sets, but the run has {seeds} seeds: give one a seed.")
    keys, built = seed_keys(key, seeds), []
    for i, k in enumerate(keys):
        parts = recipe.build(data[i] if isinstance(data, Each) else data, k)
        parts = jax.tree.map(_as_array, parts)
        if enter is not None:
            member = jax.tree.map(lambda x, i=i: x[i] if _is_array(x) else x, old) if seeds > 1 else old
            parts = parts._replace(model=enter(member, parts.model))
        built.append(parts)
    host = built[0].source.host
    if host and seeds > 1:
        raise BadInput("A source on the host trains one seed at a time; run the seeds one after the other.")
    if not host and built[0].watch is not None and built[0].watch.source.host:
        raise BadInput(
            "A validation is drawn on the host only where the training is, and this one is compiled."
        )
    states = [_start(parts, k) for parts, k in zip(built, keys, strict=True)]
    source_state = states[0].source if host else None
    if host:
        states = [states[0]._replace(source=())]
    consts = [flatten(parts._replace(model=None)).arrays for parts in built]
    if seeds == 1:
        return Prepared(built[0], consts[0], [True] * len(consts[0]), states[0], source_state, keys[0])
    pairs = [_stack(list(leaves)) for leaves in zip(*consts, strict=True)]
    arrays = [jnp.stack(leaves) for leaves in zip(*(flatten(s).arrays for s in states), strict=True)]
    state = unflatten(flatten(states[0]), arrays)
    return Prepared(
        built[0], [p[0] for p in pairs], [p[1] for p in pairs], state, source_state, jnp.stack(keys)
    )


def program_for(prepared: Prepared, seeds: int, place: Placement) -> Program:
    """Return the program of these parts: a compiled one where its like was seen before."""
    many = seeds if seeds > 1 else 0
    new = Program(prepared.parts, prepared.state, prepared.key, many, prepared.shared, place)
    new.parts = new.parts._replace(arrays=[jax.ShapeDtypeStruct(x.shape, x.dtype) for x in prepared.consts])
    for i, known in enumerate(_programs):
        if known.fits(new):
            _programs.insert(0, _programs.pop(i))
            return known
    _programs.insert(0, new)
    del _programs[_MOST:]
    return new


def forget_programs() -> None:
    """Drop every compiled program that is kept."""
    _programs.clear()


def choose(prepared: Prepared, seeds: int, driver: str | None, place: Placement | None, total: int) -> Any:
    """Return the driver for a stage, compiled and with the seconds of a step measured.

    A step with a convolution is called step by step on a CPU, its batch split over the devices;
    others are looped, and a heavy one (over 10 ms) is tried split as well and the faster kept.
    """
    if prepared.parts.source.host:
        return Hosted(program_for(prepared, 1, ONE), prepared.consts, prepared.parts, prepared.source_state)
    if place is not None:
        return _ready(prepared, seeds, driver, place, total)
    place = for_seeds(seeds) if seeds > 1 else ONE
    cpu = jax.default_backend() == "cpu"
    convolves = driver is None and cpu and _convolves(prepared, seeds, place)
    if seeds > 1:
        stepped = driver == "stepped" or convolves
        return _ready(prepared, seeds, "one by one" if stepped else "loop", place, total)
    split = _split_place(prepared)
    if convolves:
        return _ready(prepared, seeds, "stepped", split, total)
    chosen = _ready(prepared, seeds, driver or "loop", place, total)
    if chosen.program.step_seconds > HEAVY and split != ONE and driver != "loop":
        other = _ready(prepared, seeds, "stepped", split, total)
        if other.program.step_seconds < chosen.program.step_seconds:
            return other
    return chosen


def arrays_for(place: Placement, shared: list[bool], prepared: Prepared) -> tuple[list[Any], list[Any], Any]:
    """Put constants, state and keys where the placement wants them."""
    arrays = flatten(prepared.state).arrays
    if place.devices == 1:
        return prepared.consts, arrays, prepared.key
    if place.kind == "batch":
        return jax.device_put((prepared.consts, arrays, prepared.key), place.replicated())
    where = [place.replicated() if s else place.spread() for s in shared]
    consts = [jax.device_put(x, w) for x, w in zip(prepared.consts, where, strict=True)]
    return consts, *jax.device_put((arrays, prepared.key), place.spread())


def _ready(prepared: Prepared, seeds: int, driver: str | None, place: Placement, total: int) -> Any:
    program = program_for(prepared, seeds, place)
    consts, arrays, key = arrays_for(place, program.shared, prepared)
    if driver == "one by one":
        chosen = OneByOne(prepared, seeds, program_for)
        program = chosen.program
    else:
        chosen = Stepped(program, consts) if driver == "stepped" else Loop(program, consts)
    chosen.compile(arrays, key)
    if program.step_seconds is None:
        program.step_seconds = measured(chosen, arrays, key, total)
    return chosen


def _convolves(prepared: Prepared, seeds: int, place: Placement) -> bool:
    return program_for(prepared, seeds, place).has_convolution(prepared.consts)


def _split_place(prepared: Prepared) -> Placement:
    if len(jax.local_devices()) == 1:
        return ONE
    batch, _ = jax.eval_shape(
        lambda state, key: draw(
            prepared.parts, unflatten(flatten(prepared.state), state), clock_at(0, 1), key
        ),
        flatten(prepared.state).arrays,
        prepared.key,
    )
    return for_batch(batch)


def _start(parts: Parts, key: Any) -> State:
    return jax.tree.map(_as_array, start(parts, key)) if not parts.source.host else start(parts, key)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray)


def _as_array(leaf: Any) -> Any:
    """Make a NumPy array one of JAX's: as a captured constant XLA would fold it for minutes."""
    return jnp.asarray(leaf) if isinstance(leaf, np.ndarray | np.generic) else leaf


def _stack(leaves: list[Any]) -> tuple[Any, bool]:
    """Return a constant of all seeds once if it is the same for all, else stacked."""
    first = leaves[0]
    if all(leaf is first or _equal(leaf, first) for leaf in leaves[1:]):
        return first, True
    shapes = {leaf.shape for leaf in leaves}
    if len(shapes) > 1:
        raise BadInput(
            f"The seeds' data have different shapes, {sorted(shapes)}; give every seed data of one shape."
        )
    return jnp.stack(leaves), False


def _equal(a: Any, b: Any) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
        a, b = jr.key_data(a), jr.key_data(b)
    return bool(np.array_equal(np.asarray(a), np.asarray(b), equal_nan=False))
