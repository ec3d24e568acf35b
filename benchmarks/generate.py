"""The bars of `ansatz generate`, in their order."""

from typing import Any

from benchmarks.generate_diffusion import densities, inverse_problems, samplers
from benchmarks.generate_gan import g1, g2
from benchmarks.generate_images_diffusion import conditional_digits
from benchmarks.generate_images_gan import autoencoder_rate, digits_gan
from benchmarks.generate_modular import grokking
from benchmarks.generate_text import large_writing, losses, small_writing, training_rate
from benchmarks.generate_translate import polynomials
from benchmarks.generate_vae import binary_digits, linear
from benchmarks.run import numbered

Row = list[dict[str, Any]]


def oracles() -> Row:
    """D1, V1 and G1: what is known in closed form."""
    return [*samplers(), *linear(), *g1()]


MEASURES = [
    oracles,
    losses,
    training_rate,
    small_writing,
    large_writing,
    polynomials,
    densities,
    inverse_problems,
    binary_digits,
    g2,
    conditional_digits,
    digits_gan,
    autoencoder_rate,
    grokking,
]
ROWS = numbered("generate", MEASURES)
