"""jinns on the problems of its own notebooks: natural gradient in float64, their networks, points and steps.

Usage: jinns_notebooks.py NOTEBOOK GRID.npz BEGUN SEED.  The grid has `points: [N, d]`, time first, and the
true `values: [N, 1]`; BEGUN is the time of `time.time()` when the process was started.  Prints one line of
JSON: the seconds from BEGUN to the end of training, and the relative L2 error there.
"""

import json
import sys
import time
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jinns
import numpy as np
from jinns.loss import PDENonStatio
from jinns.optimizers import vanilla_ngd


class Heat(PDENonStatio):
    """u_t = D Δu."""

    def equation(self, t_x: Any, u: Any, params: Any) -> Any:
        """Return the residual at a point."""
        u_t = jax.grad(lambda z: u(z, params).squeeze())(t_x)[0:1]
        return u_t - params.eq_params.D * jinns.loss.laplacian_rev(t_x, u, params, eq_type="PDENonStatio")


def burgers() -> dict[str, Any]:
    """Return `1D_non_stationary_Burgers`: 609 parameters, 4,900 points, 300 steps."""
    return {
        "widths": (2, 16, 16, 16, 1),
        "steps": 300,
        "points": {"n": 900, "ni": 2000, "nb": 2000, "dim": 1, "min_pts": (-1,), "max_pts": (1,)},
        "equation": jinns.loss.BurgersEquation(Tmax=1),
        "constants": {"nu": jnp.array(1 / (100 * jnp.pi))},
        "start": lambda x: -jnp.sin(jnp.pi * x),
    }


def heat() -> dict[str, Any]:
    """Return `heat_equation_ngd`: two dimensions and time, 353 parameters, 100 steps."""
    n = 2028
    batches = {"domain_batch_size": n, "initial_batch_size": n, "border_batch_size": n // 4}
    return {
        "widths": (3, 16, 16, 1),
        "steps": 100,
        "points": {"n": n, "ni": n, "nb": n, "dim": 2, "min_pts": (-1, -1), "max_pts": (1, 1), **batches},
        "equation": Heat(),
        "constants": {"D": jnp.array(0.2)},
        "start": lambda x: jnp.sin(jnp.pi * x[0]) * jnp.sin(jnp.pi * x[1]),
    }


NOTEBOOKS = {"burgers": burgers, "heat": heat}


def network(widths: tuple[int, ...], key: Any) -> Any:
    """Return a network with tanh between its layers, and its parameters."""
    layers: list[tuple] = []
    for at, (before, after) in enumerate(pairwise(widths)):
        layers += [(jax.nn.tanh,)] if at else []
        layers.append((eqx.nn.Linear, before, after))
    return jinns.nn.PINN_MLP.create(key=key, eqx_list=tuple(layers), eq_type="PDENonStatio")


def main(name: str, grid: str, begun: float, seed: int) -> None:
    """Train as the notebook does, and print what came of it."""
    jax.config.update("jax_enable_x64", True)
    told, given = NOTEBOOKS[name](), np.load(grid)
    told["constants"] = {key: jnp.asarray(value, jnp.float64) for key, value in told["constants"].items()}
    of_net, of_points = jax.random.split(jax.random.PRNGKey(seed))
    u, parameters = network(told["widths"], of_net)
    data = jinns.data.CubicMeshPDENonStatio(
        key=of_points, tmin=0, tmax=1, method="uniform", **told["points"]
    )  # fmt: skip
    params = jinns.parameters.Params(nn_params=parameters, eq_params=told["constants"])
    one = jnp.array(1.0)
    loss = jinns.loss.LossPDENonStatio(
        u=u,
        loss_weights=jinns.loss.LossWeightsPDENonStatio(
            dyn_loss=one, initial_condition=one, boundary_loss=one
        ),
        dynamic_loss=told["equation"],
        boundary_condition=jinns.loss.Dirichlet(),
        initial_condition_fun=told["start"],
        params=params,
    )
    found = jinns.solve(
        init_params=params, data=data, optimizer=vanilla_ngd(), loss=loss, n_iter=told["steps"], verbose=False
    )
    jax.block_until_ready(found[1])
    seconds = time.time() - begun
    answer = np.asarray(jax.vmap(lambda z: u(z, found[0]))(jnp.asarray(given["points"]))).reshape(-1, 1)
    truth = given["values"]
    line = {
        "seconds": seconds,
        "error": float(np.linalg.norm(answer - truth) / np.linalg.norm(truth)),
        "loss": float(found[1][-1]),
        "steps": told["steps"],
        "version": version("jinns"),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
