"""Maps f_θ: parameterized guesses, each on one example.

Every name in `__all__` but `Row`, an input, is a `Map` with an `example(key) -> (map, x)`; the
functions that belong to them stand in their files.
"""

from ansatz.maps.affine import Affine
from ansatz.maps.cnn import CNN
from ansatz.maps.convolution import AveragePool, Convolution, Flatten, MaxPool
from ansatz.maps.encoding import Embedding, Periodic, PiecewiseLinear
from ansatz.maps.ensemble import BatchEnsemble, MemberMean, SharedAffine
from ansatz.maps.layers import Activation, Chain, Dropout, LayerNorm, Skip
from ansatz.maps.mlp import MLP
from ansatz.maps.series import Fourier, Polynomial, Taylor
from ansatz.maps.stacked import Stacked
from ansatz.maps.tabular import Row, TableEncoder, Tabular

__all__ = [
    "CNN",
    "MLP",
    "Activation",
    "Affine",
    "AveragePool",
    "BatchEnsemble",
    "Chain",
    "Convolution",
    "Dropout",
    "Embedding",
    "Flatten",
    "Fourier",
    "LayerNorm",
    "MaxPool",
    "MemberMean",
    "Periodic",
    "PiecewiseLinear",
    "Polynomial",
    "Row",
    "SharedAffine",
    "Skip",
    "Stacked",
    "TableEncoder",
    "Tabular",
    "Taylor",
]
