"""Untying a knot diagram by Reidemeister moves: one player, and as many states as there are diagrams."""

import functools
import re
import textwrap
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.errors import BadInput
from ansatz.knots.codes import to_gauss
from ansatz.knots.diagram import Diagram, circle
from ansatz.knots.families import cores, fresh
from ansatz.knots.lay import lay_where, layable
from ansatz.knots.moves import XC, Actions, alive, apply, count, counted, darts, face_lengths, masks, room
from ansatz.knots.scramble import backwards, scrambled
from ansatz.knots.table import read
from ansatz.rl.env import Box, Discrete, Env, Step, everywhere

FEATURES = 7
LONGEST = 8
"""The crossings that an arc passes at most when PASS lays it anew."""
CHOICES = {"r-only": (False, False), "pass": (False, True), "all": (True, True)}
"""Whether crossings may be changed and arcs laid anew, by `moves`."""
REWARDS = ("crossings", "sparse", "steps")
SCRAMBLES = {"scramble": 12, "cores": 20, "stuck": 0}
"""The random moves before an episode, where nothing else is said; a diagram of the user's gets none."""


class Layout(NamedTuple):
    """Which moves the actions are: how far R2+ reaches, and whether XC and PASS are among them."""

    reach: int
    changes: bool
    passes: bool


class UnknotState(NamedTuple):
    """α of the diagram, the moves made, the crossings at first, and how often N left no room for R2+."""

    alpha: Int[Array, " D"]
    time: Int[Array, ""]
    first: Int[Array, ""]
    blocked: Int[Array, ""]


