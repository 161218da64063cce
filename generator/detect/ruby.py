"""Ruby: Gemfiles, Rails and Rack, and the workers that take what takes its time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.detect import lines, node, source
from generator.detect.found import Found, Process, Unit
from generator.detect.tree import Text, Tree, parent

_GEM = re.compile(r"""^\s*gem\s+["']([\w.-]+)["']""")
_GROUP = re.compile(r"^\s*group\s+(.*?)\s+do\b")
_APART = re.compile(r":(?:development|test)\b")
_ENTRIES = ("app.rb", "server.rb", "main.rb", "web.rb", "worker.rb")
_SERVES = re.compile(
    r"""\brequire\s+["'](?:sinatra|webrick|roda|rackup|socket)(?:/[\w]+)?["']|\bTCPServer\b|\bWEBrick\b"""
)
PORTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"""["']?\bPORT["']\s*,\s*["']?(\d{2,5})\b""",
        r"""["']?\bPORT["']\s*\)?\s*\{\s*["']?(\d{2,5})\b""",
        r"""["']?\bPORT["']\s*\]\s*\|\|\s*["']?(\d{2,5})\b""",
        r"""\bset\s+:port\s*,\s*(\d{2,5})\b""",
        r"""^\s*port\s+(\d{2,5})\b""",
        r"""\bPort:\s*(\d{2,5})\b""",
    )
)


def units(tree: Tree) -> Iterator[Unit]:
    for path in tree.named("gemfile"):
        if path.rpartition("/")[2] == "Gemfile":
            yield _unit(tree, tree.text(path))


def _unit(tree: Tree, file: Text) -> Unit:
    folder = parent(file.path)
    libraries = _libraries(file)
    found = source.sources(tree, folder, "ruby")
    own = source.port(found, PORTS)
    rack = tree.first(folder, "config.ru")
    rails = "rails" in libraries
    usual = 3000 if rails else 9292
    port = own.value if own else usual
    processes = []
    if rack and "puma" in libraries:
        reason = f"puma is a dependency ({libraries['puma'].where}), and {rack} says what it serves"
        processes.append(Process(start=Found(f"bundle exec puma --bind tcp://0.0.0.0:{port}", "", assumed=reason)))
    elif rack and ("rackup" in libraries or rails):
        reason = f"{rack} says what is served"
        processes.append(Process(start=Found(f"bundle exec rackup --host 0.0.0.0 --port {port}", "", assumed=reason)))
    else:
        entry = tree.first(folder, *_ENTRIES)
        if entry is not None:
            serves = any(next(item.matches(_SERVES), None) for item in found)
            start = Found(f"bundle exec ruby {entry.rpartition('/')[2]}", "", assumed=f"{entry} is there")
            processes.append(Process(start=start, listens=serves))
    if processes and "sidekiq" in libraries:
        start = Found("bundle exec sidekiq", libraries["sidekiq"].where, seen="sidekiq")
        processes.append(
            Process(name=Found("worker", "", assumed="what takes jobs of Sidekiq"), start=start, listens=False)
        )
    version, remark = _version(tree, folder, file)
    remarks = [remark] if remark else []
    if rails and ({"propshaft", "sprockets-rails"} & set(libraries)):
        remarks.append(
            "command: SECRET_KEY_BASE_DUMMY=1 bundle exec rails assets:precompile would fit, where it has assets"
        )
    if rails:
        remarks.append("migrate: bundle exec rails db:migrate would fit; it is not written, since it changes data")
    notes = []
    if tree.first(folder, "Gemfile.lock") is None:
        notes.append(f"{file.path} has no Gemfile.lock beside it; bundle lock makes it, and the image is built from it")
    listens = bool(processes) and processes[0].listens
    return Unit(
        folder=folder,
        runtime=Found("ruby", file.path),
        runs=bool(processes),
        version=version,
        output=Found(".", "", assumed="nothing is built, so the source itself is what runs"),
        port=Found(usual, "", assumed="where it listens unless told otherwise") if listens and own is None else None,
        processes=tuple(processes) or (Process(),),
        libraries=libraries,
        remarks=tuple(remarks),
        notes=tuple(notes),
    )


def _libraries(file: Text) -> dict[str, Found[str]]:
    """Gems that are not of development and test alone."""
    made: dict[str, Found[str]] = {}
    apart = False
    for number, line in file.lines():
        group = _GROUP.match(line)
        if group:
            apart = bool(_APART.search(group[1]))
        elif re.match(r"end\b", line):
            apart = False
        match = _GEM.match(line)
        if match and not apart and not re.search(r"\bgroups?:\s*\[?\s*:(?:development|test)\b", line):
            made[match[1]] = Found(match[1], f"{file.path}:{number}")
    return made


def _version(tree: Tree, folder: str, file: Text) -> tuple[Found[str] | None, str]:
    for number, line in file.lines():
        match = re.match(r"""\s*ruby\s+["']([^"']+)["']""", line)
        if match:
            return lines.line("ruby", match[1], f"{file.path}:{number}")
    for place in dict.fromkeys((folder, ".")):
        path = tree.first(place, ".ruby-version")
        if path is not None and (text := tree.text(path).text.strip()):
            return lines.line("ruby", text.split("\n")[0].removeprefix("ruby-"), f"{path}:1")
        for text, where in node.tool_versions(tree, place, "ruby"):
            return lines.line("ruby", text, where)
    return None, ""
