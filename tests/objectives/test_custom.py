"""Objectives of the user's own: taken from their file, checked, and refused with a sentence."""

import jax
import jax.numpy as jnp
import pytest

from ansatz.core import BadInput, Pairs
from ansatz.objectives import load_objective

SOURCE = '''
import jax, jax.numpy as jnp

def quartic(model, batch, key):
    """The mean fourth power."""
    error = jax.vmap(model)(batch.x) - batch.y
    return (error ** 4).mean(), {"largest": jnp.abs(error).max()}

def alone(model, batch, key=None):
    return jnp.mean(batch.y)

def two(model, batch): return 0.0
def text(model, batch, key): return "low"
def vector(model, batch, key): return batch.y
def odd(model, batch, key): return jnp.mean(batch.y), [1]
number = 3
'''
BATCH = Pairs(jnp.ones(3), jnp.full(3, 3.0))


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "losses.py"
    file.write_text(SOURCE)
    return file


def test_a_function_of_the_users_is_an_objective(path):
    objective = load_objective(f"{path}:quartic")
    loss, metrics = jax.jit(lambda x: objective(lambda v: v, Pairs(x, BATCH.y), None))(BATCH.x)
    assert loss == 16 and metrics["largest"] == 2
    assert objective.__name__ == "quartic" and objective.__doc__ == "The mean fourth power."


def test_a_loss_may_come_alone(path):
    loss, metrics = load_objective(f"{path}:alone")(lambda v: v, BATCH, None)
    assert loss == 3 and metrics == {}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("quartik", "did you mean 'quartic'"),
        ("number", "is a int and not a function"),
        ("two", r"takes \(model, batch\)"),
    ],
)
def test_what_is_no_objective_is_refused_when_it_is_loaded(path, name, words):
    with pytest.raises(BadInput, match=words):
        load_objective(f"{path}:{name}")


@pytest.mark.parametrize(
    ("name", "words"), [("text", "type str"), ("vector", r"shape \[3\]"), ("odd", "dictionary")]
)
def test_what_gives_no_loss_is_refused_when_it_is_called(path, name, words):
    with pytest.raises(BadInput, match=words):
        load_objective(f"{path}:{name}")(lambda v: v, BATCH, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [("def f(:", "line 1"), ("1 / 0", "ZeroDivisionError"), ("", "write def NAME")],
)
def test_a_file_that_does_not_run_is_refused(tmp_path, text, words):
    file = tmp_path / "bad.py"
    file.write_text(text)
    with pytest.raises(BadInput, match=words):
        load_objective(f"{file}:f")


@pytest.mark.parametrize("where", ["losses.py", "losses:f", "losses.py:f.g", ":f", "losses.txt:f"])
def test_another_spelling_is_refused(where):
    with pytest.raises(BadInput, match=r"FILE\.py:NAME"):
        load_objective(where)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadInput, match="There is no file"):
        load_objective(f"{tmp_path / 'none.py'}:f")
