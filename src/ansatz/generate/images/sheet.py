"""Pictures of many images: one PNG with all of them in rows, each pixel a square."""

import io
from typing import Any

import numpy as np
from PIL import Image

from ansatz.core import BadInput

WIDE = 900
"""The pixels that a sheet is wide, about."""
GAP = 2
EDGE = (128, 128, 128)
"""Between images: seen on light and on dark pages."""


def sheet(images: Any, columns: int = 0, *, wide: int = WIDE, scale: int = 0) -> bytes:
    """Return images `[N, H, W, C]` in [0, 1], C of 1 or 3, in rows of `columns` as a PNG.

    >>> sheet(np.zeros((4, 8, 8, 1), np.float32), 2).startswith(b"\\x89PNG")
    True
    """
    x = as_bytes(images)
    columns = min(columns or int(np.ceil(np.sqrt(len(x)))), len(x))
    scale = scale or max(1, min(8, (wide // columns - GAP) // x.shape[2]))
    return png(_laid_out(x.repeat(scale, 1).repeat(scale, 2), columns))


def as_bytes(images: Any) -> np.ndarray:
    """Return images `[N, H, W, 1 or 3]` in [0, 1] as bytes in color, `[N, H, W, 3]`."""
    x = np.asarray(images, np.float32)
    if x.ndim != 4 or x.shape[3] not in (1, 3) or not len(x):
        raise BadInput(f"A sheet shows images [N, H, W, 1 or 3], not an array of shape {list(x.shape)}.")
    x = np.round(255 * np.clip(np.nan_to_num(x), 0, 1)).astype(np.uint8)
    return np.repeat(x, 3, axis=3) if x.shape[3] == 1 else x


def png(pixels: np.ndarray) -> bytes:
    """Return pixels `[H, W, 3]` as a PNG."""
    gray = (pixels == pixels[..., :1]).all()
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if gray else pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def attention_sheet(model: Any, image: np.ndarray, label: int) -> bytes:
    """Return where a `PixelTransformer` looks when it writes some patches of an image `uint8[H, W, C]`."""
    import jax.numpy as jnp

    from ansatz.generate.images.pixel_transformer import Cut

    layout, of_byte = model.layout, np.asarray(model.levels.value.of_byte)
    cut = jnp.asarray(layout.cut(of_byte[image[None]])[0])
    maps = np.asarray(model.attention(Cut(cut, jnp.asarray(label, jnp.int32)))).mean(1)
    down, _ = layout.rows
    asked = [layout.length * part // 8 for part in (2, 3, 4, 5, 6, 7)]
    size = 12 * layout.size if layout.size * down < 16 else max(96 // down, layout.size)
    gray = np.asarray(image, np.float32).mean(2) / 255
    rows = [_seen(one[t], t, layout, gray, size) for one in maps for t in asked]
    return png(_laid_out(np.stack(rows), len(asked)))


def _seen(row: np.ndarray, at: int, layout: Any, gray: np.ndarray, size: int) -> np.ndarray:
    """Return the image in blue-gray with what patch `at` sees of it in orange; the bar is the class."""
    down, across = layout.rows
    weight = np.zeros(layout.length)
    weight[:at] = row[1 : at + 1]
    weight = np.sqrt(weight / max(row.max(), 1e-9)).reshape(down, across)
    weight = weight.repeat(size, 0).repeat(size, 1)
    high, wide = down * size, across * size
    where = (np.arange(high) * layout.size // size, np.arange(wide) * layout.size // size)
    shown = gray[np.minimum(where[0], gray.shape[0] - 1)][:, np.minimum(where[1], gray.shape[1] - 1)]
    base = np.stack([60 + 110 * shown, 66 + 110 * shown, 80 + 110 * shown], 2)
    mixed = base + weight[..., None] * 0.85 * (np.array([255.0, 150.0, 40.0]) - base)
    r, c = divmod(at, across)
    block = mixed[r * size : (r + 1) * size, c * size : (c + 1) * size]
    block[:2], block[-2:], block[:, :2], block[:, -2:] = (np.array([116.0, 164.0, 255.0]),) * 4
    bar = np.full((high, 6, 3), 60.0)
    filled = round(high * float(np.sqrt(row[0] / max(row.max(), 1e-9))))
    bar[high - filled :] = (255, 150, 40)
    gap = np.full((high, 2, 3), 128.0)
    return np.concatenate([bar, gap, mixed], 1).round().astype(np.uint8)


def _laid_out(x: np.ndarray, columns: int) -> np.ndarray:
    count, high, wide, _ = x.shape
    down = -(-count // columns)
    page = np.full((down * (high + GAP) + GAP, columns * (wide + GAP) + GAP, 3), EDGE, np.uint8)
    for at, one in enumerate(x):
        r, c = divmod(at, columns)
        top, left = GAP + r * (high + GAP), GAP + c * (wide + GAP)
        page[top : top + high, left : left + wide] = one
    return page
