"""The film of an untying: a page that runs offline, with a slider and the list of steps, or a GIF."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image, ImageDraw, ImageFont

from ansatz.errors import BadInput
from ansatz.knots.certificate import Certificate
from ansatz.knots.codes import from_pd
from ansatz.knots.drawing import WIDTH, Strand, flattened, handles, svg
from ansatz.knots.motion import Step, animate

GRID = 8000
"""Coordinates in a page are whole: the disk has this radius."""
HALO = 2.6
"""How wide the paper beside a strand is that passes over another, both sides and itself, in its widths."""
FRAMES, MOST_FRAMES, MOST_SHOWN = 10, 250, 120
"""The frames of a GIF for a step, for all of them, and its steps."""
SIDE, FINE = 480, 2
"""A GIF's frames are so many pixels wide, drawn so many times finer."""
THINNEST = 1 / 260
"""The least width of a strand, in radii of the disk."""
INK, SHOWN, PAPER, MUTED = (29, 34, 48), (217, 115, 26), (255, 255, 255), (93, 101, 120)


def page(certificate: Certificate | str) -> str:
    """Return a page that shows the moves of a certificate (or its JSON text), with no other file or host.

    A slider, buttons, keys and a list of steps lead to every step; it follows the reader's light or dark
    theme.  A film of many moves shows several in a step, and says so.

    >>> from ansatz.knots.certificate import certify
    >>> made = page(certify(from_pd([[1, 1, 2, 2]]), [("R1-", 0)], name="a <kink>"))
    >>> "a &lt;kink&gt;" in made, "R1−: remove a kink" in made, "http-equiv" in made
    (True, True, True)
    """
    certificate = _read(certificate)
    steps = animate(certificate)
    folder = Path(__file__).parent
    script = (folder / "animation.js").read_text(encoding="utf-8").strip()
    record = json.dumps([_record(one) for one in steps], separators=(",", ":")).replace("<", "\\u003c")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = _templates().get_template("animation.html")
    return template.render(
        title=certificate.get("name") or "A knot diagram",
        summary=summary(certificate, steps),
        labels=[label(one) for one in steps],
        steps=steps,
        script=script,
        digest=digest,
        record=record,
        first=svg(from_pd(certificate["start"])),
        pd=json.dumps(certificate["start"]),
        most=FRAMES * len(steps),
    )


