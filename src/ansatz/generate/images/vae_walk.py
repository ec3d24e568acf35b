"""The latent walk: a piece of HTML with sliders whose decoder runs in the page, from a file and offline."""

import base64
import hashlib
import json
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ansatz.core import Map
from ansatz.generate.vae.likelihoods import Bernoulli
from ansatz.generate.vae.model import Autoencoder
from ansatz.maps.affine import Affine
from ansatz.maps.mlp import MLP
from ansatz.maps.patches import PatchBlock, PatchDecoder

LARGEST = 1_000_000
"""The most bytes of a walk."""
SLIDERS = 10
REACH = 3.0


@cache
def walk_script() -> str:
    """Return the script of a walk, the same for every model: a page may allow it by its hash."""
    return Path(__file__).with_name("vae_walk.js").read_text(encoding="utf-8").strip()


def walk_policy() -> str:
    """Return what a content security policy must allow for a walk: `'sha256-…'` of its script.

    >>> walk_policy().startswith("'sha256-")
    True
    """
    digest = hashlib.sha256(walk_script().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


class Program:
    """A decoder as a list of operations and two arrays: the matrices, and the other numbers.

    `kind` float16 keeps the matrices to three digits; int8 keeps each row by a scale and 8 bits, half as
    large.
    """

    def __init__(self, model: Autoencoder, kind: str = "float16"):
        self.kind = kind
        self.operations: list[dict[str, Any]] = []
        self.large: list[np.ndarray] = []
        self.small: list[np.ndarray] = []
        self._decoder(model.decoder)
        if isinstance(model.likelihood, Bernoulli):
            self._sigma("sigmoid")
        size = model.center.value.shape[0]
        if not (np.asarray(model.center.value) == 0).all() or float(model.scale.value) != 1:
            center = self._keep(np.broadcast_to(np.asarray(model.center.value), size))
            self.operations.append({"kind": "shift", "scale": float(model.scale.value), "at": center})

    def record(self) -> dict[str, Any]:
        """Return the program as plain values, the arrays as base64 of little-endian numbers."""
        kind = {"float16": "<f2", "int8": "i1"}[self.kind]
        large = np.concatenate([one.ravel() for one in self.large]).astype(kind)
        small = np.concatenate([one.ravel() for one in self.small]).astype("<f4")
        text = {"large": large, "small": small}
        coded = {name: base64.b64encode(array.tobytes()).decode() for name, array in text.items()}
        return {"type": self.kind, "operations": self.operations, **coded}

    def _decoder(self, net: Map) -> None:
        if isinstance(net, MLP):
            for affine in net.hidden:
                self._affine(affine.weight, affine.bias)
                self._sigma(net.activation)
            self._affine(net.last.weight, net.last.bias)
        elif isinstance(net, PatchDecoder):
            self._patches(net)
        else:
            raise TypeError(f"No program is known for a decoder of the class {type(net).__name__}.")

    def _patches(self, net: PatchDecoder) -> None:
        first: Affine = net.first
        height, width, channels = net.shape
        rows, columns = -(-height // net.patch), -(-width // net.patch)
        self._affine(first.weight, first.bias)
        for block in net.blocks:
            self._block(block, rows, columns)
        self._sigma(net.activation)
        self._affine(net.last.T, None, rows * columns)
        cut = {"size": net.patch, "columns": columns, "height": height, "width": width, "channels": channels}
        self.operations.append({"kind": "join", **cut})
        self.operations.append({"kind": "shift", "scale": 1.0, "at": self._keep(np.asarray(net.place))})

    def _block(self, block: PatchBlock, rows: int, columns: int) -> None:
        size, _, width, out = block.kernel.shape
        grid = {"rows": rows, "columns": columns, "width": width}
        self.operations.append({"kind": "keep"})
        self._sigma(block.activation)
        self.operations.append({"kind": "neighbours", **grid})
        self._affine(block.kernel.reshape(size * size * width, out).T, block.bias, rows * columns)
        self._sigma(block.activation)
        self._affine(block.mix.T, None, rows * columns)
        self.operations.append({"kind": "add"})

    def _affine(self, weight: Any, bias: Any, places: int = 1) -> None:
        weight = np.asarray(weight, np.float32)
        out, size = weight.shape
        scale = np.ones(out, np.float32)
        if self.kind == "int8":
            scale = np.maximum(np.abs(weight).max(1), 1e-12) / 127
            weight = np.round(weight / scale[:, None])
        at = sum(one.size for one in self.large)
        self.large.append(weight)
        numbers = {"scale": self._keep(scale), "bias": self._keep(np.zeros(out) if bias is None else bias)}
        self.operations.append(
            {"kind": "affine", "places": places, "in": size, "out": out, "at": at, **numbers}
        )

    def _sigma(self, name: str) -> None:
        if name != "identity":
            self.operations.append({"kind": "sigma", "name": name})

    def _keep(self, values: Any) -> int:
        at = sum(one.size for one in self.small)
        self.small.append(np.asarray(values, np.float32))
        return at


def latent_walk(
    model: Autoencoder, shape: tuple[int, int, int], codes: np.ndarray, starts: int = 6
) -> str | None:
    """Return the HTML of a walk, or None where the decoder has too many parameters for a page.

    `codes: [N, k]` are of images; the first `starts` of them are where one may begin, and the components
    that vary the most over all of them have sliders.
    """
    codes = np.asarray(codes, np.float64)
    order = np.argsort(-codes.var(0), kind="stable")[:SLIDERS]
    for kind in ("float16", "int8"):
        record = Program(model, kind).record()
        record["shape"] = list(shape)
        record["starts"] = np.round(np.concatenate([codes[:starts], 0 * codes[:1]]), 4).tolist()
        page = _page(record, shape, order, min(starts, len(codes)))
        if len(page.encode()) <= LARGEST:
            return page
    return None


def _page(record: dict[str, Any], shape: tuple[int, int, int], order: np.ndarray, starts: int) -> str:
    height, width, _ = shape
    large = max(1, 224 // max(height, width))
    data = json.dumps(record, separators=(",", ":")).replace("<", "\\u003c")
    row = "display:flex;gap:.6rem;align-items:center"
    sliders = "".join(
        f'<label style="{row}"><span style="min-width:2.5rem">z<sub>{at + 1}</sub></span>'
        f'<input type="range" min="-{REACH}" max="{REACH}" step="0.05" data-component="{at}" '
        f'style="flex:1;min-width:6rem" aria-label="component {at + 1} of the code"></label>'
        for at in order.tolist()
    )
    names = [*(f"image {at + 1}" for at in range(starts)), "zero"]
    buttons = "".join(
        f'<button type="button" data-start="{at}">{escape(name)}</button>' for at, name in enumerate(names)
    )
    canvas = (
        f'<canvas width="{width}" height="{height}" role="img" aria-label="the decoded image" '
        f'style="width:{large * width}px;height:{large * height}px;image-rendering:pixelated"></canvas>'
    )
    return (
        f'<div class="latent-walk"><script type="application/json">{data}</script>'
        f'<div style="display:flex;flex-wrap:wrap;gap:1.2rem">{canvas}<div style="flex:1;min-width:13rem">'
        f'{sliders}</div></div><p style="display:flex;flex-wrap:wrap;gap:.4rem">{buttons}'
        f'<button type="button">at random</button></p></div><script>{walk_script()}</script>'
    )
