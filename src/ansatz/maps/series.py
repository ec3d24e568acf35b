"""Taylor, Fourier and polynomial series as maps, to compare with networks (notes §1)."""

import functools
import itertools
import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import BadInput, Fixed, Map
from ansatz.maps.shapes import expect, positive

MOST_TERMS = 20_000


def _monomial(i: int, x: Array, last: Array, before: Array) -> Array:
    return x * last


def _chebyshev(i: int, x: Array, last: Array, before: Array) -> Array:
    return 2 * x * last - before


def _legendre(i: int, x: Array, last: Array, before: Array) -> Array:
    return ((2 * i + 1) * x * last - i * before) / (i + 1)


# (i, x, P_i, P_{i-1}) -> P_{i+1}, from P_0 = 1 and P_1 = x.
BASES: dict[str, Callable[[int, Array, Array, Array], Array]] = {
    "chebyshev": _chebyshev,
    "legendre": _legendre,
    "monomial": _monomial,
}


def basis(name: str, degree: int, x: Float[Array, " size"]) -> Float[Array, "size count"]:
    """Return P_0(x) … P_degree(x) of a basis, by its three-term recurrence.

    `name` is "chebyshev", "legendre" or "monomial"; the first two are orthogonal on [-1, 1].

    >>> basis("chebyshev", 3, jnp.asarray([0.5])).tolist()
    [[1.0, 0.5, -0.5, -1.0]]
    """
    recurrence = choose("basis", name, BASES)
    values = [jnp.ones_like(x), x]
    for i in range(1, degree):
        values.append(recurrence(i, x, values[i], values[i - 1]))
    return jnp.stack(values[: degree + 1], axis=1)


@functools.cache
def exponents(size: int, degree: int, cross: bool) -> np.ndarray:
    """Return the exponents `[terms, size]` of the terms of degree 1 … `degree` in `size` variables.

    Without `cross` only the powers of one variable each, `size · degree` of them; with it every
    product of total degree at most `degree`, ``(size + degree choose degree) - 1`` of them.
    """
    count = math.comb(size + degree, degree) - 1 if cross else size * degree
    if count > MOST_TERMS:
        raise BadInput(
            f"A series of degree {degree} in {size} variables has {count} terms; at most {MOST_TERMS} are "
            "allowed: lower the degree" + (" or leave out the cross terms." if cross else ".")
        )
    if not cross:
        rows = np.arange(1, degree + 1)[:, None, None] * np.eye(size, dtype=int)[None]
        return rows.reshape(count, size).astype(np.int32)
    chosen = (
        c for d in range(1, degree + 1) for c in itertools.combinations_with_replacement(range(size), d)
    )
    return np.array([np.bincount(c, minlength=size) for c in chosen], np.int32)


def terms(name: str, degree: int, cross: bool, x: Float[Array, " size"]) -> Float[Array, " terms"]:
    """Return the terms of degree 1 … `degree` of a series at `x`, in the order of `exponents`."""
    values = basis(name, degree, x)
    if not cross:
        return values[:, 1:].T.reshape(-1)
    powers = exponents(x.shape[0], degree, cross)
    return jnp.prod(values[np.arange(x.shape[0], dtype=np.int32)[None, :], powers], axis=1)


class Taylor(Map):
    """``f(x) = b + Σ_α w_α (x - x₀)^α`` over 1 ≤ |α| ≤ degree, with ``w_α = ∂^α f(x₀) / α!``.

    `weight: [out, terms]`, `bias: [out]`, `center: [in]` (x₀, 0 unless given) carried and not trained.
    Without `cross` there is one power series in each variable; with it all mixed terms too.  The
    weights start at N(0, 1 / in_size) / α!.  Source: notes §1, with b outside the sum (errata).

    >>> round(float(taylor_of(jnp.exp, 0.0, 8)(jnp.asarray([1.0]))[0]), 3)
    2.718
    """

    weight: Float[Array, "out terms"]
    bias: Float[Array, " out"]
    center: Fixed
    degree: int = eqx.field(static=True)
    cross: bool = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        degree: int = 3,
        center: Float[Array, " size"] | None = None,
        cross: bool = False,
        *,
        key: PRNGKeyArray,
    ):
        positive("Taylor", in_size=in_size, out_size=out_size, degree=degree)
        powers = exponents(in_size, degree, cross)
        factorials = np.array([math.prod(math.factorial(int(a)) for a in row) for row in powers], float)
        drawn = jax.random.normal(key, (out_size, len(powers))) / math.sqrt(in_size)
        self.weight = drawn / jnp.asarray(factorials, drawn.dtype)[None, :]
        self.bias = jnp.zeros(out_size)
        if center is not None:
            expect(center, (in_size,), "Taylor's center")
        self.center = Fixed(jnp.zeros(in_size) if center is None else center)
        self.degree, self.cross = degree, cross

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " out"]:
        """Return the value of the series at `x: [in]`."""
        expect(x, self.center.value.shape, "Taylor")
        return self.weight @ terms("monomial", self.degree, self.cross, x - self.center.value) + self.bias

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Taylor, Array]":
        """Return a small map and an input for it."""
        taylor = Taylor(2, 3, degree=3, center=jnp.asarray([0.5, -0.5]), cross=True, key=key)
        return taylor, jax.random.normal(key, (2,))


