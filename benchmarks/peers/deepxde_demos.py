"""DeepXDE on the problems of its own demonstrations, with their networks, points, steps and optimizers.

Usage: deepxde_demos.py DEMO GRID.npz BEGUN LIMIT SEED.  The grid has `points: [N, d]`, time first, and the
true `values: [N, f]`; BEGUN is the time of `time.time()` when the process was started, LIMIT the seconds
after which training stops.  DDE_BACKEND names the backend.  Prints one line of JSON: the seconds from BEGUN
to the end of training, the relative L2 error there, and the error along the way.
"""

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import deepxde as dde
import numpy as np

NAME = dde.backend.backend_name
if NAME == "pytorch":
    import torch as xp
else:
    import jax.numpy as xp


@dataclass
class Demo:
    """A problem of a demonstration: its data, its network, its steps of Adam, and whether L-BFGS follows."""

    data: Any
    layers: list[int]
    activation: str = "tanh"
    initializer: str = "Glorot normal"
    steps: int = 15000
    polished: bool = True
    features: Any = None
    output: Any = None
    flipped: bool = False


def first(y: Any, x: Any, i: int = 0, j: int = 0) -> Any:
    """Return ∂y_i/∂x_j; the JAX backend returns a pair, of which the value comes first."""
    found = dde.grad.jacobian(y, x, i=i, j=j)
    return found[0] if NAME == "jax" else found


def second(y: Any, x: Any, j: int = 0, component: int = 0) -> Any:
    """Return ∂²y_component/∂x_j²."""
    found = dde.grad.hessian(y, x, component=component, i=j, j=j)
    return found[0] if NAME == "jax" else found


def values(y: Any) -> Any:
    """Return the outputs of the network."""
    return y[0] if NAME == "jax" else y


def everywhere(_: Any, on: bool) -> bool:
    """Choose all of a boundary."""
    return on


def oscillator() -> Demo:
    """Return `ode_system.py`: y₁' = y₂, y₂' = -y₁ on [0, 10]."""

    def equations(x: Any, y: Any) -> list:
        u = values(y)
        return [first(y, x, 0) - u[:, 1:], first(y, x, 1) + u[:, 0:1]]

    time_domain = dde.geometry.TimeDomain(0, 10)
    starts = [
        dde.icbc.IC(time_domain, lambda x: np.sin(x), everywhere, component=0),
        dde.icbc.IC(time_domain, lambda x: np.cos(x), everywhere, component=1),
    ]
    data = dde.data.PDE(time_domain, equations, starts, 35, 2, num_test=100)
    return Demo(data, [1, 50, 50, 50, 2], initializer="Glorot uniform", steps=20000, polished=False)


def evolution(equation: Any, start: Any, ends: tuple[float, float], last: float) -> Any:
    """Return the data of an equation in x and t that vanishes at both ends."""
    domain = dde.geometry.GeometryXTime(dde.geometry.Interval(*ends), dde.geometry.TimeDomain(0, last))
    conditions = [
        dde.icbc.DirichletBC(domain, lambda x: 0, everywhere),
        dde.icbc.IC(domain, start, everywhere),
    ]
    return dde.data.TimePDE(domain, equation, conditions, num_domain=2540, num_boundary=80, num_initial=160)


def heat() -> Demo:
    """Return `heat.py`: u_t = 0.4 u_xx from sin πx."""
    data = evolution(
        lambda x, y: first(y, x, 0, 1) - 0.4 * second(y, x, 0), lambda x: np.sin(np.pi * x[:, 0:1]), (0, 1), 1
    )
    return Demo(data, [2, 20, 20, 20, 1], steps=20000, flipped=True)


def burgers() -> Demo:
    """Return `Burgers.py`: u_t + u u_x = 0.01/π u_xx from -sin πx, to t = 0.99."""
    data = evolution(
        lambda x, y: first(y, x, 0, 1) + y * first(y, x, 0, 0) - 0.01 / np.pi * second(y, x, 0),
        lambda x: -np.sin(np.pi * x[:, 0:1]),
        (-1, 1),
        0.99,
    )
    return Demo(data, [2, 20, 20, 20, 1], flipped=True)


def helmholtz() -> Demo:
    """Return `Helmholtz_Dirichlet_2d.py`: -Δu - k²u = k² sin kx sin ky, k = 4π, zero held exactly."""
    k, count = 4 * np.pi, 20

    def equation(x: Any, y: Any) -> Any:
        source = k**2 * xp.sin(k * x[:, 0:1]) * xp.sin(k * x[:, 1:2])
        return -second(y, x, 0) - second(y, x, 1) - k**2 * values(y) - source

    def held(x: Any, y: Any) -> Any:
        if NAME == "jax" and x.ndim == 1:
            return x[0:1] * (1 - x[0:1]) * x[1:2] * (1 - x[1:2]) * y
        return x[:, 0:1] * (1 - x[:, 0:1]) * x[:, 1:2] * (1 - x[:, 1:2]) * y

    square = dde.geometry.Rectangle([0, 0], [1, 1])
    data = dde.data.PDE(square, equation, [], num_domain=count**2, num_boundary=4 * count)
    return Demo(
        data, [2, 150, 150, 150, 1], "sin", "Glorot uniform", steps=5000, polished=False, output=held
    )  # fmt: skip


