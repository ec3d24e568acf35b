"""Steps per second beside torch, and accuracy against time on images."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.random as jr
import numpy as np
import optax

from ansatz.core import Pairs, Parts, Recipe, count_parameters
from ansatz.data import Table
from ansatz.maps import CNN
from ansatz.objectives import cross_entropy
from ansatz.supervised.images import cross_validate_images, fit_images
from ansatz.training.prepare import arrays_for, choose, prepare
from ansatz.training.updates import Descend
from benchmarks.engine import Small, table
from benchmarks.run import entry

PEERS = Path(__file__).parent / "peers"
ROUNDS = 9


class Convolutional(Recipe):
    """3 × 3 convolutions with 32 and 64 filters, each pooled, then one affine map; batch 128, Adam."""

    def build(self, data: Any, key: Any) -> Parts:
        """Return the parts."""
        model = CNN((28, 28, 1), 10, (32, 64), 3, key=key)
        return Parts(model, Table(data, 128), (Descend(cross_entropy, optax.adam(1e-3)),))


class Engine:
    """The driver that `fit` would choose, and the state it steps on."""

    def __init__(self, recipe: Recipe, data: Any):
        self.ready = prepare(recipe, data, jr.key(0), 1)
        self.driver = choose(self.ready, 1, None, None, 10**6)
        program = self.driver.program
        _, self.arrays, _ = arrays_for(program.place, program.shared, self.ready)
        self.step(10)

    def step(self, count: int) -> float:
        """Take so many steps and return the seconds of one."""
        begun = time.perf_counter()
        chunk = self.driver.run(self.arrays, self.ready.key, 0, 10**6, count)
        jax.block_until_ready(chunk.arrays)
        self.arrays = chunk.arrays
        return (time.perf_counter() - begun) / count


class Peer:
    """A script of a peer in an environment of its own, which measures whenever it is asked."""

    def __init__(self, script: str, steps: int):
        python = os.environ.get("ANSATZ_PEER_TORCH", str(PEERS / ".venv-torch" / "bin" / "python"))
        if not Path(python).exists():
            raise ValueError(
                f"There is no {python}: make an environment with benchmarks/peers/torch.txt there, or name "
                "its python in ANSATZ_PEER_TORCH."
            )
        self.process = subprocess.Popen(
            [python, str(PEERS / script), str(steps)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self) -> dict[str, Any]:
        """Return what the script measures now."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise ValueError(f"The peer {self.process.args} ended with {self.process.wait()}.")
        return json.loads(line)

    def close(self) -> None:
        """End the script."""
        self.process.communicate()


def beside(recipe: Recipe, data: Any, script: str, steps: int, peers: int) -> dict[str, Any]:
    """Return the median seconds of a step of the engine and of its peers, measured in turn."""
    peer, engine = Peer(script, peers), Engine(recipe, data)
    try:
        rounds = [{"engine": engine.step(steps), **peer.measure()} for _ in range(ROUNDS)]
    finally:
        peer.close()
    found: dict[str, Any] = {"torch": rounds[0]["torch"], "driver": engine.driver.name}
    for name in ("engine", "eager", "compiled"):
        values = [one[name] for one in rounds if one.get(name)]
        found[name] = statistics.median(values) if values else None
    return found


def mlp_step() -> list[dict]:
    """Row 2: steps per second of the MLP 1-64-64-64-1, against torch eager and torch.compile."""
    found = beside(Small(), table(), "torch_mlp.py", 3000, 300)
    own = found["engine"]
    bars = {"eager": ("fit-2a", 7, 15), "compiled": ("fit-2b", 2.5, 5)}
    figures = []
    for kind, (name, must, aim) in bars.items():
        if found[kind] is None:
            print(f"{name}: torch.compile did not work here", file=sys.stderr)
            continue
        note = f"{1e3 * own:.3f} ms a step ({found['driver']}) against {1e3 * found[kind]:.3f} ms."
        figures.append(
            entry(
                name, f"steps/s of the MLP over torch {kind}", found[kind] / own, unit="×", must=must,
                aim=aim, better="higher", peer=f"torch {kind}", note=note,
                versions={"torch": found["torch"]},
            )
        )  # fmt: skip
    return figures


