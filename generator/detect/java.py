"""Java and Kotlin: poms and Gradle builds, Spring's properties, and the class that starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from generator.detect import lines, manifest, source
from generator.detect.found import Found, Process, Unit
from generator.detect.source import Read
from generator.detect.tree import Text, Tree, join, parent

_STARTS = re.compile(
    r"\bpublic static void main\s*\(|^fun main\s*\(|\bstatic void main\s*\(|^void main\s*\(", re.MULTILINE
)
_PACKAGE = re.compile(r"^package\s+([\w.]+)", re.MULTILINE)
_WEB = frozenset({
    "spring-boot-starter-web", "spring-boot-starter-webmvc", "spring-boot-starter-webflux", "javalin", "quarkus-rest",
    "quarkus-resteasy", "micronaut-http-server-netty", "ktor-server-core", "ktor-server-netty", "spark-core",
    "spring-cloud-starter-gateway", "spring-cloud-starter-gateway-server-webmvc", "spring-cloud-config-server",
    "spring-cloud-starter-netflix-eureka-server", "vertx-web", "dropwizard-core", "helidon-webserver",
})  # fmt: skip
_ACTUATOR = "spring-boot-starter-actuator"
_GRADLE_LIBRARY = re.compile(
    r"""^\s*(?:implementation|api|runtimeOnly|compile)\b\s*\(?\s*["'](?:[\w.-]+):([\w.-]+)(?::[^"']*)?["']""",
    re.MULTILINE,
)
_GRADLE_VERSION = re.compile(
    r"""\b(?:JavaLanguageVersion\.of\(\s*(\d+)|jvmToolchain\(\s*(\d+)|(?:source|target)Compatibility\s*=?\s*"""
    r"""(?:JavaVersion\.VERSION_(?:1_)?(\d+)|["']?(?:1\.)?(\d+)))"""
)
PORTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bnew InetSocketAddress\(\s*(?:\"[^\"\n]*\"\s*,\s*)?(\d{2,5})\b",
        r"\b(?:start|port|setPort|listen)\(\s*(\d{2,5})\s*[,)]",
        r"\bport\s*=\s*(\d{2,5})\b",
        r"\"PORT\"\s*,\s*\"(\d{2,5})\"",
    )
)
_SERVER_PORT = re.compile(
    r"^server\.port\s*[=:]\s*(?:\$\{\w+:)?(\d{2,5})|"
    r"^server:\s*\n(?:[ ]++(?!port:)[^\n]*+\n)*?[ ]++port:\s*(?:\$\{\w+:)?(\d{2,5})",
    re.MULTILINE,
)
_PLACEHOLDER = re.compile(r"\$\{(?P<name>[A-Z][A-Z0-9_]{2,60})(?::(?P<default>[^{}\n]{0,80}))?\}")
_RESOURCES = re.compile(r"(?:^|/)src/main/resources/(?:application|bootstrap)(?:-[\w]+)?\.(?:properties|ya?ml)$")


def units(tree: Tree) -> Iterator[Unit]:
    for path in tree.named("pom.xml"):
        unit = _maven(tree, path)
        if unit is not None:
            yield unit
    for path in tree.named("build.gradle", "build.gradle.kts"):
        if tree.first(parent(path), "pom.xml") is None:
            yield _gradle(tree, path)


def _unit(
    tree: Tree,
    folder: str,
    build: Found[str],
    libraries: dict[str, Found[str]],
    boot: bool,
    name: Found[str] | None,
    version: tuple[Found[str] | None, str],
    jar: str,
    notes: Sequence[str],
    context: str = "",
    command: Found[str] | None = None,
) -> Unit:
    """What Maven and Gradle have in common: the class that starts, where it listens, what it says of its health."""
    found = source.sources(tree, folder, "java")
    main = next(((file, match) for file in found for match in file.matches(_STARTS)), None)
    listens = any(library in _WEB for library in libraries) or any("HttpServer.create" in file.bare for file in found)
    actuator = libraries.get(_ACTUATOR)
    start, output, remarks = None, None, [version[1]] if version[1] else []
    jar = (
        jar if not context or context == folder else join(folder if context == "." else folder[len(context) + 1 :], jar)
    )
    if command is not None:
        output = Found(jar, "", assumed="what the build of the module calls its jar")
    if main is not None and not boot:
        package = next(main[0].matches(_PACKAGE), None)
        last = main[0].file.path.rpartition("/")[2]
        name_of_class = last.removesuffix(".java") if last.endswith(".java") else last.removesuffix(".kt") + "Kt"
        whole = f"{package[1]}.{name_of_class}" if package else name_of_class
        reason = f"{main[0].where(main[1])} starts it, and no plugin of Spring Boot makes a jar of its own"
        start = Found(f"java -cp {jar.rpartition('/')[2]} {whole}", "", assumed=reason)
        output = output or Found(jar, "", assumed="what the build calls its jar")
        if libraries:
            remarks.append("output: the libraries of its dependencies have to be in that jar")
    profiles = {m[1] for file in _settings(tree, folder) if (m := re.search(r"/application-([\w]+)\.", file.path))}
    if boot and profiles:
        remarks.append(f"env: SPRING_PROFILES_ACTIVE chooses of {', '.join(sorted(profiles))}; none is chosen here")
    return Unit(
        folder=folder,
        context=context,
        command=command,
        runtime=Found("java", build.where.partition(":")[0]),
        runs=main is not None,
        name=name,
        version=version[0],
        package_manager=build,
        output=output,
        port=_port(tree, folder, listens and boot),
        live=Found("/actuator/health/liveness", actuator.where, seen=_ACTUATOR) if actuator else None,
        ready=Found("/actuator/health/readiness", actuator.where, seen=_ACTUATOR) if actuator else None,
        processes=(Process(start=start, port=None, listens=listens),),
        libraries=libraries,
        remarks=tuple(remarks),
        notes=tuple(notes),
    )


def _maven(tree: Tree, path: str) -> Unit | None:
    folder = parent(path)
    elements = manifest.xml(tree, path)
    by_path = {element.path: element for element in reversed(elements)}
    packaging = by_path.get(("project", "packaging"))
    if not elements or elements[-1].path != ("project",) or (packaging is not None and packaging.text == "pom"):
        return None
    libraries = _maven_libraries(elements)
    plugins = [element.text for element in elements if element.path[-2:] == ("plugin", "artifactId")]
    artifact, version = by_path.get(("project", "artifactId")), by_path.get(("project", "version"))
    final = by_path.get(("project", "build", "finalName"))
    named = Found(artifact.text, artifact.text_where) if artifact and re.fullmatch(r"[\w.-]+", artifact.text) else None
    jar = (
        f"{named.value if named else 'app'}-{version.text}"
        if version and re.fullmatch(r"[\w.-]+", version.text)
        else "app"
    )
    if final is not None and re.fullmatch(r"[\w.-]+", final.text):
        jar = final.text
    context = _aggregator(tree, folder)
    inherited = by_path.get(("project", "parent", "version"))
    if version is None and final is None and inherited is not None and re.fullmatch(r"[\w.-]+", inherited.text):
        jar = f"{named.value if named else 'app'}-{inherited.text}"
    command = None
    if context != folder:
        module = folder if context == "." else folder[len(context) + 1 :]
        line = f"./mvnw --batch-mode --no-transfer-progress --projects {module} --also-make package -DskipTests"
        command = Found(line, "", assumed=f"{path} is a module of {join(context, 'pom.xml')}")
    notes = []
    if tree.first(context, "mvnw") is None:
        notes.append(f"{path} has no mvnw beside it; mvn wrapper:wrapper makes it, and the image is built with it")
    return _unit(
        tree,
        folder,
        Found("maven", path),
        libraries,
        "spring-boot-maven-plugin" in plugins,
        named,
        _maven_version(tree, path),
        f"target/{jar}.jar",
        notes,
        context,
        command,
    )


def _aggregator(tree: Tree, folder: str) -> str:
    """The highest folder above with a pom that gathers modules; its own when there is none."""
    found, above = folder, folder
    while above != ".":
        above = parent(above)
        pom = tree.first(above, "pom.xml")
        if pom is not None and "<module>" in tree.text(pom).text:
            found = above
    return found


def _maven_libraries(elements: Sequence[manifest.Element]) -> dict[str, Found[str]]:
    scopes = {element.group: element.text for element in elements if element.path[-2:] == ("dependency", "scope")}
    return {
        element.text: Found(element.text, element.text_where)
        for element in elements
        if element.path == ("project", "dependencies", "dependency", "artifactId")
        and scopes.get(element.group) not in {"test", "provided"}
    }


_VERSION_KEYS = ("maven.compiler.release", "java.version", "maven.compiler.target", "maven.compiler.source")


def _maven_version(tree: Tree, path: str) -> tuple[Found[str] | None, str]:
    """From this pom, or from one above it that it is a module of."""
    places = [parent(path)]
    while places[-1] != ".":
        places.append(parent(places[-1]))
    for place in places:
        pom = tree.first(place, "pom.xml")
        elements = manifest.xml(tree, pom) if pom else ()
        found = {
            e.path[-1]: e for e in elements if e.path[:2] == ("project", "properties") and re.match(r"[\d.]+$", e.text)
        }
        for key in _VERSION_KEYS:
            if key in found:
                return lines.line("java", found[key].text.removeprefix("1."), found[key].text_where)
        for element in elements:
            if element.path[-2:] == ("configuration", "release") and element.text.isdigit():
                return lines.line("java", element.text, element.text_where)
    return None, ""


def _gradle(tree: Tree, path: str) -> Unit:
    folder = parent(path)
    file = tree.text(path)
    code = source.read(file, "java")
    libraries = {match[1]: Found(match[1], file.where(match.start(1))) for match in _GRADLE_LIBRARY.finditer(code.code)}
    boot = re.search(
        r"""\bid\s*\(?\s*["']org\.springframework\.boot["']|alias\(libs\.plugins\.spring[.\w]*boot\)""", code.code
    )
    version: tuple[Found[str] | None, str] = (None, "")
    for text in (code, source.read(tree.text(tree.first(".", "build.gradle.kts", "build.gradle") or ""), "java")):
        match = _GRADLE_VERSION.search(text.code)
        if match is not None and version == (None, ""):
            number = next(group for group in match.groups() if group)
            version = lines.line("java", number, text.file.where(match.start()))
    notes = []
    context = _settled(tree, folder)
    command = None
    if context != folder and boot:
        module = (folder if context == "." else folder[len(context) + 1 :]).replace("/", ":")
        line = f"./gradlew --no-daemon --console=plain :{module}:bootJar"
        command = Found(line, "", assumed=f"{path} is a module of {context}")
    root = tree.first(context, "gradlew")
    if root is None:
        notes.append(f"{path} has no gradlew beside it; gradle wrapper makes it, and the image is built with it")
    if command is None and tree.first(folder, "gradle.lockfile") is None:
        notes.append(f"{path} has no gradle.lockfile beside it; gradle dependencies --write-locks makes it")
    name = _gradle_name(tree, folder)
    numbered = re.search(r"""^version\s*=?\s*["']([\w.-]+)["']""", code.code, re.MULTILINE)
    jar = name.value if name else folder.rpartition("/")[2]
    jar = f"build/libs/{jar}-{numbered[1]}.jar" if numbered else f"build/libs/{jar}.jar"
    built = Found("gradle", path)
    return _unit(tree, folder, built, libraries, boot is not None, name, version, jar, notes, context, command)


def _settled(tree: Tree, folder: str) -> str:
    """The nearest folder from here upwards that has the settings of a Gradle build; its own when none has."""
    above = folder
    while tree.first(above, "settings.gradle.kts", "settings.gradle") is None:
        if above == ".":
            return folder
        above = parent(above)
    return above


def _gradle_name(tree: Tree, folder: str) -> Found[str] | None:
    path = tree.first(folder, "settings.gradle.kts", "settings.gradle")
    if path is None:
        return None
    file = source.read(tree.text(path), "java")
    match = next(file.matches(re.compile(r"""rootProject\.name\s*=\s*["']([\w.-]+)["']""")), None)
    return Found(match[1], file.where(match, 1)) if match else None


def _settings(tree: Tree, folder: str) -> Iterator[Text]:
    for path in tree.below(folder, ".properties", ".yml", ".yaml"):
        if _RESOURCES.search(path):
            yield tree.text(path)


def _port(tree: Tree, folder: str, boot: bool) -> Found[int] | None:
    for file in _settings(tree, folder):
        if re.search(r"application-|bootstrap", file.path):
            continue
        match = _SERVER_PORT.search(file.text)
        if match is not None:
            group = 1 if match[1] else 2
            return Found(int(match[group]), file.where(match.start(group)))
    return Found(8080, "", assumed="where Spring Boot listens unless told otherwise") if boot else None


def variables(tree: Tree, folder: str, folders: Sequence[str]) -> dict[str, Read]:
    """What the properties of Spring take from the environment: `${NAME:default}`."""
    inner = tuple(f"{other}/" for other in folders if other not in {folder, "."})
    made: dict[str, Read] = {}
    for file in _settings(tree, folder):
        if file.path.startswith(inner):
            continue
        section = ""
        for number, line in file.lines():
            if line.lstrip().startswith(("#", "!")):
                continue
            section = line.strip() if line.rstrip().endswith(":") else section
            for match in _PLACEHOLDER.finditer(line):
                before = line[: match.start()]
                of_data = "datasource" in before or section == "datasource:"
                form = "jdbc" if of_data and re.search(r"\burl\s*[:=]\s*$", before) else ""
                made.setdefault(
                    match["name"], Read(match["name"], f"{file.path}:{number}", match["default"], form=form)
                )
    return made
