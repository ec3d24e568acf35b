"""Small recipes of every kind that the engine has to carry, each with a truth that it must reach."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

from ansatz.core import Fixed, Map, Pairs, Parts, Recipe, Source, Stage, Update, Watch
from ansatz.data.held import Held
from ansatz.training.updates import Descend, Epochs, Every, On, Until


class Net(Map):
    """A two-layer tanh network."""

    first: jax.Array
    shift: jax.Array
    second: jax.Array

    def __init__(self, sizes, key):
        a, b = jr.split(key)
        n, width, m = sizes
        self.first = jr.normal(a, (width, n)) / np.sqrt(n)
        self.shift = jr.normal(b, (width,))
        self.second = jr.normal(b, (m, width)) / np.sqrt(width)

    def __call__(self, x, *, key=None):
        return self.second @ jnp.tanh(self.first @ x + self.shift)


class Rows(Source):
    """Random rows of arrays."""

    data: Any
    size: int = eqx.field(static=True)

    def init(self, model, key):
        return ()

    def next(self, state, model, clock, key):
        rows = jr.randint(key, (self.size,), 0, len(jax.tree.leaves(self.data)[0]))
        return jax.tree.map(lambda a: a[rows], self.data), state


class Everything(Source):
    """All rows, each time."""

    data: Any

    def init(self, model, key):
        return ()

    def next(self, state, model, clock, key):
        return self.data, state


def squares(model, batch, key):
    error = jax.vmap(model)(batch.x) - batch.y
    return jnp.mean(error**2), {"largest": jnp.max(jnp.abs(error))}


class Supervised(Recipe):
    """A sine from points, with validation and patience."""

    rate: float = 0.02
    patience: int | None = None
    start: float = 0.0

    def build(self, data, key):
        watch = Watch(Everything(data), squares, every=20, patience=self.patience, start=self.start)
        down = Descend(squares, optax.adam(self.rate), schedule=lambda t: 1 - 0.9 * t)
        return Parts(Net((1, 16, 1), key), Rows(data, 32), (down,), watch=watch)


class Points(Source):
    """Uniform collocation points in [0, 1]."""

    size: int = eqx.field(static=True)

    def init(self, model, key):
        return ()

    def next(self, state, model, clock, key):
        return jr.uniform(key, (self.size,)), state


class HeldPoints(Recipe):
    """y'' = -y, y(0) = 0, y'(0) = 1 by L-BFGS on points held for 20 steps."""

    def build(self, data, key):
        def residual(model, t, key):
            y = lambda t: t + t**2 * model(t[None])[0]  # noqa: E731
            r = jax.vmap(jax.grad(jax.grad(y)))(t) + jax.vmap(y)(t)
            return jnp.mean(r**2), {}

        return Parts(Net((1, 12, 1), key), Held(Points(40), 20), (Descend(residual, optax.lbfgs()),))


class GaussNewton(Update):
    """Damped Gauss-Newton on a residual, θ ← θ - (JᵀJ + μ)⁻¹ Jᵀr."""

    residual: Callable[..., Any]
    damping: float = eqx.field(static=True, default=1e-4)

    def init(self, model):
        return ()

    def apply(self, model, opt, batch, clock, key):
        flat, unravel = jax.flatten_util.ravel_pytree(model)
        r = lambda theta: self.residual(unravel(theta), batch, key)[0]  # noqa: E731
        jacobian, value = jax.jacfwd(r)(flat), r(flat)
        normal = jacobian.T @ jacobian + self.damping * jnp.eye(len(flat), dtype=flat.dtype)
        step = jnp.linalg.solve(normal, jacobian.T @ value)
        return unravel(flat - step), opt, {"loss": jnp.mean(value**2)}


class Exponential(Recipe):
    """a·exp(b·x) with a = 2, b = -1.5 by Gauss-Newton."""

    def build(self, data, key):
        def residual(model, batch, key):
            return model["a"] * jnp.exp(model["b"] * batch.x) - batch.y, {}

        start = {"a": jnp.asarray(1.0) + jr.uniform(key), "b": jnp.asarray(-1.0)}
        return Parts(start, Everything(data), (GaussNewton(residual),))


class Knots(Map):
    """A piecewise linear function on [0, 1] by its values at equal knots."""

    values: jax.Array

    def __call__(self, x, *, key=None):
        return jnp.interp(x[0], jnp.linspace(0, 1, len(self.values)), self.values)[None]


class Grid(Recipe):
    """Least squares for the values at so many knots."""

    knots: int = 3

    def build(self, data, key):
        return Parts(Knots(jnp.zeros(self.knots)), Everything(data), (Descend(squares, optax.adam(0.05)),))


def finer(old: Knots, new: Knots) -> Knots:
    """Read the coarse function off at the finer knots."""
    return Knots(jax.vmap(lambda x: old(x[None])[0])(jnp.linspace(0, 1, len(new.values))))


