"""Spaces of Gymnasium as ours, what is observed in them, and what is done in them.

| Gymnasium | here | observed as | done as |
|---|---|---|---|
| `Discrete(n, start)` | `Discrete(n)` | value - start | action + start |
| `Box` | `Box` | float32; bytes from 0 to 255 as numbers from 0 to 1 | clipped, in its shape |
| `MultiBinary` | `Box` from 0 to 1 | float32 | - |

Actions in a `Box` are vectors here, whatever its shape.  Dictionaries, tuples and the rest raise `BadInput`.
"""

from typing import Any

import numpy as np
from gymnasium import spaces

from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete


def observation_space(space: spaces.Space) -> Discrete | Box:
    """Return the space of what is observed.

    >>> observation_space(spaces.Discrete(3, start=1)), observation_space(spaces.MultiBinary(2))
    (Discrete(n=3), Box(low=(0.0, 0.0), high=(1.0, 1.0)))
    """
    if isinstance(space, spaces.Discrete):
        return Discrete(int(space.n))
    if isinstance(space, spaces.MultiBinary):
        return _box(np.zeros(space.shape), np.ones(space.shape))
    if isinstance(space, spaces.Box):
        bounds = (space.low.astype(float), space.high.astype(float))
        return _box(*(bound / 255 for bound in bounds)) if _bytes(space) else _box(*bounds)
    raise BadInput(
        f"Observations are in a Box, a Discrete or a MultiBinary space, and these are in {_named(space)}: "
        "wrap the environment in gymnasium.wrappers.FlattenObservation, which makes a Box of it."
    )


def action_space(space: spaces.Space) -> Discrete | Box:
    """Return the space of the actions, a `Box` as one of vectors.

    >>> action_space(spaces.Box(-1.0, 1.0, (1, 2)))
    Box(low=(-1.0, -1.0), high=(1.0, 1.0))
    """
    if isinstance(space, spaces.Discrete):
        return Discrete(int(space.n))
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating):
        return _box(space.low.astype(float).ravel(), space.high.astype(float).ravel())
    raise BadInput(
        f"Actions are an index in Discrete or numbers in a Box, and these are in {_named(space)}: wrap the "
        "environment in a gymnasium.ActionWrapper that makes one index or one vector of them."
    )


def observed(space: spaces.Space, values: Any) -> np.ndarray:
    """Return observations `[E, ...]` as this package has them, as a copy."""
    if isinstance(space, spaces.Discrete):
        return (np.array(values, np.int64) - int(space.start)).astype(np.int32)
    numbers = np.array(values, np.float32)
    return numbers / np.float32(255) if _bytes(space) else numbers


def performed(space: spaces.Space, actions: np.ndarray) -> np.ndarray:
    """Return actions `[E, ...]` as Gymnasium wants them.

    >>> performed(spaces.Box(-1.0, 1.0, (1, 1)), np.asarray([[3.0], [0.5]])).tolist()
    [[[1.0]], [[0.5]]]
    """
    if isinstance(space, spaces.Discrete):
        return actions.astype(np.int64) + int(space.start)
    assert isinstance(space, spaces.Box)
    shaped = actions.reshape(len(actions), *space.shape)
    return np.clip(shaped, space.low, space.high).astype(space.dtype)


def _bytes(space: spaces.Space) -> bool:
    return isinstance(space, spaces.Box) and space.dtype == np.uint8


def _box(low: np.ndarray, high: np.ndarray) -> Box:
    return Box(_nested(low), _nested(high))


def _nested(bound: Any) -> Any:
    """Return an array as nested tuples, which compare and hash by value."""
    return tuple(map(_nested, bound)) if np.ndim(bound) else float(bound)


def _named(space: spaces.Space) -> str:
    text = str(space)
    return text if len(text) < 120 else f"{type(space).__name__}(...)"
