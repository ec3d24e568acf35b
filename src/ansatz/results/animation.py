"""Animations as pictures with frames: PNG, which a page holds as it is, or GIF; no script and no network."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ansatz.core import BadInput
from ansatz.results.canvas import LIGHT, STYLE, axes, between_themes, color, short
from ansatz.results.fields import color_scale, draw_map

FRAMES = 40
MILLISECONDS = 100
FORMATS = {".png": "PNG", ".gif": "GIF"}


def animated_curves(
    times: Any, x: Any, lines: dict[str, Any], *, labels: tuple[str, str], suffix: str = ".png"
) -> bytes:
    """Return the moving curves `lines[name]: [times, n]` over `x: [n]`; `labels` are of time and x."""
    low = min(float(np.nanmin(one)) for one in lines.values())
    high = max(float(np.nanmax(one)) for one in lines.values())
    margin = 0.06 * (high - low) or 1.0

    def draw(ax: Axes, at: int) -> None:
        for place, (name, values) in enumerate(lines.items()):
            ax.plot(x, values[at], color=between_themes(color(place)), label=short(name))
        ax.set_xlim(float(x[0]), float(x[-1]))
        ax.set_ylim(low - margin, high + margin)
        ax.set_xlabel(labels[1])
        if len(lines) > 1:
            ax.legend(loc="upper right")

    return _frames(times, draw, labels[0], suffix)


def animated_map(
    times: Any, x: Any, y: Any, frames: Any, *, labels: tuple[str, str, str], suffix: str = ".png"
) -> bytes:
    """Return the moving map `frames: [times, n, m]`; `labels` are of time, x and y."""
    frames = np.asarray(frames, float)
    norm, shades = color_scale(frames)

    def draw(ax: Axes, at: int) -> None:
        draw_map(ax, x, y, frames[at], norm, shades)
        ax.set_aspect("equal")
        ax.set_xlabel(labels[1])
        ax.set_ylabel(labels[2])

    return _frames(times, draw, labels[0], suffix)


def _frames(times: Any, draw: Callable[[Axes, int], None], label: str, suffix: str) -> bytes:
    """Draw a frame for each time and join them; the last stands still for a second."""
    if suffix not in FORMATS:
        raise BadInput(f"There is no animation {suffix!r}; the formats are {', '.join(FORMATS)}.")
    pictures = []
    with _style():
        for at, time in enumerate(times):
            figure, ax = axes(4.4, 3.0)
            draw(ax, at)
            ax.set_title(f"{label} = {time:.3g}", loc="left")
            pictures.append(_pixels(figure, opaque=suffix == ".gif"))
    return joined(pictures, FORMATS[suffix])


@contextmanager
def _style() -> Iterator[None]:
    """Draw with the colors that lie between the themes: a picture cannot follow the page."""
    names = {value: between_themes(value) for value in LIGHT.values()}
    shades = {
        key: names.get(value, value) if isinstance(value, str) else value for key, value in STYLE.items()
    }
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        shades |= {"figure.dpi": 100, "grid.alpha": 0.35}
        matplotlib.rcParams.update(shades)
        yield


def _pixels(figure: Figure, *, opaque: bool) -> Image.Image:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba()), "RGBA")
    if not opaque:
        return image
    page = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(page, image).convert("RGB")


def joined(pictures: Sequence[Image.Image], form: str) -> bytes:
    """Return the frames as one file; PNG frames keep their transparency, each replacing the one before."""
    buffer = io.BytesIO()
    durations = [MILLISECONDS] * (len(pictures) - 1) + [1000]
    first, *rest = pictures
    options: dict[str, Any] = {"disposal": 1, "blend": 0} if form == "PNG" else {"disposal": 2}
    first.save(
        buffer, form, save_all=True, append_images=rest, duration=durations, loop=0, optimize=True, **options
    )
    return buffer.getvalue()
