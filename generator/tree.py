"""A project's directory as it is, seen without following any link."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from generator.errors import Fault

MAX_BYTES = 64 * 1024 * 1024
"""Nothing we write is as large; what is larger is not read."""


class Tree:
    """Paths below a directory; what stands on the way to one is looked up once in the life of the object."""

    def __init__(self, root: Path) -> None:
        self.root = os.fspath(root)
        self.behind = functools.cache(self._behind)

    def place(self, path: str) -> str:
        return f"{self.root}/{path}"

    def kind(self, path: str) -> str:
        """ "" for nothing, else file, directory, link or other."""
        if self.behind(path.rpartition("/")[0]):
            return "other"
        return self._kind(path)

    def _kind(self, path: str) -> str:
        try:
            mode = os.lstat(self.place(path)).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return ""
        if stat.S_ISREG(mode):
            return "file"
        return "directory" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "other"

    def _behind(self, folder: str) -> str:
        """The link or file through which a directory would be reached, or ""."""
        if not folder:
            return ""
        return self.behind(folder.rpartition("/")[0]) or ("" if self._kind(folder) in {"", "directory"} else folder)

    def read(self, path: str) -> tuple[str | None, str]:
        """The text at a path, or what is there instead; None and "" for nothing."""
        if way := self.behind(path.rpartition("/")[0]):
            return None, f"lies behind {way}, which is not a directory"
        if kind := self._kind(path):
            if kind != "file":
                return None, {"link": "is a symbolic link", "directory": "is a directory"}.get(kind, "is no file")
            with _readable(path), open(self.place(path), "rb") as stream:  # noqa: PTH123
                raw = stream.read(MAX_BYTES + 1)
            if len(raw) > MAX_BYTES:
                return None, "is larger than 64 MB"
            return raw.decode("utf-8", "surrogateescape"), ""
        return None, ""

    def bytes_at(self, path: str) -> str:
        """A hash of the bytes of a file, else what `kind` says: what a journal must find unchanged."""
        kind = self.kind(path)
        if kind != "file":
            return kind
        with _readable(path), open(self.place(path), "rb") as stream:  # noqa: PTH123
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def names(self, path: str) -> list[str]:
        """What a directory holds, sorted; nothing where there is none."""
        return sorted(os.listdir(self.place(path))) if self.kind(path) == "directory" else []  # noqa: PTH208

    def is_same(self, one: str, other: str) -> bool:
        """Whether two paths are one file, as they are where a file system does not know case."""
        if self.kind(one) != "file" or self.kind(other) != "file":
            return False
        return os.path.samestat(os.lstat(self.place(one)), os.lstat(self.place(other)))


@contextlib.contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Fault(f"{path} cannot be read: {error.strerror}", "mend its permissions") from error
