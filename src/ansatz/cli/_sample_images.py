"""Images drawn by a trained model, as one picture, an archive, or a picture each."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ansatz.core import BadInput
from ansatz.generate.images.model import ImageGenerator, load_image_model
from ansatz.generate.images.sheet import as_bytes, png, sheet
from ansatz.store import write_file

if TYPE_CHECKING:
    from ansatz.cli._answer import Answer

MOST = 10_000
"""The most images that are drawn at once."""
OPTIONS = ("guidance", "sampler", "steps", "temperature", "noise")


def draw(asked: Any, named: set[str], answer: "Answer") -> tuple[dict[str, Any], list[str]]:
    """Draw what the words ask for and write it; return the record of the answer and what is shown."""
    if asked.count > MOST:
        raise BadInput(f"--count {asked.count} is too many: at most {MOST} images are drawn at once.")
    out = Path(asked.out or f"{Path(asked.run).resolve().name}.png")
    kind = out.suffix.lower()
    if kind not in (".png", ".npz", ""):
        raise BadInput(f"--out {out} is no place for images; name a .png, an .npz or a folder.")
    if kind and out.is_dir():
        raise BadInput(f"--out {out} is a folder; name a file, or a folder without an ending.")
    model = load_image_model(asked.run)
    for remark in model.run.remarks:
        answer.tell(f"· {remark}")
    options = {name: getattr(asked, name) for name in OPTIONS if name in named}
    classes = list(asked.classes) or None
    images = model.sample(asked.count, classes=classes, sentence=asked.sentence, seed=asked.seed, **options)
    names = (classes * asked.count)[: asked.count] if classes else [""] * asked.count
    across = len(classes) if classes and 1 < len(classes) <= 20 else 0
    files = _written(model, images, names, out, across)
    record = {"run": asked.run, "model": model.settings.model, "count": asked.count, "classes": classes}
    record |= {"sentence": asked.sentence, "seed": asked.seed, **options, "files": files}
    return record, [str(out)]


def _written(
    model: ImageGenerator, images: np.ndarray, names: list[str], out: Path, across: int
) -> list[str]:
    """Write images in [0, 1] as `out` says, and return the files."""
    try:
        if out.suffix.lower() == ".png":
            out.parent.mkdir(parents=True, exist_ok=True)
            write_file(out, sheet(images, across))
            return [str(out)]
        if out.suffix.lower() == ".npz":
            out.parent.mkdir(parents=True, exist_ok=True)
            x = np.round(255 * np.clip(images, 0, 1)).astype(np.uint8)
            arrays = {"x": x} | ({"y": np.asarray(names)} if names[0] else {})
            buffer = io.BytesIO()
            np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
            write_file(out, buffer.getvalue())
            return [str(out)]
        out.mkdir(parents=True, exist_ok=True)
        digits, files = len(str(len(images) - 1)), []
        for at, (pixels, name) in enumerate(zip(as_bytes(images), names, strict=True)):
            plain = "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
            files.append(str(out / f"{at:0{digits}}{'-' + plain if plain else ''}.png"))
            write_file(Path(files[-1]), png(pixels))
        return files
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}.") from None
