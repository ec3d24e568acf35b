"""GPT-2 as a `Decoder`, from a file of weights that the user has.

The file is in the safetensors format and names the weights as they were published: `wte.weight`,
`wpe.weight`, `h.0.ln_1.weight`, `h.0.attn.c_attn.weight`, …, each with or without `transformer.` before it.
Matrices of the blocks are `[in, out]` there and `[out, in]` here.  Source: Radford et al. 2019.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy

from ansatz.core import BadInput
from ansatz.maps.transformer import Decoder
from ansatz.maps.transformer_block import BlockOptions

PREFIX = "transformer."
HEAD_SIZE = 64
# Buffers that some files hold beside the weights, and the last layer, which is the embedding.
SPARE = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)|lm_head\.weight")


def gpt2(path: str | Path, heads: int = 0) -> Decoder:
    """Return the language model in a safetensors file with GPT-2's names, in single precision.

    Its sizes are those of the weights.  The file does not say the number of `heads`; 0 means heads of 64
    components, as all published sizes have.  The last layer is the transposed embedding.

    Raises:
        BadInput: where the file is missing or is none of this kind, lacks a weight, has one of another
            shape, or has one that belongs to no GPT-2.
    """
    weights = _read(Path(path))
    vocabulary, size = _matrix(weights, "wte.weight")
    length = _matrix(weights, "wpe.weight")[0]
    layers = 1 + max((int(name.split(".")[1]) for name in weights if re.match(r"h\.\d+\.", name)), default=-1)
    hidden = _matrix(weights, "h.0.mlp.c_fc.weight")[1]
    count = heads or max(1, size // HEAD_SIZE)
    if size % count:
        raise BadInput(
            f"{path}: {size} components cannot be cut into {count} heads; give the number of heads."
        )
    options = BlockOptions(size, count, hidden=hidden, activation="gelu_tanh", norm_first=True)
    model = eqx.filter_eval_shape(
        lambda key: Decoder(vocabulary, layers, length, "learned", options=options, key=key),
        jax.random.key(0),
    )
    return _filled(model, weights, str(path))


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        found = safetensors.numpy.load_file(path)
    except FileNotFoundError:
        raise BadInput(
            f"There is no file {path}; give a safetensors file with the weights of GPT-2."
        ) from None
    except (safetensors.SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} is no safetensors file that NumPy can read: {error}.") from None
    short = {name.removeprefix(PREFIX): value for name, value in found.items()}
    if len(short) < len(found):
        raise BadInput(f"{path} has weights twice, with and without {PREFIX!r} before their names.")
    return {name: value for name, value in short.items() if not SPARE.fullmatch(name)}


def _matrix(weights: Mapping[str, np.ndarray], name: str) -> tuple[int, int]:
    """Return the shape of a matrix from which a size of the model is read."""
    if name not in weights:
        raise BadInput(f"The file has no weight {name!r}, which every GPT-2 has.")
    shape = weights[name].shape
    if len(shape) != 2 or not all(shape):
        raise BadInput(f"The weight {name!r} has shape {list(shape)}; it must be a matrix.")
    return shape


def _places(model: Decoder) -> dict[str, Any]:
    """Return the arrays of a model, or what stands for them, by GPT-2's names."""
    places = {"wte.weight": model.embedding.table.weight, "wpe.weight": model.embedding.positions.weight}
    for i, block in enumerate(model.stack.blocks):
        places |= {f"h.{i}.{name}": array for name, array in _block_places(block).items()}
    return places | _norm_places("ln_f", model.stack.last)


def _norm_places(name: str, norm: Any) -> dict[str, Any]:
    return {f"{name}.weight": norm.scale, f"{name}.bias": norm.shift}


def _block_places(block: Any) -> dict[str, Any]:
    parts = {
        "attn.c_attn": block.attention.query_key_value,
        "attn.c_proj": block.attention.output,
        "mlp.c_fc": block.feed_forward.first,
        "mlp.c_proj": block.feed_forward.second,
    }
    places = {}
    for i, norm in enumerate(block.norms):
        places |= _norm_places(f"ln_{i + 1}", norm)
    for name, part in parts.items():
        places |= {f"{name}.weight": part.weight, f"{name}.bias": part.bias}
    return places


def _filled(model: Decoder, weights: Mapping[str, np.ndarray], where: str) -> Decoder:
    """Return the model with these weights in it."""
    places = _places(model)
    spare = sorted(set(weights) - set(places))
    missing = [name for name in places if name not in weights]
    if missing:
        raise BadInput(f"{where} has no weight {missing[0]!r}, nor {len(missing) - 1} others of a GPT-2.")
    if spare:
        raise BadInput(f"{where} has a weight {spare[0]!r}, and {len(spare) - 1} others, that no GPT-2 has.")
    values = []
    for name, place in places.items():
        value = weights[name]
        turned = name.startswith("h.") and len(place.shape) == 2
        expected = place.shape[::-1] if turned else place.shape
        if value.shape != expected:
            raise BadInput(
                f"{where}: the weight {name!r} has shape {list(value.shape)}; beside the other weights it "
                f"must be {list(expected)}."
            )
        if not np.issubdtype(value.dtype, np.floating):
            raise BadInput(
                f"{where}: the weight {name!r} holds {value.dtype}; it must hold floating-point numbers."
            )
        values.append(jnp.asarray(value.T if turned else value, jnp.float32))
    return eqx.tree_at(lambda tree: list(_places(tree).values()), model, values)
