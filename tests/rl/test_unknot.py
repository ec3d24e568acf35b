"""The game of untying: masks, moves, rewards and starts against plain Python; the network; the baselines."""

from random import Random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.knots.codes import to_pd
from ansatz.knots.diagram import Diagram
from ansatz.knots.families import cores, drifted, fresh, key, reduced, reflected, removals, stuck, tangled
from ansatz.knots.lay import lay, layable
from ansatz.knots.moves import count
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import named
from ansatz.rl.a2c import A2C
from ansatz.rl.alphazero import AlphaZero
from ansatz.rl.check import check
from ansatz.rl.curriculum import Curriculum
from ansatz.rl.dqn import DQN
from ansatz.rl.envs.cube import Cube
from ansatz.rl.envs.unknot import LONGEST, Unknot
from ansatz.rl.ppo import PPO
from ansatz.rl.unknot_baselines import BASELINES, attempt, legal_moves, sampled
from ansatz.rl.unknot_course import course, solution
from ansatz.training.fit import fit

N, LANES, LENGTH = 16, 32, 60
D = 4 * N
ALL = Unknot(capacity=N, moves="all", scramble=8)
SMALL = Unknot(capacity=N, reward="sparse", scramble=8, limit=20)
HASTE = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
PLAIN = np.arange(D, dtype=np.int32)
KINK = np.concatenate([[1, 0, 3, 2], PLAIN[4:]]).astype(np.int32)


@pytest.fixture(scope="module")
def walks():
    """Random play with all moves: states, actions, whether legal, counts, steps, masks."""

    def body(state, key):
        action, legal = ALL.drawn(state, key), ALL.legal(state)
        step = ALL.step(state, action, key)
        over = step.terminated | step.truncated
        after = jax.tree.map(lambda a, b: jnp.where(over, a, b), ALL.reset(key), step.state)
        total = ALL.table.total(state.alpha) + layable(state.alpha, LONGEST).sum(dtype=jnp.int32)
        return after, (state, action, legal, total, step)

    def walk(key):
        return jax.lax.scan(body, ALL.reset(key), jax.random.split(key, LENGTH))[1]

    found = jax.jit(jax.vmap(walk), compiler_options=HASTE)(jax.random.split(jax.random.key(0), LANES))
    return jax.tree.map(lambda x: np.asarray(x).reshape(-1, *x.shape[2:]), found)


def test_random_play_makes_legal_moves_of_every_kind_on_diagrams_of_one_knot(walks):
    state, action, legal, total, step = walks
    assert legal[np.arange(len(action)), action].all()
    assert (legal.sum(1) == total).all() and (total > 0).all()
    ends = [0, D, 2 * D, 3 * D, 5 * D, 13 * D, 13 * D + N, 14 * D + N]
    assert (np.histogram(action, ends)[0] > 0).all()
    for alpha in step.state.alpha[::40]:
        diagram = Diagram(alpha, int((alpha == PLAIN).all()))
        assert diagram.check().components == 1
    n = (step.state.alpha != PLAIN).sum(1) // 4
    assert (step.terminated == (n == 0)).all() and not (step.terminated & step.truncated).any()
    changed = (action >= 13 * D) & (action < 13 * D + N)
    assert np.allclose(step.reward, -n / state.first - changed, atol=1e-6)
    tight = (state.alpha != PLAIN).sum(1) // 4 + 2 > N
    assert (step.state.blocked - state.blocked == tight).all() and tight.any()


def test_the_mask_says_what_plain_python_says(walks):
    alphas, legal = walks[0].alpha[::60], walks[2][::60]
    names = {"R1-": 0, "R2-": 1, "R3": 2, "R1+": 3}
    for alpha, mask in zip(alphas, legal, strict=True):
        wanted = np.zeros(13 * D, bool)
        sketch = Sketch(Diagram(alpha))
        for name, d, *rest in legal_moves(sketch, N):
            if name == "R2+":
                wanted[5 * D + 8 * d + 2 * (sketch.face(d).index(rest[0]) - 1) + rest[1]] = True
            else:
                wanted[names[name] * D + (2 * d + rest[0] if rest else d)] = True
        assert np.array_equal(mask[: 13 * D], wanted)


def test_arcs_that_may_be_laid_anew_are_those_that_lay_accepts(walks):
    alphas = jnp.asarray(walks[0].alpha[::90])
    every = jnp.arange(D, dtype=jnp.int32)

    def accepted(alpha):
        diagram = Diagram(alpha, jnp.int32(0))
        return jax.vmap(lambda d: lay(diagram, d, jax.random.key(1), LONGEST).legal)(every)

    found = jax.jit(jax.vmap(accepted), compiler_options=HASTE)(alphas)
    assert np.array_equal(found, walks[2][::90][:, 13 * D + N :]) and found.any()


