"""Answers as maps: JAX gives the values of NumPy, its gradients are the derivatives, folders keep them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

from ansatz.equations.expansion import Axis, Expansion, ShapeAxis, reordered, values
from ansatz.equations.expansion_map import ExpansionMap
from ansatz.equations.solve import solve
from ansatz.store import decode, encode

CLASSES = {f"{c.__module__}.{c.__qualname__}": c for c in (Expansion, Axis, ShapeAxis)}
RANDOM = np.random.default_rng(4)
CORNERED = "polygon((-1,-1),(1,-1),(1,0),(0,0),(0,1),(-1,1))"


def made(axes, groups, coordinates, edges=(0.0, 1.0), lift="0", modes=None):
    """Return a map of one field with random coefficients."""
    sizes = modes or [5 if isinstance(a, Axis) else a.layer().size for a in axes]
    array = RANDOM.standard_normal((len(edges) - 1, *sizes))
    return Expansion((array,), np.array(edges), (tuple(axes),), groups, coordinates, ("u",), (lift,))


def cases():
    line = Axis("chebyshev", -1.0, 2.0)
    stretched = Axis("chebyshev", -1.0, 2.0, 0.3, 0.2)
    one, two = ((0,),), ((0,), (1,))
    yield "chebyshev", made([line], one, ("x",))
    yield "lift", made([line], one, ("x",), lift="x^3 - exp(-x)/2")
    yield "stretched", made([stretched], one, ("x",))
    for parity in ("even", "odd"):
        yield parity, made([Axis("chebyshev", -1.0, 2.0, parity=parity)], one, ("x",))
        yield f"fourier {parity}", made([Axis("fourier", -1.0, 2.0, parity=parity)], one, ("x",))
        yield f"stretched {parity}", made([Axis("chebyshev", -1.0, 2.0, 0.5, 0.3, parity)], one, ("x",))
    yield "fourier", made([Axis("fourier", -1.0, 2.0)], one, ("x",))
    time = Axis("chebyshev", 0.0, 2.0)
    yield "windows", made([time, stretched], two, ("t", "x"), (0.0, 0.3, 0.5, 2.0), "t*x")
    yield "windows of time alone", made([time], one, ("t",), (0.0, 0.3, 2.0))
    yield "one window", made([time, line], two, ("t", "x"), (0.0, 2.0))
    turned = made([time, line], two, ("t", "x"), (0.0, 0.9, 2.0), "t*x")
    yield "time second", reordered(turned, [sympy.Symbol("x", real=True), sympy.Symbol("t", real=True)])
    disk = ShapeAxis("disk(0,0,1)", ("x", "y"), 4, "1 - x^2 - y^2", 0)
    yield "disk", made([disk], ((0, 1),), ("x", "y"), lift="x*y")
    yield "corners", made([ShapeAxis(CORNERED, ("x", "y"), 3, "", 4)], ((0, 1),), ("x", "y"))
    yield (
        "ball in time",
        made(
            [time, ShapeAxis("ball(0,0,0,1)", ("x", "y", "z"), 2, "", 0)],
            ((0,), (1, 2, 3)),
            ("t", "x", "y", "z"),
        ),
    )


def places(expansion, count=9):
    """Return points inside, away from the edges of windows."""
    columns = [None] * len(expansion.coordinates)
    for axis, group in zip(expansion.axes[0], expansion.groups, strict=True):
        if isinstance(axis, ShapeAxis):
            inside = axis.layer().shape.interior(count, margin=0.05)[:count]
            for c, column in zip(group, inside.T, strict=True):
                columns[c] = column
        else:
            columns[group[0]] = axis.low + (axis.high - axis.low) * (np.arange(count) + 0.37) / count
    return columns


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize(("name", "expansion"), list(cases()), ids=lambda c: c if isinstance(c, str) else "")
def test_jax_and_numpy_agree_on_values_and_derivatives(name, expansion):
    points = places(expansion)
    size = len(points)
    zero = (0,) * size
    stacked = jnp.asarray(np.stack(points, 1))
    wanted = values(expansion, 0, points, zero)
    assert np.allclose(
        jax.jit(jax.vmap(ExpansionMap(*expansion)))(stacked)[:, 0], wanted, rtol=1e-11, atol=1e-11
    )
    slopes = jax.jit(jax.vmap(jax.grad(lambda x: ExpansionMap(*expansion)(x)[0])))(stacked)
    curves = jax.jit(jax.vmap(jax.hessian(lambda x: ExpansionMap(*expansion)(x)[0])))(stacked)
    for a in range(size):
        unit = tuple(int(k == a) for k in range(size))
        by_a = values(expansion, 0, points, unit)
        assert np.allclose(slopes[:, a], by_a, rtol=1e-9, atol=1e-9 * np.abs(by_a).max())
        for b in range(size):
            twice = tuple(int(k == a) + int(k == b) for k in range(size))
            by_both = values(expansion, 0, points, twice)
            assert np.allclose(curves[:, a, b], by_both, rtol=1e-7, atol=1e-7 * np.abs(by_both).max())


@pytest.mark.parametrize(("name", "expansion"), list(cases()), ids=lambda c: c if isinstance(c, str) else "")
def test_a_folder_keeps_every_bit(name, expansion):
    spec, arrays = encode(expansion)
    again = decode(spec, arrays, CLASSES)
    assert again.axes == expansion.axes and again.lifts == expansion.lifts
    points = places(expansion)
    zero = (0,) * len(points)
    assert np.array_equal(values(again, 0, points, zero), values(expansion, 0, points, zero))


def test_windows_are_chosen_by_the_first_axis_and_ends_belong_to_the_earlier():
    expansion = made([Axis("chebyshev", 0.0, 2.0)], ((0,),), ("t",), (0.0, 0.5, 2.0), modes=[1])
    t = np.array([0.0, 0.2, 0.5, 0.6, 2.0])
    first, second = expansion.coefficients[0][:, 0]
    assert np.array_equal(values(expansion, 0, [t], (0,)), [first, first, first, second, second])
    assert np.allclose(
        jax.vmap(ExpansionMap(*expansion))(jnp.asarray(t[:, None]))[:, 0],
        [first, first, first, second, second],
    )


SOLVED = {
    "march": dict(problem="u_t = 0.1*u_xx", on="t=0..1, x=0..1",
                  where=["u(0,x)=sin(pi*x/2)", "u(t,0)=0", "u_x(t,1)=0"]),
    "system": dict(problem="a' = b; b' = -a^3", on="t=0..2", where=["a(0)=1", "b(0)=0"]),
    "at once": dict(problem="u_xx + u_yy = x", on="x=0..1, y=0..2", where="u=x*y"),
    "disk": dict(problem="u_xx + u_yy = 1", on="x,y=disk(0,0,1)", where="u=x"),
    "corners": dict(problem="u_xx + u_yy = 1", on="x,y=lshape()", where="u=0"),
}  # fmt: skip


@pytest.mark.parametrize("name", SOLVED)
def test_the_map_of_a_solution_is_the_solution(name):
    s = solve(**SOLVED[name], accuracy=1e-4)
    points = places(s.map)
    stacked = jnp.asarray(np.stack(points, 1))
    for n, field in enumerate(s.fields):
        assert np.allclose(jax.jit(jax.vmap(s.map))(stacked)[:, n], s[field](*points), rtol=1e-9, atol=1e-9)
        slopes = jax.jit(jax.vmap(jax.grad(lambda x, n=n: s.map(x)[n])))(stacked)
        for a, coordinate in enumerate(s.problem.coordinates):
            by = s[field].derivative(coordinate.name)(*points)
            assert np.allclose(slopes[:, a], by, rtol=1e-7, atol=1e-7 * np.abs(by).max())


def test_a_map_also_runs_in_single_precision():
    s = solve("y' = -y", on="t=0..1", where="y(0)=1")
    with jax.enable_x64(False):
        found = s.map(jnp.asarray([0.5], jnp.float32))
        assert found.dtype == jnp.float32 and abs(float(found[0]) - np.exp(-0.5)) < 1e-5
