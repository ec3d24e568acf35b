"""Films of texts: an episode that a terminal could show, in a page with a slider, or as a GIF.

A GIF shows pictures where the frames have them.
"""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from ansatz.core import BadInput
from ansatz.results.animation import joined
from ansatz.results.report import Live

BRAILLE = range(0x2800, 0x2900)
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""The place of each bit's dot in a braille character, column and row."""
SIZE, SMALL = 16, 12
TITLE = 3
"""The rows under a picture."""
INK, PAPER = (33, 37, 41), (255, 255, 255)
MOST = 250
"""The frames of a GIF; of a longer film every so-manieth is shown."""


@dataclass(frozen=True)
class Frame:
    """A text, and a line that is said under it; a GIF shows the `picture` where there is one."""

    text: str
    line: str = ""
    picture: Image.Image | None = None


@cache
def script() -> str:
    """Return the script of a film, the same for every one."""
    return Path(__file__).with_name("text_film.js").read_text(encoding="utf-8").strip()


def live(frames: Sequence[Frame], caption: str, title: str = "") -> Live:
    """Return a film as a part of a page: a slider, a button, and the list of lines.

    >>> live([Frame("<o>", "left")], "An episode.").kind
    'live'
    """
    check(frames)
    texts = sorted({one.text for one in frames})
    place = {text: at for at, text in enumerate(texts)}
    record = {"texts": texts, "frames": [[place[one.text], one.line] for one in frames]}
    data = json.dumps(record, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    first = frames[0]
    row = "display:flex;gap:.6rem;align-items:center;flex-wrap:wrap"
    html = (
        f'<div class="text-film"><script type="application/json">{data}</script>'
        f'<pre aria-live="off" style="line-height:1.15;overflow-x:auto">{escape(first.text)}</pre>'
        f'<p class="film-line" style="font-variant-numeric:tabular-nums">{escape(first.line)}</p>'
        f'<div style="{row}"><button type="button" data-play>play</button>'
        f'<button type="button" data-move="-1" aria-label="one step back">‹</button>'
        f'<button type="button" data-move="1" aria-label="one step on">›</button>'
        f'<input type="range" min="0" max="{len(frames) - 1}" value="0" style="flex:1;min-width:10rem" '
        f'aria-label="step of the episode"></div></div><script>{script()}</script>'
    )
    return Live(html, caption, title)


def gif(frames: Sequence[Frame]) -> bytes:
    """Return a film as an animated GIF, at most 250 frames of it.

    >>> gif([Frame("a"), Frame("b")])[:4]
    b'GIF8'
    """
    check(frames)
    stride = -(-len(frames) // MOST)
    shown = [*frames[:-1][::stride], frames[-1]]
    if all(one.picture is not None for one in shown):
        return joined([_titled(one) for one in shown], "GIF")
    lines = [[*one.text.split("\n"), one.line] for one in shown]
    rows, columns = max(map(len, lines)), max(len(line) for text in lines for line in text)
    return joined([_drawn(text, rows, columns) for text in lines], "GIF")


def check(frames: Sequence[Frame]) -> None:
    """Refuse a film of nothing."""
    if not frames:
        raise BadInput("A film has one frame at least, and this one has none.")


def _drawn(lines: Sequence[str], rows: int, columns: int) -> Image.Image:
    font = _font()
    wide, high = round(font.getlength("M")), round(1.2 * SIZE)
    page = Image.new("RGB", (wide * (columns + 2), high * (rows + 1)), PAPER)
    pen = ImageDraw.Draw(page)
    for row, line in enumerate(lines):
        for column, mark in enumerate(line):
            at = (wide * (column + 1), high * row + high // 2)
            if ord(mark) in BRAILLE:
                _dots(pen, ord(mark) - BRAILLE.start, at, wide, high)
            elif mark != " ":
                pen.text(at, mark, INK, font)
    return page.quantize(8)


def _titled(frame: Frame) -> Image.Image:
    """Return the picture of a frame with its line under it, broken where it is wider."""
    picture, font = frame.picture, _font(SMALL)
    assert picture is not None
    line = textwrap.wrap(frame.line, max(int(picture.width / font.getlength("M")) - 1, 10))
    high = round(1.3 * SMALL)
    # The same size in every frame: a GIF has one.
    page = Image.new("RGB", (picture.width, picture.height + high * TITLE), PAPER)
    page.paste(picture, (0, 0))
    pen = ImageDraw.Draw(page)
    for row, words in enumerate(line[:TITLE]):
        pen.text((font.getlength("M") / 2, picture.height + high * row), words, INK, font)
    return page.quantize(64)


def _dots(pen: ImageDraw.ImageDraw, bits: int, at: tuple[int, int], wide: int, high: int) -> None:
    """Draw the dots of a braille character, which monospaced fonts may lack."""
    for bit, (column, row) in enumerate(DOTS):
        if bits >> bit & 1:
            x, y = at[0] + (column + 0.5) * wide / 2, at[1] + (row + 0.5) * high / 4
            pen.ellipse((x - 1.6, y - 1.6, x + 1.6, y + 1.6), INK)


@cache
def _font(size: int = SIZE) -> ImageFont.FreeTypeFont:
    """Return the monospaced font that comes with Matplotlib."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSansMono.ttf"), size)
