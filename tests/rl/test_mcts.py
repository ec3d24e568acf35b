"""Tree search against a search in plain Python, minimax, and the laws of its noise and its draws."""

import math
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.rl.env import Discrete, Env, Step
from ansatz.rl.envs.pendulum import Pendulum
from ansatz.rl.envs.tic_tac_toe import TicTacToe
from ansatz.rl.mcts import Search, even
from ansatz.rl.mcts_tree import Tree
from ansatz.rl.minimax import minimax

KEY = jax.random.key(0)
WORLDS, STATES, ACTIONS, SIMULATIONS = 500, 9, 4, 32


class Tables(NamedTuple):
    """Many small worlds, `[W, S, A]`: what follows, what the mover gets, where it ends, what is allowed.

    Beside them who is to move `[W, S]`, and an evaluation by logits `[W, S, A]` and values `[W, S]`.
    """

    after: Any
    paid: Any
    ends: Any
    allowed: Any
    turn: Any
    logits: Any
    values: Any


class Worlds(Env):
    """The worlds as a game of two; a state is the number of the world and that of the state in it."""

    tables: Tables

    players: ClassVar[int] = 2

    @property
    def actions(self):
        return Discrete(ACTIONS)

    @property
    def observations(self):
        return Discrete(WORLDS * STATES)

    def reset(self, key):
        return jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32)

    def step(self, state, action, key):
        after, paid, ends = (table[*state, action] for table in self.tables[:3])
        reward = jnp.where(self.player(state) == 0, paid, -paid) * jnp.asarray([1.0, -1.0])
        new = (state[0], after)
        return Step(new, self.observe(new), reward, ends, jnp.zeros((), bool))

    def observe(self, state):
        return state[0] * STATES + state[1]

    def legal(self, state):
        return self.tables.allowed[*state]

    def player(self, state):
        return self.tables.turn[*state]


