"""Files as other people's programs want them: a private directory that holds their texts, gone afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from generator.document import TextFile


class Workspace:
    """A temporary directory with some files under their own paths; `close` removes it.

    `names` gives a file's path in the directory by its own; `note` is a place for what a program
    needs or answers, beside the files and never one of them.
    """

    def __init__(self, files: Iterable[TextFile]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="groundplan-")
        self.root = Path(self._folder.name).resolve() / "files"
        self.root.mkdir()
        self.names: dict[str, str] = {}
        for file in files:
            name = self.names[file.path] = _inside(file.path, len(self.names))
            place = self.root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(file.text, encoding="utf-8", errors="surrogatepass", newline="\n")
        self._originals = {name: path for path, name in self.names.items()}

    def original(self, name: str) -> str:
        """What a file was called before; the name itself when it is none of ours."""
        tidy = os.path.normpath(name.removeprefix(str(self.root)).lstrip("/"))
        return self._originals.get(tidy, name)

    def note(self, name: str) -> Path:
        return self.root.parent / name

    def close(self) -> None:
        self._folder.cleanup()


def _inside(path: str, number: int) -> str:
    """The path, or, when it would leave the directory, one of its own."""
    parts = PurePosixPath(path).parts
    if ".." not in parts and not PurePosixPath(path).is_absolute():
        return str(PurePosixPath(path))
    return f"outside-{number}/{PurePosixPath(path).name}"
