"""Maps f_θ: parameterized guesses, each on one example.

Every name in `__all__` is a `Map` with an `example(key) -> (map, x)`, but for `Row`, `Across`, `Noisy`,
`Told` and `Translation`, which are inputs; the functions that belong to them stand in their files.
"""

from ansatz.maps.affine import Affine
from ansatz.maps.attention import Across, CrossAttention, SelfAttention
from ansatz.maps.cnn import CNN
from ansatz.maps.condition import Condition, Situation, Told
from ansatz.maps.convolution import AveragePool, Convolution, Flatten, MaxPool
from ansatz.maps.darts import Darts
from ansatz.maps.denoiser import DenoisingMLP, Noisy
from ansatz.maps.encoder_decoder import CrossStack, EncoderDecoder, Translation
from ansatz.maps.encoding import Embedding, Periodic, PiecewiseLinear, Waves
from ansatz.maps.ensemble import BatchEnsemble, MemberMean, SharedAffine
from ansatz.maps.feed_forward import FeedForward
from ansatz.maps.layers import Activation, Chain, Dropout, LayerNorm, RMSNorm, Skip
from ansatz.maps.mlp import MLP
from ansatz.maps.patch_transformer import ModulatedBlock, PatchTransformer
from ansatz.maps.patches import PatchBlock, PatchDecoder, PatchEncoder
from ansatz.maps.positions import Positions
from ansatz.maps.projection import Projection
from ansatz.maps.series import Fourier, Polynomial, Taylor
from ansatz.maps.stacked import Stacked
from ansatz.maps.tabular import Row, TableEncoder, Tabular
from ansatz.maps.token_embedding import TokenEmbedding
from ansatz.maps.transformer import Decoder, Encoder, TransformerStack
from ansatz.maps.transformer_block import CrossBlock, TransformerBlock
from ansatz.maps.unet import ResidualBlock, UNet

__all__ = [
    "CNN",
    "MLP",
    "Across",
    "Activation",
    "Affine",
    "AveragePool",
    "BatchEnsemble",
    "Chain",
    "Condition",
    "Convolution",
    "CrossAttention",
    "CrossBlock",
    "CrossStack",
    "Darts",
    "Decoder",
    "DenoisingMLP",
    "Dropout",
    "Embedding",
    "Encoder",
    "EncoderDecoder",
    "FeedForward",
    "Flatten",
    "Fourier",
    "LayerNorm",
    "MaxPool",
    "MemberMean",
    "ModulatedBlock",
    "Noisy",
    "PatchBlock",
    "PatchDecoder",
    "PatchEncoder",
    "PatchTransformer",
    "Periodic",
    "PiecewiseLinear",
    "Polynomial",
    "Positions",
    "Projection",
    "RMSNorm",
    "ResidualBlock",
    "Row",
    "SelfAttention",
    "SharedAffine",
    "Situation",
    "Skip",
    "Stacked",
    "TableEncoder",
    "Tabular",
    "Taylor",
    "TokenEmbedding",
    "Told",
    "TransformerBlock",
    "TransformerStack",
    "Translation",
    "UNet",
    "Waves",
]
