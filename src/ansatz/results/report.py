"""One self-contained page that says what came out: sections of sentences, figures, tables and commands.

No network, no link to elsewhere, and no script but those of a `Live` block, by their hashes: a content
security policy in the page forbids them. All text is escaped; SVG is parsed and refused unless it only draws.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, TypeAlias
from xml.etree import ElementTree

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ansatz.core import BadInput
from ansatz.results.canvas import DARK, LIGHT
from ansatz.results.numbers import number

LARGEST = 2_000_000
"""The most bytes of a page; the largest figures give way first."""
TONES = ("plain", "good", "bad", "note")
DRAWING = {
    "svg", "g", "path", "defs", "use", "text", "tspan", "clipPath", "rect", "circle", "ellipse", "line",
    "polyline", "polygon", "image", "linearGradient", "radialGradient", "stop", "title", "desc", "marker",
}  # fmt: skip

STARTS = {"png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF8"}
MATH = set("math mrow mi mn mo mfrac msup msub msubsup msqrt mtext".split())


@dataclass(frozen=True)
class Sentence:
    """A paragraph; in a `tone` other than `"plain"` (`"good"`, `"bad"`, `"note"`) it stands in a box."""

    kind: ClassVar[str] = "sentence"
    text: str
    tone: str = "plain"

    def __post_init__(self) -> None:
        """Refuse a tone that no page knows."""
        if self.tone not in TONES:
            raise BadInput(f"The tone of a sentence was {self.tone!r}; it is one of {', '.join(TONES)}.")


@dataclass(frozen=True)
class Facts:
    """Names and values, `rows = ((name, value), …)`: what was run, on what, with which settings."""

    kind: ClassVar[str] = "facts"
    rows: Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class Tiles:
    """The few numbers that matter, large: `items = ((label, value, note), …)`."""

    kind: ClassVar[str] = "tiles"
    items: Sequence[tuple[str, Any, str]]


@dataclass(frozen=True)
class Table:
    """A table; cells `(row, column)` in `strong` are bold and the rows in `own` are tinted."""

    kind: ClassVar[str] = "table"
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""
    strong: frozenset[tuple[int, int]] = frozenset()
    own: frozenset[int] = frozenset()

    def texts(self) -> list[list[str]]:
        """Return the cells as they are written."""
        return [[number(cell) for cell in row] for row in self.rows]

    def numeric(self) -> list[bool]:
        """Return which columns hold numbers only; they are aligned on the right."""
        figures = re.compile(r"^[-−–∞\d][\d.,e+\-−–∞\s\[\]%×]*[a-zµ]{0,3}( \d+ (s|min))?$")
        return [
            any(row[at] != "–" for row in self.texts())
            and all(figures.match(row[at]) for row in self.texts())
            for at in range(len(self.header))
        ]


@dataclass(frozen=True)
class Picture:
    """A figure with its caption: SVG text as `plots` and `pictures` make it, or the bytes of a PNG or GIF."""

    kind: ClassVar[str] = "picture"
    image: str | bytes
    caption: str
    title: str = ""
    wide: bool = False

    def markup(self) -> Markup:
        """Return the HTML of the image: checked SVG, or an `<img>` that holds its PNG or GIF."""
        if isinstance(self.image, bytes):
            kind = next((name for name, start in STARTS.items() if self.image.startswith(start)), None)
            if kind is None:
                raise BadInput(
                    "A figure given as bytes is no PNG; give the text of an SVG or the bytes of a PNG or GIF."
                )
            data = base64.b64encode(self.image).decode()
            return Markup('<img alt="{}" src="data:image/{};base64,{}">').format(self.caption, kind, data)
        return _checked_svg(self.image)


@dataclass(frozen=True)
class Live:
    """A part that computes in the page, such as a decoder with sliders: HTML of Ansatz's own making."""

    kind: ClassVar[str] = "live"
    html: str
    caption: str
    title: str = ""

    def markup(self) -> Markup:
        """Return the HTML; what would lead out of the page is refused."""
        outside = re.search(
            r"<(?:iframe|link|object|embed|form|img|meta|base)\b|[\s/\"'](?:src|href|on\w+)\s*=",
            self._bare(),
            re.IGNORECASE,
        )
        if outside:
            raise BadInput(f"A live part of a page holds {outside[0]!r}, which may lead out of the page.")
        return Markup(self.html)

    def hashes(self) -> list[str]:
        """Return what a policy must allow: the hashes of the scripts that run."""
        scripts = re.findall(r"<script>(.*?)</script>", self.html, re.DOTALL)
        digests = [hashlib.sha256(one.encode()).digest() for one in scripts]
        return [f"'sha256-{base64.b64encode(one).decode()}'" for one in digests]

    def _bare(self) -> str:
        return re.sub(r"(<script[^>]*>).*?</script>", r"\1", self.html, flags=re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Formulas:
    """Equations, each a `<math>` element, one under another."""

    kind: ClassVar[str] = "formulas"
    rows: Sequence[str]

    def markup(self) -> list[Markup]:
        """Return the rows; each is parsed and refused unless it is presentation MathML."""
        return [_checked_math(row) for row in self.rows]


@dataclass(frozen=True)
class Code:
    """Text to copy, such as the command that reproduces a run; one click selects all of it."""

    kind: ClassVar[str] = "code"
    text: str
    caption: str = ""


@dataclass(frozen=True)
class Remarks:
    """What the reader should know: a list of sentences."""

    kind: ClassVar[str] = "remarks"
    items: Sequence[str]
    title: str = "Remarks"


@dataclass(frozen=True)
class Details:
    """Blocks that are folded away under a summary."""

    kind: ClassVar[str] = "details"
    summary: str
    blocks: "Sequence[Block]"


Block: TypeAlias = Sentence | Facts | Tiles | Table | Picture | Live | Formulas | Code | Remarks | Details


@dataclass(frozen=True)
class Section:
    """A part of a page: a title, one sentence that leads in, and blocks; figures in a row share a grid."""

    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
    lead: str = ""

    def groups(self) -> Iterator[tuple[str, list[Block]]]:
        """Yield runs of blocks of one kind."""
        for kind, blocks in groupby(self.blocks, key=lambda block: block.kind):
            yield kind, list(blocks)


def render(
    sections: Sequence[Section],
    title: str,
    *,
    subtitle: str = "",
    answer: Sentence | str = "",
    tiles: Sequence[tuple[str, Any, str]] = (),
    footer: str = "",
) -> str:
    """Return the page as HTML text: `title`, the `answer` in one sentence, `tiles` of numbers, the sections.

    The page needs no network and, without a `Live` block, no script, follows the reader's light or dark
    theme, and stays below 2 MB by leaving out its largest figures, which it then says.

    >>> page = render([Section("Result", [Sentence("1 < 2")])], "A <run>")
    >>> "A &lt;run&gt;" in page and "1 &lt; 2" in page and "<script" not in page
    True
    """
    spoken = answer if isinstance(answer, Sentence) else Sentence(answer)
    sections = _within(list(sections), LARGEST - 100_000)
    live = [block for section in sections for block in section.blocks if isinstance(block, Live)]
    page = _templates().get_template("report.html.j2")
    return page.render(
        title=title,
        subtitle=subtitle,
        answer=spoken,
        tiles=tiles,
        sections=_anchored(sections),
        footer=footer,
        scripts=" ".join(sorted({one for block in live for one in block.hashes()})),
        number=number,
    )


def css() -> Markup:
    """Return the style of every page, with the colors of both themes."""
    themes = {"light": LIGHT, "dark": DARK}
    blocks = {name: ";".join(f"--{k}:{v}" for k, v in colors.items()) for name, colors in themes.items()}
    text = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    return Markup(text.replace("/*light*/", blocks["light"]).replace("/*dark*/", blocks["dark"]))


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates", encoding="utf-8")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["css"] = css
    return environment


def _anchored(sections: Sequence[Section]) -> list[tuple[str, Section]]:
    """Return the sections with names of their own within the page."""
    anchors: list[str] = []
    for section in sections:
        stem = "s-" + (re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "part")
        again = sum(anchor == stem or anchor.startswith(stem + "--") for anchor in anchors)
        anchors.append(f"{stem}--{again + 1}" if again else stem)
    return list(zip(anchors, sections, strict=True))


def _checked_svg(text: str) -> Markup:
    """Return the SVG as it is if it only draws; refuse scripts, links to elsewhere and declarations."""
    if "<!" in text:
        raise BadInput("A figure's SVG holds a declaration or comment; it must be drawing elements only.")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise BadInput(f"A figure is no well-formed SVG ({error}).") from None
    for element in root.iter():
        name = str(element.tag).rsplit("}", 1)[-1]
        if name not in DRAWING:
            raise BadInput(
                f"A figure's SVG holds the element <{name}>; only drawing elements may stand there."
            )
        for key, value in element.attrib.items():
            attribute = key.rsplit("}", 1)[-1].lower()
            local = value.startswith(("#", "data:image/png;base64,"))
            if attribute.startswith("on") or (attribute in ("href", "src") and not local):
                raise BadInput(
                    f"A figure's SVG holds the attribute {attribute!r}, which leads out of the page."
                )
            outside = re.search(r"url\(\s*['\"]?(?!#)|@import|expression\(", value)
            if outside:
                raise BadInput(f"A figure's SVG holds {outside[0]!r}, which leads out of the page.")
    return Markup(text)


def _checked_math(text: str) -> Markup:
    """Return the MathML as it is if it only typesets."""
    try:
        root = ElementTree.fromstring(text) if "<!" not in text else None
    except ElementTree.ParseError:
        root = None
    if root is None or root.tag != "math" or {one.tag for one in root.iter()} - MATH:
        raise BadInput("A formula is no MathML of rows, names, numbers, signs, fractions, indices and roots.")
    if any(set(one.attrib) - {"display"} for one in root.iter()):
        raise BadInput("A formula's MathML has an attribute other than display.")
    return Markup(text)


def _within(sections: list[Section], limit: int) -> list[Section]:
    """Leave out the largest figures until all of them together have at most `limit` bytes."""
    pictures = [
        (len(block.image) * (1 if isinstance(block.image, str) else 4 / 3), at, place)
        for at, section in enumerate(sections)
        for place, block in enumerate(section.blocks)
        if isinstance(block, Picture)
    ]
    total = sum(size for size, _, _ in pictures)
    for size, at, place in sorted(pictures, reverse=True):
        if total <= limit:
            break
        total -= size
        blocks = list(sections[at].blocks)
        left = blocks[place]
        name = getattr(left, "title", "") or getattr(left, "caption", "")
        blocks[place] = Sentence(f"The figure “{name}” of {size / 1e6:.1f} MB was left out.", "note")
        sections[at] = replace(sections[at], blocks=blocks)
    return sections
