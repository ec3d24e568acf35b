"""pythae's own trainer on its default networks for MNIST: prints seconds an epoch as JSON.

Usage: pythae_vae.py DATA EPOCHS BATCH LATENT, with DATA an npz of `x: uint8[N, 28, 28]`.  The first epoch
warms up and is not counted.
"""

import json
import logging
import statistics
import sys
import tempfile
import time

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback


class Clock(TrainingCallback):
    """Keeps when each epoch began."""

    def __init__(self):
        self.begun = []

    def on_epoch_begin(self, training_config, **kwargs):
        """Look at the clock."""
        self.begun.append(time.perf_counter())

    def on_train_end(self, training_config, **kwargs):
        """Look at it once more."""
        self.begun.append(time.perf_counter())


def main(data: str, epochs: int, batch: int, latent: int) -> None:
    """Train and print the median seconds of an epoch after the first."""
    logging.disable(logging.INFO)
    x = torch.from_numpy(np.load(data)["x"].astype(np.float32) / 255)[:, None]
    model = VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=latent, reconstruction_loss="bce"))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=epochs, per_device_train_batch_size=batch, learning_rate=1e-3,
            no_cuda=True,
        )  # fmt: skip
        rows = BaseDataset(x, torch.ones(len(x)))
        BaseTrainer(model=model, train_dataset=rows, training_config=config, callbacks=[clock]).train()
    epoch = statistics.median(np.diff(clock.begun)[1:])
    count = sum(one.numel() for one in model.parameters())
    print(json.dumps({"seconds": float(epoch), "parameters": count, "torch": torch.__version__}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
