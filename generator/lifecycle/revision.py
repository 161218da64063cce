"""Files as a commit has them, by git; no working tree, no hook and no filter is touched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from generator.errors import Fault

_SECONDS = 60
_MOST_BYTES = 64 * 1024 * 1024


class Revision:
    """One commit of the repository that a directory lies in. Raises Fault when there is none of that name."""

    def __init__(self, root: Path, name: str) -> None:
        self._root = root
        self.name = name
        inside = self._git("rev-parse", "--show-prefix")
        if inside.returncode:
            raise Fault(
                f"{root} is not in a git repository", "leave out --against to compare with the files as they are"
            )
        self._prefix = inside.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")
        found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        self.commit = found.stdout.decode("ascii", "replace").strip()
        if found.returncode or not self.commit:
            raise Fault(f'git knows no revision "{name}"', "name a commit, branch or tag, such as HEAD or origin/main")

    def texts(self, paths: Iterable[str]) -> dict[str, str]:
        """The text of each path that the commit has as a file."""
        wanted = [path for path in dict.fromkeys(paths) if "\n" not in path]
        asked = "".join(f"{self.commit}:{self._prefix}{path}\n" for path in wanted)
        answer = self._git("cat-file", "--batch", given=asked.encode("utf-8", "surrogateescape"))
        return dict(_answers(wanted, answer.stdout))

    def below(self, folders: Iterable[str]) -> tuple[str, ...]:
        """The paths of the files directly in some directories."""
        wanted = [f"{self._prefix}{folder}/" for folder in dict.fromkeys(folders)]
        if not wanted:
            return ()
        answer = self._git("ls-tree", "-z", "--name-only", "--full-tree", self.commit, "--", *wanted)
        names = answer.stdout.decode("utf-8", "surrogateescape").split("\0")
        return tuple(name.removeprefix(self._prefix) for name in names if name)

    def _git(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        try:
            return subprocess.run(
                ["git", "-C", os.fspath(self._root), *arguments],
                input=given,
                capture_output=True,
                env=environment,
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise Fault("git was not found", "install it, or leave out --against") from None
        except subprocess.TimeoutExpired:
            raise Fault(f"git did not answer in {_SECONDS} seconds", "look at the repository") from None


def _answers(wanted: list[str], raw: bytes) -> Iterable[tuple[str, str]]:
    """What `cat-file --batch` answers, one object for each path: a line that says its size, and its bytes."""
    place = 0
    for path in wanted:
        end = raw.find(b"\n", place)
        if end < 0:
            return
        words = raw[place:end].split(b" ")
        place = end + 1
        if words[-1] == b"missing" or len(words) < 3 or not words[-1].isdigit():
            continue
        size = int(words[-1])
        if words[-2] == b"blob" and size <= _MOST_BYTES:
            yield path, raw[place : place + size].decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        place += size + 1
