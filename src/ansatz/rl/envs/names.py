"""The environments by the names that users know them by: `make("CartPole-v1")`.

An environment gets a name by one line in `NAMES`.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from ansatz._spelling import choose, nearest
from ansatz.errors import BadInput
from ansatz.rl.env import Env
from ansatz.rl.envs.acrobot import Acrobot
from ansatz.rl.envs.cartpole import CartPole
from ansatz.rl.envs.chess import Chess
from ansatz.rl.envs.cliff_walking import CliffWalking
from ansatz.rl.envs.connect_four import ConnectFour
from ansatz.rl.envs.cube import Cube
from ansatz.rl.envs.deep_sea import DeepSea
from ansatz.rl.envs.endgame import Endgame
from ansatz.rl.envs.frozen_lake import FrozenLake
from ansatz.rl.envs.garnet import Garnet
from ansatz.rl.envs.kuhn import Kuhn
from ansatz.rl.envs.leduc import Leduc
from ansatz.rl.envs.matrix_games import climbing, matching_pennies, no_scissors, rock_paper_scissors
from ansatz.rl.envs.mountain_car import MountainCar, MountainCarContinuous
from ansatz.rl.envs.pendulum import Pendulum
from ansatz.rl.envs.puzzle import Puzzle
from ansatz.rl.envs.taxi import Taxi
from ansatz.rl.envs.tic_tac_toe import TicTacToe
from ansatz.rl.envs.unknot import Unknot
from ansatz.rl.wrappers import TimeLimit


class Named(NamedTuple):
    """What makes an environment, and the time limit that belongs to the name, if one does."""

    make: Callable[..., Env]
    steps: int | None = None


NAMES: Mapping[str, Named] = {
    "CartPole-v1": Named(CartPole, 500),
    "Acrobot-v1": Named(Acrobot, 500),
    "MountainCar-v0": Named(MountainCar, 200),
    "MountainCarContinuous-v0": Named(MountainCarContinuous, 999),
    "Pendulum-v1": Named(Pendulum, 200),
    "FrozenLake-v1": Named(FrozenLake, 100),
    "FrozenLake8x8-v1": Named(partial(FrozenLake, "8x8"), 200),
    "Taxi-v4": Named(Taxi, 200),
    "CliffWalking-v1": Named(CliffWalking),
    "CliffWalkingSlippery-v1": Named(partial(CliffWalking, True)),
    "DeepSea": Named(DeepSea),
    "Garnet": Named(Garnet, 100),
    "Puzzle8": Named(Puzzle),
    "Puzzle15": Named(partial(Puzzle, 4, limit=500)),
    "Cube2": Named(Cube),
    "Unknot": Named(Unknot),
    "TicTacToe": Named(TicTacToe),
    "ConnectFour": Named(ConnectFour),
    "Chess": Named(Chess),
    "Endgame": Named(Endgame, 100),
    "KuhnPoker": Named(Kuhn),
    "LeducPoker": Named(Leduc),
    "RockPaperScissors": Named(rock_paper_scissors),
    "MatchingPennies": Named(matching_pennies),
    "NoScissors": Named(no_scissors),
    "Climbing": Named(climbing),
}


def make(name: str, **parameters: Any) -> Env:
    """Return the environment of this name, in its time limit, with other parameters than the usual ones.

    Names that Gymnasium has are the same environments here, step for step.

    >>> make("FrozenLake-v1", slippery=False).steps
    100

    Raises:
        BadInput: there is no such environment or parameter; the sentence has the nearest spelling.
    """
    named = choose("environment", name, NAMES)
    known = [one for one in inspect.signature(named.make).parameters if one != "args"]
    for one in parameters:
        if one not in known:
            advice = nearest(one, known) if known else "it takes none"
            raise BadInput(f"{name} has no parameter {one!r}; {advice}.")
    env = named.make(**parameters)
    return env if named.steps is None else TimeLimit(env, named.steps)


def described(name: str) -> str:
    """Return one line about the environment of this name: of its file, or of the function that makes it.

    >>> described("KuhnPoker")
    "Kuhn's poker: two players, three cards, imperfect information; worth -1/18 to the first player."
    >>> described("MatchingPennies")
    'The game in which the first player wants equal sides: worth 0, solved by 1/2 each.'
    """
    maker = choose("environment", name, NAMES).make
    maker = maker.func if isinstance(maker, partial) else maker
    if inspect.isclass(maker):
        return _first_line(inspect.getmodule(maker))
    said = _first_line(maker).removeprefix("Return ")
    return said[:1].upper() + said[1:]


def _first_line(documented: Any) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0]
