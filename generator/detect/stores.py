"""Which stores a service uses, by its client libraries and by what its own configuration declares."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.detect import backing
from generator.detect.found import Found, Unit
from generator.detect.tree import Text, Tree

DATABASES = frozenset({"postgres", "mysql", "mongodb"})
_KINDS = {
    "postgresql": "postgres", "postgres": "postgres", "pgsql": "postgres", "postgis": "postgres", "mysql": "mysql",
    "mysql2": "mysql", "trilogy": "mysql", "mariadb": "mysql", "mongodb": "mongodb",
}  # fmt: skip
_DECLARED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("prisma/schema.prisma", re.compile(r'^\s*provider\s*=\s*"(postgresql|mysql|mongodb)"', re.MULTILINE)),
    ("config/database.yml", re.compile(r"^\s*adapter:\s*(postgresql|postgis|mysql2|trilogy)\b", re.MULTILINE)),
    (".env.example", re.compile(r"^DB_CONNECTION=(pgsql|mysql|mariadb)\b", re.MULTILINE)),
    (
        "src/main/resources/application.properties",
        re.compile(r"^spring\.datasource\.url\s*=.*?jdbc:(postgresql|mysql|mariadb):", re.MULTILINE),
    ),
    (
        "src/main/resources/application.yml",
        re.compile(r"^\s+url:\s[^\n#]*?jdbc:(postgresql|mysql|mariadb):", re.MULTILINE),
    ),
)
_SETTINGS = re.compile(r"""["']ENGINE["']\s*:\s*["']django\.db\.backends\.(postgresql|mysql)["']""")


def kinds(tree: Tree, unit: Unit) -> dict[str, Found[str]]:
    """Types of resources with their places. Of two databases nobody knows which is meant, unless one is declared."""
    made = dict(_clients(unit))
    declared = dict(_declared(tree, unit))
    if len(declared) == 1:
        return {**{kind: found for kind, found in made.items() if kind not in DATABASES}, **declared}
    if len(DATABASES & set(made)) > 1:
        return {kind: found for kind, found in made.items() if kind not in DATABASES}
    return made


def untyped(unit: Unit) -> Iterator[str]:
    """What to say of clients of something that a spec has no type for."""
    for name, library in unit.libraries.items():
        what = backing.BROKERS.get(re.sub(r"/v\d+$", "", name))
        if what is not None:
            yield f"uses: {name} ({library.where}) speaks with {what}, for which a spec has no type"


def several(tree: Tree, unit: Unit) -> str:
    """What to say of a service with clients of several databases, none of which is declared."""
    made = {kind: found for kind, found in _clients(unit) if kind in DATABASES}
    if len(made) < 2 or len(dict(_declared(tree, unit))) == 1:
        return ""
    places = ", ".join(f"{kind} ({made[kind].where})" for kind in sorted(made))
    return f"uses: clients of several databases are among its dependencies, and which it uses was not found: {places}"


def _clients(unit: Unit) -> Iterator[tuple[str, Found[str]]]:
    known = backing.LIBRARIES[unit.runtime.value]
    seen: set[str] = set()
    for name, library in unit.libraries.items():
        kind = known.get(name) or known.get(re.sub(r"/v\d+$", "", name))
        if kind is not None and kind not in seen:
            seen.add(kind)
            yield kind, Found(kind, library.where, seen=library.seen or library.value)


def _declared(tree: Tree, unit: Unit) -> Iterator[tuple[str, Found[str]]]:
    for name, pattern in _DECLARED:
        path = tree.first(unit.folder, name)
        if path is not None:
            yield from _places(tree.text(path), pattern)
    if unit.runtime.value == "python":
        for path in tree.below(unit.folder, "settings.py", "settings/base.py", "settings/production.py"):
            yield from _places(tree.text(path), _SETTINGS)


def _places(file: Text, pattern: re.Pattern[str]) -> Iterator[tuple[str, Found[str]]]:
    for match in pattern.finditer(file.text):
        line = file.text[file.text.rfind("\n", 0, match.start(1)) + 1 : match.start(1)]
        if "#" not in line:
            kind = _KINDS[match[1]]
            yield kind, Found(kind, file.where(match.start(1)), seen="" if match[1] == kind else match[1])
