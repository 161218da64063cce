"""What manifests, sources, Dockerfiles and compose files say, put together: services, resources, secrets.

A compose file and a Procfile name services and tell what they call; where they are silent, manifests and sources
speak. The more particular place wins: compose, then Dockerfile, then Procfile, then manifest, then source; only for
what is started, a Dockerfile goes before a compose file, which is often of a developer's machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from generator.detect import backing, compose, image, languages, lines, node, procfile, source, stores
from generator.detect.compose import ComposeService
from generator.detect.environment import Surroundings, Variable, meaning, of_the_platform
from generator.detect.found import Detection, Found, Process, Resource, Service, Unit
from generator.detect.image import Image
from generator.detect.manifest import properties
from generator.detect.source import Read
from generator.detect.tree import Tree, join, survey
from generator.references import RESERVED

_EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist", "env.example", "example.env")
_DEVELOPING = re.compile(
    r"--reload\b|--debug\b|\brunserver\b|\bflask run\b|\bnpm (?:run )?(?:dev|watch)\b|"
    r"\b(?:yarn|pnpm|bun)(?: run)? dev\b|"
    r"\bnodemon\b|\bair\b|\bdotnet watch\b|\bcargo (?:run|watch)\b|\bgo run\b|\brails s(?:erver)?\b(?! -e prod)|"
    r"\bartisan serve\b|\bphp -S\b|\bsleep infinity\b|\btail -f\b|\bnpx vite\b|\bspring-boot:run\b|\bbootRun\b|"
    r"\bts-node(?:-dev)?\b"
)
_BUILDING = re.compile(r"(?:yarn|npm|pnpm|bun)(?: run)? (?:build|watch|css|js)\b")
"""What a service of a compose file runs that only builds."""
_SCRIPTED = frozenset({"node", "python", "ruby", "php"})
"""Runtimes whose start command is the same in every image."""
_NO_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What a reader of YAML takes for something else than a name."""
_ONCE = frozenset({"migrate", "migration", "migrations", "migrator", "seed", "seeder", "setup-db", "init-db"})
MOST_SERVICES = 40


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """A service to be: its unit, the process of it, and what compose and a Dockerfile say."""

    name: Found[str]
    unit: Unit
    process: Process
    compose: ComposeService | None = None
    image: Image
    alone: bool = True
    """Whether no other service is made of the same folder."""


@dataclass
class _Gathered:
    """What is known so far of the product as a whole."""

    resources: dict[str, Resource] = field(default_factory=dict)
    renamed: dict[str, dict[str, str]] = field(default_factory=dict)
    """For each compose file, its names -> names of the spec."""
    untyped: dict[str, dict[str, str]] = field(default_factory=dict)
    """For each compose file, its names -> what a spec has no type for."""
    secrets: dict[str, Found[str]] = field(default_factory=dict)
    calls: dict[str, list[str]] = field(default_factory=dict)


def detect(root: Path) -> Detection:
    """Everything that a source tree says of its services. Nothing is executed, and no link is followed."""
    tree = survey(root)
    units = _units(tree)
    composed = compose.read(tree)
    plans = _plans(tree, units, composed)
    if len(plans) > MOST_SERVICES:
        tree.note(f"{len(plans)} services were found, and the first {MOST_SERVICES} are written")
        plans = plans[:MOST_SERVICES]
    gathered = _Gathered()
    _backing(tree, composed, plans, gathered)
    folders = list(units)
    first = [_service(tree, plan, folders) for plan in plans]
    ports = {service.name.value: service.port is not None or _static(service) for service in first}
    services = [
        _connected(tree, plan, service, folders, ports, gathered) for plan, service in zip(plans, first, strict=True)
    ]
    _taken(tree, services)
    used = {name for service in services for name in _used(service)}
    for name, resource in gathered.resources.items():
        if name not in used:
            tree.note(f"{name} ({resource.type.where}) is there, and which service uses it was not found")
    resources = tuple(resource for name, resource in gathered.resources.items() if name in used)
    return Detection(tuple(services), resources, gathered.secrets, tuple(tree.closing_notes()))