class Adversaries(NamedTuple):
    generator: Any
    critic: Any
    average: Fixed


class Adversarial(Recipe):
    """A shifted unit normal learnt by a GAN of two critic steps a generator step, with an EMA."""

    def build(self, data, key):
        def fake(model, batch, key):
            return model.generator["shift"] + jr.normal(key, batch.shape)

        def critic(model, batch, key):
            score = lambda x: model.critic["slope"] * x + model.critic["bias"]  # noqa: E731
            loss = jax.nn.softplus(-score(batch)) + jax.nn.softplus(score(fake(model, batch, key)))
            return jnp.mean(loss) + 0.1 * model.critic["slope"] ** 2, {}

        def generator(model, batch, key):
            score = model.critic["slope"] * fake(model, batch, key) + model.critic["bias"]
            return jnp.mean(jax.nn.softplus(-score)), {"shift": model.generator["shift"]}

        def average(model, batch, clock):
            value = 0.98 * model.average.value + 0.02 * model.generator["shift"]
            return model._replace(average=Fixed(value))

        zero = jnp.asarray(0.0)
        model = Adversaries({"shift": zero}, {"slope": zero, "bias": zero}, Fixed(zero))
        updates = (
            Epochs(Descend(critic, optax.adam(0.05), lambda m: m.critic, name="critic"), minibatches=2),
            On(
                lambda b: b[:64],
                Descend(generator, optax.adam(0.02), lambda m: m.generator, name="generator"),
            ),
        )
        return Parts(model, Rows(data, 128), updates, after=average)


class Autoencoder(Recipe):
    """A linear VAE, whose best evidence bound is the likelihood of probabilistic PCA."""

    def build(self, data, key):
        def bound(model, x, key):
            mean, deviation = x @ model["encode"], jnp.exp(model["log_deviation"])[None]
            z = mean + deviation * jr.normal(key, mean.shape)
            variance = jnp.exp(2 * model["log_noise"])
            error = jnp.sum((x - z @ model["decode"]) ** 2, -1)
            nll = 0.5 * error / variance + 0.5 * x.shape[1] * jnp.log(2 * jnp.pi * variance)
            kl = 0.5 * jnp.sum(mean**2 + deviation**2 - 2 * jnp.log(deviation) - 1, -1)
            return jnp.mean(nll + kl), {"divergence": jnp.mean(kl)}

        a, b = jr.split(key)
        model = {
            "encode": 0.1 * jr.normal(a, (3, 1)),
            "decode": 0.1 * jr.normal(b, (1, 3)),
            "log_deviation": jnp.zeros(1),
            "log_noise": jnp.asarray(0.0),
        }
        return Parts(
            model, Rows(data, 128), (Descend(bound, optax.adam(0.02), schedule=lambda t: 1 - 0.95 * t),)
        )


class Trajectory(NamedTuple):
    state: Any
    action: Any
    log_probability: Any
    advantage: Any


class Bandits(Source):
    """Rollouts of a two-state bandit: action 0 pays in state 0, action 1 in state 1."""

    episodes: int = eqx.field(static=True)

    def init(self, model, key):
        return ()

    def next(self, state, model, clock, key):
        a, b = jr.split(key)
        states = jr.bernoulli(a, 0.5, (self.episodes,)).astype(jnp.int32)
        log_pi = jax.nn.log_softmax(model["logits"][states])
        actions = jr.categorical(b, log_pi)
        rewards = (actions == states).astype(jnp.float32)
        chosen = jnp.take_along_axis(log_pi, actions[:, None], 1)[:, 0]
        return Trajectory(states, actions, chosen, rewards - rewards.mean()), state


class Proximal(Recipe):
    """PPO on the bandit, its passes stopped by the divergence from the old policy."""

    def build(self, data, key):
        def loss(model, batch, key):
            log_pi = jax.nn.log_softmax(model["logits"][batch.state])
            now = jnp.take_along_axis(log_pi, batch.action[:, None], 1)[:, 0]
            ratio = jnp.exp(now - batch.log_probability)
            clipped = jnp.clip(ratio, 0.8, 1.2) * batch.advantage
            kl = jnp.mean(batch.log_probability - now)
            return -jnp.mean(jnp.minimum(ratio * batch.advantage, clipped)), {"kl": kl}

        down = Until(Epochs(Descend(loss, optax.adam(0.05)), minibatches=2), "kl", 0.02, times=4)
        return Parts({"logits": 0.1 * jr.normal(key, (2, 2))}, Bandits(128), (down,))


class Ring(NamedTuple):
    rows: jax.Array
    state: jax.Array


