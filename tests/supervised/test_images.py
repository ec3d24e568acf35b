"""Fits of images: from folders, archives and arrays to a page, a folder and the same bits again."""

import gzip
import re
import struct
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import ansatz
from ansatz.core import BadInput, Pairs, Status
from ansatz.data import Images
from ansatz.supervised.image_network import (
    ImageNetwork,
    augmented,
    block_size,
    reach,
    shifted,
)
from ansatz.supervised.image_result import ImageFit
from ansatz.supervised.image_settings import ImageSettings
from ansatz.supervised.images import (
    cross_validate_images,
    examples,
    fit_images,
    load_image_fit,
    make_ready_images,
)

QUICK: dict[str, Any] = {"map": "mlp", "dense": 8, "epochs": 6, "baselines": False}


def bars(count: int = 120, side: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy images of a horizontal or a vertical bar at a random place."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 60, (count, side, side)).astype(np.uint8)
    y = np.arange(count) % 2
    for image, upright, at in zip(x, y, random.integers(1, side - 1, count), strict=True):
        image[(slice(None), at) if upright else (at, slice(None))] = 220
    return x, y


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageFit, Path]:
    folder = tmp_path_factory.mktemp("fit") / "run"
    return fit_images(bars(240), out=folder, filters=(8,), dropout=0.0, epochs=25), folder


def test_a_small_network_tells_the_bars_apart(fitted: tuple[ImageFit, Path]):
    fit, _ = fitted
    x, y = bars(60, seed=9)
    assert fit.evaluation.interval.value > 0.9
    assert (fit.predict(x) == y.astype(str)).mean() > 0.9
    chances = fit.probabilities(x)
    assert chances.shape == (60, 2)
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-6)
    assert fit.sets(x)[np.arange(60), y].mean() > 0.7
    assert fit.evaluation.confusion.sum() == fit.parts["test"] == 24
    assert {b.name for b in fit.evaluation.baselines} >= {"logistic regression", "nearest neighbors"}
    assert sum(fit.parts.values()) == 240


def test_a_loaded_fit_says_and_shows_the_same(fitted: tuple[ImageFit, Path]):
    fit, folder = fitted
    again = load_image_fit(folder)
    x, _ = bars(30, seed=3)
    np.testing.assert_array_equal(again.probabilities(x), fit.probabilities(x))
    assert again.report() == fit.report() == (folder / "report.html").read_text()
    assert again.parts == fit.parts and again.settings == fit.settings and again.recipe == fit.recipe


def test_the_page_shows_what_the_network_sees_and_reaches_nowhere(fitted: tuple[ImageFit, Path]):
    page = fitted[0].report()
    for title in ("Confusion", "Reliability", "Filters", "Response", "Sought", "Examples", "Baselines"):
        assert title in page
    assert "<script" not in page and not re.search(r'(src|href)="https?:', page)
    assert "ansatz.fit_images" in page


def test_an_mlp_has_a_page_too():
    page = fit_images(bars(), map="mlp", dense=8, epochs=2, baselines=False).report()
    assert "What the first layer sees" in page and "Response" not in page


