"""Source text without its comments, and what a service says in it: variables it reads, routes, ports.

Two views of the same length are made: `code` without comments, and `bare` without the contents of texts either.
A match counts only where it begins in `bare`, so that code quoted in a text is no code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generator.detect.found import Found
from generator.detect.tree import Text, Tree

SUFFIXES: dict[str, tuple[str, ...]] = {
    "node": (".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx", ".mts", ".cts", ".astro", ".vue", ".svelte", ".prisma"),
    "static": (".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx", ".mts", ".cts", ".astro", ".vue", ".svelte"),
    "python": (".py",),
    "go": (".go",),
    "java": (".java", ".kt"),
    "dotnet": (".cs", ".fs"),
    "rust": (".rs",),
    "ruby": (".rb", ".ru"),
    "php": (".php",),
}
MOST_FILES = 400
"""Source files read of one service; its beginning tells, and a tree may be large."""

_HASH = r"(?P<comment>\#[^\n]*)"
_SLASHES = r"(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))"
_SIMPLE = r"""(?P<text>"(?:[^"\\\n]|\\.)*+(?:"|$)|'(?:[^'\\\n]|\\.)*+(?:'|$))"""
_DOUBLE = r"""(?P<text>"(?:[^"\\\n]|\\.)*+(?:"|$)|'(?:[^'\\\n]|\\[^\n]{1,8})')"""
_TOKENS = {
    "node": rf"{_SLASHES}|{_SIMPLE}|(?P<template>`(?:[^`\\]|\\.)*+(?:`|\Z))|"
    r"(?P<regex>(?<=[=(,:!&|?;\[{])[ ]*/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,100}\]){1,200}+/)",
    "python": r"(?P<block>[rRbBuU]{0,2}(?:\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)))|"
    rf"(?P<format>\b[fF][rR]?(?:\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'))|{_HASH}|{_SIMPLE}",
    "go": rf"{_SLASHES}|{_DOUBLE}|(?P<block>`[^`]*`)",
    "java": rf"{_SLASHES}|(?P<block>\"\"\".*?(?:\"\"\"|\Z))|{_DOUBLE}",
    "dotnet": rf"{_SLASHES}|(?P<block>\"\"\".*?(?:\"\"\"|\Z)|@\"(?:[^\"]|\"\")*\")|{_DOUBLE}",
    "rust": rf"{_SLASHES}|(?P<block>\br\#+\".*?(?:\"\#+|\Z))|{_DOUBLE}",
    "ruby": rf"(?P<block>^=begin\b.*?(?:^=end\b|\Z))|{_HASH}|{_SIMPLE}",
    "php": rf"{_SLASHES}|(?P<hash>\#(?!\[)[^\n]*)|{_SIMPLE}",
}
_TOKENS["static"] = _TOKENS["node"]
_COMPILED = {name: re.compile(pattern, re.DOTALL | re.MULTILINE) for name, pattern in _TOKENS.items()}
_NO_BREAK = re.compile(r"[^\n]")


@dataclass(frozen=True)
class Source:
    """A source file in its two views."""

    file: Text
    code: str
    bare: str

    def matches(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Matches that begin in code, neither in a comment nor in a text."""
        for match in pattern.finditer(self.code):
            if self.bare[match.start()] == self.code[match.start()]:
                yield match

    def where(self, match: re.Match[str], group: int | str = 0) -> str:
        return self.file.where(match.start(group))


def read(file: Text, language: str) -> Source:
    """A file without comments."""
    code: list[str] = []
    bare: list[str] = []
    end = 0
    for match in _COMPILED[language].finditer(file.text):
        kind = match.lastgroup or ""
        plain, token = file.text[end : match.start()], match[0]
        blank = _NO_BREAK.sub(" ", token)
        code += (plain, blank if kind in {"comment", "hash", "block", "regex"} else token)
        bare += (plain, _opened(token, blank) if kind == "template" else _inside(token, blank, kind))
        end = match.end()
    return Source(file, "".join(code) + file.text[end:], "".join(bare) + file.text[end:])


def _inside(token: str, blank: str, kind: str) -> str:
    """A text without its contents, in its quotes; a formatted one may hold code, and is kept."""
    if kind == "format":
        return token
    return token[0] + blank[1:-1] + token[-1] if kind == "text" and len(token) > 1 else blank


def _opened(token: str, blank: str) -> str:
    """A template text with only what stands in its `${…}`."""
    made, end = ["`"], 1
    for match in re.finditer(r"\$\{[^}]*\}", token):
        made += (blank[end : match.start()], match[0])
        end = match.end()
    return "".join(made) + blank[end:]


def sources(tree: Tree, folder: str, language: str, others: Sequence[str] = ()) -> tuple[Source, ...]:
    """The sources of a folder, without those of `others`, which are services of their own within it."""
    inner = tuple(f"{other}/" for other in others if other != folder and (folder == "." or other.startswith(folder)))
    found = []
    for path in tree.below(folder, *SUFFIXES[language]):
        if not path.startswith(inner):
            found.append(path)
            if len(found) >= MOST_FILES:
                tree.note(f"of {folder}, {MOST_FILES} source files were read; variables of the others are not known")
                break
    return tuple(_remembered(tree, path, language) for path in found if tree.text(path).text)


def _remembered(tree: Tree, path: str, language: str) -> Source:
    known = tree.memory.get((path, language))
    if not isinstance(known, Source):
        known = tree.memory[(path, language)] = read(tree.text(path), language)
    return known


# health

_HEALTH = re.compile(
    r"""["'`](?:(?:GET|HEAD) )?(?P<path>/(?:(?:api|v1|internal|_|-)/)?_?(?:health(?:z|check|_check|-check)?|livez?|"""
    r"""liveness|alive|ready|readyz|readiness|up|ping|healthz/(?:live|ready)|health/(?:live|ready|liveness|readiness|"""
    r"""startup|alive)|healthz?/(?:livez|readyz)|-/(?:healthy|ready)|actuator/health(?:/(?:liveness|readiness))?)/?)["'`]"""
)
_CLIENT = re.compile(
    r"(?:fetch|axios(?:\.\w+)?|requests\.\w+|httpx\.\w+|(?:http\.|client\.|session\.)(?:get|Get|Head|head|request)|"
    r"http\.NewRequest\w*|curl\w*|GetAsync|GetStringAsync|getForObject|urlopen|supertest\(\w+\)\.\w+)\s*\([^\n]{0,40}$"
)
_READY = re.compile(r"read[iy]")
_BARE_HEALTH = re.compile(
    r"""(?:\bpath|\burl|\bre_path)\(\s*r?["']\^?(?P<path>_?(?:health|healthz|ready|readyz|live|livez|up|ping)/?)\$?["']"""
    r"""|\bget\s+["':](?P<rails>up|health|healthz|ready|readyz|live|livez|ping)\b["']?"""
)


def health(found: Sequence[Source]) -> tuple[Found[str] | None, Found[str] | None]:
    """The routes that say whether a service lives, and whether it can serve."""
    live: list[Found[str]] = []
    ready: list[Found[str]] = []
    prefix = _global_prefix(found)
    for source in found:
        for match in [*_routes(source), *source.matches(_BARE_HEALTH)]:
            groups = match.groupdict()
            path = groups["path"] or groups.get("rails") or ""
            where = source.file.where(match.start("path" if groups["path"] else "rails"))
            whole = path if path.startswith("/") else f"/{path}"
            made = Found(whole, where, seen="" if whole == path else path)
            (ready if _READY.search(path) else live).append(made)
        for path, where, seen in _nested(source, prefix):
            (ready if _READY.search(path) else live).append(Found(path, where, seen=seen))
    first_live = min(live, key=_usual, default=None)
    first_ready = min(ready, key=_usual, default=None)
    return first_live, first_ready


def _routes(source: Source) -> Iterator[re.Match[str]]:
    """Literals that are paths of health, where no client asks for them."""
    for match in _HEALTH.finditer(source.code):
        begin = source.code.rfind("\n", 0, match.start()) + 1
        in_code = source.bare[match.start()] == source.code[match.start()]
        if in_code and not _CLIENT.search(source.code[begin : match.start()]):
            yield match


_CONTROLLER = re.compile(r"""@Controller\(\s*(?:["'](?P<prefix>[\w/-]*)["'])?\s*\)""")
_GET = re.compile(r"""@Get\(\s*(?:["'](?P<path>[\w/-]*)["'])?\s*\)""")
_PREFIX = re.compile(r"""\.setGlobalPrefix\(\s*["'](?P<prefix>[\w/-]+)["']\s*(?P<end>[),])""")
_WORDS = re.compile(r"(?:^|/)(?:healthz?|livez?|liveness|readyz?|readiness)$")


def _global_prefix(found: Sequence[Source]) -> str:
    """What NestJS puts in front of every route, unless it excludes some."""
    for source in found:
        for match in source.matches(_PREFIX):
            return match["prefix"].strip("/") if match["end"] == ")" else ""
    return ""


def _nested(source: Source, before: str) -> Iterator[tuple[str, str, str]]:
    """Routes of NestJS: what a method says below what its class says."""
    for controller in source.matches(_CONTROLLER):
        for match in source.matches(_GET):
            parts = [part.strip("/") for part in (before, controller["prefix"], match["path"]) if part]
            path = "/" + "/".join(part for part in parts if part)
            if match.start() > controller.start() and _WORDS.search(path):
                group = match if match["path"] else controller
                yield path, source.where(group), parts[-1]


_ORDER = ("/health", "/healthz", "/livez", "/health/live", "/live", "/ready", "/readyz", "/health/ready")


def _usual(found: Found[str]) -> int:
    path = found.value.rstrip("/")
    return _ORDER.index(path) if path in _ORDER else len(_ORDER) + (path in {"/ping", "/status", "/up"})


def port(found: Sequence[Source], patterns: Sequence[re.Pattern[str]]) -> Found[int] | None:
    """The port that a source listens on: of the first pattern that fits anywhere, its first group."""
    for pattern in patterns:
        for source in found:
            for match in source.matches(pattern):
                number = next((group for group in match.groups() if group), "")
                if number and 0 < int(number) < 65536:
                    return Found(int(number), source.file.where(match.end() - 1))
    return None


# variables


@dataclass(frozen=True, slots=True)
class Read:
    """A variable that a source reads, with the text it takes when there is none."""

    name: str
    where: str
    default: str | None = None
    seen: str = ""
    """What stands there, when it is not the variable's name."""
    form: str = ""
    """`jdbc` for an address that Java's drivers take."""


_NAME = r"(?P<name>[A-Za-z_][A-Za-z0-9_]{1,60})"
_OR = r"""(?:\s*(?:\|\||\?\?)\s*(?P<default>["'`][^"'`\n$]{0,80}["'`]|\d{1,9}|true|false)(?!\s*[+.]))?"""
_COMMA = r"""(?:\s*,\s*(?:default\s*=\s*)?(?P<default>["'][^"'\n]{0,80}["']|\d{1,9}|True|False)\s*(?=[,)]))?"""
_READERS: dict[str, tuple[str, ...]] = {
    "node": (
        rf"\b(?:process|Bun|import\.meta)\.env\.{_NAME}\b{_OR}",
        rf"""\bprocess\.env\[["']{_NAME}["']\]{_OR}""",
        rf"""\bDeno\.env\.get\(["']{_NAME}["']\){_OR}""",
        rf"""\bconfig(?:Service)?\.(?:get|getOrThrow)(?:<\w+>)?\(["'](?P<name>[A-Z][A-Z0-9_]{{2,60}})["']{_COMMA}""",
        r"""(?<![\w.])env\(["'](?P<name>[A-Z][A-Z0-9_]{2,60})["']\)""",
    ),
    "python": (
        rf"""\bos\.environ\.get\(\s*["']{_NAME}["']{_COMMA}""",
        rf"""\bos\.environ\[\s*["']{_NAME}["']\s*\]""",
        rf"""\b(?:os\.)?getenv\(\s*["']{_NAME}["']{_COMMA}""",
        rf"""(?<![\w.])environ(?:\.get\(|\[)\s*["']{_NAME}["']{_COMMA}""",
        rf"""(?<![\w.])(?:env|config|environ)(?:\.(?:str|bool|int|float|list|url|db|db_url|cache|cache_url|email_url|decimal))?\(\s*["'](?P<name>[A-Z][A-Z0-9_]{{2,60}})["']{_COMMA}""",
    ),
    "go": (
        rf"""\bos\.(?:Getenv|LookupEnv)\(\s*"{_NAME}"\s*\)""",
        rf"""\b(?:getenv|getEnv|GetEnv|envOr|env(?:Or)?Default|getEnvOrDefault|GetEnvOrDefault)\(\s*"{_NAME}"{_COMMA}""",
        rf"""\benv:"{_NAME}["'"""[:-1] + r"""[,"]""",
    ),
    "java": (
        rf"""\bSystem\.getenv\(\s*"{_NAME}"\s*\)""",
        rf"""\bSystem\.getenv\(\)\.(?:get|getOrDefault)\(\s*"{_NAME}"{_COMMA}""",
    ),
    "dotnet": (rf"""\bEnvironment\.GetEnvironmentVariable\(\s*"{_NAME}"[^)\n]{{0,40}}\){_OR}""",),
    "rust": (
        rf"""\b(?:std::)?env::var(?:_os)?\(\s*"{_NAME}"\s*\)(?:\s*\.unwrap_or_else\(\|_\w*\|\s*(?P<default>"[^"\n]{{0,80}}")|\s*\.unwrap_or\((?P<plain>"[^"\n]{{0,80}}"))?""",
        rf"""(?<!\w)(?:option_)?env!\(\s*"{_NAME}"\s*\)""",
    ),
    "ruby": (
        rf"""\bENV\[\s*["']{_NAME}["']\s*\]{_OR}""",
        rf"""\bENV\.fetch\(\s*["']{_NAME}["']{_COMMA}(?:\)\s*\{{\s*(?P<block>["'][^"'\n]{{0,80}}["']|\d{{1,9}})\s*\}})?""",
    ),
    "php": (
        rf"""\b(?:getenv|env)\(\s*["']{_NAME}["']{_COMMA}\s*\)?(?:\s*\?[:?]\s*(?P<block>["'][^"'\n$]{{0,80}}["']|\d{{1,9}}))?""",
        r"""\$_(?:ENV|SERVER)\[\s*["'](?P<name>[A-Z][A-Z0-9_]{2,60})["']\s*\](?:\s*\?\?\s*(?P<default>["'][^"'\n$]{0,80}["']|\d{1,9}))?""",
    ),
}
_READERS["static"] = _READERS["node"]
_PATTERNS = {name: tuple(re.compile(pattern) for pattern in patterns) for name, patterns in _READERS.items()}
_SERVER_NAMES = re.compile(
    r"(?:HTTP|REQUEST|REMOTE|SERVER|SCRIPT|PATH|QUERY|DOCUMENT|CONTENT|GATEWAY)_|PHP_|HTTPS$|argv$"
)
"""What `$_SERVER` holds of the request, not of the environment."""


_IMPLIED = {"python": ((re.compile(r"\bdj_database_url\.config\("), "DATABASE_URL"),)}
"""Calls that read a variable without naming it."""


_SETTINGS = re.compile(
    r"^class \w+\((?:\w+\.)?BaseSettings\b[^)\n]*\):[^\n]*\n(?P<body>(?:[ \t]+[^\n]*\n?|[ \t]*\n)*)", re.MULTILINE
)
_FIELD = re.compile(
    r"^(?: {4}|\t)(?P<name>[a-z][a-z0-9_]{1,50})[ \t]*:[ \t]*[^=\n]{1,80}?"
    r"""(?:=[ \t]*(?P<default>["'][^"'\n]{0,80}["']|\d{1,9}|True|False)?[^\n]*)?$""",
    re.MULTILINE,
)
_ENV_PREFIX = re.compile(r"""env_prefix\s*=\s*["'](?P<prefix>\w*)["']""")


def _of_pydantic(source: Source) -> Iterator[Read]:
    """The fields of settings classes, which are read from the environment.

    https://docs.pydantic.dev/latest/concepts/pydantic_settings/
    """
    for block in source.matches(_SETTINGS):
        said = _ENV_PREFIX.search(block["body"])
        prefix = said["prefix"] if said else ""
        for match in _FIELD.finditer(source.code, block.start("body"), block.end("body")):
            name = match["name"]
            if name != "model_config" and source.bare[match.start("name")] == name[0]:
                default = match["default"].strip("\"'") if match["default"] else None
                yield Read((prefix + name).upper(), source.file.where(match.start("name")), default, seen=name)


def variables(found: Sequence[Source], language: str) -> dict[str, Read]:
    """The variables that sources read, each where it is read first with a default, else where it is read first."""
    made: dict[str, Read] = {}
    for source in found:
        for pattern in _PATTERNS[language]:
            for match in source.matches(pattern):
                groups = match.groupdict()
                name = groups["name"]
                if "_SERVER" in match[0][:9] and _SERVER_NAMES.match(name):
                    continue
                default = groups.get("default") or groups.get("plain") or groups.get("block")
                known = made.get(name)
                if known is None or (known.default is None and default is not None):
                    text = default.strip("\"'`") if default is not None else None
                    made[name] = Read(name, source.file.where(match.start("name")), text)
        for read_there in _of_pydantic(source) if language == "python" else ():
            made.setdefault(read_there.name, read_there)
        for pattern, name in _IMPLIED.get(language, ()):
            for match in source.matches(pattern):
                made.setdefault(name, Read(name, source.file.where(match.start()), seen=match[0].rstrip("(")))
    return dict(sorted(made.items(), key=lambda entry: _place(entry[1].where)))


def _place(where: str) -> tuple[str, int]:
    path, _, number = where.rpartition(":")
    return path, int(number)
