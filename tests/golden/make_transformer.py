"""Write transformer.npz: what torch 2.13 makes of the weights of `transformer_rule`, in double precision.

Run it as ``python make_transformer.py`` with NumPy and torch at hand; the tests need neither it nor torch.
"""

from pathlib import Path

import numpy as np
import torch
from transformer_rule import HEADS, HIDDEN, LAYERS, PADDED, SIZE, SOURCE, TARGET, case, excerpt

SHAPE = {"dim_feedforward": HIDDEN, "dropout": 0.0, "batch_first": True}


def model_of(name):
    """Return torch's modules for a case."""
    if name == "transformer":
        return torch.nn.Transformer(SIZE, HEADS, LAYERS, LAYERS, **SHAPE)
    first = name == "norm_first"
    layer = torch.nn.TransformerEncoderLayer(
        SIZE, HEADS, activation="gelu" if first else "relu", norm_first=first, **SHAPE
    )
    norm = torch.nn.LayerNorm(SIZE) if first else None
    stack = torch.nn.TransformerEncoder(layer, LAYERS, norm, enable_nested_tensor=False)
    return torch.nn.ModuleDict({"encoder": stack})


def output_of(name, model, inputs):
    """Return the result for one example; the padding is seen by nobody."""
    padding = (torch.arange(SOURCE) >= SOURCE - PADDED)[None]
    if name != "transformer":
        return model["encoder"](inputs["source"][None], src_key_padding_mask=padding)[0]
    later = torch.triu(torch.ones(TARGET, TARGET, dtype=torch.bool), diagonal=1)
    return model(
        inputs["source"][None],
        inputs["target"][None],
        tgt_mask=later,
        src_key_padding_mask=padding,
        memory_key_padding_mask=padding,
    )[0]


def results(name):
    """Return the output and excerpts of the gradients of ``Σ readout · output``."""
    weights, inputs, readout = case(name)
    model = model_of(name).double()
    model.load_state_dict({one: torch.from_numpy(value) for one, value in weights.items()})
    inputs = {one: torch.from_numpy(value).requires_grad_() for one, value in inputs.items()}
    output = output_of(name, model, inputs)
    (torch.from_numpy(readout) * output).sum().backward()
    found = {f"{name}/output": output.detach().numpy()}
    for one, value in [*model.named_parameters(), *inputs.items()]:
        found[f"{name}/gradient/{one}"] = excerpt(value.grad.numpy())
    return found


if __name__ == "__main__":
    arrays = {}
    for name in ("encoder", "norm_first", "transformer"):
        arrays |= results(name)
    np.savez_compressed(Path(__file__).with_name("transformer.npz"), **arrays)