def test_folders_archives_and_idx_files_give_the_same_images(tmp_path: Path):
    x, y = bars(40)
    for number, (image, label) in enumerate(zip(x, y, strict=True)):
        place = tmp_path / "folder" / ("flat", "tall")[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number:03}.png")
    np.savez(tmp_path / "bars.npz", x=x, y=y)
    idx = tmp_path / "idx"
    idx.mkdir()
    for part, rows in (("train", slice(0, 30)), ("t10k", slice(30, 40))):
        pixels, labels = x[rows], y[rows].astype(np.uint8)
        head = struct.pack(">IIII", 2051, *pixels.shape)
        (idx / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + pixels.tobytes()))
        head = struct.pack(">II", 2049, len(labels))
        (idx / f"{part}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
    options: dict[str, Any] = QUICK | {"epochs": 1}
    from_folder = fit_images(tmp_path / "folder", **options)
    assert from_folder.predictor.classes == ("flat", "tall")
    assert set(from_folder.predict(tmp_path / "folder")) <= {"flat", "tall"}
    assert len(from_folder.predict(tmp_path / "folder" / "flat" / "000.png")) == 1
    from_archive = fit_images(tmp_path / "bars.npz", **options)
    assert from_archive.parts == from_folder.parts
    from_idx = fit_images(str(idx), **options)
    assert from_idx.parts["test"] == 10 and "set apart" in from_idx.remarks[0]


def test_pictures_of_another_size_are_fitted_and_arrays_are_not(
    fitted: tuple[ImageFit, Path], tmp_path: Path
):
    fit, _ = fitted
    Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(tmp_path / "large.png")
    remarks: list[str] = []
    assert fit.predictor.probabilities(tmp_path / "large.png", remarks=remarks).shape == (1, 2)
    assert "8×8" in remarks[0]
    with pytest.raises(BadInput, match=r"shape \[5, 9, 9\]; this network knows \[N, 8, 8, 1\]"):
        fit.predict(np.zeros((5, 9, 9), np.uint8))
    with pytest.raises(BadInput, match="0 … 255"):
        fit.predict(np.full((2, 8, 8), -1.0))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"map": "cn"}, "did you mean 'cnn'"),
        ({"augment": "flips"}, "did you mean 'flip'"),
        ({"filters": (4, 8, 8, 8)}, "halves an image"),
        ({"test": 1.5}, "between 0 and 1"),
        ({"members": 0}, "at least 1"),
        ({"label_smoothing": 1.0}, "smoothing"),
    ],
)
def test_wrong_options_get_one_sentence(options: dict, said: str, tmp_path: Path):
    with pytest.raises(BadInput, match=said) as caught:
        fit_images(bars(20), out=tmp_path / "run", **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_bad_images_get_one_sentence(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / "set" / name / "1.png")
    with pytest.raises(BadInput, match="at least 3"):
        fit_images(tmp_path / "set")
    (tmp_path / "set" / "a" / "2.png").write_bytes(b"no picture")
    with pytest.raises(BadInput, match=r"2\.png"):
        fit_images(tmp_path / "set")
    with pytest.raises(BadInput, match="not int"):
        fit_images(7)
    with pytest.raises(BadInput, match="There is no file"):
        fit_images("digit")


def test_a_resumed_run_ends_with_the_same_bits(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("ansatz.training.fit.CHUNK", 5)

    def after(steps: int):
        return lambda event: Status.stopped if steps <= event.step < event.total else None

    small: dict[str, Any] = {"filters": (4,), "epochs": 6, "baselines": False}
    whole = fit_images(bars(), **small)
    part = fit_images(bars(), out=tmp_path / "run", hooks=(after(1),), **small)
    assert part.run.status is Status.stopped and part.run.step < whole.run.step
    resumed = fit_images(bars(), resume=part.run, **small)
    for a, b in zip(jax.tree.leaves(resumed.run.model), jax.tree.leaves(whole.run.model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_checkpoints_of_an_unfinished_fit_are_no_finished_one(tmp_path: Path):
    class Crash(Exception):
        pass

    def crash(event):
        raise Crash

    from ansatz.store import RunFolder

    stop = [
        lambda event: Status.stopped,
    ]
    part = fit_images(bars(), hooks=stop, **QUICK)
    with RunFolder.create(tmp_path / "run") as folder:
        snapshot = part.run.snapshot(kind="images, unfinished")
        folder.checkpoint(snapshot, part.run.step)
    with pytest.raises(BadInput, match="no finished fit of images"):
        load_image_fit(tmp_path / "run")
    resumed = fit_images(bars(), resume=ansatz.load(tmp_path / "run"), **QUICK)
    assert resumed.run.status is Status.finished
    with pytest.raises(Crash):
        fit_images(bars(), out=tmp_path / "crashed", hooks=[crash], **QUICK)
    assert not (tmp_path / "crashed").exists() or not (tmp_path / "crashed" / "run.json").exists()


def test_the_test_part_leaks_into_nothing():
    x, y = bars(120)
    settings, recipe = ImageSettings(), ImageNetwork(filters=(4,))
    ready = make_ready_images((x, y), settings, recipe)
    changed = x.copy()
    changed[np.concatenate([ready.parts.test, ready.parts.held])] = 255
    other = make_ready_images((changed, y), settings, recipe)
    pairs = Pairs(jnp.asarray(ready.images.x), jnp.asarray(ready.images.y))
    scales = [examples(r.images, pairs, r.parts.train, r.parts.held) for r in (ready, other)]
    np.testing.assert_array_equal(scales[0].mean, scales[1].mean)
    np.testing.assert_array_equal(scales[0].deviation, scales[1].deviation)
    rows = np.concatenate(ready.parts)
    assert len(np.unique(rows)) == len(rows) == 120
    scaled = x[ready.parts.train] / 255
    np.testing.assert_allclose(scales[0].mean, scaled.mean(), rtol=1e-5)
    np.testing.assert_allclose(scales[0].deviation, scaled.std(), rtol=1e-4)


def test_shifts_move_the_image_and_keep_what_stays_inside():
    x = np.zeros((512, 9, 9, 2), np.uint8)
    x[:, 4, 4] = [7, 9]
    moved = np.asarray(shifted(jnp.asarray(x), 2, jax.random.key(0)))
    assert moved.shape == x.shape and moved.dtype == np.uint8
    places = np.argwhere(moved[..., 0] == 7)
    assert len(places) == 512
    assert set(map(tuple, (places[:, 1:] - 4).tolist())) == {
        (a, b) for a in range(-2, 3) for b in range(-2, 3)
    }
    assert (moved[moved[..., 0] == 7] == [7, 9]).all()


def test_changes_happen_in_training_alone_and_a_flip_turns_half_of_the_images():
    seen = []

    def objective(model, batch, key):
        seen.append(np.asarray(batch.x))
        return jnp.zeros(()), {}

    x = jnp.arange(400 * 3, dtype=jnp.uint8).reshape(400, 1, 3, 1)
    batch = Pairs(x, jnp.zeros(400, jnp.int32))
    changed = augmented(objective, "flip", 1)
    changed(None, batch, None)
    changed(None, batch, jax.random.key(1))
    np.testing.assert_array_equal(seen[0], x)
    turned = (seen[1] == np.asarray(x)[:, :, ::-1]).all((1, 2, 3))
    kept = (seen[1] == np.asarray(x)).all((1, 2, 3))
    assert (turned ^ kept).all() and 150 < turned.sum() < 250
    assert augmented(objective, "none", 1) is objective


def test_sizes_are_even_and_shifts_small():
    assert [block_size(n) for n in (7, 512, 2500)] == [8, 512, 500]
    assert reach((8, 8, 1)) == 1 and reach((32, 28, 3)) == 2


def test_several_members_answer_together():
    fit = fit_images(bars(), map="mlp", dense=8, members=2, epochs=4, baselines=False)
    x, _ = bars(10, seed=4)
    assert fit.run.seeds == 2
    np.testing.assert_allclose(
        fit.probabilities(x), fit.predictor.mean(fit.predictor.answers(x[..., None])), atol=1e-12
    )


def test_folds_predict_every_image_once_without_having_seen_it():
    x, y = bars(180)
    images = Images(x[..., None], y.astype(np.int32), ("a", "b"), y < 0)
    found = cross_validate_images(images, 3, map="mlp", dense=64, epochs=30)
    assert len(found.folds) == 3 and found.accuracy.value > 0.7
    np.testing.assert_allclose(found.probabilities.sum(1), 1, atol=1e-6)
    # Labels that are noise cannot be predicted, unless an image was seen with its label.
    noise = np.random.default_rng(0).integers(0, 2, 180)
    lost = cross_validate_images((x, noise), 3, map="mlp", dense=64, epochs=30)
    assert lost.accuracy.value < 0.65
