"""SOAP against its formula, Adam, and a matrix whose rows and columns are badly scaled."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

from ansatz.store import decode, encode, known_classes
from ansatz.training.optimizers import adam
from ansatz.training.soap import soap
from ansatz.training.step import _settled


def orthogonal(key, size):
    return jnp.linalg.qr(jr.normal(key, (size, size)))[0]


def descend(rule, gradient, theta, steps):
    traces = []

    @jax.jit
    def step(theta, state):
        traces.append(1)
        move, state = rule.update(gradient(theta), state, theta)
        return optax.apply_updates(theta, move), state

    state = jax.tree.map(_settled, rule.init(theta))
    for _ in range(steps):
        theta, state = step(theta, state)
    return theta, state, len(traces)


def test_the_first_step_turns_the_gradient_into_signs_in_its_own_basis():
    with jax.enable_x64(True):
        g = jr.normal(jr.key(0), (3, 4))
        rule = soap(0.1, eps=1e-12)
        move, state = rule.update({"w": g}, rule.init({"w": jnp.zeros((3, 4))}))
        left = jnp.linalg.eigh(g @ g.T)[1]
        right = jnp.linalg.eigh(g.T @ g)[1]
        seen = left.T @ g @ right
        # Of Adam's first step the signs remain, and in the eigenbasis g has but its three singular values.
        strong = np.abs(seen) > 1e-9
        assert strong.sum() == 3
        found = np.asarray(left.T @ move["w"] @ right)
        np.testing.assert_allclose(found[strong], -0.1 * np.sign(seen[strong]), rtol=1e-6)
        np.testing.assert_allclose(state.bases[0].left, 0.05 * g @ g.T, rtol=1e-12)
        np.testing.assert_allclose(state.bases[0].right, 0.05 * g.T @ g, rtol=1e-12)


def reference(gradients, rate, b1, b2, every, eps):
    """Return the moves of SOAP for one matrix, in NumPy and step by step as in the paper's algorithm."""
    rows, columns = gradients[0].shape
    left, right = np.zeros((rows, rows)), np.zeros((columns, columns))
    m, v, moves = np.zeros((rows, columns)), np.zeros((rows, columns)), []
    for t, g in enumerate(gradients):
        left, right = b2 * left + (1 - b2) * g @ g.T, b2 * right + (1 - b2) * g.T @ g
        if t == 0:
            ql, qr = np.linalg.eigh(left)[1][:, ::-1], np.linalg.eigh(right)[1][:, ::-1]
        elif t % every == 0:
            by_row = np.argsort(-np.diag(ql.T @ left @ ql), kind="stable")
            by_column = np.argsort(-np.diag(qr.T @ right @ qr), kind="stable")
            v = v[by_row][:, by_column]
            ql = np.linalg.qr(left @ ql[:, by_row])[0]
            qr = np.linalg.qr(right @ qr[:, by_column])[0]
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (ql.T @ g @ qr) ** 2
        seen = ql.T @ m @ qr / (1 - b1 ** (t + 1))
        moves.append(-rate * ql @ (seen / (np.sqrt(v / (1 - b2 ** (t + 1))) + eps)) @ qr.T)
    return moves


@pytest.mark.parametrize("every", [1, 3])
def test_steps_are_those_of_the_algorithm(every):
    with jax.enable_x64(True):
        random = np.random.default_rng(2)
        gradients = [random.normal(size=(3, 4)) for _ in range(8)]
        rule = soap(0.05, 0.9, 0.8, every, 1e-6)
        state = rule.init(jnp.zeros((3, 4)))
        expected = reference(gradients, 0.05, 0.9, 0.8, every, 1e-6)
        for g, move in zip(gradients, expected, strict=True):
            found, state = rule.update(jnp.asarray(g), state)
            np.testing.assert_allclose(found, move, rtol=1e-6, atol=1e-9)


def test_vectors_and_thin_matrices_get_adam():
    theta = {"b": jnp.ones(3), "w": jnp.ones((1, 4)), "s": jnp.asarray(2.0)}
    ours, theirs = soap(0.1, 0.9, 0.999), adam(0.1)
    one, other = ours.init(theta), theirs.init(theta)
    for i in range(4):
        gradient = jax.tree.map(lambda leaf, i=i: jnp.cos(leaf * (i + 1)), theta)
        a, one = ours.update(gradient, one, theta)
        b, other = theirs.update(gradient, other, theta)
        for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-7)


def test_a_turned_badly_scaled_matrix_is_solved_where_adam_is_not():
    with jax.enable_x64(True):
        keys = jr.split(jr.key(1), 3)
        scales = jnp.logspace(0, 2, 6)
        u, v = orthogonal(keys[0], 6), orthogonal(keys[1], 6)
        a, b, best = u @ jnp.diag(scales) @ u.T, v @ jnp.diag(scales) @ v.T, jr.normal(keys[2], (6, 6))

        def gradient(theta):
            return a @ (theta - best) @ b

        def loss(theta):
            return float(0.5 * jnp.vdot(theta - best, gradient(theta)))

        start = jnp.zeros((6, 6))
        rules = {"soap": soap(0.01, 0.9, 0.99), "adam": adam(0.01)}
        runs = {name: descend(rule, gradient, start, 600) for name, rule in rules.items()}
        ours, theirs = loss(runs["soap"][0]), loss(runs["adam"][0])
        assert ours < 1e-3 * loss(start) and ours < 0.1 * theirs
        assert runs["soap"][2] == 1
        vectors = runs["soap"][1].bases[0].left_vectors
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(6), atol=1e-12)


def test_the_state_can_be_saved_and_keeps_its_type():
    rule = soap()
    theta = {"w": jnp.ones((2, 3)), "b": jnp.ones(2)}
    _, state = rule.update(theta, rule.init(theta), theta)
    assert {x.dtype for x in jax.tree.leaves(state)} == {jnp.dtype("float32"), jnp.dtype("int32")}
    restored = decode(*encode(state), known_classes())
    for a, b in zip(jax.tree.leaves(restored), jax.tree.leaves(state), strict=True):
        assert np.array_equal(a, b)