def _taken(tree: Tree, services: Sequence[Service]) -> None:
    """Files of the tree in whose places ours would stand."""
    contexts = [service.context for service in services]
    wanted = [join(context, "Dockerfile") for context in contexts if contexts.count(context) == 1]
    there = [path for path in (*wanted, "compose.yaml", ".env.example") if path in tree]
    if there:
        tree.note(f"{', '.join(there)}: ours would stand there, and nothing of yours is replaced without --force")


def _static(service: Service) -> bool:
    return service.runtime is not None and service.runtime.value == "static"


def _used(service: Service) -> Iterator[str]:
    yield from (found.value for found in service.uses)
    for found in service.env.values():
        yield from re.findall(r"\$\{([a-z][a-z0-9-]*)\.", found.value)


# which services


def _units(tree: Tree) -> dict[str, Unit]:
    """One unit for each folder: where two languages meet, the one that runs, and of two the one named first."""
    found: dict[str, Unit] = {}
    for reader in languages.READERS:
        for unit in reader(tree):
            known = found.get(unit.folder)
            if known is None or (
                unit.runs and (not known.runs or (known.runtime.value == "static" != unit.runtime.value))
            ):
                found[unit.folder] = unit
    running = [folder for folder, unit in found.items() if unit.runs and not _plain_files(unit)]
    for folder, unit in list(found.items()):
        if _plain_files(unit) and any(above == "." or folder.startswith(f"{above}/") for above in running):
            del found[folder]  # pages of a program, which hands them out itself
    return dict(sorted(found.items(), key=lambda entry: (entry[0].count("/") + (entry[0] != "."), entry[0])))


def _plain_files(unit: Unit) -> bool:
    return unit.runtime.where.endswith("index.html")


def _plans(tree: Tree, units: Mapping[str, Unit], composed: Sequence[ComposeService]) -> list[_Plan]:
    made: list[_Plan] = []
    taken: set[str] = set()
    built = [service for service in composed if service.context]
    for service in built:
        if service.command is not None and _BUILDING.match(service.command.value):
            tree.note(
                f"{service.name.value} ({service.name.where}) runs {service.command.value}, which builds and ends"
            )
            continue
        unit = _unit_of(tree, units, service)
        if unit is None:
            what = f"{service.name.value} ({service.name.where}) is built from {service.context}"
            tree.note(f"{what}, and no manifest there tells its language")
            continue
        alone = sum(_unit_of(tree, units, other) == unit for other in built) == 1
        dockerfile = image.read(tree, service.file)
        process = _process_of(tree, unit, service)
        name = Found(_name(service.name.value, taken), service.name.where, seen=service.name.value)
        made.append(_Plan(name=name, unit=unit, process=process, compose=service, image=dockerfile, alone=alone))
    done = {plan.unit.folder for plan in made}
    for folder, unit in units.items():
        if folder not in done:
            made += _of_unit(tree, unit, taken)
    return made


def _unit_of(tree: Tree, units: Mapping[str, Unit], service: ComposeService) -> Unit | None:
    """The unit that a compose service is built from: beside its Dockerfile, or in its context."""
    for folder in (service.file.rpartition("/")[0] or ".", service.context):
        if folder in units:
            return units[folder]
    base = image.read(tree, service.file).runtime
    if base is None:
        return None
    return Unit(folder=service.context, runtime=base, runs=True)


def _process_of(tree: Tree, unit: Unit, service: ComposeService) -> Process:
    """The program that a compose service runs: of its name, or that its Dockerfile names."""
    named = {process.name.value: process for process in unit.processes if process.name is not None}
    if service.name.value in named:
        return named[service.name.value]
    text = tree.text(service.file).text
    for process in unit.processes:
        if (
            process.entry is not None
            and process.entry.value != "."
            and re.search(rf"[\s/]{re.escape(process.entry.value)}\b", text)
        ):
            return process
    return unit.processes[0]


