"""Files and folders that are there whole or not at all, and a lock that dies with its process."""

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansatz.core import BadInput

if sys.platform == "win32":  # pragma: no cover
    import msvcrt
else:
    import fcntl

TEMPORARY = re.compile(r"\.writing-[0-9a-f]{16}")
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace the file at `path` by `data`: after a crash either the old bytes stand there or the new.

    Raises the system's `OSError`; the temporary file is then gone and the old file untouched.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_file(pathlib.Path(folder) / "a", b"theta")
    ...     (pathlib.Path(folder) / "a").read_bytes()
    b'theta'
    """
    path = Path(path)
    with _temporary(path.parent) as temporary:
        _write_synced(temporary, data)
        temporary.replace(path)
        sync_folder(path.parent)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Make the folder `path`, which must not exist, with `files` in it, all at once."""
    with _temporary(path.parent) as temporary:
        temporary.mkdir()
        for name, data in files.items():
            _write_synced(temporary / name, data)
        sync_folder(temporary)
        temporary.replace(path)
        sync_folder(path.parent)


def remove_folder(path: Path) -> None:
    """Remove the folder `path`; a reader sees it whole or not at all."""
    temporary = path.with_name(_temporary_name())
    path.replace(temporary)
    shutil.rmtree(temporary)


def remove_temporary(folder: Path) -> None:
    """Remove what killed writers left in `folder`; only its lock's holder may call this."""
    for entry in sorted(folder.iterdir()):
        if TEMPORARY.fullmatch(entry.name):
            _remove(entry)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable, where the system knows how to."""
    if sys.platform == "win32":  # pragma: no cover
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync a folder
            raise
    finally:
        os.close(descriptor)


def read_regular(path: Path, limit: int | None = None) -> bytes:
    """Return the bytes of a regular file; links, pipes and devices raise `OSError`.

    With a `limit` at most `limit + 1` bytes are read, so that a longer file is seen to be longer.
    """
    before = path.lstat()
    if not stat.S_ISREG(before.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return file.read() if limit is None else file.read(limit + 1)


def _temporary_name() -> str:
    return f".writing-{secrets.token_hex(8)}"


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """Give a name in `folder`; if the body fails, nothing of that name is left."""
    temporary = folder / _temporary_name()
    try:
        yield temporary
    except BaseException:
        _remove(temporary)
        raise


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


class Lock:
    """An exclusive lock on the file `path`, held until `release` or the end of the process.

    Raises `BadInput` if another holder has it. The system drops the lock when the process ends in
    whatever way, so that a killed run leaves nothing to clear by hand.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Take the lock, or say who has it."""
        self.path = Path(path)
        self._descriptor: int | None = self._acquire()

    def _acquire(self) -> int:
        # A released lock file is deleted, so the file that was locked may no longer be the one at
        # `path`; then another turn is needed.
        for _ in range(100):
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
            descriptor = os.open(self.path, flags, 0o644)
            try:
                _lock(descriptor)
                if _same_file(descriptor, self.path):
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
                    return descriptor
            except OSError as error:
                holder = _holder(descriptor)
                os.close(descriptor)
                raise self._refusal(error, holder) from None
            os.close(descriptor)
        raise BadInput(f"{self.path.parent} is being written by other processes; choose another --out.")

    def _refusal(self, error: OSError, holder: str) -> Exception:
        folder = self.path.parent
        if isinstance(error, BlockingIOError | PermissionError):
            return BadInput(f"{folder} is being written by {holder}; choose another --out.")
        if error.errno in _UNSUPPORTED:
            return BadInput(f"{folder} is on a file system without locks; choose an --out on a local disk.")
        return error

    def release(self) -> None:
        """Give the lock back and delete its file; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with contextlib.suppress(OSError):
            self.path.unlink()
        os.close(descriptor)

    def __enter__(self) -> "Lock":
        """Return the lock, which is held already."""
        return self

    def __exit__(self, *exception: Any) -> None:
        """Release the lock."""
        self.release()


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":  # pragma: no cover
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _holder(descriptor: int) -> str:
    """Return who holds a lock; one who has only just taken it needs a moment to write who it is."""
    text = ""
    for _ in range(20):
        with contextlib.suppress(OSError):
            text = os.pread(descriptor, 32, 0).decode("ascii", "replace")
        if text:
            break
        time.sleep(0.005)
    return f"process {int(text)}" if re.fullmatch(r"[0-9]+", text) else "another process"