class Unknot(Env):
    """Make a diagram of the unknot, with room for N = `capacity` crossings, the round circle (notes, §5).

    With D = 4N darts the actions are, in order: R1-, R2- and R3 at each dart (3 D), R1+ at each dart with
    either slot (2 D), R2+ from each dart to the one k ≤ `reach` further around its face, at either level
    (2 D · reach); with `moves` = "all" then XC at each crossing (N); with "pass" and "all" then PASS at each
    dart (D), which lays the arc along it anew on a shortest way drawn by chance.  `ansatz.knots.moves` says
    what they are; the circle of ``n = 0`` is the one end, and an episode is cut off after `limit` moves.

    | `reward` | of a move to a diagram of n crossings, n₀ at first |
    |---|---|
    | crossings | -n / n₀, the notes' -n in units that suit networks |
    | sparse | 1 at the circle, else 0 (eq. 11) |
    | steps | 1 at the circle, else -1 |

    XC costs `price` more.  With a discount of 1 the sparse reward does not ask for haste; and with the first
    an agent that sees no way out does best in as few crossings as it can, so γ < 1 it should be, 0.99 say.

    | `start` | an episode begins with |
    |---|---|
    | scramble | the circle after `scramble` random moves R1+, R2+, R3: easy, a curriculum (`inverse_moves`) |
    | cores | a hard diagram of the table, after `scramble` such moves, up to `most` crossings |
    | stuck | a stored diagram that removals and R3 make no smaller, after `scramble` moves |
    | else | the diagram that a name or a code says (`ansatz.knots.table.read`), after `scramble` moves |

    `most` is N - 2 if it is 0.  `state.blocked` counts the moves at which N left no room for R2+.  An
    observation `[4N, 7]` has a row a dart: α(d) / 4N; then, 0 where there is no crossing: 1, whether it is an
    end of the upper strand, whether R1-, R2-, R3 are legal, and 1 / length of its face, which counts as
    2 · `reach` at most.

    >>> env = Unknot(start="Culprit")
    >>> print(env.render(env.reset(jr.key(0))))
    10 crossings, 0 moves
    U1+O2+U3+O4+O5-O6-U7-O8+U2+O3+U4+O1+U9+U5-U8+O10-U6-O7-U10-O9+
    """

    capacity: int = eqx.field(default=32, static=True)
    reach: int = eqx.field(default=4, static=True)
    moves: str = eqx.field(default="r-only", static=True)
    reward: str = eqx.field(default="crossings", static=True)
    start: str = eqx.field(default="scramble", static=True)
    scramble: int | None = eqx.field(default=None, static=True)
    most: int = eqx.field(default=0, static=True)
    limit: int = eqx.field(default=200, static=True)
    price: float = eqx.field(default=1.0, static=True)

    def __check_init__(self) -> None:
        choose("choice of moves", self.moves, CHOICES)
        choose("reward", self.reward, dict.fromkeys(REWARDS))
        sizes = {"capacity": self.capacity, "reach": self.reach, "limit": self.limit}
        if min(sizes.values()) < 1 or self.capacity < 4:
            found = ", ".join(f"{name} = {size}" for name, size in sizes.items())
            raise BadInput(f"Unknot has capacity >= 4, reach >= 1 and limit >= 1, not {found}.")
        if not 0 <= self.most < self.capacity or self.scrambles < 0:
            raise BadInput(
                f"A diagram begins with at most N - 1 = {self.capacity - 1} crossings after scramble >= 0 "
                f"moves, not with most = {self.most} after {self.scramble}."
            )
        starts(self)

    @property
    def scrambles(self) -> int:
        """The random moves before an episode begins."""
        return SCRAMBLES.get(self.start, 0) if self.scramble is None else self.scramble

    @property
    def largest(self) -> int:
        """The crossings that those moves lead to at most."""
        return self.most or self.capacity - 2

    @property
    def layout(self) -> Layout:
        """Which moves the actions are."""
        return Layout(self.reach, *CHOICES[self.moves])

    @property
    def table(self) -> Actions:
        """The numbering of R1-, R2-, R3, R1+, R2+ and XC."""
        return Actions(self.capacity, self.reach)

    @property
    def solved(self) -> UnknotState:
        """The round circle."""
        zero = jnp.zeros((), jnp.int32)
        return UnknotState(jnp.arange(4 * self.capacity, dtype=jnp.int32), zero, zero, zero)

    @property
    def actions(self) -> Discrete:
        """Every move at every place, legal or not."""
        return Discrete(first_arc(self) + 4 * self.capacity * self.layout.passes)

    @property
    def observations(self) -> Box:
        """A row of seven numbers for each dart."""
        return everywhere(0.0, 1.0, 4 * self.capacity, FEATURES)

    def begun(self, alpha: Int[Array, " D"]) -> UnknotState:
        """Return the state in which an episode begins with this diagram."""
        zero = jnp.zeros((), jnp.int32)
        return UnknotState(alpha, zero, count(alpha), zero)

    def reset(self, key: PRNGKeyArray) -> UnknotState:
        """Return a diagram that is not the circle."""
        choosing, mixing = jr.split(key)
        pool = starts(self)
        alpha = jnp.asarray(pool[0])
        if len(pool) > 1:
            alpha = jnp.asarray(pool)[jr.randint(choosing, (), 0, len(pool), jnp.int32)]
        if self.scrambles:
            alpha = scrambled(alpha, mixing, self.scrambles, self.largest, self.reach)
        return self.begun(alpha)

    def step(self, state: UnknotState, action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Make a move."""
        diagram = Diagram(state.alpha, jnp.zeros((), jnp.int32))
        move = self.table.move(state.alpha, jnp.minimum(action, first_arc(self) - 1))
        alpha = apply(diagram, move).alpha
        if self.layout.passes:
            arc = action - first_arc(self)
            laid = lay_where(arc >= 0, state.alpha, jnp.maximum(arc, 0), key, LONGEST)
            alpha = jnp.where(arc >= 0, laid, alpha)
        n, time = count(alpha), state.time + 1
        tight = count(state.alpha) + 2 > self.capacity
        after = UnknotState(alpha, time, state.first, state.blocked + tight.astype(jnp.int32))
        untied = n == 0
        reward = _paid(self.reward, n, state.first)
        if self.layout.changes:
            changed = (move.kind == XC) & (action < first_arc(self))
            reward = reward - jnp.where(changed, jnp.asarray(self.price, reward.dtype), 0)
        return Step(after, self.observe(after), reward, untied, ~untied & (time >= self.limit))

    def observe(self, state: UnknotState) -> Float[Array, "D 7"]:
        """Return what is seen of each dart."""
        alpha, d = state.alpha, darts(state.alpha)
        length = face_lengths(alpha, max(2 * self.reach, 4))
        live, m = alive(alpha), masks(alpha, 1, length)
        length = jnp.minimum(length, 2 * self.reach)
        flags = [live, live & (d & 1 == 1), m.r1_minus, m.r2_minus, m.r3]
        shares = [alpha.astype(float) / alpha.size, *(flag.astype(float) for flag in flags)]
        return jnp.stack([*shares, jnp.where(live, 1 / length.astype(float), 0.0)], axis=1)

    def legal(self, state: UnknotState) -> Bool[Array, " actions"]:
        """Return which moves can be made; none at the circle, elsewhere always one."""
        found = self.table.mask(state.alpha)[: first_arc(self)]
        return jnp.concatenate([found, layable(state.alpha, LONGEST)]) if self.layout.passes else found

    def drawn(self, state: UnknotState, key: PRNGKeyArray) -> Int[Array, ""]:
        """Return a legal action, each as likely, without the mask of all of them (see `Actions.draw`)."""
        first, second, third = jr.split(key, 3)
        action = self.table.draw(state.alpha, jr.uniform(first, dtype=jnp.float32), self.layout.changes)
        if not self.layout.passes:
            return action
        arcs = layable(state.alpha, LONGEST).astype(jnp.int32)
        arc, _ = counted(arcs, jr.uniform(second, dtype=jnp.float32))
        others, total = self.table.total(state.alpha, self.layout.changes), arcs.sum(dtype=jnp.int32)
        pick = jr.randint(third, (), 0, jnp.maximum(others + total, 1), jnp.int32)
        return jnp.where(pick < others, action, first_arc(self) + arc)

    def inverse_moves(self, state: UnknotState, key: PRNGKeyArray) -> UnknotState:
        """Return a diagram that R1-, R2- or R3 leads to this one from; the circle comes from a kink."""
        return self.begun(backwards(state.alpha, key, self.largest, self.reach))

    def render(self, state: UnknotState) -> str:
        """Return the number of crossings and of moves, and the signed Gauss code."""
        diagram = Diagram(np.asarray(state.alpha), 0)
        n, time = diagram.crossings, int(state.time)
        words = f"{n} crossing{'s' * (n != 1)}, {time} move{'s' * (time != 1)}"
        code = to_gauss(diagram) if n else "the round circle"
        # Lines break between visits, whose signs end them.
        lines = textwrap.wrap(re.sub("([+-])", r"\1 ", code) if n else code, 95)
        lines = [line.replace(" ", "") if n else line for line in lines]
        return "\n".join([words, *(lines if len(lines) < 22 else [*lines[:21], "…"])])


def begin_with(env: Unknot, diagram: Diagram) -> UnknotState:
    """Return the state in which an episode begins with a diagram of a knot, after checking that it fits."""
    return env.begun(jnp.asarray(fitting(diagram, env.capacity)))


def first_arc(env: Unknot) -> int:
    """Return the number of the first PASS, or how many actions there are without."""
    return env.table.size - env.capacity * (not env.layout.changes)


def _paid(reward: str, n: Int[Array, ""], first: Int[Array, ""]) -> Float[Array, ""]:
    if reward == "crossings":
        return -n.astype(float) / jnp.maximum(first, 1).astype(float)
    return jnp.where(n == 0, 1, 0 if reward == "sparse" else -1).astype(float)


def fitting(diagram: Diagram, capacity: int) -> np.ndarray:
    """Return α of a diagram of a knot that is not the circle, with room for at least one crossing more."""
    n = diagram.crossings
    if diagram.components != 1 or not n:
        what = f"{diagram.components} components" if n else "no crossing"
        raise BadInput(f"Unknot begins with a diagram of one knot with crossings, and this one has {what}.")
    if n >= capacity:
        raise BadInput(
            f"Unknot with capacity = {capacity} begins with at most {capacity - 1} crossings, and this "
            f"diagram has {n}; hard ones need room for a few more than they have."
        )
    return np.asarray(room(diagram, capacity).alpha)


def starts(env: Unknot) -> np.ndarray:
    """Return α `[diagrams, 4N]` of what episodes begin with, before the random moves."""
    return _starts(env.start, env.capacity, env.largest, env.scrambles)


@functools.lru_cache(maxsize=64)
def _starts(start: str, capacity: int, largest: int, scrambles: int) -> np.ndarray:
    if start == "scramble":
        if not scrambles:
            raise BadInput("A scramble of the circle takes at least one move: scramble >= 1.")
        return np.asarray(circle(capacity).alpha)[None]
    if start == "cores":
        found = cores(largest)
    elif start == "stuck":
        found = fresh(largest)
    else:
        found = [read(start)]
    with jax.ensure_compile_time_eval():
        return np.stack([fitting(diagram, capacity) for diagram in found])