def lotka_volterra() -> Demo:
    """Return `Lotka_Volterra.py`: rescaled rabbits and foxes, the start held exactly."""

    def equations(x: Any, y: Any) -> list:
        r, p = y[:, 0:1], y[:, 1:2]
        return [
            first(y, x, 0) - 20 * (2.0 * r - 0.04 * 200 * r * p),
            first(y, x, 1) - 20 * (0.02 * 200 * r * p - 1.06 * p),
        ]

    def held(t: Any, y: Any) -> Any:
        return xp.cat([y[:, 0:1] * xp.tanh(t) + 0.5, y[:, 1:2] * xp.tanh(t) + 0.075], dim=1)

    data = dde.data.PDE(dde.geometry.TimeDomain(0.0, 1.0), equations, [], 3000, 2, num_test=3000)
    return Demo(data, [1] + [64] * 6 + [2], steps=50000, features=xp.sin, output=held)


def kovasznay() -> Demo:
    """Return `Kovasznay_flow.py`: the Navier-Stokes equations at Re = 20."""
    rate = 10 - np.sqrt(100 + 4 * np.pi**2)

    def equations(x: Any, y: Any) -> list:
        u, v = y[:, 0:1], y[:, 1:2]
        return [
            u * first(y, x, 0, 0) + v * first(y, x, 0, 1) + first(y, x, 2, 0)
            - (second(y, x, 0) + second(y, x, 1)) / 20,
            u * first(y, x, 1, 0) + v * first(y, x, 1, 1) + first(y, x, 2, 1)
            - (second(y, x, 0, 1) + second(y, x, 1, 1)) / 20,
            first(y, x, 0, 0) + first(y, x, 1, 1),
        ]  # fmt: skip

    def u_of(x: Any) -> Any:
        return 1 - np.exp(rate * x[:, 0:1]) * np.cos(2 * np.pi * x[:, 1:2])

    def v_of(x: Any) -> Any:
        return rate / (2 * np.pi) * np.exp(rate * x[:, 0:1]) * np.sin(2 * np.pi * x[:, 1:2])

    def p_of(x: Any) -> Any:
        return (1 - np.exp(2 * rate * x[:, 0:1])) / 2

    domain = dde.geometry.Rectangle([-0.5, -0.5], [1, 1.5])
    conditions = [
        dde.icbc.DirichletBC(domain, u_of, everywhere, component=0),
        dde.icbc.DirichletBC(domain, v_of, everywhere, component=1),
        dde.icbc.DirichletBC(domain, p_of, lambda x, on: on and np.isclose(x[0], 1), component=2),
    ]
    data = dde.data.PDE(domain, equations, conditions, num_domain=2601, num_boundary=400)
    return Demo(data, [2, 50, 50, 50, 50, 3], steps=30000)


DEMOS = {make.__name__: make for make in (oscillator, heat, helmholtz, burgers, lotka_volterra, kovasznay)}


class Watch(dde.callbacks.Callback):
    """Notes the error every `every` steps, and stops training after a time."""

    def __init__(self, points: Any, truth: Any, begun: float, limit: float, every: int = 1000):
        super().__init__()
        self.points, self.truth = points, truth
        self.begun, self.limit, self.every, self.curve = begun, limit, every, []
        self.stopped = False

    def error(self) -> float:
        """Return the relative L2 error, the largest over the fields."""
        difference = np.linalg.norm(self.model.predict(self.points) - self.truth, axis=0)
        return float(np.max(difference / np.linalg.norm(self.truth, axis=0)))

    def on_epoch_end(self) -> None:
        """Look at the clock after every step (of L-BFGS: after every thousand)."""
        if self.model.train_state.step % self.every == 0 or self.model.opt_name != "adam":
            self.curve.append((time.time() - self.begun, self.error()))
        if time.time() - self.begun > self.limit:
            self.model.stop_training = self.stopped = True


def main(name: str, grid: str, begun: float, limit: float, seed: int) -> None:
    """Train as the demonstration does, and print what came of it."""
    np.random.seed(seed)  # noqa: NPY002 - DeepXDE draws its points from NumPy's global state
    if NAME == "pytorch":
        xp.set_num_threads(2)
        xp.manual_seed(seed)
    else:
        dde.config.jax_random_seed = seed
    demo, given = DEMOS[name](), np.load(grid)
    points, truth = given["points"], given["values"]
    if demo.flipped:
        points = points[:, ::-1]
    net = dde.nn.FNN(demo.layers, demo.activation, demo.initializer)
    if demo.features is not None:
        net.apply_feature_transform(demo.features)
    if demo.output is not None:
        net.apply_output_transform(demo.output)
    model = dde.Model(demo.data, net)
    watch = Watch(np.ascontiguousarray(points, dtype=np.float32), truth, begun, limit)
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(iterations=demo.steps, callbacks=[watch], verbose=0)
    adam = int(model.train_state.step)
    if demo.polished and NAME == "pytorch" and not watch.stopped:
        model.compile("L-BFGS", verbose=0)
        model.train(callbacks=[watch], verbose=0)
    seconds = time.time() - begun
    print(
        json.dumps(
            {
                "seconds": seconds,
                "error": watch.error(),
                "curve": watch.curve,
                "steps": [adam, int(model.train_state.step) - adam],
                "stopped": watch.stopped,
                "version": f"{dde.__version__} ({NAME})",
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
