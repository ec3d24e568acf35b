"""Gymnasium's environments by name: "gymnasium:LunarLander-v3", or the name alone where it is none here.

Gymnasium is imported when one is asked for, and not before.
"""

import difflib
import sys
from types import ModuleType
from typing import Any

from ansatz.errors import BadInput
from ansatz.rl.env import Env

PREFIX = "gymnasium:"
MISSING = "Gymnasium is not installed: pip install 'ansatz[gym]'."


def bare(name: str) -> str:
    """Return a name as Gymnasium has it.

    >>> bare("gymnasium:LunarLander-v3"), bare("CartPole-v1")
    ('LunarLander-v3', 'CartPole-v1')
    """
    return name.removeprefix(PREFIX)


def is_outside(env: Any) -> bool:
    """Tell whether something is an environment of Gymnasium's, or a class of such."""
    gymnasium = sys.modules.get("gymnasium")
    if gymnasium is None:
        return False
    kinds = (gymnasium.Env, gymnasium.vector.VectorEnv)
    return issubclass(env, kinds[0]) if isinstance(env, type) else isinstance(env, kinds)


def outside_has(name: str) -> bool:
    """Tell whether Gymnasium is installed and has an environment of this name."""
    gymnasium = _gymnasium()
    return gymnasium is not None and name in gymnasium.registry


def outside_missing() -> bool:
    """Tell whether Gymnasium is not installed."""
    return _gymnasium() is None


def hosted_by_name(name: str, parameters: dict[str, Any]) -> Env:
    """Return Gymnasium's environment of a name, with or without the prefix, made with these parameters.

    >>> hosted_by_name("gymnasium:CartPole-v1", {}).actions
    Discrete(n=2)

    Raises:
        BadInput: Gymnasium, or what the environment needs beside it, is not installed; there is no such
            environment or parameter.
    """
    gymnasium, own = _gymnasium(), bare(name)
    if gymnasium is None:
        raise BadInput(MISSING)
    if ":" in own:
        raise BadInput(
            f"{name} names a module to import, which a name alone must not: import it in Python and give "
            "play(gymnasium.make(...)), or a FILE.py:CLASS."
        )
    if own not in gymnasium.registry:
        close = difflib.get_close_matches(own, list(gymnasium.registry), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(close)}?" if close else "."
        raise BadInput(f"Gymnasium {gymnasium.__version__} has no environment {own!r}{hint}")
    try:
        return host(gymnasium.make(own, **parameters))
    except (gymnasium.error.DependencyNotInstalled, ModuleNotFoundError) as error:
        raise BadInput(f"{own} needs what is not installed: {_sentence(error)}") from None
    except gymnasium.error.Error as error:
        raise BadInput(f"Gymnasium does not make {own}: {_sentence(error)}") from None
    except TypeError as error:
        raise BadInput(f"{own} cannot be made from {parameters or 'nothing'}: {_sentence(error)}") from None


def host(env: Any) -> Env:
    """Return an environment of Gymnasium's, or a function that makes one, as one of ours."""
    from ansatz.rl.hosted import hosted

    return hosted(env)


def label(env: Env) -> str:
    """Return what an environment is called where it was not asked for by a name."""
    return getattr(env, "name", "") if env.host else type(env).__name__


def _gymnasium() -> ModuleType | None:
    try:
        import gymnasium
    except ModuleNotFoundError:
        return None
    return gymnasium


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") + "."
