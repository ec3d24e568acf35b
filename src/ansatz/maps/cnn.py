"""The convolutional network: convolutions with pooling, then a dense end (notes §3)."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.activations import activation as activation_named
from ansatz.maps.convolution import Convolution, MaxPool
from ansatz.maps.initial import gain
from ansatz.maps.layers import Dropout, LayerNorm
from ansatz.maps.mlp import MLP
from ansatz.maps.shapes import expect, positive


class CNN(Map):
    """Stages of convolution, 2 × 2 max-pooling and activation, then an MLP on what is left.

    * `shape` is (height, width, channels) of an image; each stage halves height and width.
    * `filters` gives the number of filters of each stage, `size` their height and width.
    * `dense` is the width of one hidden layer before the `classes` outputs; 0 for none.
    * `norm` normalizes the channels of each pixel after a convolution; `dropout` drops from the
      features that enter the dense end.
    * `padding` is "same" or "circular"; with the latter a shift of the image by 2^stages pixels
      shifts the features by one, exactly.

    The outputs are logits.  Pooling comes before the activation: for a monotone one the result is the
    same and there is a quarter of the work.

    >>> cnn = CNN((28, 28, 1), 10, key=jax.random.key(0))
    >>> cnn(jax.numpy.zeros((28, 28, 1))).shape
    (10,)
    """

    convolutions: tuple[Convolution, ...]
    norms: tuple[LayerNorm, ...]
    head: MLP
    dropout: Dropout
    shape: tuple[int, int, int] = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        shape: tuple[int, int, int],
        classes: int,
        filters: tuple[int, ...] = (32, 64),
        size: int = 3,
        dense: int = 0,
        dropout: float = 0.0,
        norm: bool = False,
        activation: str = "relu",
        padding: str = "same",
        *,
        key: PRNGKeyArray,
    ):
        self.shape, filters = _checked(shape), tuple(filters)
        positive("CNN", classes=classes, size=size, **{f"filters[{i}]": f for i, f in enumerate(filters)})
        activation_named(activation)
        stages = len(filters)
        height, width, channels = self.shape
        if not filters or min(height, width) < 2**stages:
            raise BadInput(
                f"CNN halves an image at each of its stages, so one of {height} × {width} pixels allows "
                f"1 to {min(height, width).bit_length() - 1} of them, not {stages}."
            )
        if padding == "valid":
            raise BadInput(
                "CNN keeps the size of an image in its convolutions: padding is 'same' or 'circular'."
            )
        keys = jax.random.split(key, stages + 1)
        self.convolutions = tuple(
            Convolution(before, after, size, padding, "he", gain(activation), key=k)
            for before, after, k in zip((channels, *filters), filters, keys[:-1], strict=False)
        )
        self.norms = tuple(LayerNorm(f) for f in filters) if norm else ()
        rest = (height >> stages) * (width >> stages) * filters[-1]
        self.head = MLP(rest, classes, max(dense, 1), int(dense > 0), activation, initial="he", key=keys[-1])
        self.dropout = Dropout(dropout)
        self.activation = activation

    def features(self, x: Float[Array, "..."]) -> Float[Array, "H W filters"]:
        """Return what the stages make of an image, before the dense end."""
        expect(x, self.shape, "CNN")
        sigma, pool = activation_named(self.activation), MaxPool(2)
        for i, convolution in enumerate(self.convolutions):
            x = convolution(x)
            if self.norms:
                x = self.norms[i](x)
            x = sigma(pool(x))
        return x

    def __call__(
        self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, " classes"]:
        """Return the logits `[classes]` of an image `x: [height, width, channels]`."""
        return self.head(self.dropout(self.features(x).reshape(-1), key=key))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[CNN, Array]":
        """Return a small map and an image for it."""
        cnn = CNN((8, 9, 2), 3, filters=(4, 5), dense=6, dropout=0.2, norm=True, key=key)
        return cnn, jax.random.normal(key, (8, 9, 2))


def _checked(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise BadInput(f"CNN takes images of shape (height, width, channels), not {tuple(shape)}.")
    height, width, channels = shape
    positive("CNN", height=height, width=width, channels=channels)
    return height, width, channels