@pytest.mark.parametrize(
    ("reward", "paid"), [("crossings", [-2.0, 0.0]), ("sparse", [0.0, 1.0]), ("steps", [-1.0, 1.0])]
)
def test_rewards_are_those_of_the_notes(reward, paid):
    env = Unknot(capacity=N, reward=reward)
    state = env.begun(jnp.asarray(KINK))
    up, down = (env.step(state, jnp.int32(action), jax.random.key(0)) for action in (3 * D, 0))
    assert [float(up.reward), float(down.reward)] == paid
    assert bool(down.terminated) and not bool(env.legal(down.state).any())
    assert "round circle" in env.render(down.state)


def test_starts():
    circle = jax.vmap(lambda k: SMALL.inverse_moves(SMALL.solved, k).alpha)(
        jax.random.split(jax.random.key(0), 16)
    )
    assert {tuple(alpha[:4]) for alpha in np.asarray(circle).tolist()} == {(1, 0, 3, 2), (3, 2, 1, 0)}
    env = Unknot(capacity=N, start="cores", most=13)
    begun = jax.jit(jax.vmap(env.reset), compiler_options=HASTE)(jax.random.split(jax.random.key(1), 32))
    n = np.asarray(jax.vmap(count)(begun.alpha))
    assert (n >= 9).all() and (n <= 13).all() and (np.asarray(begun.first) == n).all()
    mine = Unknot(capacity=N, start="Culprit")
    assert mine.begun(mine.reset(jax.random.key(0)).alpha).first == 10
    assert check(Unknot(capacity=N, moves="pass")).actions.n == 14 * D


def test_fresh_diagrams_are_new_and_removals_and_r3_make_them_no_smaller():
    named_ones = {key(core) for core in cores(20)}
    found = fresh(16)
    assert len({key(one) for one in found} - named_ones) == len(found) >= 100
    for one in found[::10]:
        assert one.check().components == 1 and one.crossings >= 9
        assert reduced(Sketch(one)).crossings == one.crossings
        assert solution(one)
    assert [to_pd(one) for one in stuck(2, 26, seed=11)] == [to_pd(one) for one in fresh(26)[:2]]
    assert key(found[0]) == key(reflected(found[0].mirrored()))
    assert reduced(Sketch(named("Monster"))).crossings == 0 and reduced(Sketch(named("J"))).crossings == 9


def test_annealing_leaves_nothing_to_remove():
    rng = Random(0)
    for _ in range(3):
        sketch = tangled(rng, 12)
        assert removals(sketch) == 0 and sketch.diagram().check().components == 1
        assert sketch.removable() is None and 9 <= sketch.crossings <= 12
    moved = drifted(sketch.diagram().resized(), rng, 14)
    assert moved.diagram().check().components == 1 and moved.crossings <= 14


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": "D28"}, "at most 31 crossings"),
        ({"start": "3_1", "capacity": 3}, "capacity >= 4"),
        ({"start": "T(2,4)"}, "2 components"),
        ({"start": "unknot"}, "no crossing"),
        ({"moves": "r only"}, "r-only"),
        ({"most": 40}, "most = 40"),
        ({"scramble": 0}, "scramble >= 1"),
        ({"start": "cores", "most": 8}, "9"),
    ],
)
def test_what_cannot_be_played_is_refused_with_a_sentence(options, words):
    options = {"capacity": 28} | options if options.get("start") == "D28" else options
    words = "at most 27 crossings" if options.get("start") == "D28" else words
    with pytest.raises(BadInput, match=words):
        Unknot(**options)


@pytest.fixture(scope="module")
def model():
    return PPO(network="darts", width=12, depth=2).build(ALL, jax.random.key(2)).model


