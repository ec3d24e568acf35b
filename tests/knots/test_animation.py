"""Films of untyings: every move moves little, what is above stays above, and pages need nothing else."""

import base64
import hashlib
import io
import json
import random
import re
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from tests.knots.test_drawing import meetings, smooth
from tests.knots.test_play import some_pass

from ansatz.errors import BadInput
from ansatz.knots.animation import gif, page
from ansatz.knots.certificate import Certificate, certify, standard
from ansatz.knots.codes import from_pd, torus
from ansatz.knots.diagram import turn
from ansatz.knots.motion import Names, Step, animate, scene
from ansatz.knots.play import play
from ansatz.knots.simplify import simplify
from ansatz.knots.sketch import Sketch
from ansatz.knots.table import named


@pytest.fixture(scope="module")
def culprit() -> Certificate:
    found = simplify(named("Culprit"))
    return certify(found.start, found.moves, name="</script><b>Culprit")


@pytest.fixture(scope="module")
def culprit_page(culprit: Certificate) -> str:
    return page(culprit)


@pytest.fixture(scope="module")
def wander() -> Certificate:
    """Return some moves of every kind but crossing changes."""
    start, wanted = standard(named("6_2")), {"R1+", "R1-", "R2+", "R2-", "R3", "PASS"}
    for seed in range(100):
        moves = some_moves(Sketch(start), random.Random(seed))
        if {move[0] for move in moves} == wanted:
            return certify(start, moves)
    raise AssertionError("no walk makes every move")


def some_moves(sketch: Sketch, rng: random.Random) -> list[tuple]:
    moves = []
    for kind in ("R1+", "R2+", "PASS", "R3", "R2+", "PASS", "R2-", "R1+", "R3", "R1-", "PASS"):
        move = some_move(sketch, kind, rng)
        if move is not None:
            play(sketch, move)
            moves.append(move)
    return moves


def unknotting() -> Certificate:
    """Return how a trefoil is untied by a crossing change."""
    start = standard(torus(2, 3))
    sketch, moves = Sketch(start), [("XC", 0)]
    while sketch.crossings:
        play(sketch, moves[-1])
        moves += [move] if (move := sketch.removable()) else []
    return certify(start, moves)


def some_move(sketch: Sketch, kind: str, rng: random.Random) -> tuple | None:
    alpha = sketch.alpha
    d = rng.choice([d for d, a in enumerate(alpha) if a != d])
    if kind == "R1+":
        return kind, d, 1
    if kind == "R2+":
        return next(((kind, d, e, 1) for e in sketch.face(d)[1:] if e != alpha[d]), None)
    if kind == "R3":
        return next(((kind, d) for d in sketch.triangles()), None)
    if kind == "PASS":
        return some_pass(sketch, rng)
    for d, a in enumerate(alpha):
        if a != d and kind == "R1-" and a == turn(d):
            return kind, d
        if a != d and kind == "R2-" and len(sketch.face(d)) == 2 and not (d ^ a) & 1 and d >> 2 != a >> 2:
            return kind, d
    return None


def crossings_seen(step: Step, t: float) -> list[float]:
    """Return, for each place where the curves of a frame meet, how far one is above the other."""
    frames = [one.at(t) for one in step.curves]
    heights = np.concatenate([(one.heights + np.roll(one.heights, -1)).repeat(3) for one in frames])
    return [abs(heights[i] - heights[j]) for i, j in meetings([smooth(one) for one in frames])]


@pytest.mark.parametrize("kind", ["wander", "unknotting"])
def test_each_step_goes_from_one_diagram_to_the_next(kind: str, wander: Certificate):
    certificate = wander if kind == "wander" else unknotting()
    steps = animate(certificate)
    assert [one.first for one in steps] == list(range(1, len(certificate["moves"]) + 1))
    for one in steps:
        for t, n in zip((0.0, 1.0), one.crossings, strict=True):
            apart = crossings_seen(one, t)
            assert len(apart) == n and min(apart, default=2) >= 0.5, one.text
        assert any(curve.shown.any() for curve in one.curves), one.text
    for one, following in pairwise(steps):
        assert one.crossings[1] == following.crossings[0]
        assert one.quarter[1] == following.quarter[0]


