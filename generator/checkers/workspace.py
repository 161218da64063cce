"""Files as other people's programs want them: a private directory that holds their texts, gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from generator.document import TextFile


class Workspace:
    """A temporary directory with some files under their own paths; `close` removes it."""

    def __init__(self, files: Iterable[TextFile]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="groundplan-")
        self.root = Path(self._folder.name)
        self.paths: dict[str, Path] = {}
        for number, file in enumerate(files):
            # a path that leaves the directory (linted from elsewhere) gets a place of its own
            parts = [part for part in Path(file.path).parts if part not in {"..", "/", "."}]
            place = self.root.joinpath(*parts) if parts else self.root / str(number)
            if place in self.paths.values():
                place = self.root / f"outside-{number}" / place.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(file.text, encoding="utf-8", errors="surrogatepass", newline="\n")
            self.paths[file.path] = place

    def original(self, path: str) -> str:
        """The path a program speaks of, as the file was called before; "" when it is none of ours."""
        place = Path(path) if Path(path).is_absolute() else self.root / path
        return next((name for name, other in self.paths.items() if other == place), "")

    def close(self) -> None:
        self._folder.cleanup()
