"""Derivatives of a network with respect to its inputs: only those asked for, in one pass.

A map is evaluated on a truncated Taylor polynomial instead of on a point (Taylor mode; Griewank &
Walther 2008, chapter 13).  With a point x and an increment h,

    x_j ↦ x_j + h_j,    f(x + h) = Σ_α c_α h^α,    ∂^α f = α! c_α,

and only the coefficients of the smallest set of multi-indices are carried that contains those asked
for and, with every index, all below it.  An affine layer acts on each coefficient; an activation is
composed by Faà di Bruno's formula, ``σ(z + d) = Σ_k σ⁽ᵏ⁾(z) dᵏ / k!``; products are Leibniz's rule.
The Laplacian is carried as one coefficient more (the forward Laplacian, Li et al. 2023):

    Δσ(z) = σ'(z) Δz + σ''(z) Σ_j (∂_j z)²
"""

import functools
import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz.core import BadInput, Map
from ansatz.equations.slopes import slopes
from ansatz.maps import MLP, Activation, Affine, Chain, Skip

ORDER = 4
"""The highest total order of a derivative."""

Index: TypeAlias = tuple[int, ...]


class Laplacian(NamedTuple):
    """``Σ_j ∂_j²`` over some of the coordinates, to be asked for in the place of a multi-index."""

    coordinates: tuple[int, ...]


Jet: TypeAlias = dict[Any, Any]
"""Coefficients ``c_α = ∂^α f / α!`` by multi-index, and Laplacians; one that is absent is 0."""


def derivatives(map: Map, x: Float[Array, " d"], indices: Iterable[Any]) -> dict[Any, Array]:
    """Return ∂^α f(x) for every α asked for, by its index.

    `x: [d]` is one example; each of `indices` is a multi-index (an order for each coordinate, at most
    4 together) or a `Laplacian`.  `map` is made of `Affine`, `Activation`, `MLP`, `Chain`, `Skip` or of
    maps with a `jet` method; every derivative has the shape of f(x).  Another map, an activation that
    is not smooth or an index that does not fit raises `BadInput`.

    >>> import jax
    >>> mlp = MLP(2, 1, width=4, activation="tanh", key=jax.random.key(0))
    >>> found = derivatives(mlp, jnp.ones(2), ((0, 0), (1, 0), (0, 2)))
    >>> found[0, 2].shape, bool(jnp.allclose(found[1, 0], jax.jacobian(mlp)(jnp.ones(2))[:, 0], atol=1e-6))
    ((1,), True)
    """
    asked = tuple(indices)
    carried = closure(asked, x.shape[0])
    jet = propagate(map, start(x, carried), carried)
    zero = jnp.zeros_like(jet[(0,) * x.shape[0]])
    return {index: jet.get(index, zero) * factorial(index) for index in asked}


def laplacian(map: Map, x: Float[Array, " d"]) -> tuple[Array, Array, Array]:
    """Return f(x) `[out]`, its gradient `[d, out]` and its Laplacian `[out]`, in one forward pass.

    >>> import jax
    >>> wave = MLP(2, 1, depth=0, output="sin", key=jax.random.key(0))
    >>> value, gradient, found = laplacian(wave, jnp.ones(2))
    >>> bool(jnp.allclose(found, -value * (wave.last.weight**2).sum()))
    True
    """
    size = x.shape[0]
    whole, units = Laplacian(tuple(range(size))), [unit(j, size) for j in range(size)]
    found = derivatives(map, x, ((0,) * size, *units, whole))
    return found[(0,) * size], jnp.stack([found[e] for e in units]), found[whole]


def closure(indices: Iterable[Any], size: int) -> tuple[Any, ...]:
    """Return the smallest downward-closed set that contains the indices, lowest order first.

    A `Laplacian` needs the first derivatives in its coordinates.  An index that is not one for `size`
    coordinates, or of an order above 4, raises `BadInput`.

    >>> closure(((0, 2),), 2)
    ((0, 0), (0, 1), (0, 2))
    >>> closure((Laplacian((0, 1)),), 2)
    ((0, 0), (0, 1), (1, 0), Laplacian(coordinates=(0, 1)))
    """
    found: set[Index] = {(0,) * size}
    sums: list[Laplacian] = []
    for index in indices:
        if isinstance(index, Laplacian):
            if not index.coordinates or not all(0 <= j < size for j in index.coordinates):
                raise BadInput(f"A Laplacian over {index.coordinates} does not fit {size} coordinates.")
            found |= {unit(j, size) for j in index.coordinates}
            sums += [index] if index not in sums else []
            continue
        if len(index) != size or any(order < 0 for order in index):
            raise BadInput(f"A multi-index has {size} orders of at least 0, one a coordinate, not {index}.")
        if sum(index) > ORDER:
            raise BadInput(f"The derivative {index} is of order {sum(index)}; orders go up to {ORDER}.")
        found |= set(itertools.product(*(range(order + 1) for order in index)))
    return (*sorted(found, key=lambda index: (sum(index), index)), *sums)


def unit(coordinate: int, size: int) -> Index:
    """Return the multi-index of the first derivative in one of `size` coordinates.

    >>> unit(1, 3)
    (0, 1, 0)
    """
    return tuple(int(i == coordinate) for i in range(size))


