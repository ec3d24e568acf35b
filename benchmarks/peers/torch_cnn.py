"""One training step of the convolutional network in torch, eager: prints its seconds as JSON.

The same network as `benchmarks.images`: 3 × 3 convolutions with 32 and 64 filters, each pooled, then one
affine map to 10 classes; batch 128, Adam, two threads.  Usage: torch_cnn.py [steps]; each line that comes
in on standard input measures so many steps and answers with a line.
"""

import json
import sys
import time

import torch
from torch import nn


def main(steps: int) -> None:
    """Answer every line of standard input with the seconds of a step."""
    torch.manual_seed(0)
    torch.set_num_threads(2)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    x, y = torch.randn(128, 1, 28, 28), torch.randint(0, 10, (128,))

    def run(count: int) -> float:
        begun = time.perf_counter()
        for _ in range(count):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        return (time.perf_counter() - begun) / count

    run(3)
    for _ in sys.stdin:
        print(json.dumps({"eager": run(steps), "torch": torch.__version__}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