def _of_unit(tree: Tree, unit: Unit, taken: set[str]) -> Iterator[_Plan]:
    """The services of a folder that no compose file builds."""
    path = tree.first(unit.folder, "Dockerfile", "Containerfile")
    made = image.read(tree, path) if path else Image(path="")
    listed = procfile.read(tree, unit.folder)
    processes = listed.processes or unit.processes
    if not unit.runs and not listed.processes and (made.start is None or (unit.folder == "." and _library(unit))):
        return
    unit = replace(unit, migrate=listed.release or unit.migrate)
    base = _base_name(unit)
    kept = tuple(process for process in processes if not _ends(process)) or processes
    for process in processes:
        if process not in kept and process.name is not None:
            tree.note(f"{process.name.value} ({process.name.where}) runs to its end, so it is no service")
    processes = kept
    for index, process in enumerate(processes):
        name = base
        if process.name is not None and unit.runtime.value == "rust":
            name = process.name
        elif process.name is not None and (len(processes) > 1 or unit.folder == "."):
            word = process.name.value
            own = process.name if unit.folder == "." else replace(process.name, seen=process.name.value)
            full = word if unit.folder == "." or word == base.value else f"{base.value}-{word}"
            name = base if index == 0 and unit.folder != "." else replace(own, value=full)
        yield _Plan(
            name=replace(name, value=_name(name.value, taken), seen=name.seen or name.value),
            unit=unit,
            process=process,
            image=made,
            alone=len(processes) == 1,
        )


def _ends(process: Process) -> bool:
    """Whether a program is of those that change data once and end."""
    return process.name is not None and process.name.value in _ONCE and not process.listens


def _library(unit: Unit) -> bool:
    return not any(process.start for process in unit.processes)


def _base_name(unit: Unit) -> Found[str]:
    if unit.folder != ".":
        return Found(unit.folder.rpartition("/")[2], unit.folder)
    if unit.name is not None:
        return unit.name
    listens = unit.processes[0].listens or unit.runtime.value == "static"
    return Found("web" if listens else "worker", "", assumed="nothing in the source names it")


def _name(written: str, taken: set[str]) -> str:
    """A name that a spec takes, and that no other service has."""
    word = re.sub(r"[^a-z0-9-]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", written).lower()).strip("-")
    word = re.sub(r"^[^a-z]+", "", word)[:28].rstrip("-") or "web"
    word = f"{word}-service" if word in _NO_WORDS else word
    word = {"app": "web", **{name: f"{name}-service" for name in RESERVED if name != "app"}}.get(word, word)
    unique, number = word, 2
    while unique in taken:
        unique, number = f"{word}-{number}", number + 1
    taken.add(unique)
    return unique


# what they use


def _backing(tree: Tree, composed: Sequence[ComposeService], plans: Sequence[_Plan], gathered: _Gathered) -> None:
    """Resources of the compose file, then those that client libraries tell of, where no other is there."""
    taken = {plan.name.value for plan in plans}
    for plan in plans:
        if plan.compose is not None:
            gathered.renamed.setdefault(plan.compose.path, {})[plan.compose.name.value] = plan.name.value
    for service in composed:
        if service.context or service.image is None:
            continue
        known = backing.image(service.image.value)
        name, at = service.name.value, service.image.where
        if known.type:
            own = _name(name, taken)
            gathered.renamed.setdefault(service.path, {})[name] = own
            version = tree.found(known.version, at) if known.version else None
            gathered.resources[own] = Resource(name=own, type=tree.found(known.type, at, known.name), version=version)
        elif known.untyped:
            gathered.untyped.setdefault(service.path, {})[name] = known.untyped
            tree.note(f"{name} ({at}) is {known.untyped}, for which a spec has no type; its address is for you to give")
        else:
            tree.note(f"{name} ({at}) runs {service.image.value}, an image that is not built here")
    kinds = {resource.type.value for resource in gathered.resources.values()}
    for plan in plans:
        for kind, place in stores.kinds(tree, plan.unit).items():
            if kind not in kinds:
                kinds.add(kind)
                own = _name(backing.NAMES[kind], taken)
                shown = tree.found(kind, place.where, place.seen)
                gathered.resources[own] = Resource(name=own, type=shown)