def factorial(index: Any) -> int:
    """Return α! = Π_i α_i!, and 1 for a `Laplacian`.

    >>> factorial((2, 3))
    12
    """
    return 1 if isinstance(index, Laplacian) else math.prod(math.factorial(order) for order in index)


def start(x: Float[Array, " d"], carried: Iterable[Any]) -> Jet:
    """Return the jet of ``h ↦ x + h`` in the indices that are carried."""
    size, indices = x.shape[0], set(carried)
    jet: Jet = {(0,) * size: x}
    unity = jnp.eye(size, dtype=x.dtype)
    return jet | {unit(j, size): unity[j] for j in range(size) if unit(j, size) in indices}


def taylor(values: Mapping[Any, Any]) -> Jet:
    """Return the jet whose derivatives are given: each is divided by its α!."""
    return {index: value / factorial(index) for index, value in values.items()}


def add(a: Jet, b: Jet) -> Jet:
    """Return the jet of a sum."""
    return {index: a[index] + b[index] if index in a and index in b else a.get(index, b.get(index))
            for index in (*a, *(index for index in b if index not in a))}  # fmt: skip


def multiply(a: Jet, b: Jet, carried: Iterable[Any]) -> Jet:
    """Return the jet of a product, coefficient by coefficient (Leibniz); shapes broadcast."""
    product: Jet = {}
    for index in carried:
        if isinstance(index, Laplacian):
            terms = _laplacian_of_product(a, b, index)
        else:
            pairs = ((low, tuple(i - j for i, j in zip(index, low, strict=True))) for low in a
                     if not isinstance(low, Laplacian))  # fmt: skip
            terms = [a[low] * b[high] for low, high in pairs if min(high) >= 0 and high in b]
        if terms:
            product[index] = functools.reduce(jnp.add, terms)
    return product


def compose(table: tuple[Any, ...], z: Jet, carried: tuple[Any, ...]) -> Jet:
    """Return the jet of σ(z), where `table` holds σ, σ', σ'', … at the value of z."""
    zero = next(index for index in carried if not isinstance(index, Laplacian))
    result: Jet = {zero: table[0]}
    rest = {index: value for index, value in z.items() if index != zero}
    power = rest
    plain = tuple(index for index in carried if not isinstance(index, Laplacian))
    for k in range(1, _order(carried) + 1):
        scale = table[k] / math.factorial(k)
        result = add(result, {index: scale * value for index, value in power.items() if index in plain})
        power = multiply(power, rest, plain)
    for index in (index for index in carried if isinstance(index, Laplacian)):
        slope = [z[unit(j, len(zero))] ** 2 for j in index.coordinates if unit(j, len(zero)) in z]
        terms = [table[2] * functools.reduce(jnp.add, slope)] if slope else []
        terms += [table[1] * z[index]] if index in z else []
        if terms:
            result[index] = functools.reduce(jnp.add, terms)
    return result


@functools.singledispatch
def propagate(map: Any, jet: Jet, carried: tuple[Any, ...]) -> Jet:
    """Return the jet of f(z) for the jet of z; a map of one's own says how in a method `jet`."""
    if hasattr(map, "jet"):
        return map.jet(jet, carried)
    raise BadInput(
        f"The derivatives of {type(map).__name__} are not known: build it from Affine, Activation, MLP, "
        "Chain and Skip, or give it a method jet(jet, carried)."
    )


@propagate.register
def _(map: Affine, jet: Jet, carried: tuple[Any, ...]) -> Jet:
    zero = carried[0]
    moved = {index: map.weight @ value for index, value in jet.items()}
    return moved | {zero: moved[zero] + map.bias}


@propagate.register
def _(map: Activation, jet: Jet, carried: tuple[Any, ...]) -> Jet:
    return _activate(map.name, jet, carried)


@propagate.register
def _(map: Chain, jet: Jet, carried: tuple[Any, ...]) -> Jet:
    return functools.reduce(lambda z, part: propagate(part, z, carried), map.maps, jet)


@propagate.register
def _(map: Skip, jet: Jet, carried: tuple[Any, ...]) -> Jet:
    return add(jet, propagate(map.inner, jet, carried))


@propagate.register
def _(map: MLP, jet: Jet, carried: tuple[Any, ...]) -> Jet:
    if map.norms:
        raise BadInput("The derivatives of an MLP with layer norms are not known: build it with norm=False.")
    for i, affine in enumerate(map.hidden):
        nodes = _activate(map.activation, propagate(affine, jet, carried), carried)
        jet = add(jet, nodes) if map.skip and i > 0 else nodes
    return _activate(map.output, propagate(map.last, jet, carried), carried)


def _activate(name: str, jet: Jet, carried: tuple[Any, ...]) -> Jet:
    if name == "identity":
        return jet
    return compose(slopes(name, jet[carried[0]], _order(carried)), jet, carried)


def _order(carried: tuple[Any, ...]) -> int:
    return max(2 if isinstance(index, Laplacian) else sum(index) for index in carried)


def _laplacian_of_product(a: Jet, b: Jet, index: Laplacian) -> list[Any]:
    zero = next(low for low in a if not isinstance(low, Laplacian) and not any(low))
    units = [unit(j, len(zero)) for j in index.coordinates]
    terms = [2 * a[e] * b[e] for e in units if e in a and e in b]
    terms += [a[index] * b[zero]] if index in a else []
    return terms + ([a[zero] * b[index]] if index in b else [])
