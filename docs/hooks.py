"""What the build of the documentation adds: the chapters in order, and formulas that need no script.

A chapter is a file `docs/chapters/NN_name.md`. Its blocks marked `python exec="on"` are executed, and a
block that fails, fails the build. Formulas become MathML, which browsers draw by themselves.
"""

import html
import os
import re
import sys
from pathlib import Path

from latex2mathml.converter import convert

DOCS = Path(__file__).parent
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_startup(command: str, dirty: bool) -> None:
    """Let executed blocks draw without a screen and use `figures.show`."""
    os.environ["MPLBACKEND"] = "agg"
    sys.path.insert(0, str(DOCS))


def on_config(config):
    """List the chapters, and leave out a page that does not exist yet."""
    docs = Path(config.docs_dir)
    chapters = [path.relative_to(docs).as_posix() for path in sorted(docs.glob("chapters/*.md"))]
    nav = [{"Chapters": chapters} if "Chapters" in entry else entry for entry in config.nav]
    config.nav = [entry for entry in nav if is_there(docs, entry)]
    return config


def is_there(docs: Path, entry: str | dict[str, list[str]]) -> bool:
    """Tell whether an entry of the navigation leads anywhere."""
    return any(entry.values()) if isinstance(entry, dict) else (docs / entry).exists()


def to_mathml(found: re.Match[str]) -> str:
    """Return the MathML of one formula."""
    display = "inline" if found[2] == "(" else "block"
    return convert(html.unescape(found[3]), display=display)


def on_page_content(text: str, page, config, files) -> str:
    """Set the formulas of a page."""
    return FORMULA.sub(to_mathml, text)
