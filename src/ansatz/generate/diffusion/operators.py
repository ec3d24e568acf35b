"""What is measured of data: linear maps of one example to a vector of measurements.

Any linear function `operator(x) -> y`, from an array of the shape of the data to `y: [m]`, will do; these are
the usual ones.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ansatz.core import BadInput


class Matrix(eqx.Module):
    """``y = A x`` with `matrix: [m, d]` and x of d components in any shape."""

    matrix: Float[Array, "m d"]

    def __call__(self, x: Float[Array, "*shape"]) -> Float[Array, " m"]:
        """Return the measurements of one example."""
        if x.size != self.matrix.shape[1]:
            raise BadInput(
                f"A matrix {list(self.matrix.shape)} cannot measure data of shape {list(x.shape)}."
            )
        return self.matrix @ x.reshape(-1)


class Mask(eqx.Module):
    """The components of x at which a mask is true (inpainting: the others are to be found)."""

    places: Int[Array, " m"]
    shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, mask: Any):
        mask = np.asarray(mask)
        if mask.dtype != np.bool_ or not mask.any():
            raise BadInput(
                f"A mask holds True where x is known, at least once, and this is {mask.dtype} with none."
            )
        self.places = jnp.asarray(np.flatnonzero(mask), jnp.int32)
        self.shape = mask.shape

    def __call__(self, x: Float[Array, "*shape"]) -> Float[Array, " m"]:
        """Return the known components `[m]` of one example."""
        if x.shape != self.shape:
            raise BadInput(
                f"A mask of shape {list(self.shape)} cannot measure data of shape {list(x.shape)}."
            )
        return x.reshape(-1)[self.places]


class Blur(eqx.Module):
    """The periodic convolution of x with a kernel, ``y_i = Σ_j k_j x_{i-j}``.

    `kernel` has the axes of the data (fewer points are enough); its middle is j = 0.

    >>> Blur([0.0, 0.0, 1.0], (4,))(jnp.asarray([1.0, 2.0, 3.0, 4.0])).tolist()
    [4.0, 1.0, 2.0, 3.0]
    """

    kernel: Float[Array, "..."]
    shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, kernel: Any, shape: tuple[int, ...]):
        kernel = np.asarray(kernel, np.float64)
        if kernel.ndim != len(shape) or any(k > n for k, n in zip(kernel.shape, shape, strict=False)):
            raise BadInput(
                f"A blur of data of shape {list(shape)} needs a kernel with as many axes and no more points, "
                f"not one of shape {list(kernel.shape)}."
            )
        self.kernel = jnp.asarray(kernel, jnp.result_type(float))
        self.shape = tuple(shape)

    def __call__(self, x: Float[Array, "*shape"]) -> Float[Array, " m"]:
        """Return the blurred example as a vector."""
        if x.shape != self.shape:
            raise BadInput(
                f"A blur of shape {list(self.shape)} cannot measure data of shape {list(x.shape)}."
            )
        # Shifts instead of a convolution or a Fourier transform: a compiled loop is fast with them.
        blurred: Any = jnp.zeros_like(x)
        for place in np.ndindex(self.kernel.shape):
            shift = tuple(at - size // 2 for at, size in zip(place, self.kernel.shape, strict=True))
            moved = jnp.roll(x, shift, tuple(range(x.ndim)))
            blurred = blurred + self.kernel[place].astype(x.dtype) * moved
        return blurred.reshape(-1)
