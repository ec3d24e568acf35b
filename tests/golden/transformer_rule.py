"""The rule by which weights and inputs of the golden transformers are made, so that none is stored."""

import zlib

import numpy as np

SIZE, HEADS, HIDDEN, LAYERS = 512, 8, 2048, 2
SOURCE, TARGET = 9, 7
PADDED = 2  # The last two of the source are padding.


def draw(name, shape):
    """Return numbers in [-1, 1) that depend on the name and the place alone: Philox bits, in C order."""
    bits = np.random.Philox(key=zlib.crc32(name.encode())).random_raw(int(np.prod(shape)))
    return ((bits >> np.uint64(11)) * 2.0**-52 - 1.0).reshape(shape)


def weight(name, shape):
    """Return the weight of this name in torch's modules."""
    numbers = draw(name, shape)
    if len(shape) == 2:
        return numbers * np.sqrt(3 / shape[1])
    # The weights of norms are the only ones with one axis.
    return 1 + 0.1 * numbers if name.endswith("weight") else 0.1 * numbers


def attention_shapes(prefix):
    """Return the shapes of torch's `MultiheadAttention`."""
    return {
        f"{prefix}.in_proj_weight": (3 * SIZE, SIZE),
        f"{prefix}.in_proj_bias": (3 * SIZE,),
        f"{prefix}.out_proj.weight": (SIZE, SIZE),
        f"{prefix}.out_proj.bias": (SIZE,),
    }


def layer_shapes(prefix, cross):
    """Return the shapes of torch's `TransformerEncoderLayer` or `TransformerDecoderLayer`."""
    shapes = attention_shapes(f"{prefix}.self_attn")
    if cross:
        shapes |= attention_shapes(f"{prefix}.multihead_attn")
    shapes |= {
        f"{prefix}.linear1.weight": (HIDDEN, SIZE),
        f"{prefix}.linear1.bias": (HIDDEN,),
        f"{prefix}.linear2.weight": (SIZE, HIDDEN),
        f"{prefix}.linear2.bias": (SIZE,),
    }
    for i in range(3 if cross else 2):
        shapes |= norm_shapes(f"{prefix}.norm{i + 1}")
    return shapes


def norm_shapes(prefix):
    """Return the shapes of torch's `LayerNorm`."""
    return {f"{prefix}.weight": (SIZE,), f"{prefix}.bias": (SIZE,)}


def stack_shapes(prefix, cross, norm):
    """Return the shapes of torch's `TransformerEncoder` or `TransformerDecoder`."""
    shapes = {}
    for i in range(LAYERS):
        shapes |= layer_shapes(f"{prefix}.layers.{i}", cross)
    return shapes | (norm_shapes(f"{prefix}.norm") if norm else {})


def case(name):
    """Return the weights and the inputs of a golden case."""
    if name == "transformer":
        shapes = stack_shapes("encoder", False, True) | stack_shapes("decoder", True, True)
    else:
        shapes = stack_shapes("encoder", False, name == "norm_first")
    weights = {one: weight(f"{name}.{one}", shape) for one, shape in shapes.items()}
    inputs = {"source": np.sqrt(3) * draw(f"{name} source", (SOURCE, SIZE))}
    if name == "transformer":
        inputs["target"] = np.sqrt(3) * draw(f"{name} target", (TARGET, SIZE))
    rows = TARGET if name == "transformer" else SOURCE
    return weights, inputs, draw(f"{name} readout", (rows, SIZE))


def excerpt(gradient):
    """Return the norm of an array and eight of its entries, spread over it: what is stored of a gradient."""
    flat = np.asarray(gradient, np.float64).reshape(-1)
    return np.concatenate([[np.linalg.norm(flat)], flat[:: max(1, flat.size // 7)][:8]])
