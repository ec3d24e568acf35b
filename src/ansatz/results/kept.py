"""What can be done with every result: drawn as a page, and kept in a folder."""

import abc
from pathlib import Path
from typing import Any


class Kept(abc.ABC):
    """A result with a page that shows it and files that hold it."""

    @abc.abstractmethod
    def page(self) -> str:
        """Return the report as one HTML page."""

    @abc.abstractmethod
    def files(self, *, report: bool = True) -> tuple[Any, dict[str, bytes]]:
        """Return the snapshot and the further files of the folder, with or without a report."""

    def report(self, path: Any = None) -> str:
        """Return the report as one HTML page, and write it if a path is given."""
        page = self.page()
        if path is not None:
            from ansatz.store import write_file

            write_file(Path(path), page.encode())
        return page

    def save(self, path: Any) -> None:
        """Write the folder of this result, all of it or nothing."""
        from ansatz.store import RunFolder

        with RunFolder.create(path) as folder:
            folder.finish(*self.files())
