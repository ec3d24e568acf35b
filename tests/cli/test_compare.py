"""`ansatz compare`: families side by side on a tiny folder of images, and words that say nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.malformed import ran

from ansatz.generate.images.settings import ImagesSettings

NAMES = ["vae", "autoregressive"]
FAST = "--steps 4 --parameters 12000 --judged 10 --quiet".split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures of 6 by 6 pixels in two classes, bright above or bright below."""
    place, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for at in range(60):
        x = random.integers(0, 120, (6, 6), np.uint8)
        x[3 * (at % 2) : 3 * (at % 2) + 3] += 120
        (place / "ab"[at % 2]).mkdir(exist_ok=True)
        Image.fromarray(x).save(place / "ab"[at % 2] / f"{at}.png")
    return place


@pytest.fixture(scope="module")
def compared(folder, tmp_path_factory) -> tuple[dict, Path, str]:
    """Both families, compared once as JSON and once as a table."""
    place = tmp_path_factory.mktemp("compared")
    words = ["compare", "--data", str(folder), "--models", *NAMES, *FAST]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImagesSettings, "feature_steps", property(lambda self: 60))
        code, out, err = ran([*words, "--out", str(place / "json"), "--json"])
        assert (code, err) == (0, "")
        code, table, err = ran([*words, "--out", str(place / "table")])
        assert (code, err) == (0, "")
    return json.loads(out), place, table


def test_each_family_is_judged_in_the_same_features_with_classical_models(compared):
    found, place, _ = compared
    names = [one["name"] for one in found["judged"]]
    assert names[:2] == NAMES and [one.split()[0] for one in names[2:]] == ["PPCA", "mixture"]
    assert len({one["fid"]["features"] for one in found["judged"]}) == 1
    assert len({one["fid"]["floor"] for one in found["judged"]}) == 1
    for one in found["judged"]:
        low, high = one["fid"]["interval"]
        assert one["fid"]["count"] == 10 and low <= one["fid"]["value"] <= high
        assert 0 <= one["manifolds"]["precision"] <= 1 and 0 <= one["apart"]["accuracy"] <= 1
    assert found["judged"][1]["agreement"] is not None and found["judged"][0]["agreement"] is None
    assert found["steps"] == dict.fromkeys(NAMES, 4)
    assert all(6000 < count < 24_000 for count in found["parameters"].values())
    assert all(found["speed"][name] > 0 for name in NAMES)
    assert found["source"]["images"] == 60 and len(found["source"]["sha256"]) == 64
    assert found["report"] == str(place / "json" / "report.html")


def test_a_reader_sees_a_table_the_answer_and_the_place_of_the_report(compared):
    found, place, table = compared
    rows = [line for line in table.splitlines() if line.strip()]
    assert rows[0].split()[:3] == ["model", "FID", "KID"]
    assert [row.split()[0] for row in rows[1:5]] == [*NAMES, "PPCA", "mixture"]
    best = min(found["judged"], key=lambda one: one["fid"]["value"])
    assert f"Of 4 models, {best['name']} draws nearest to the images: FID " in table
    assert rows[-1] == f"The report is {place / 'table' / 'report.html'}."
    page = (place / "table" / "report.html").read_text()
    assert "Which model draws best?" in page and "<script" not in page
    assert all(f"Drawn by the {name}." in page for name in NAMES)


def pictures(place: Path, count: int, side: int = 6) -> Path:
    place.mkdir()
    random = np.random.default_rng(0)
    for at in range(count):
        Image.fromarray(random.integers(0, 256, (side, side), np.uint8)).save(place / f"{at}.png")
    return place


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "There are no images: name a folder, a file or a data set with --data."),
        (["--data", "nowhere"], "There is no file, folder or data set of images 'nowhere'"),
        (["--data", "digits", "--models", "vea"], "There is no model 'vea' of images; did you mean 'vae'?"),
        (["--data", "digits", "--models", "vae", "vae"], "A family stands twice among vae, vae."),
        (["--data", "digits", "--budget", "soon"], "--budget 'soon' is no time"),
        (["--data", "digits", "--budget", "2s"], "A budget of 2 s is too short"),
        (["--data", "digits", "--judged", "3"], "judged=3 is too few"),
        (["--data", "digits", "--steps", "-1"], "steps=-1 is too small"),
        (["--data", "digits", "--parameters", "few"], "--parameters takes a whole number, not 'few'."),
        (["--data", "digits", "--model", "vae"], "did you mean '--models'?"),
        (["--data", "few"], "5 images are too few"),
        (["--data", "tiny"], "a side has 4 at least"),
        (["--data", "empty"], "holds no images"),
        (["--data", "text.txt"], "is no set of images known here"),
    ],
)
def test_bad_words_and_images_are_one_sentence_and_leave_nothing(tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path / "few", 5)
    pictures(tmp_path / "tiny", 50, side=3)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("no images")
    before = sorted(tmp_path.iterdir())
    code, out, err = ran(["compare", *words, "--quiet"])
    assert code == 2 and out == "" and err.count("\n") == 1 and says in err, err
    assert sorted(tmp_path.iterdir()) == before


def test_help_shows_the_flags():
    code, out, _ = ran(["compare", "--help"])
    assert code == 0 and "--parameters" in out and "--models" in out and "ansatz compare --data digits" in out
