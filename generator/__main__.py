"""The start: what can be answered without the command line's libraries is answered at once."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    if sys.argv[1:] == ["--version"]:
        from generator import __version__

        sys.stdout.write(f"groundplan {__version__}\n")
        sys.stdout.flush()
        sys.exit(0)
    from generator import memory

    sys.exit(memory.run(sys.argv[1:], _run))


def _run(arguments: Sequence[str]) -> int:
    import gc

    gc.disable()  # a run is short, and collecting what it needs to its end is a tenth of its time
    from generator.cli import run

    return run(arguments)


if __name__ == "__main__":
    main()
