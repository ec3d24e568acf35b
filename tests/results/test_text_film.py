"""Films of texts: what a page holds of them, and what a GIF shows."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from ansatz.core import BadInput
from ansatz.results.report import Section, render
from ansatz.results.text_film import DOTS, MOST, Frame, gif, live

FILM = [Frame("⠁x\n<b>", "step 0"), Frame("⠁x\n<b>", "step 1"), Frame("⣿ ", "the end")]


def test_a_page_holds_every_frame_and_each_text_once():
    block = live(FILM, "A film.")
    found = re.search(r'<script type="application/json">(.*?)</script>', block.html)
    assert found is not None
    record = json.loads(found[1])
    assert [Frame(record["texts"][at], line) for at, line in record["frames"]] == FILM
    assert len(record["texts"]) == 2
    page = render([Section("A film", [block])], "Film")
    assert "<b>" not in page and "sha256-" in page


def pixels(data: bytes) -> list[np.ndarray]:
    with Image.open(io.BytesIO(data)) as film:
        return [np.asarray(_at(film, at).convert("L")) for at in range(film.n_frames)]


def _at(film: Image.Image, at: int) -> Image.Image:
    film.seek(at)
    return film


@pytest.mark.parametrize("bit", range(8))
def test_each_dot_of_a_braille_character_stands_in_its_place(bit):
    (page,) = pixels(gif([Frame(chr(0x2800 + (1 << bit)) * 3)]))
    rows, columns = np.nonzero(page < 128)
    # A margin of one character around a text of three, and the line under it.
    width, height = page.shape[1] / 5, page.shape[0] / 3
    column, row = DOTS[bit]
    first = columns < 2 * width
    assert abs((columns[first].mean() + 0.5) / width - 1 - (column + 0.5) / 2) < 0.12
    assert abs((rows.mean() + 0.5) / height - 0.5 - (row + 0.5) / 4) < 0.12


def test_a_long_film_is_thinned_and_keeps_its_end():
    film = [Frame(f"{at:4d}") for at in range(2 * MOST + 7)]
    shown = pixels(gif(film))
    assert MOST / 2 < len(shown) <= MOST + 1
    assert np.array_equal(shown[-1], pixels(gif([film[-1]]))[0])


def test_a_film_of_nothing_is_refused():
    for make in (gif, lambda film: live(film, "")):
        with pytest.raises(BadInput, match="one frame at least"):
            make([])
