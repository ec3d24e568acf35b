"""Newton's method: quadratic where it should be, least squares where there are more rows, and honest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansatz.equations.newton import Factors, newton

RANDOM = np.random.default_rng(0)


@given(st.integers(1, 12), st.integers(0, 8), st.integers(0, 2**32 - 1))
def test_factors_solve_least_squares_whatever_the_scales(columns, extra, seed):
    random = np.random.default_rng(seed)
    scales = 10.0 ** random.uniform(-8, 8, columns)
    jacobian = random.standard_normal((columns + extra, columns)) + np.eye(columns + extra, columns) * 5
    right = random.standard_normal(columns + extra)
    wanted = np.linalg.lstsq(jacobian, right, rcond=None)[0]
    condition = np.linalg.cond(jacobian)
    found = Factors(jacobian * scales).solve(right) * scales
    assert np.allclose(found, wanted, rtol=0, atol=1e-14 * condition**2 * np.linalg.norm(right) * 10)


def test_factors_take_many_right_sides():
    for rows in (4, 7):
        jacobian, right = RANDOM.standard_normal((rows, 4)), RANDOM.standard_normal((rows, 3))
        assert np.allclose(Factors(jacobian).solve(right), np.linalg.lstsq(jacobian, right, rcond=None)[0])


@pytest.mark.parametrize("rows", [4, 6])
def test_a_singular_matrix_gets_a_finite_answer_with_the_least_residual(rows):
    jacobian = RANDOM.standard_normal((rows, 4))
    jacobian[:, 3] = jacobian[:, 0] + jacobian[:, 1]
    right = jacobian @ np.arange(4.0)
    factors = Factors(jacobian)
    assert factors.kind == "svd"
    assert np.allclose(jacobian @ factors.solve(right), right, atol=1e-10)
    many = np.stack([right, 2 * right], 1)
    assert np.allclose(jacobian @ factors.solve(many), many, atol=1e-10)


def test_a_column_of_zeros_is_left_alone():
    jacobian = np.zeros((3, 2))
    jacobian[:, 0] = 1.0
    assert np.allclose(Factors(jacobian).solve(np.ones(3)), [1.0, 0.0])


def counted(jacobian):
    calls = []

    def wrapped(x):
        calls.append(x)
        return jacobian(x)

    return wrapped, calls


def test_linear_systems_take_one_factorization():
    jacobian = RANDOM.standard_normal((9, 5))
    right = RANDOM.standard_normal(9)
    matrix, calls = counted(lambda x: jacobian)
    found = newton(lambda x: jacobian @ x - right, matrix, np.zeros(5), linear=True)
    assert found.converged and found.factorizations == len(calls) == 1
    assert np.allclose(found.x, np.linalg.lstsq(jacobian, right, rcond=None)[0])


def test_refinement_reaches_the_last_digit_of_an_ill_conditioned_linear_system():
    hilbert = 1.0 / (1 + np.add.outer(np.arange(7.0), np.arange(7.0)))
    right = hilbert.sum(1)
    found = newton(lambda x: hilbert @ x - right, lambda x: hilbert, np.zeros(7), linear=True)
    assert found.converged and found.residual < 1e-15


def test_convergence_is_quadratic_and_factors_are_kept():
    def residual(x):
        return np.array([x[0] ** 2 + x[1] ** 2 - 4, np.exp(x[0]) + x[1] - 1])

    matrix, calls = counted(lambda x: np.array([[2 * x[0], 2 * x[1]], [np.exp(x[0]), 1.0]]))
    found = newton(residual, matrix, np.array([2.0, -4.0]))
    assert found.converged and found.factorizations == len(calls) <= 5
    assert np.abs(residual(found.x)).max() < 1e-13
    errors = [np.linalg.norm(x - found.x) for x in calls]
    assert len(errors) >= 3 and errors[2] < errors[1] ** 2


def test_steps_are_halved_where_a_whole_one_would_leave():
    found = newton(np.arctan, lambda x: np.diag(1 / (1 + x**2)), np.array([3.0]))
    assert found.converged and abs(found.x[0]) < 1e-12


def test_nonlinear_least_squares_ends_at_the_minimum():
    s = np.linspace(0, 1, 20)
    data = np.exp(-1.3 * s) + 0.01 * np.cos(40 * s)

    def residual(x):
        return np.exp(-x[0] * s) - data

    def jacobian(x):
        return (-s * np.exp(-x[0] * s))[:, None]

    found = newton(residual, jacobian, np.array([0.5]))
    assert found.converged
    assert abs((jacobian(found.x).T @ residual(found.x))[0]) < 1e-8


def test_no_solution_is_said():
    found = newton(lambda x: x**2 + 1, lambda x: np.diag(2 * x), np.array([0.7]))
    assert not found.converged
    assert not newton(lambda x: x * np.nan, lambda x: np.eye(1), np.array([1.0])).converged
    assert not newton(lambda x: x**3 - 8, lambda x: np.diag(3 * x**2), np.array([1e-3]), steps=1).converged


def test_a_start_without_residual_is_the_answer():
    found = newton(lambda x: x * 0, lambda x: np.eye(2), np.ones(2))
    assert found.converged and found.factorizations == 0 and np.allclose(found.x, 1)