def relabelled(alpha: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a diagram with its crossings numbered anew, half from the other end, and where darts go."""
    place, turn = rng.permutation(N), 2 * rng.integers(2, size=N)
    to = 4 * place[PLAIN >> 2] + (PLAIN + turn[PLAIN >> 2]) % 4
    found = np.empty_like(alpha)
    found[to] = to[alpha]
    return found.astype(np.int32), to


def test_the_network_says_the_same_of_a_diagram_however_it_is_numbered(model, walks):
    rng = np.random.default_rng(0)
    state = ALL.begun(jnp.asarray(walks[0].alpha[150]))
    ask = jax.jit(lambda s: (model(ALL.observe(s)), ALL.legal(s)), compiler_options=HASTE)
    (logits, value), legal = jax.tree.map(np.asarray, ask(state))
    alpha, to = relabelled(np.asarray(state.alpha), rng)
    (other, same), _ = jax.tree.map(np.asarray, ask(ALL.begun(jnp.asarray(alpha))))
    assert abs(value - same) < 1e-5
    moved = other.copy()
    for part in range(3):
        moved[part * D : (part + 1) * D] = other[part * D + to]
    pushes, wide = other[5 * D : 13 * D].reshape(D, 8), moved[5 * D : 13 * D].reshape(D, 8)
    wide[:] = pushes[to]
    # The slot of R1+ and the level of R2+ mean the same in any numbering.
    moved[3 * D : 5 * D] = other[3 * D : 5 * D].reshape(D, 2)[to].ravel()
    moved[13 * D : 13 * D + N] = other[13 * D + (to[::4] >> 2)]
    moved[13 * D + N :] = other[13 * D + N + to]
    assert legal.sum() > 50 and np.ptp(logits[legal]) > 0.01
    np.testing.assert_allclose(moved[legal], logits[legal], atol=2e-5)


def test_the_same_weights_serve_every_size(model, walks):
    larger = Unknot(capacity=40, moves="all")
    alpha = walks[0].alpha[200]
    wide = np.concatenate([alpha, np.arange(D, 160)]).astype(np.int32)
    small, big = (
        model(ALL.observe(ALL.begun(jnp.asarray(alpha)))),
        model(larger.observe(larger.begun(jnp.asarray(wide)))),
    )
    assert small[0].shape == (ALL.actions.n,) and big[0].shape == (larger.actions.n,)
    np.testing.assert_allclose(big[1], small[1], atol=1e-5)
    live = np.flatnonzero(alpha != PLAIN)
    np.testing.assert_allclose(big[0][live], small[0][live], atol=1e-5)


def test_ppo_learns_on_a_course_with_the_network():
    env = course(SMALL, [named("Monster")], levels=6, width=16)
    learner = PPO(network="darts", width=8, depth=1, envs=8, steps=8, passes=1, minibatches=1)
    run = fit(Curriculum(learner, window=20), env, steps=6, driver="loop")
    assert np.isfinite(np.asarray(run.history["actor"])).all()
    before = learner.build(SMALL, jax.random.key(0)).model
    changed = jax.tree.map(lambda a, b: bool((a != b).any()), before, run.model)
    assert all(jax.tree.leaves(changed.encoder)) and any(jax.tree.leaves(changed.actor))
    found = sampled(SMALL, run.model, named("Monster"), 5, runs=3)
    assert len(found) == 3 and all(one.steps <= 5 for one in found)


@pytest.mark.parametrize("recipe", [A2C, DQN, AlphaZero])
def test_the_network_is_chosen_by_name_in_every_recipe(recipe):
    model = recipe(network="darts", width=8, depth=1).build(SMALL, jax.random.key(0)).model
    obs = jax.eval_shape(SMALL.observe, SMALL.solved)
    legal = jax.ShapeDtypeStruct((SMALL.actions.n,), bool)
    assert jax.eval_shape(model.act, obs, legal).shape == ()
    with pytest.raises(BadInput, match="knot diagram"):
        recipe(network="darts").build(Cube(), jax.random.key(0))
    with pytest.raises(BadInput, match="did you mean 'darts'"):
        recipe(network="dart").build(SMALL, jax.random.key(0))


def test_standardizing_is_refused():
    with pytest.raises(BadInput, match="normalize=False"):
        PPO(network="darts", normalize=True).build(SMALL, jax.random.key(0))


def test_baselines_untie_scrambles_and_count_their_steps():
    diagrams = [SMALL.reset(jax.random.key(i)).alpha for i in range(4)]
    for alpha in diagrams:
        diagram = Diagram(np.asarray(alpha))
        for name in ("search", "restart"):
            assert attempt(name, diagram, 3000, capacity=N).untied
    for name in BASELINES:
        found = attempt(name, named("Culprit"), 40, seed=1, capacity=N)
        assert found.steps <= 40 and (found.crossings <= 10)
    assert not attempt("greedy", named("Goeritz"), 500).untied
    assert attempt("restart", named("H"), 20_000, capacity=N).untied
    assert len(solution(named("J"))) > 5


def test_counting_draws_every_legal_action_as_often(walks):
    alpha = jnp.asarray(walks[0].alpha[333])
    legal = np.flatnonzero(np.asarray(ALL.table.mask(alpha)))
    u = jnp.asarray((np.arange(len(legal)) + 0.5) / len(legal), jnp.float32)
    drawn = jax.jit(jax.vmap(lambda u: ALL.table.draw(alpha, u)), compiler_options=HASTE)(u)
    assert np.array_equal(np.sort(drawn), legal)
    assert ALL.table.draw(jnp.asarray(PLAIN), u[0]) == 0