# one service


def _service(tree: Tree, plan: _Plan, folders: Sequence[str]) -> Service:
    """A service without what it refers to."""
    unit, made = plan.unit, plan.image
    runtime = unit.runtime.value
    found = languages.sources(tree, unit, plan.process, folders)
    live, ready = source.health(found)
    asked = (plan.compose.health if plan.compose else None) or made.health
    live, ready = live or unit.live or asked or (ready and _same(ready)), ready or unit.ready
    ready = ready or (_same(live) if live else None)
    port, remarks = _port(plan, found, runtime)
    if port is None and runtime != "static" and plan.process.listens and (plan.alone or plan.compose is None):
        remarks.append("port: where it listens was not found; without one it is a worker, whom nobody calls")
    start, more = _start(plan, runtime)
    migrate = unit.migrate if plan.process.listens or plan.alone else None
    left = [text for text in unit.remarks if not text.startswith("migrate:") or _migrates(plan)]
    output = unit.output
    if runtime == "node" and (output is None or output.value != ".next/standalone"):
        output = node.output(tree, unit.folder, start, unit.command)
    version, older = _version(plan, runtime)
    for note in unit.notes:
        tree.note(note)
    return Service(
        name=plan.name,
        context=unit.context or unit.folder,
        runtime=unit.runtime,
        version=version,
        package_manager=unit.package_manager,
        command=unit.command or _compiled(tree, plan),
        start=start,
        output=output,
        port=None if runtime == "static" else port,
        live=live if port or runtime == "static" else None,
        ready=ready if port or runtime == "static" else None,
        migrate=migrate,
        remarks=tuple(text for text in (*left, older, *remarks, *more, *_said(tree, plan, start)) if text),
    )


def _migrates(plan: _Plan) -> bool:
    """Whether it is still to be said how data could be migrated: of one process of a folder, where nothing says so."""
    return plan.unit.migrate is None and (plan.process.listens or plan.alone)


_CLOCK = re.compile(r"\bbeat\b|\bclockwork\b|\bwhenever\b|\bschedule:work\b|\bapscheduler\b")


def _said(tree: Tree, plan: _Plan, start: Found[str] | None) -> Iterator[str]:
    """What else is to be known of a service."""
    yield stores.several(tree, plan.unit)
    yield from stores.untyped(plan.unit)
    named = plan.name.value in {"clock", "scheduler", "beat", "cron"}
    if named or (start is not None and _CLOCK.search(start.value)):
        yield "scale: {min: 1, max: 1} would fit: a clock that runs twice does everything twice"


def _same(found: Found[str]) -> Found[str]:
    return Found(found.value, "", assumed=f"the one route of health there is ({found.where})")


def _compiled(tree: Tree, plan: _Plan) -> Found[str] | None:
    """What builds a program that is not where its name would have it."""
    entry, name, folder = plan.process.entry, plan.name.value, plan.unit.folder
    if entry is None:
        return None
    if plan.unit.runtime.value == "rust":
        if entry.value == name:
            return None
        made = (
            f"cargo build --release --locked --bin {entry.value} && install -D target/release/{entry.value} bin/{name}"
        )
        return Found(made, entry.where, seen=entry.value)
    usual = f"cmd/{name}"
    if entry.value == usual or (entry.value == "." and not any(True for _ in tree.below(join(folder, usual)))):
        return None
    return Found(f"go build -o bin/{name} ./{entry.value.removeprefix('.')}", entry.where, seen=entry.seen)


