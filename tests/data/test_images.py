"""Images from folders, NPZ archives and IDX files."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ansatz.core import BadInput
from ansatz.data import as_float, read_images
from ansatz.data.images import read_image

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (6, 5, 4), np.uint8)


def save(path: Path, pixels: np.ndarray, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def folder(root: Path, ending: str = ".png", color: bool = False) -> Path:
    for i, picture in enumerate(GRAY):
        pixels = np.stack([picture] * 3, -1) if color else picture
        save(root / ("cats" if i % 2 == 0 else "dogs") / f"{i}{ending}", pixels)
    return root


def idx(array: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype("u1").tobytes()
    )


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tiff"])
def test_folder_by_class(tmp_path: Path, ending: str):
    remarks: list[str] = []
    images = read_images(folder(tmp_path, ending), remarks=remarks)
    assert (
        images.x.shape == (6, 5, 4, 1) and images.x.dtype == np.uint8 and images.classes == ("cats", "dogs")
    )
    assert (images.x[..., 0] == GRAY[[0, 2, 4, 1, 3, 5]]).all()
    assert images.y.tolist() == [0, 0, 0, 1, 1, 1] and images.y.dtype == np.int32
    assert not images.test.any() and remarks == []
    floats = as_float(images.x)
    assert floats.dtype == np.float32 and floats.min() >= 0 and floats.max() <= 1


@pytest.mark.parametrize("ending", [".jpg", ".webp"])
def test_lossy_pictures_come_close(tmp_path: Path, ending: str):
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    save(tmp_path / f"a{ending}", flat)
    assert np.abs(read_image(tmp_path / f"a{ending}").astype(int) - flat).max() <= 6


def test_train_and_test_folders(tmp_path: Path):
    folder(tmp_path / "train")
    folder(tmp_path / "test")
    images = read_images(tmp_path)
    assert len(images.x) == 12 and images.test.sum() == 6 and images.classes == ("cats", "dogs")


def test_mixed_sizes_and_modes_are_brought_together(tmp_path: Path):
    folder(tmp_path)
    save(tmp_path / "dogs" / "big.png", RNG.integers(0, 256, (10, 8, 3), np.uint8))
    (tmp_path / "dogs" / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    remarks: list[str] = []
    images = read_images(tmp_path, remarks=remarks)
    assert images.x.shape == (7, 5, 4, 3) and images.classes == ("cats", "dogs")
    said = " ".join(remarks)
    assert "1 images of other sizes were resized to the common 5×4" in said
    assert "1 files" in said and "'empty'" in said


def test_camera_rotation_palettes_transparency_and_deep_gray(tmp_path: Path):
    picture = Image.fromarray(GRAY[0])
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.png", exif=exif)
    assert (read_image(tmp_path / "turned.png")[..., 0] == np.rot90(GRAY[0], -1)).all()
    Image.fromarray(np.full((2, 2, 3), 7, np.uint8)).convert("P").save(tmp_path / "palette.png")
    assert read_image(tmp_path / "palette.png").shape == (2, 2, 3)
    save(tmp_path / "clear.png", np.zeros((2, 2, 4), np.uint8))
    assert (read_image(tmp_path / "clear.png") == 255).all()
    save(tmp_path / "deep.png", np.array([[0, 65535]], np.uint16))
    assert read_image(tmp_path / "deep.png")[..., 0].tolist() == [[0, 255]]


def test_bad_image_is_named(tmp_path: Path):
    folder(tmp_path)
    whole = (tmp_path / "cats" / "0.png").read_bytes()
    for content in (b"", b"hello", whole[:40], whole[:-30]):
        (tmp_path / "dogs" / "bad.png").write_bytes(content)
        with pytest.raises(BadInput, match=r"bad\.png"):
            read_images(tmp_path)
    (tmp_path / "dogs" / "bad.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n")
    with pytest.raises(BadInput, match=r"is no PNG"):
        read_images(tmp_path)


def test_too_many_pixels_are_refused_before_they_are_unpacked(tmp_path: Path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        import zlib

        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    for side in (8_000, 40_000):
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
        (tmp_path / "bomb.png").write_bytes(
            b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
        )
        with pytest.raises(BadInput, match="pixels"):
            read_image(tmp_path / "bomb.png")


def test_npz(tmp_path: Path):
    labels = np.array([3, 5, 3, 5, 3, 5])
    np.savez(tmp_path / "a.npz", images=GRAY, labels=labels)
    images = read_images(tmp_path / "a.npz")
    assert (
        (images.x[..., 0] == GRAY).all() and images.classes == ("3", "5") and images.y.tolist() == [0, 1] * 3
    )
    np.savez(tmp_path / "b.npz", x=GRAY / 255, y=labels[:, None])
    assert (read_images(tmp_path / "b.npz").x[..., 0] == GRAY).all()
    np.savez(tmp_path / "c.npz", x_train=GRAY, y_train=labels, x_test=GRAY[:2], y_test=labels[:2])
    assert read_images(tmp_path / "c.npz").test.tolist() == [False] * 6 + [True] * 2


WRONG = [
    ({"x": GRAY}, "should hold 'x'"),
    ({"x": GRAY, "y": np.arange(4)}, "one label an image"),
    ({"x": GRAY, "y": np.zeros(6, int)}, "the one label"),
    ({"x": GRAY[0], "y": np.arange(5)}, "have shape"),
    ({"x": GRAY * -1.0, "y": np.arange(6)}, "pixels of"),
    ({"x": GRAY * np.nan, "y": np.arange(6)}, "not finite"),
]


@pytest.mark.parametrize(("arrays", "words"), WRONG)
def test_wrong_npz_gets_a_sentence(tmp_path: Path, arrays, words: str):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(BadInput, match=words):
        read_images(tmp_path / "a.npz")


def write_idx(root: Path, packed: bool) -> None:
    for part, count in (("train", 4), ("t10k", 2)):
        for name, array in (("images-idx3", GRAY[:count]), ("labels-idx1", np.arange(count) % 2)):
            path = root / f"{part}-{name}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))


@pytest.mark.parametrize("packed", [False, True])
def test_idx(tmp_path: Path, packed: bool):
    write_idx(tmp_path, packed)
    images = read_images(tmp_path)
    assert (images.x[..., 0] == GRAY[[0, 1, 2, 3, 0, 1]]).all() and images.test.tolist() == [False] * 4 + [
        True
    ] * 2
    single = read_images(next(tmp_path.glob("train-images*")))
    assert len(single.x) == 4


def test_damaged_idx_gets_a_sentence(tmp_path: Path):
    write_idx(tmp_path, False)
    path = tmp_path / "train-images-idx3-ubyte"
    whole = path.read_bytes()
    huge = bytes([0, 0, 8, 3]) + b"\xff" * 12
    for content, words in [
        (whole[:-3], "needs 80"),
        (whole + b"x", "more"),
        (b"", "first four"),
        (huge, "refused"),
    ]:
        path.write_bytes(content)
        with pytest.raises(BadInput, match=words):
            read_images(tmp_path)
    path.write_bytes(whole)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(BadInput, match="should stand beside it"):
        read_images(tmp_path)


def test_no_images_at_all(tmp_path: Path):
    (tmp_path / "cats").mkdir()
    with pytest.raises(BadInput, match="0 classes"):
        read_images(tmp_path)
    with pytest.raises(BadInput, match="did you mean 'cats'"):
        read_images(tmp_path / "cast")
    (tmp_path / "a.pdf").write_bytes(b"x")
    with pytest.raises(BadInput, match="no set of images"):
        read_images(tmp_path / "a.pdf")