def test_crossings_keep_their_places():
    start = standard(named("D28"))
    sketch = Sketch(start)
    names = Names(sketch)
    before = scene(start, names)
    for move in simplify(start).moves[:2]:
        names.follow(sketch, move)
    warm, cold = scene(sketch.diagram(), names, before), scene(sketch.diagram(), names)

    def moved(after):
        stay = [key for key in before.layouts[0].at if key[0] == "crossing" and key in after.layouts[0].at]
        at = [np.array([shot.layouts[0].at[key] for key in stay]) for shot in (before, after)]
        return np.linalg.norm(at[1] - at[0], axis=1) / before.quarter

    assert len(moved(warm)) >= 24
    assert np.median(moved(warm)) < 1 and np.median(moved(warm)) < np.median(moved(cold))


def test_a_dart_keeps_its_name_until_its_crossing_goes():
    sketch = Sketch(from_pd([[1, 4, 2, 5], [3, 6, 4, 1], [5, 2, 6, 3]]))
    names = Names(sketch)
    first = [names(d) for d in range(12)]
    names.follow(sketch, ("R1+", 0, 1))
    assert [names(d) for d in range(12)] == first and names(12) == (3, 0)
    names.follow(sketch, ("R1-", 13))
    names.follow(sketch, ("R1+", 0, 0))
    assert names(12) == (4, 0)
    names.follow(sketch, ("XC", 0))
    assert [names(turn(d)) for d in range(4)] == first[:4]


def test_pages_need_no_host_and_run_no_other_script(culprit: Certificate, culprit_page: str):
    made = culprit_page
    assert made == page(json.dumps(culprit))
    assert not re.search(r"(src|href)\s*=|@import|url\(|<link|<img", made)
    assert set(re.findall(r"https?://[^\"' ]+", made)) <= {"http://www.w3.org/2000/svg"}
    assert "&lt;/script&gt;&lt;b&gt;Culprit" in made and "<b>" not in made
    (script,) = re.findall(r"<script>(.*?)</script>", made, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in made
    assert made.count('<li><button type="button">') == len(culprit["moves"])
    assert "From 10 crossings to the round circle by" in made


def test_pages_hold_each_step_as_it_is(culprit: Certificate, culprit_page: str):
    (data,) = re.findall(r'<script type="application/json" id="film">(.*?)</script>', culprit_page)
    for read, step in zip(json.loads(data), animate(culprit), strict=True):
        (ends, marks), curve = read["curves"][0], step.curves[0]
        xy = np.frombuffer(base64.b64decode(ends), "<i2").reshape(2, -1, 2) / 8000
        assert np.abs(xy - [curve.start, curve.end]).max() < 1e-4
        low, high, shown = np.frombuffer(base64.b64decode(marks), "i1").reshape(3, -1)
        assert np.abs(low / 50 - curve.low).max() < 0.02 and (shown == curve.shown).all()
        assert np.abs(high / 50 - curve.high).max() < 0.02


def test_long_films_are_thinned_and_say_so(wander: Certificate, monkeypatch: pytest.MonkeyPatch):
    number = len(wander["moves"])
    monkeypatch.setattr("ansatz.knots.motion.MOST_POINTS", 500)
    steps = animate(wander)
    assert len(steps) < number and steps[-1].last == number and f"{steps[0].last} moves:" in steps[0].text
    assert f"by {number} moves. Each step shows {steps[0].last} of them at once" in page(wander)


def test_gifs_have_some_frames_a_step(culprit: Certificate, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ansatz.knots.animation.FRAMES", 3)
    path = tmp_path / "culprit.gif"
    made = gif(culprit, path)
    assert made == path.read_bytes()
    film = Image.open(io.BytesIO(made))
    assert film.format == "GIF" and getattr(film, "n_frames", 1) == 3 * len(culprit["moves"]) + 1
    assert len({np.asarray(film.convert("L")).tobytes() for _ in film_frames(film)}) > 6


def film_frames(film):
    for at in range(film.n_frames):
        film.seek(at)
        yield at


def test_what_cannot_be_shown_is_refused(culprit: Certificate):
    with pytest.raises(BadInput, match="makes no move"):
        page(certify(standard(named("4_1")), []))
    with pytest.raises(BadInput, match="as JSON it breaks off"):
        page("{")
    with pytest.raises(BadInput, match=r"Move \d+ of the certificate"):
        page({**culprit, "moves": culprit["moves"][1:], "hashes": None})
