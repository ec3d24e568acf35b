"""Residuals and Jacobians on tensor grids, against complex steps through the same equations."""

import numpy as np
import pytest
import sympy

from ansatz.equations.basis import Functional, Layer
from ansatz.equations.domain import Disk, Polygon
from ansatz.equations.pointwise import Pointwise
from ansatz.equations.series import Block, Series, lift_at, product, split
from ansatz.equations.shape_layer import ShapeLayer
from ansatz.equations.stretch import Stretch

t, x, y = (sympy.Symbol(name, real=True) for name in "txy")
nu = sympy.Symbol("nu", real=True)
RANDOM = np.random.default_rng(3)


def layer(modes, *, low=0.0, high=1.0, kind="chebyshev", ends=()):
    return Layer(Stretch(low, high), modes, tuple(Functional(p, (1.0,)) for p in ends), "", kind)


def field(name, *coordinates):
    return sympy.Function(name, real=True)(*coordinates)


def ordinary():
    u = field("u", t)
    equation = sympy.diff(u, t, 2) + sympy.sin(u) * sympy.diff(u, t) - nu * t * u**3
    fields = [Series((layer(5, ends=(0.0,)),), sympy.cos(t))]
    return Block(Pointwise([equation], [u], [t], [nu]), fields, [np.linspace(0, 1, 7)])


def system():
    u, v = field("u", t, x), field("v", t, x)
    equations = [
        sympy.diff(u, t) + u * sympy.diff(u, x) - nu * sympy.diff(u, x, 2) + x * v,
        sympy.diff(v, t, x) + sympy.exp(-u) * v - sympy.diff(v, x, 3) * t,
    ]
    fields = [
        Series((layer(3), layer(4, ends=(0.0, 1.0))), t * x**2),
        Series((layer(4), layer(5, kind="fourier"))),
    ]
    pointwise = Pointwise(equations, [u, v], [t, x], [nu])
    return Block(pointwise, fields, [np.linspace(0, 1, 4), np.linspace(0, 1, 5)], weight=3.0)


def solid():
    u = field("u", t, x, y)
    equation = sympy.diff(u, t) - u * (sympy.diff(u, x, 2) + sympy.diff(u, y, 2)) + sympy.diff(u, x, y) * y
    fields = [Series((layer(3), layer(4, ends=(0.0,)), layer(3)), t + x * y)]
    return Block(Pointwise([equation], [u], [t, x, y]), fields, [np.linspace(0, 1, k) for k in (3, 4, 5)])


def shaped(shape=None, singular=0):
    u = field("u", t, x, y)
    equation = sympy.diff(u, t) + x * u**2 - sympy.diff(u, x, 2) - sympy.diff(u, y, 2) + nu
    shape = shape or Disk((0.0, 0.5), 1.5)
    factor = None if singular else shape.factor((x, y))
    fields = [Series((layer(3), ShapeLayer(shape, 3, factor, (x, y), singular)), t * x)]
    points = [np.linspace(0, 1, 4), shape.interior(9, margin=0.05)]
    pointwise = Pointwise([equation], [u], [t, x, y], [nu])
    return Block(pointwise, fields, points, groups=((0,), (1, 2)))


def integrated():
    u = field("u", x, y)
    points, weights = zip(*(layer(4).quadrature(k) for k in (5, 6)), strict=True)
    fields = [Series((layer(3), layer(4)), x + y)]
    return Block(
        Pointwise([u**2 - 1, sympy.diff(u, x)], [u], [x, y]), fields, list(points),
        quadrature=np.multiply.outer(*weights),
    )  # fmt: skip


def cornered():
    return shaped(Polygon(((-1.0, -1.0), (1.0, -1.0), (1.0, 0.0), (0.0, 0.0), (0.0, 1.0), (-1.0, 1.0))), 3)


BLOCKS = [ordinary, system, solid, shaped, cornered, integrated]


def rows(block, vector, unknowns):
    return block.residual(block.jets(split(vector, block.fields)), unknowns)


@pytest.mark.parametrize("make", BLOCKS, ids=lambda make: make.__name__)
def test_jacobian_is_the_complex_step_of_the_residual(make):
    block = make()
    unknowns = {nu: 0.7} if block.pointwise.unknowns else {}
    size = sum(int(np.prod(s.shape)) for s in block.fields)
    at = RANDOM.standard_normal(size)
    jacobian = block.jacobian(block.jets(split(at, block.fields)), unknowns)
    assert jacobian.shape == (len(rows(block, at, unknowns)), size)
    for k in range(size):
        wanted = rows(block, at + 1e-30j * np.eye(size)[k], unknowns).imag / 1e-30
        assert np.allclose(jacobian[:, k], wanted, rtol=1e-12, atol=1e-12 * np.abs(jacobian).max())


@pytest.mark.parametrize("make", [ordinary, system, shaped], ids=lambda make: make.__name__)
def test_slopes_by_constants_are_differences_of_the_residual(make):
    block = make()
    at = RANDOM.standard_normal(sum(int(np.prod(s.shape)) for s in block.fields))
    columns = block.by_unknown(block.jets(split(at, block.fields)), {nu: 0.7})
    wanted = rows(block, at, {nu: 1.7}) - rows(block, at, {nu: 0.7})  # the equations are linear in nu
    assert columns.shape == (len(wanted), 1) and np.allclose(columns[:, 0], wanted, rtol=1e-10, atol=1e-9)


