"""Where torch keeps the weights of a transformer, and where the maps do."""

import equinox as eqx
import jax.numpy as jnp


def attention_places(prefix, get):
    """Return the places in a `SelfAttention` or a `CrossAttention`, which `get` finds in the tree."""

    def inputs(tree):
        found = get(tree)
        return (
            [found.query_key_value] if hasattr(found, "query_key_value") else [found.query, found.key_value]
        )

    return {
        f"{prefix}.in_proj_weight": lambda t: [one.weight for one in inputs(t)],
        f"{prefix}.in_proj_bias": lambda t: [one.bias for one in inputs(t)],
        f"{prefix}.out_proj.weight": lambda t: [get(t).output.weight],
        f"{prefix}.out_proj.bias": lambda t: [get(t).output.bias],
    }


def norm_places(prefix, get):
    """Return the places in a `LayerNorm`."""
    return {f"{prefix}.weight": lambda t: [get(t).scale], f"{prefix}.bias": lambda t: [get(t).shift]}


def block_places(prefix, get, cross, norms):
    """Return the places in a `TransformerBlock` or a `CrossBlock`."""
    places = attention_places(f"{prefix}.self_attn", lambda t: get(t).attention)
    if cross:
        places |= attention_places(f"{prefix}.multihead_attn", lambda t: get(t).cross)
    for name, part in (("linear1", "first"), ("linear2", "second")):
        places[f"{prefix}.{name}.weight"] = lambda t, p=part: [getattr(get(t).feed_forward, p).weight]
        places[f"{prefix}.{name}.bias"] = lambda t, p=part: [getattr(get(t).feed_forward, p).bias]
    for i in range(norms):
        places |= norm_places(f"{prefix}.norm{i + 1}", lambda t, i=i: get(t).norms[i])
    return places


def stack_places(stack, prefix):
    """Return torch's names of the weights of a stack, each with a function that lists their arrays."""
    cross = hasattr(stack.blocks[0], "cross")
    places = {}
    for i, block in enumerate(stack.blocks):
        places |= block_places(f"{prefix}.layers.{i}", lambda t, i=i: t.blocks[i], cross, len(block.norms))
    return places if stack.last is None else places | norm_places(f"{prefix}.norm", lambda t: t.last)


def named(stack, prefix):
    """Return the arrays of a stack, or of its gradient, by torch's names."""
    return {name: jnp.concatenate(get(stack)) for name, get in stack_places(stack, prefix).items()}


def port(stack, weights, prefix, dtype):
    """Return the stack with torch's weights; every array of it is replaced."""
    places = stack_places(stack, prefix)

    def everything(tree):
        return [array for get in places.values() for array in get(tree)]

    values = []
    for name, get in places.items():
        rows = 0
        for array in get(stack):
            values.append(jnp.asarray(weights[name][rows : rows + array.shape[0]], dtype))
            assert values[-1].shape == array.shape
            rows += array.shape[0]
        assert rows == len(weights[name])
    return eqx.tree_at(everything, stack, values)