def taylor_of(function: Callable[[Array], Array], center: float, degree: int) -> Taylor:
    """Return the Taylor polynomial of a smooth function of one number, by repeated differentiation.

    `function` maps a scalar to a scalar; ``w_i = f^(i)(x₀) / i!`` and ``b = f(x₀)``.
    """
    derivatives, at = [function], jnp.asarray(float(center))
    for _ in range(degree):
        derivatives.append(jax.grad(derivatives[-1]))
    values = [d(at) / math.factorial(i) for i, d in enumerate(derivatives)]
    series = Taylor(1, 1, degree, center=at[None], key=jax.random.key(0))
    new = jnp.stack(values[1:])[None, :], values[0][None]
    return eqx.tree_at(lambda s: (s.weight, s.bias), series, new)


class Polynomial(Map):
    """``f(x) = b + Σ_α w_α P_α(x / scale)``, a polynomial in an orthogonal basis.

    `basis` is "chebyshev", "legendre" or "monomial", and ``P_α(x) = Π_k P_{α_k}(x_k)``.  `scale` > 0 is the
    half-width of the data: the bases are bounded by 1 for |x| ≤ scale, and grow like x^degree
    beyond it.  Without `cross` the polynomial is a sum of ones in each variable.

    >>> Polynomial(1, 1, degree=4, key=jax.random.key(0)).weight.shape
    (1, 4)
    """

    weight: Float[Array, "out terms"]
    bias: Float[Array, " out"]
    size: int = eqx.field(static=True)
    degree: int = eqx.field(static=True)
    basis: str = eqx.field(static=True)
    scale: float = eqx.field(static=True)
    cross: bool = eqx.field(static=True)

    def __init__(
        self,
        in_size: int,
        out_size: int,
        degree: int = 8,
        basis: str = "chebyshev",
        scale: float = 1.0,
        cross: bool = False,
        *,
        key: PRNGKeyArray,
    ):
        positive("Polynomial", in_size=in_size, out_size=out_size, degree=degree)
        choose("basis", basis, BASES)
        if not scale > 0:
            raise BadInput(f"Polynomial needs a scale above 0, not {scale!r}.")
        count = len(exponents(in_size, degree, cross))
        self.weight = jax.random.normal(key, (out_size, count)) / math.sqrt(count)
        self.bias = jnp.zeros(out_size)
        self.size, self.degree, self.basis, self.cross = in_size, degree, basis, cross
        self.scale = float(scale)

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " out"]:
        """Return the value of the polynomial at `x: [in]`."""
        expect(x, (self.size,), "Polynomial")
        return self.weight @ terms(self.basis, self.degree, self.cross, x / self.scale) + self.bias

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Polynomial, Array]":
        """Return a small map and an input for it."""
        return Polynomial(2, 2, degree=4, basis="legendre", scale=2.0, key=key), jax.random.normal(key, (2,))


class Fourier(Map):
    """``f(x) = Σ_i w⁽²⁾_i cos(w⁽¹⁾_i · x + b_i)``: the notes' Fourier series, frequencies and all trained.

    `frequency: [width, in]` starts at N(0, scale²), `phase: [width]` uniformly in [0, 2π) and
    `weight: [out, width]` at N(0, 2 / width), so that f starts as a draw from a process with kernel
    ``exp(-scale² |x - x'|² / 2)`` (Rahimi & Recht 2007).

    >>> Fourier(1, 1, width=16, key=jax.random.key(0)).frequency.shape
    (16, 1)
    """

    frequency: Float[Array, "width in"]
    phase: Float[Array, " width"]
    weight: Float[Array, "out width"]

    def __init__(
        self, in_size: int, out_size: int, width: int = 64, scale: float = 1.0, *, key: PRNGKeyArray
    ):
        positive("Fourier", in_size=in_size, out_size=out_size, width=width)
        if not scale > 0:
            raise BadInput(f"Fourier needs a scale above 0, not {scale!r}.")
        k1, k2, k3 = jax.random.split(key, 3)
        self.frequency = scale * jax.random.normal(k1, (width, in_size))
        self.phase = jax.random.uniform(k2, (width,), maxval=2 * math.pi)
        self.weight = math.sqrt(2 / width) * jax.random.normal(k3, (out_size, width))

    def __call__(self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None) -> Float[Array, " out"]:
        """Return the value of the series at `x: [in]`."""
        expect(x, (self.frequency.shape[1],), "Fourier")
        return self.weight @ jnp.cos(self.frequency @ x + self.phase)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Fourier, Array]":
        """Return a small map and an input for it."""
        return Fourier(2, 2, width=8, key=key), jax.random.normal(key, (2,))