def test_a_known_function_leaves_no_residual():
    u = field("u", t, x)
    block = Block(
        Pointwise([sympy.diff(u, t) - sympy.diff(u, x, 2) - u**2 + t**2 * x**4 + 2 * t - x**2], [u], [t, x]),
        [Series((layer(3, low=-1.0), layer(4, low=-2.0)))],
        [np.linspace(-1, 1, 4), np.linspace(-2, 1, 6)],
    )
    values = block.fields[0].layers[0].fit(lambda s: s)[:, None] * block.fields[0].layers[1].fit(
        lambda s: s**2
    )
    assert np.abs(rows(block, values.ravel(), {})).max() < 1e-12


def test_known_values_along_the_last_axis_enter_the_residual():
    u, normal = field("u", x, y), sympy.Dummy("n", real=True)
    disk = Disk((0.0, 0.0), 1.0)
    on, normals = disk.boundary(8)
    block = Block(
        Pointwise([normal * sympy.diff(u, x)], [u], [x, y]), [Series((ShapeLayer(disk, 1),))], [on],
        groups=((0, 1),), known={normal: normals[:, 0]},
    )  # fmt: skip
    slope = np.array([0.0, 0.0, 1.0])  # T_0 T_0, T_0 T_1, T_1 T_0 = x
    assert np.allclose(block.residual(block.jets([slope]), {}), on[:, 0])


def test_integrated_rows_are_integrals():
    block = integrated()
    zero = np.zeros(sum(int(np.prod(s.shape)) for s in block.fields))
    assert np.allclose(rows(block, zero, {}), [7 / 6 - 1, 1.0])  # ∫∫ (x+y)² = 7/6 on the unit square


def test_jets_add_what_is_carried():
    block = ordinary()
    zero = [np.zeros(s.shape) for s in block.fields]
    plain = block.jets(zero)
    base = {jet: np.full(block.shape, 2.0) for jet in block.pointwise.jets}
    assert all(np.allclose(block.jets(zero, base)[jet], plain[jet] + 2.0) for jet in base)


def test_pointwise_lists_jets_orders_and_linearity():
    u, v = field("u", t, x), field("v", t, x)
    one = Pointwise([sympy.diff(u, t, x, x) + v], [u, v], [t, x])
    assert set(one.jets) == {(0, (1, 2)), (1, (0, 0))} and one.linear
    assert (one.order(0, 0), one.order(0, 1), one.order(1, 1)) == (1, 2, 0)
    assert not Pointwise([u * v], [u, v], [t, x]).linear
    assert Pointwise([nu * u], [u], [t, x], [nu]).linear


def test_derivatives_inside_functions_and_products_are_taken_first():
    u = field("u", x)
    flux = sympy.Derivative((1 + u**2) * sympy.Derivative(u, x), x)
    one = Pointwise([flux], [u], [x])
    values = {one.symbols[(0, (k,))]: np.array(v) for k, v in enumerate((2.0, 3.0, 5.0))}
    assert np.allclose(one.residuals({x: np.array(0.0), **values}, ()), 2 * 2 * 9 + 5 * 5)


def test_product_and_lifts():
    tables = [RANDOM.standard_normal((2, 3)), RANDOM.standard_normal((4, 5))]
    c = RANDOM.standard_normal((3, 5))
    assert np.allclose(product(c, tables), np.einsum("ij,pi,qj->pq", c, *tables))
    grid = {t: np.ones((2, 1)), x: np.ones((1, 3))}
    assert lift_at(t**2, (0, 1), [t, x], grid, (2, 3)) is None
    assert np.allclose(lift_at(t**2 * x**3, (1, 2), [t, x], grid, (2, 3)), 12.0)
    assert np.allclose(lift_at(t**2, (2, 0), [t, x], grid, (2, 3)), 2.0)


@pytest.mark.parametrize("make", [shaped, cornered], ids=lambda make: make.__name__)
def test_tables_of_shapes_against_differences(make):
    block = make()
    shape_layer = block.fields[0].layers[1]
    points, step = block.points[1], 1e-4
    indices = {(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)}
    tables = shape_layer.tables(points, indices)
    assert tables[(0, 0)].shape == (len(points), shape_layer.size)
    for along, axis in (((1, 0), 0), ((0, 1), 1)):
        move = step * np.eye(2)[axis]
        ahead, behind = (shape_layer.tables(points + s * move, indices) for s in (1, -1))
        for index in ((0, 0), (1, 0), (0, 1)):
            higher = tuple(a + b for a, b in zip(index, along, strict=True))
            slope = (ahead[index] - behind[index]) / (2 * step)
            assert np.allclose(tables[higher], slope, rtol=1e-4, atol=1e-5 * np.abs(slope).max())


def test_the_factor_of_a_shape_vanishes_on_its_boundary():
    disk = Disk((0.0, 0.5), 1.5)
    on, _ = disk.boundary(50)
    table = ShapeLayer(disk, 4, disk.factor((x, y)), (x, y)).tables(on, {(0, 0)})[(0, 0)]
    assert np.abs(table).max() < 1e-14