def cnn_step() -> list[dict]:
    """Row 3: steps per second of the CNN with 32 and 64 filters, against torch eager on two threads."""
    random = np.random.default_rng(0)
    x = random.normal(size=(2048, 28, 28, 1)).astype(np.float32)
    data = Pairs(x, random.integers(0, 10, 2048).astype(np.int32))
    found = beside(Convolutional(), data, "torch_cnn.py", 10, 10)
    own, other = found["engine"], found["eager"]
    note = f"{1e3 * own:.1f} ms a step ({found['driver']}) against {1e3 * other:.1f} ms."
    return [
        entry(
            "fit-3", "steps/s of the CNN over torch eager, 2 threads", other / own, unit="×", must=0.95,
            aim=1.3, better="higher", peer="torch eager", note=note, versions={"torch": found["torch"]},
        )
    ]  # fmt: skip


def fashion_mlp() -> list[dict]:
    """Row 4: Fashion-MNIST by the MLP, test accuracy and wall time with compilation."""
    return _fashion("fit-4", "MLP", {"map": "mlp"}, accuracy=(89, 89.5), seconds=(60, 30))


def fashion_cnn() -> list[dict]:
    """Row 5: Fashion-MNIST by the CNN, test accuracy, wall time with compilation, parameters."""
    return _fashion("fit-5", "CNN", {}, accuracy=(91, 92.5), seconds=(180, 360), weights=100_000)


def _fashion(
    name: str, label: str, options: dict[str, Any], accuracy: Any, seconds: Any, weights: int | None = None
) -> list[dict]:
    jax.clear_caches()
    # A kept program of an earlier run would hide the time that compiling takes.
    jax.config.update("jax_enable_compilation_cache", False)
    begun = time.perf_counter()
    fitted = fit_images("fashion-mnist", baselines=False, **options)
    took = time.perf_counter() - begun
    value, run = fitted.evaluation.interval, fitted.run
    note = (
        f"95 % interval {100 * value.lower:.2f} to {100 * value.upper:.2f}; {run.step} steps, "
        f"{1e3 * run.info['step_seconds']:.1f} ms each, {run.info['compile_seconds']:.1f} s compiling."
    )
    peer = "the data set's own table: MLP 256-128-100 88.33 %, two convolutions below 100 K parameters 92.5 %"
    what = f"Fashion-MNIST, {label}"
    figures = [
        entry(
            f"{name}a", f"{what}: test accuracy", 100 * value.value, unit="%", must=accuracy[0],
            aim=accuracy[1], better="higher", peer=peer, note=note,
        ),
        entry(
            f"{name}b", f"{what}: wall time with compilation", took, unit="s", must=seconds[0],
            aim=seconds[1], better="lower",
        ),
    ]  # fmt: skip
    if weights is not None:
        count = count_parameters(fitted.predictor.model)
        figures.append(
            entry(
                f"{name}c", f"{what}: parameters", count, unit="", must=weights, aim=weights, better="lower"
            )
        )
    return figures


def digits() -> list[dict]:
    """Row 6: digits, accuracy over five folds and the time of all of them."""
    found = cross_validate_images("digits", 5)
    note = "folds " + ", ".join(f"{100 * fold:.2f}" for fold in found.folds)
    return [
        entry(
            "fit-6a", "digits: 5-fold accuracy", 100 * found.accuracy.value, unit="%", must=98.5, aim=99,
            better="higher", note=note,
        ),
        entry(
            "fit-6b", "digits: wall time of the five folds with compilation", found.seconds, unit="s",
            must=60, aim=15, better="lower",
        ),
    ]  # fmt: skip
