"""One training step of the small MLP in torch, eager and compiled: prints its seconds as JSON.

The same network as `benchmarks.images`: 1-64-64-64-1 with tanh, batch 64, Adam, mean squared error.  Usage:
torch_mlp.py [steps]; each line that comes in on standard input measures so many steps of both and answers
with a line.  torch.compile needs a C++ compiler; without one `compiled` is null.
"""

import json
import sys
import time

import torch
from torch import nn


def stepper(compiled: bool):
    """Return a function that takes so many steps and returns the seconds of one."""
    torch.manual_seed(0)
    tanh = nn.Tanh
    model = nn.Sequential(
        nn.Linear(1, 64), tanh(), nn.Linear(64, 64), tanh(), nn.Linear(64, 64), tanh(), nn.Linear(64, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    x = torch.rand(64, 1)
    y = torch.sin(3 * x)

    def loss() -> torch.Tensor:
        return nn.functional.mse_loss(model(x), y)

    measured = torch.compile(loss) if compiled else loss

    def run(count: int) -> float:
        begun = time.perf_counter()
        for _ in range(count):
            optimizer.zero_grad()
            measured().backward()
            optimizer.step()
        return (time.perf_counter() - begun) / count

    run(20)
    return run


def main(steps: int) -> None:
    """Answer every line of standard input with the seconds of a step, at the better number of threads."""
    torch.set_num_threads(1)
    eager = stepper(compiled=False)
    try:
        compiled = stepper(compiled=True)
    except Exception as error:
        print(error, file=sys.stderr)
        compiled = None
    for _ in sys.stdin:
        found = {"eager": eager(steps), "compiled": compiled(steps) if compiled else None}
        print(json.dumps(found | {"torch": torch.__version__}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