def _version(plan: _Plan, runtime: str) -> tuple[Found[str] | None, str]:
    """What the manifest says; where it leaves room or is silent, what a Dockerfile builds on."""
    said, made = plan.unit.version, plan.image
    exact = said is not None and not re.search(r"[<>=^~*|+]", said.seen)
    refused = any(remark.startswith("version:") for remark in plan.unit.remarks)
    if exact or refused or made.runtime is None or made.version is None or made.runtime.value != runtime:
        return said, ""
    found, remark = lines.line(runtime, made.version.value.partition("-")[0], made.version.where)
    return (found, "") if found is not None else (said, remark if said is None else "")


def _port(plan: _Plan, found: Sequence[source.Source], runtime: str) -> tuple[Found[int] | None, list[str]]:
    ports = plan.compose.ports if plan.compose else ()
    said = ports[0] if ports else None
    if not plan.process.listens and said is None and plan.image.port is None:
        return None, []
    if plan.compose is not None and not ports and (not plan.alone or not plan.process.listens):
        return None, []
    own = source.port(found, languages.PORTS.get(runtime, ()))
    written = plan.unit.port if plan.unit.port is not None and not plan.unit.port.assumed else None
    port = said or plan.image.port or plan.process.port or written or own or plan.unit.port
    remarks = [
        f"port: {other.value} is mapped too ({other.where})"
        for other in ports[1:]
        if said and other.value != said.value
    ]
    if port is not None and own is not None and own.value != port.value and not _told(found, own):
        remarks.append(f"port: {own.value} stands in {own.where}, and {port.value} in {port.where or 'no file'}")
    return port, remarks


def _told(found: Sequence[source.Source], port: Found[int]) -> bool:
    """Whether the source listens there only when nobody sets PORT, which the image does."""
    path, _, number = port.where.rpartition(":")
    return any("PORT" in entry.file.text.split("\n")[int(number) - 1] for entry in found if entry.file.path == path)


def _start(plan: _Plan, runtime: str) -> tuple[Found[str] | None, list[str]]:
    """The start command, and why others were not taken."""
    remarks: list[str] = []
    composed = plan.compose.command if plan.compose is not None else None
    given = [plan.image.start, composed] if plan.alone else [composed, plan.image.start if plan.compose else None]
    given.append(plan.process.start)
    for found in given:
        if found is None:
            continue
        if runtime not in _SCRIPTED and found is not plan.process.start:
            continue
        if _DEVELOPING.search(found.value):
            remarks.append(f"start: {found.value} ({found.where}) is for development")
        elif re.match(r"(?:\S*/)?[\w.-]*\.sh\b|/(?!bin/sh|usr/bin/env)", found.value):
            remarks.append(f"start: {found.value} ({found.where}) is a program of an image of its own")
        elif runtime in _SCRIPTED and re.search(r"\s/(?:app|usr/src|src|srv|opt|code)/", found.value):
            remarks.append(f"start: {found.value} ({found.where}) has paths of an image of its own")
        else:
            if found is plan.image.start and composed is not None and composed.value != found.value:
                remarks.append(f"start: {composed.where} starts {composed.value}")
            return found, remarks
    return None, remarks


# what it is told, and whom it calls


def _connected(
    tree: Tree, plan: _Plan, service: Service, folders: Sequence[str], ports: Mapping[str, bool], gathered: _Gathered
) -> Service:
    """The service with its variables, the resources it uses and the services it calls."""
    name = service.name.value
    around = Surroundings(
        resources={name: resource.type.value for name, resource in gathered.resources.items()},
        services=frozenset(ports) - {name},
        ports=ports,
        renamed=_of_file(plan, gathered.renamed),
        untyped=_of_file(plan, gathered.untyped),
    )
    env: dict[str, Found[str]] = {}
    unset: dict[str, Found[str]] = {}
    calls: dict[str, Found[str]] = {}
    for variable in _variables(tree, plan, folders):
        found = meaning(variable, around)
        if found.call and not _may_call(gathered.calls, name, found.call):
            why = f"the address of {found.call}, which calls {name}: services may not call in a circle"
            unset[variable.name] = Found(why, variable.where)
            continue
        if found.call:
            calls.setdefault(found.call, Found(found.call, variable.where, seen=variable.name))
        if found.secret:
            gathered.secrets.setdefault(found.secret, Found(variable.name, variable.where, seen=variable.seen))
        if found.value is not None:
            env[variable.name] = found.value
        elif found.unset is not None:
            unset[variable.name] = found.unset
    uses = _declared(tree, plan, gathered, ports, calls, name)
    referred = set(_used(replace(service, env=env)))
    kept = tuple(found for found in uses.values() if found.value not in referred)
    return replace(service, env=env, unset=unset, calls=tuple(calls.values()), uses=kept)


