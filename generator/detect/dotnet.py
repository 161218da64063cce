""".NET: projects with an SDK that starts something, and the settings beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from generator.detect import lines, manifest, source
from generator.detect.found import Found, Process, Unit
from generator.detect.source import Read
from generator.detect.tree import Tree, join, parent

PORTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\.Listen(?:AnyIP|Localhost)\(\s*(\d{2,5})\b",
        r"\b(?:UseUrls|Urls\.Add|Run|RunAsync)\(\s*\"https?://[^\":\n]*:(\d{2,5})",
    )
)
_CONFIGURED = re.compile(r"""\b[Cc]onfiguration\[\s*"(?P<key>[A-Za-z][\w:.-]{1,60})"\s*\]""")
_CONNECTION = re.compile(r"""\bGetConnectionString\(\s*"(?P<key>[A-Za-z]\w{0,40})"\s*\)""")
_VALUE = re.compile(
    r"""\bGetValue<\w+\??>\(\s*"(?P<key>[A-Za-z][\w:.-]{1,60})"(?:\s*,\s*(?P<default>"[^"\n]{0,80}"|\d+|true|false))?"""
)


def units(tree: Tree) -> Iterator[Unit]:
    for path in tree.ending(".csproj", ".fsproj"):
        unit = _unit(tree, path)
        if unit is not None:
            yield unit


def _unit(tree: Tree, path: str) -> Unit | None:
    elements = manifest.xml(tree, path)
    if not elements or elements[-1].path != ("Project",):
        return None
    folder, root = parent(path), elements[-1]
    sdk = root.attributes.get("Sdk", "")
    words = {element.path[-1]: element for element in elements if element.path[-2:-1] == ("PropertyGroup",)}
    libraries = {
        element.attributes["Include"]: Found(element.attributes["Include"], element.where)
        for element in elements
        if element.path[-1] == "PackageReference"
        and element.attributes.get("Include", "").isprintable()
        and "Include" in element.attributes
    }
    kind = words.get("OutputType")
    testing = "Microsoft.NET.Test.Sdk" in libraries or "xunit" in libraries
    web = sdk == "Microsoft.NET.Sdk.Web"
    runs = not testing and (
        web or sdk == "Microsoft.NET.Sdk.Worker" or (kind is not None and kind.text in {"Exe", "WinExe"})
    )
    version, remark = _version(tree, words)
    outside = [e.attributes.get("Include", "") for e in elements if e.path[-1] == "ProjectReference"]
    context = folder if not any(reference.startswith("..") for reference in outside) else _above(folder, outside)
    inner = path if context == "." else path[len(context) + 1 :]
    stem = path.rpartition("/")[2].rpartition(".")[0]
    notes = []
    if tree.first(folder, "packages.lock.json") is None:
        notes.append(f"{path} has no packages.lock.json beside it; dotnet restore --use-lock-file makes it")
    return Unit(
        folder=folder,
        context=context,
        runtime=Found("dotnet", path),
        runs=runs,
        name=Found(stem, path),
        version=version,
        output=Found(inner, path),
        port=_port(tree, folder, web),
        processes=(Process(listens=web),),
        libraries=libraries,
        remarks=(remark,) if remark else (),
        notes=tuple(notes),
    )


def _above(folder: str, references: Sequence[str]) -> str:
    """The nearest folder that holds a project and those it refers to."""
    found = folder
    for reference in references:
        other = parent(join(folder, reference.replace("\\", "/")) or ".")
        while found != "." and not (other == found or other.startswith(f"{found}/")):
            found = parent(found)
    return found


def _version(tree: Tree, words: dict[str, manifest.Element]) -> tuple[Found[str] | None, str]:
    target = words.get("TargetFramework") or words.get("TargetFrameworks")
    places = [target] if target is not None else []
    if not places:
        props = tree.first(".", "Directory.Build.props")
        places = [e for e in manifest.xml(tree, props) if e.path[-1] == "TargetFramework"] if props else []
    for element in places:
        match = re.match(r"net(\d+\.\d+)", element.text)
        if match:
            return lines.line("dotnet", match[1], element.text_where)
    return None, ""


def _port(tree: Tree, folder: str, web: bool) -> Found[int] | None:
    """Where the settings say that it listens; our image tells it when they do not."""
    if not web:
        return None
    for name in ("appsettings.Production.json", "appsettings.json", "Properties/launchSettings.json"):
        path = tree.first(folder, name)
        if path is None:
            continue
        file = tree.text(path)
        for match in re.finditer(
            r"\"(?:Url|Urls|applicationUrl|ASPNETCORE_URLS)\"\s*:\s*\"[^\"\n]*?http://[^:\"\n]+:(\d{2,5})", file.text
        ):
            return Found(int(match[1]), file.where(match.start(1)))
    return Found(8080, "", assumed="nothing says where it listens; the image tells ASP.NET this port")


def variables(found: Sequence[source.Source]) -> dict[str, Read]:
    """Keys of the configuration as the environment writes them: `Mail:From` is Mail__From."""
    made: dict[str, Read] = {}
    for file in found:
        for pattern, begin in ((_CONFIGURED, ""), (_CONNECTION, "ConnectionStrings__"), (_VALUE, "")):
            for match in file.matches(pattern):
                key, default = match["key"], match.groupdict().get("default")
                name = begin + key.replace(":", "__")
                text = default.strip('"') if default is not None else None
                made.setdefault(name, Read(name, file.where(match, "key"), text, seen=key))
    return made