def gif(certificate: Certificate | str, path: str | Path | None = None) -> bytes:
    """Return the moves of a certificate (or its JSON text) as an animated GIF, and write it to a path.

    Ten frames a step, fewer where there would be more than 250 in all; the last stands for two seconds.

    >>> from ansatz.knots.certificate import certify
    >>> gif(certify(from_pd([[1, 1, 2, 2]]), [("R1-", 0)]))[:4]
    b'GIF8'
    """
    from io import BytesIO

    certificate = _read(certificate)
    steps = animate(certificate, MOST_SHOWN)
    number = max(2, min(FRAMES, MOST_FRAMES // len(steps)))
    pictures, durations = [], []
    for step in steps:
        for k in range(number):
            pictures.append(_frame(step, k / number, label(step)))
            durations.append(350 if k == 0 else 60)
    pictures.append(_frame(steps[-1], 1.0, f"{steps[-1].crossings[1]} crossings", plain=True))
    buffer = BytesIO()
    pictures[0].save(
        buffer, "GIF", save_all=True, append_images=pictures[1:], duration=[*durations, 2000], loop=0
    )
    if path is not None:
        Path(path).write_bytes(buffer.getvalue())
    return buffer.getvalue()


def summary(certificate: Certificate, steps: list[Step]) -> str:
    """Return in a sentence what a film shows, and how many moves each step has."""
    moves, (n, _), (_, left) = len(certificate["moves"]), steps[0].crossings, steps[-1].crossings
    end = "the round circle" if left == 0 else f"{left} crossings"
    text = f"From {n} crossings to {end} by {moves} move{'s' * (moves != 1)}."
    if len(steps) < moves:
        text += f" Each step shows {steps[0].last} of them at once ({len(steps)} steps)."
    return text


def label(step: Step) -> str:
    """Return a step's moves, what they do, and the crossings before and after.

    >>> label(Step(3, 3, (9, 8), [], (1.0, 1.0), "R1−: remove a kink"))
    '3. R1−: remove a kink (9 → 8)'
    """
    number = f"{step.first}" if step.first == step.last else f"{step.first}-{step.last}"
    return f"{number}. {step.text} ({step.crossings[0]} → {step.crossings[1]})"


def eased(t: float) -> float:
    """Return a time that starts and stops gently."""
    return t * t * (3 - 2 * t)


def width(quarter: float) -> float:
    """Return how wide strands are, in radii of the disk, given the length of a quarter of an edge."""
    return min(max(WIDTH * quarter, THINNEST), 1 / 40)


def _read(certificate: Certificate | str) -> Certificate:
    if not isinstance(certificate, str):
        return certificate
    try:
        return json.loads(certificate)
    except ValueError as why:
        raise BadInput(f"The text is no certificate: as JSON it breaks off, {why}.") from None


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )


def _record(step: Step) -> dict[str, Any]:
    """Return a step as the page's script reads it: of each curve its ends, and three bytes a point."""
    curves = []
    for one in step.curves:
        ends = np.concatenate([one.start.ravel(), one.end.ravel()])
        marks = np.concatenate([np.round(50 * one.low), np.round(50 * one.high), one.shown])
        curves.append([_packed(np.round(GRID * ends), "<i2"), _packed(marks, "i1")])
    return {"curves": curves, "width": [round(GRID * width(q)) for q in step.quarter]}


def _packed(numbers: np.ndarray, kind: str) -> str:
    return base64.b64encode(numbers.astype(kind).tobytes()).decode()


def _frame(step: Step, t: float, said: str, plain: bool = False) -> Image.Image:
    """Return one frame of a GIF, drawn from below: every piece over a wider one of paper."""
    fine = SIDE * FINE
    page = Image.new("RGB", (fine, fine + 26 * FINE), PAPER)
    pen = ImageDraw.Draw(page)
    t = eased(t)
    broad = fine / 2 * 0.94 * width(step.quarter[0] + t * (step.quarter[1] - step.quarter[0]))
    pieces = []
    for one in step.curves:
        strand = one.at(t)
        xy = _pixels(strand, fine)
        z = strand.heights + np.roll(strand.heights, -1)
        shown = one.shown & np.roll(one.shown, -1) & (not plain)
        pieces += zip(z.tolist(), shown.tolist(), xy, strict=True)
    for _, shown, line in sorted(pieces, key=lambda piece: piece[0]):
        flat, ink, r = line.ravel().tolist(), SHOWN if shown else INK, broad / 2
        pen.line(flat, PAPER, round(HALO * broad), "curve")
        pen.line(flat, ink, max(1, round(broad)), "curve")
        for x, y in (flat[:2], flat[-2:]):
            pen.ellipse((x - r, y - r, x + r, y + r), ink)
    font = ImageFont.load_default(13 * FINE)
    pen.text((8 * FINE, fine + 4 * FINE), said.replace("−", "-").replace("→", "to"), MUTED, font)
    small = page.resize((SIDE, SIDE + 26), Image.Resampling.BOX)
    return small.quantize(palette=_palette(), dither=Image.Dither.NONE)


@cache
def _palette() -> Image.Image:
    """Return the colors of every frame: ink and highlight in eight strengths each, and what is said."""
    page, shades = np.array(PAPER), []
    for color in (INK, SHOWN, MUTED):
        shades += [page + (np.array(color) - page) * k / 7 for k in range(1, 8)]
    holder = Image.new("P", (1, 1))
    holder.putpalette(np.round([page, *shades]).astype(int).ravel().tolist())
    return holder


def _pixels(strand: Strand, fine: int) -> np.ndarray:
    """Return for each piece of a strand the pixels along it: `[P, 9, 2]`."""
    inner = flattened(handles(strand.points), 8)
    lines = np.concatenate([inner, np.roll(inner[:, :1], -1, 0)], 1)
    return fine / 2 * (1 + 0.94 * lines * (1, -1))