def _of_file(plan: _Plan, named: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Names of the compose file of a service; of the only one, for a service that none builds."""
    if plan.compose is not None:
        return named.get(plan.compose.path, {})
    return next(iter(named.values())) if len(named) == 1 else {}


def _declared(
    tree: Tree,
    plan: _Plan,
    gathered: _Gathered,
    ports: Mapping[str, bool],
    calls: dict[str, Found[str]],
    name: str,
) -> dict[str, Found[str]]:
    """What `depends_on` and client libraries say that it uses; services among them are called."""
    uses: dict[str, Found[str]] = {}
    for found in plan.compose.depends if plan.compose else ():
        target = _of_file(plan, gathered.renamed).get(found.value, "")
        if target in gathered.resources:
            uses[target] = Found(target, found.where, seen=found.value)
        elif target in ports and target != name and ports[target]:
            if target in calls or _may_call(gathered.calls, name, target):
                calls.setdefault(target, Found(target, found.where, seen=found.value))
            else:
                tree.note(f"{name} calls {target} ({found.where}), which calls it: services may not call in a circle")
    for kind, place in stores.kinds(tree, plan.unit).items():
        fitting = [key for key, resource in gathered.resources.items() if resource.type.value == kind]
        if len(fitting) == 1:
            uses.setdefault(fitting[0], tree.found(fitting[0], place.where, place.seen, kind))
    return uses


def _may_call(calls: dict[str, list[str]], caller: str, called: str) -> bool:
    """Whether a call closes no circle; it is remembered when it does not."""
    pending, seen = [called], set()
    while pending:
        here = pending.pop()
        if here == caller:
            return False
        if here not in seen:
            seen.add(here)
            pending += calls.get(here, [])
    calls.setdefault(caller, []).append(called)
    return True


def _variables(tree: Tree, plan: _Plan, folders: Sequence[str]) -> list[Variable]:
    """The variables of a service: those it reads, those an example file lists, those compose gives it."""
    values: dict[str, list[tuple[str, str]]] = {}
    places: dict[str, str] = {}
    read = languages.variables(tree, plan.unit, plan.process, folders)
    for name, entry in read.items():
        places[name] = entry.where
        values[name] = [(entry.default, entry.where)] if entry.default else []
    for name, value, where in _examples(tree, plan.unit.folder):
        places.setdefault(name, where)
        values.setdefault(name, []).append((value, where))
    for name, value, where in plan.image.environment:
        if name in places:
            values[name].append((value, where))
    for name, value, where in plan.compose.environment if plan.compose else ():
        places.setdefault(name, where)
        values.setdefault(name, []).append((value, where))
    usable = [name for name in places if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and not of_the_platform(name)]
    nothing = Read("", "")
    return [
        Variable(
            name,
            places[name],
            tuple((value, where) for value, where in values[name] if value),
            seen=read.get(name, nothing).seen,
            form=read.get(name, nothing).form,
        )
        for name in usable
    ]


def _examples(tree: Tree, folder: str) -> Iterator[tuple[str, str, str]]:
    """Names and values of an example file. A `.env` holds what is real, and is not read."""
    path = tree.first(folder, *_EXAMPLES)
    if path is not None:
        for name, value, where in properties(tree.text(path)):
            yield name, value.partition(" #")[0].strip("\"' "), where