class Replay(Source):
    """A random walk on five states, 1 for reaching the right end; a replay ring packed in a matrix."""

    size: int = eqx.field(static=True)
    capacity: int = eqx.field(static=True, default=256)

    def init(self, model, key):
        return Ring(jnp.zeros((self.capacity, 5)), jnp.asarray(2))

    def next(self, ring, model, clock, key):
        a, b, c = jr.split(key, 3)
        action = jr.bernoulli(a).astype(jnp.int32)
        to = ring.state + 2 * action - 1
        ended = (to == 0) | (to == 4)
        row = jnp.stack([jnp.float32(v) for v in (ring.state, action, to, to == 4, ended)])
        rows = ring.rows.at[clock.step % self.capacity].set(row)
        filled = jnp.minimum(clock.step + 1, self.capacity)
        batch = rows[jr.randint(b, (self.size,), 0, filled)]
        restart = jr.randint(c, (), 1, 4)
        return batch, Ring(rows, jnp.where(ended, restart, to).astype(ring.state.dtype))


class QNetworks(NamedTuple):
    online: jax.Array
    target: Fixed


class DeepQ(Recipe):
    """Q-learning with replay and a target that is copied every 25 steps."""

    def build(self, data, key):
        def error(model, batch, key):
            state, action, to = (batch[:, i].astype(jnp.int32) for i in range(3))
            after = 0.9 * (1 - batch[:, 4]) * model.target.value[to].max(-1)
            return 0.5 * jnp.mean((model.online[state, action] - batch[:, 3] - after) ** 2), {}

        def copy(model, batch, clock):
            due = clock.step % 25 == 0
            return model._replace(target=Fixed(jnp.where(due, model.online, model.target.value)))

        table = 0.01 * jr.normal(key, (5, 2))
        return Parts(QNetworks(table, Fixed(table)), Replay(32), (Descend(error, optax.adam(0.02)),), copy)


class Gym(Source):
    """Transitions of a Gymnasium environment, taken in Python by an ε-greedy policy."""

    host: ClassVar[bool] = True
    prefetch: ClassVar[int] = 0
    name: str = eqx.field(static=True, default="FrozenLake-v1")

    def init(self, model, key):
        import gymnasium

        env = gymnasium.make(self.name, is_slippery=False)
        observation, _ = env.reset(seed=0)
        return {"env": _Opaque(env), "observation": np.asarray(observation)}

    def next(self, state, model, clock, key):
        env = state["env"].value
        seed = int(jr.randint(key, (), 0, 2**30))
        random = np.random.default_rng(seed)
        here = int(state["observation"])
        values = np.asarray(model["q"])[here]
        greedy = random.choice(np.flatnonzero(values == values.max()))
        action = int(random.integers(4)) if random.random() < 0.5 else int(greedy)
        there, reward, terminated, truncated, _ = env.step(action)
        batch = np.array([[here, action, there, reward, terminated]], np.float32)
        if terminated or truncated:
            there, _ = env.reset()
        return batch, {"env": state["env"], "observation": np.asarray(there)}


class _Opaque:
    def __init__(self, value):
        self.value = value


jax.tree_util.register_pytree_node(_Opaque, lambda o: ((), o), lambda o, _: o)


class TabularGym(Recipe):
    """Tabular Q-learning on FrozenLake without slipping, the environment on the host."""

    def build(self, data, key):
        def error(model, batch, key):
            state, action, to = (batch[:, i].astype(jnp.int32) for i in range(3))
            after = 0.9 * (1 - batch[:, 4]) * jax.lax.stop_gradient(model["q"])[to].max(-1)
            return 0.5 * jnp.mean((model["q"][state, action] - batch[:, 3] - after) ** 2), {}

        return Parts({"q": jnp.zeros((16, 4))}, Gym(), (Every(1, Descend(error, optax.sgd(0.5))),))


def sine_table() -> Pairs:
    x = np.linspace(-2, 2, 200, dtype=np.float32)[:, None]
    return Pairs(x, np.sin(2 * x))


def exponential_table() -> Pairs:
    x = np.linspace(0, 1, 50, dtype=np.float32)
    return Pairs(x, (2 * np.exp(-1.5 * x)).astype(np.float32))


def parabola_table() -> Pairs:
    x = np.linspace(0, 1, 101, dtype=np.float32)[:, None]
    return Pairs(x, x**2)


def shifted_normal() -> np.ndarray:
    return (1.5 + np.random.default_rng(0).normal(size=2000)).astype(np.float32)


def three_columns() -> np.ndarray:
    random = np.random.default_rng(1)
    direction = np.array([[2.0, 1.0, -1.0]])
    return (random.normal(size=(2000, 1)) @ direction + 0.5 * random.normal(size=(2000, 3))).astype(
        np.float32
    )


STAGES = [Stage(Grid(3), 150), Stage(Grid(5), 150, finer), Stage(Grid(9), 150, finer)]
