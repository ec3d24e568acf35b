"""The documentation is built strictly, executes its chapters, draws in place, and fetches nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHAPTER = """# A parabola

The vertex of $y = x^2$ is the origin, and $a < b$ is a formula too:

$$\\int_0^1 x^2 \\, dx = \\frac{1}{3}$$

```python exec="on" html="on"
import matplotlib
from matplotlib.figure import Figure
from figures import STYLE, show

with matplotlib.rc_context(STYLE):
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([-1, 0, 1], [1, 0, 1], label="x squared")
    figure.axes[0].set_xlabel("abscissa")
    print(show(figure, "A parabola."))
```
"""


def build(folder: Path, chapters: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Build the pages with these chapters in place of the real ones."""
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("chapters", "__pycache__"))
    (folder / "docs" / "chapters").mkdir()
    for name, text in chapters.items():
        (folder / "docs" / "chapters" / name).write_text(text)
    for real in (ROOT / "docs" / "chapters").glob("*.md"):
        # Other pages link to the chapters, and a strict build follows the links.
        (folder / "docs" / "chapters" / real.name).write_text("# A chapter\n")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=env)


def resources(page: str) -> list[str]:
    """Return the addresses that a browser fetches for a page."""
    tags = re.findall(r"<(?:link|script|img|iframe|source)\b[^>]*>", page)
    links = re.findall(r"""(?:src|href)=["']?([^"' >]+)""", " ".join(tags))
    return links + re.findall(r"url\(([^)]+)\)", page)


def test_resources_finds_what_is_fetched():
    page = '<link href=a.css><script src="https://far/x.js"></script><a href="https://far">link</a>'
    assert resources(page) == ["a.css", "https://far/x.js"]


def test_pages_execute_and_fetch_nothing(tmp_path: Path):
    done = build(tmp_path, {"02_b.md": "# Later\n", "01_a.md": CHAPTER})
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "chapters" / "01_a.html").read_text()
    assert "x squared" not in page.split("<svg")[0]
    assert "abscissa" in page and "currentColor" in page and "<figcaption>A parabola." in page
    assert page.count("<math") == 3 and "arithmatex" not in page
    index = (tmp_path / "site" / "index.html").read_text()
    assert index.index("01_a.html") < index.index("02_b.html")
    for file in (tmp_path / "site").rglob("*.html"):
        assert [one for one in resources(file.read_text()) if "//" in one] == []
    assert not list((tmp_path / "site").rglob("*.py"))


@pytest.mark.parametrize(
    "text", ["```python exec='on'\nraise ValueError('broken claim')\n```\n", "[nowhere](gone.md)\n"]
)
def test_a_broken_chapter_breaks_the_build(tmp_path: Path, text: str):
    done = build(tmp_path, {"01_a.md": "# Title\n\n" + text})
    assert done.returncode != 0
    assert "broken claim" in done.stderr or "gone.md" in done.stderr