def random_tables(seed: int, at_the_end: bool) -> Tables:
    """Draw worlds: rewards everywhere and ways back, or -1, 0, 1 at ends to which every step comes nearer.

    Who is to move in a state is drawn too; in the first half of the worlds it is one player alone.
    """
    random = np.random.default_rng(seed)
    shape = (WORLDS, STATES, ACTIONS)
    after, ends = random.integers(0, STATES, shape), random.random(shape) < 0.2
    paid = random.normal(size=shape)
    allowed = random.random(shape) < 0.7
    np.put_along_axis(allowed, random.integers(0, ACTIONS, shape[:2])[..., None], True, axis=2)
    if at_the_end:
        after = random.integers(np.minimum(np.arange(STATES) + 1, STATES - 1)[None, :, None], STATES, shape)
        ends |= np.arange(STATES)[None, :, None] == STATES - 1
        paid = np.where(ends, random.integers(-1, 2, shape), 0).astype(float)
    turn = random.integers(0, 2, shape[:2]).astype(np.int32)
    turn[: WORLDS // 2] = 0
    return Tables(
        after.astype(np.int32), paid, ends, allowed, turn,
        random.normal(size=shape), random.uniform(-1, 1, shape[:2]),
    )  # fmt: skip


class Node:
    """A node of a plain tree, with what is known of the action that leads to it."""

    def __init__(self, tables, state, bounds, reward=0.0, carry=1.0):
        self.state, self.reward, self.carry, over = state, reward, carry, carry == 0
        legal = [] if over else np.flatnonzero(tables.allowed[state]).tolist()
        weights = {a: math.exp(tables.logits[state][a]) for a in legal}
        self.prior = {a: weight / sum(weights.values()) for a, weight in weights.items()}
        self.value = 0.0 if over else float(tables.values[state])
        self.kids, self.visits, self.total = {}, 0, 0.0
        self.low, self.high = (reward, reward) if over else sorted(reward + carry * b for b in bounds)


class Plain:
    """PUCT with proofs for one tree, action by action."""

    def __init__(self, tables, search):
        self.tables, self.c, self.gamma = tables, search.c, search.gamma
        self.solve, self.untried = search.bounds is not None, search.untried
        self.bounds = search.bounds or (-math.inf, math.inf)

    def root(self, state):
        node = Node(self.tables, state, self.bounds)
        node.visits, node.total = 1, node.value
        return node

    def bounds_of(self, node, a):
        return (node.kids[a].low, node.kids[a].high) if a in node.kids else self.bounds

    def choose(self, node):
        tried = sum(kid.visits for kid in node.kids.values())
        mean = (node.value + sum(kid.total for kid in node.kids.values())) / (1 + tried)
        allowed = list(node.prior)
        if self.solve:
            best = max(self.bounds_of(node, a)[0] for a in allowed)
            tops = {a: self.bounds_of(node, a)[1] for a in allowed}
            allowed = [a for a in allowed if tops[a] >= best and tops[a] > self.bounds[0]] or allowed

        def score(a):
            kid = node.kids.get(a)
            q = kid.total / kid.visits if kid else mean if self.untried is None else self.untried
            low, high = self.bounds_of(node, a)
            n = kid.visits if kid else 0
            return min(max(q, low), high) + self.c * node.prior[a] * math.sqrt(tried) / (1 + n)

        return max(allowed, key=lambda a: (score(a), node.prior[a], -a))

    def grow(self, node, a):
        here = (*node.state, a)
        state = (node.state[0], int(self.tables.after[here]))
        sign = 1 if self.tables.turn[node.state] == self.tables.turn[state] else -1
        carry = 0.0 if self.tables.ends[here] else sign * self.gamma
        node.kids[a] = Node(self.tables, state, self.bounds, float(self.tables.paid[here]), carry)

    def tighten(self, node):
        pairs = [self.bounds_of(node, a) for a in node.prior]
        ends = [max(low for low, _ in pairs), max(high for _, high in pairs)]
        low, high = sorted(node.reward + node.carry * end for end in ends)
        changed = low > node.low or high < node.high
        node.low, node.high = max(low, node.low), min(high, node.high)
        return changed

    def simulate(self, root):
        path = [root]
        while path[-1].low < path[-1].high:
            node, a = path[-1], self.choose(path[-1])
            fresh = a not in node.kids
            if fresh:
                self.grow(node, a)
            path.append(node.kids[a])
            if fresh:
                break
        if self.solve:
            any(not self.tighten(node) for node in reversed(path[:-1]))
        gain = path[-1].value
        for node in reversed(path):
            gain = min(max(node.reward + node.carry * gain, node.low), node.high)
            node.visits, node.total = node.visits + 1, node.total + gain

    def run(self, root):
        while root.visits <= SIMULATIONS and root.low < root.high:
            self.simulate(root)
        return [root.kids[a].visits if a in root.kids else 0 for a in range(ACTIONS)]

    def follow(self, root, a, state):
        node = root.kids[a]
        if node.carry == 0:
            return self.root(state)
        node.reward, node.carry = 0.0, 1.0
        node.visits = 1 + sum(kid.visits for kid in node.kids.values())
        node.total = node.value + sum(kid.total for kid in node.kids.values())
        node.low, node.high = self.bounds
        if self.solve:
            self.tighten(node)
        return node


@eqx.filter_jit
def searched_twice(search, state, logits, values):
    """Search, make the best move, and search on in what is left of the trees."""

    def evaluate(obs, legal):
        return logits[obs], values[obs]

    tree = search(state, evaluate, KEY)
    action = search.best(tree)
    after = jax.vmap(search.env.step)(state, action, jax.random.split(KEY, WORLDS)).state
    again = search.run(search.reuse(tree, action, after, evaluate), evaluate, KEY)
    return tree, search.visits(tree), action, after, again, search.visits(again)


CASES = {
    "rewards": (False, {"gamma": 0.9, "c": 1.1, "untried": 0.0}),
    "proofs": (True, {"bounds": (-1.0, 1.0), "c": 1.25}),
}


@pytest.mark.parametrize("name", CASES)
def test_visits_are_those_of_a_plain_search_on_many_random_trees(name):
    at_the_end, options = CASES[name]
    tables = random_tables(list(CASES).index(name), at_the_end)
    with jax.enable_x64(True):
        env = Worlds(Tables(*map(jnp.asarray, tables)))
        search = Search(env, SIMULATIONS, room=True, **options)
        state = (jnp.arange(WORLDS, dtype=jnp.int32), jnp.zeros(WORLDS, jnp.int32))
        found = searched_twice(
            search, state, env.tables.logits.reshape(-1, ACTIONS), env.tables.values.ravel()
        )
        tree, visits, action, after, again, more = jax.tree.map(np.asarray, found)
    plain, kept = Plain(tables, search), 0
    for w in range(WORLDS):
        root = plain.root((w, 0))
        assert plain.run(root) == visits[w].tolist()
        assert root.total == pytest.approx(tree.total[w, 0], abs=1e-9)
        assert (root.low, root.high) == (tree.low[w, 0], tree.high[w, 0])
        root = plain.follow(root, int(action[w]), (w, int(after[1][w])))
        kept += root.visits > 1
        assert plain.run(root) == more[w].tolist()
        assert root.total == pytest.approx(again.total[w, 0], abs=1e-9)
        assert (root.low, root.high) == (again.low[w, 0], again.high[w, 0])
    assert kept > WORLDS / 4
    if at_the_end:
        solved = tree.low[:, 0] == tree.high[:, 0]
        exact = np.array([exact_value(tables, w, 0) for w in range(WORLDS)])
        assert solved.mean() > 0.5 and (tree.low[:, 0] <= exact).all() and (exact <= tree.high[:, 0]).all()
        assert set(exact[solved].tolist()) == {-1, 0, 1}
    else:
        assert visits.sum(1).min() == SIMULATIONS


def exact_value(tables, w, s):
    """Return what the player to move at a state gets when both play best, by the definition."""
    values = []
    for a in np.flatnonzero(tables.allowed[w, s]):
        after = tables.after[w, s, a]
        sign = 1 if tables.turn[w, s] == tables.turn[w, after] else -1
        values.append(tables.paid[w, s, a] if tables.ends[w, s, a] else sign * exact_value(tables, w, after))
    return max(values)


@pytest.fixture(scope="module")
def positions():
    """Return 400 positions of tic-tac-toe and one that is over, their values and their best moves."""
    solved, random = minimax(TicTacToe()), np.random.default_rng(0)
    rows = np.append(random.choice(np.flatnonzero(~solved.terminal), 400, False), solved.terminal.argmax())
    return (
        jax.tree.map(lambda x: jnp.asarray(x[rows]), solved.states),
        solved.value[rows],
        solved.optimal[rows],
    )


def searched(simulations, state, slots=None):
    search = Search(TicTacToe(), simulations, bounds=(-1.0, 1.0), noise=1.0, spread=3.0, slots=slots)
    return search, eqx.filter_jit(search)(state, even, KEY)


@pytest.fixture(scope="module")
def shallow(positions):
    return searched(8, positions[0])


def test_more_simulations_come_to_agree_with_minimax(positions, shallow):
    state, value, optimal = positions
    live, shares, solved = optimal.any(1), [], []
    for search, tree in (shallow, searched(250, state)):
        closed = np.asarray(search.solved(tree))
        right = optimal[np.arange(len(value)), np.asarray(search.best(tree))]
        assert right[closed & live].all() and (np.asarray(search.value(tree))[closed] == value[closed]).all()
        policy = np.asarray(search.policy(tree))
        assert (policy[closed][~optimal[closed]] == 0).all()
        np.testing.assert_allclose(policy[live].sum(1), 1, rtol=1e-6)
        shares.append(right[live].mean())
        solved.append(closed)
    assert shares[0] < shares[1] and shares[1] >= 0.995
    free = np.asarray((state.marks == 0).sum(1))
    assert solved[1][free <= 4].all() and solved[0].mean() < solved[1].mean()


def test_rows_of_legal_actions_alone_are_the_same_search(positions, shallow):
    search, tree = shallow
    compact, small = searched(8, positions[0], slots=8)
    count = np.asarray(jax.vmap(search.env.legal)(positions[0])).sum(1)
    few = (count > 0) & (count <= 8)
    assert few.sum() > 300
    for name in ("visits", "policy", "value", "solved", "best"):
        one, two = (np.asarray(getattr(s, name)(t)) for s, t in ((search, tree), (compact, small)))
        np.testing.assert_array_equal(one[few], two[few])


def test_a_game_that_is_over_is_not_searched(shallow):
    search, tree = shallow
    assert bool(search.solved(tree)[-1]) and float(search.value(tree)[-1]) == 0
    assert int(tree.visits[-1].sum()) == 1 and not search.policy(tree)[-1].any()


@pytest.fixture(scope="module")
def copies(shallow):
    """Return a search, and 6,000 copies of one of its trees."""
    search, tree = shallow
    free = np.asarray(tree.legal[:, 0]).sum(1)
    row = int(np.flatnonzero(~np.asarray(search.solved(tree)) & (free == 6))[0])
    many = jax.tree.map(lambda x: jnp.broadcast_to(x[row], (6000, *x.shape[1:])), tuple(tree[:-1]))
    return search, Tree(*many, size=tree.size)


def test_noise_is_dirichlet_over_legal_actions(copies):
    search, tree = copies
    prior = np.asarray(eqx.filter_jit(search.noisy)(tree, KEY).prior[:, 0], float)
    legal = np.asarray(tree.legal[0, 0])
    assert legal.sum() == 6 and (prior[:, ~legal] == 0).all()
    np.testing.assert_allclose(prior.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(prior[:, legal].mean(0), 1 / 6, atol=0.01)
    np.testing.assert_allclose(prior[:, legal].var(0), 1 / 6 * 5 / 6 / (3 + 1), rtol=0.1)


def test_moves_are_drawn_by_the_temperature(copies):
    search, tree = copies
    policy, count = np.asarray(search.policy(tree)[0], float), len(tree.value)
    gumbel, draw = jax.random.gumbel(KEY, (count, 9)), eqx.filter_jit(search.sample)
    for temperature in (1.0, 0.5):
        drawn = draw(tree, jnp.full(count, temperature), gumbel)
        share = np.bincount(np.asarray(drawn), minlength=9) / count
        wanted = policy ** (1 / temperature) / (policy ** (1 / temperature)).sum()
        np.testing.assert_allclose(share, wanted, atol=0.03)
        assert (share[policy == 0] == 0).all()
    assert (
        np.ptp(policy[policy > 0]) > 0
        and policy[int(draw(tree, jnp.zeros(count), gumbel)[0])] == policy.max()
    )


def test_bad_input_gets_a_sentence(copies):
    _, tree = copies
    with pytest.raises(BadInput, match="those of Pendulum are continuous"):
        Search(Pendulum())
    with pytest.raises(BadInput, match="simulations is an integer of at least 1, not 0"):
        Search(TicTacToe(), 0)
    with pytest.raises(BadInput, match="low < high"):
        Search(TicTacToe(), bounds=(1.0, -1.0))
    with pytest.raises(BadInput, match="share of noise"):
        Search(TicTacToe(), noise=1.5)
    with pytest.raises(BadInput, match="room=True"):
        Search(TicTacToe()).reuse(tree, jnp.zeros(1, jnp.int32), None, even)
