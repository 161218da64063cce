"""A spec in its directory: what each command does, as values for the command line to show.

The steps themselves are in `pipeline`; here they meet the working tree.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import checkers, data, disk, journal, lock, pipeline, sources, spec, tree
from generator.artifact import RenderedFile
from generator.document import Node
from generator.errors import Fault
from generator.finding import Finding, NotChecked, Outcome, Severity
from generator.memory import Inputs
from generator.model import Product
from generator.report import Change, Report, ReportedFile
from generator.sources import SPEC_NAMES

if TYPE_CHECKING:
    from generator.lifecycle.change import Difference
    from generator.lifecycle.revision import Revision

DATA_FILES = {"runtimes": "schemas/data/runtimes.json"}
AWS_DATA_FILES = {name: f"schemas/data/{name}.json" for name in ("aws", "recovery", "terraform")}


@dataclass(frozen=True, slots=True)
class Project:
    """Where a spec lies; its directory is the project."""

    spec_path: Path
    root: Path


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose for a check."""

    fail_on: Severity
    skip: tuple[str, ...]
    offline: bool
    progress: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Made:
    """A report and the texts it speaks of, for source frames."""

    report: Report
    sources: Mapping[str, str]
    inputs: Inputs | None = None
    """What all of it follows from; None when it is not known to follow from files alone."""

    @property
    def exit_code(self) -> int:
        return self.report.exit_code


def find(given: Path | None) -> Project:
    """The project of a spec: the one named, or the nearest one from here upwards. Raises Fault for none."""
    if given is not None:
        path = given / SPEC_NAMES[0] if given.is_dir() and (given / SPEC_NAMES[0]).is_file() else given
        return Project(path, path.parent.resolve())
    here = Path.cwd()
    for folder in (here, *here.parents):
        for name in SPEC_NAMES:
            if (folder / name).is_file():
                return Project(folder / name, folder)
    raise Fault(
        f"there is no {SPEC_NAMES[0]} here or above", "write one with `groundplan init`, or name yours with --spec"
    )


def validate(project: Project, fail_on: Severity) -> Made:
    """The spec alone."""
    disk.require_whole(project.root)
    loaded = spec.load(project.spec_path, project.root)
    report = Report(command="validate", spec_path=name(project), findings=loaded.findings, fail_on=fail_on)
    return Made(report, loaded.sources, _inputs(project, loaded))


def generate(project: Project, fail_on: Severity, *, write: bool, force: bool) -> tuple[Made, str]:
    """Render everything and, when asked to, write it; gives the report and the difference to what was there."""
    disk.recover(project.root)
    loaded = spec.load(project.spec_path, project.root)
    if loaded.product is None:
        report = Report(command="generate", spec_path=name(project), findings=loaded.findings, fail_on=fail_on)
        return Made(report, loaded.sources), ""
    known = lock.salvage(project.root)
    product = dataclasses.replace(loaded.product, history=known.history)
    files = pipeline.generate(product)
    lock.require_same_spec(project.root, known, name(project))
    states = disk.compare(project.root, files, known)
    leaked = tuple(pipeline.secrets(files, product))
    blocked: tuple[Finding, ...] = leaked
    if write and not leaked:
        blocked = disk.write(project.root, states, _lock(project, product, files), force=force)
    found = (*loaded.findings, *pipeline.left_behind(product), *pipeline.trace(blocked, files, product))
    done = write and not blocked
    report = Report(
        command="generate",
        spec_path=name(project),
        files=tuple(_reported(files, states, written=done)),
        findings=found,
        changes=tuple(_changes(states, force=force)) if not blocked else (),
        fail_on=fail_on,
    )
    inputs = _inputs(project, loaded, *(state.path for state in states), *known.files)
    texts = {file.path: file.text for file in files}
    made = Made(report, {**texts, **_as_they_lie(states, found), **loaded.sources}, inputs)
    return made, disk.difference(states)


def check(project: Project, choices: Choices) -> Made:
    """The gate: the spec, the tree, every checker, the summary. Writes nothing."""
    from generator import summary

    disk.require_whole(project.root)
    prepared = pipeline.prepare(_settings(choices, None), choices.skip)
    loaded = spec.load(project.spec_path, project.root)
    if loaded.product is None:
        pipeline.discard(prepared)
        report = Report(command="check", spec_path=name(project), findings=loaded.findings, fail_on=choices.fail_on)
        return Made(report, loaded.sources)
    known = lock.read(project.root)
    lock.require_same_spec(project.root, known, name(project))
    product = dataclasses.replace(loaded.product, history=known.history)
    files = pipeline.generate(product)
    states = disk.compare(project.root, files, known)
    outcome = pipeline.check(files, _settings(choices, product), choices.skip, prepared)
    own = (*loaded.findings, *pipeline.left_behind(product))
    found = (*pipeline.trace((*outcome.findings, *disk.findings(states)), files, product), *own)
    waivers = product.base.tree.listed("waivers")
    report = _judged("check", found, files, outcome, choices, waivers)
    report = dataclasses.replace(
        report,
        spec_path=name(project),
        files=tuple(_reported(files, states, written=False)),
        changes=tuple(_changes(states, force=False)),
    )
    texts = {file.path: file.text for file in files}
    report = dataclasses.replace(report, summary=summary.summarise(product, report, texts))
    lasting = not any(item.fleeting for item in outcome.not_checked)
    inputs = _inputs(project, loaded, *texts, *known.files) if lasting else None
    return Made(report, {**texts, **_as_they_lie(states, report.findings), **loaded.sources}, inputs)


def lint(paths: Sequence[Path], choices: Choices, only: Sequence[Path] = ()) -> Made:
    """The checkers over files as they are; with `only`, what they find in these, or between these and others.

    Raises Fault when there is nothing to check.
    """
    root = Path.cwd().resolve()
    found = sources.gather(paths, root)
    files = (*found.files, *found.beside)
    outcome = pipeline.check(files, _settings(choices, None), choices.skip)
    outcome = dataclasses.replace(outcome, not_checked=(*outcome.not_checked, *found.not_checked))
    report = _judged("lint", outcome.findings, files, outcome, choices, ())
    wanted = {spec.shown(path.resolve(), root) for path in only} if only else {file.path for file in found.files}
    report = _narrowed(report, wanted) if only or found.beside else report
    concerned = {finding.at.path for finding in (*report.findings, *(w.finding for w in report.waived))}
    concerned |= {item.path for item in report.passes}
    if not concerned:
        where = ", ".join(str(path) for path in paths)
        what = "Dockerfiles, compose files, Kubernetes manifests, Terraform, monitoring or pipelines"
        raise Fault(f"there is nothing to check in {where}", f"name {what}")
    listed = tuple(ReportedFile(f.path, "", "linted", f.text.count("\n")) for f in files if f.path in concerned)
    lasting = not any(item.fleeting for item in outcome.not_checked)
    inputs = Inputs(found.inputs.files, found.inputs.folders, _checkov()) if lasting else None
    return Made(dataclasses.replace(report, files=listed), {file.path: file.text for file in files}, inputs)


def _narrowed(report: Report, paths: set[str]) -> Report:
    """A report of some files alone; a finding between two files is one of both."""

    def meant(finding: Finding) -> bool:
        return finding.at.path in paths or any(other.at.path in paths for other in finding.related)

    return dataclasses.replace(
        report,
        findings=tuple(finding for finding in report.findings if meant(finding)),
        waived=tuple(waived for waived in report.waived if meant(waived.finding)),
        passes=tuple(item for item in report.passes if item.path in paths),
    )


def diff(project: Project, against: str | None) -> Difference:
    """What the spec renders now, compared with the tree as it is or with what a commit has.

    Raises Fault for a spec with mistakes, and for a revision that git does not know.
    """
    from generator.lifecycle import diff as lifecycle
    from generator.lifecycle.revision import Revision

    disk.require_whole(project.root)
    revision = Revision(project.root, against) if against is not None else None
    known = lock.salvage(project.root)
    product = _needed(spec.load(project.spec_path, project.root), project)
    files = pipeline.generate(dataclasses.replace(product, history=known.history))
    new = {file.path: file.text for file in files}
    states = disk.compare(project.root, files, known)
    old, notes = _now(states, known) if revision is None else _then(revision, new)
    folders = {path.rpartition("/")[0] for path in (*old, *new) if path.endswith(".tf")}
    here = tree.Tree(project.root)
    kept = revision.below(folders) if revision is not None else ()
    beside = revision.texts(path for path in kept if path.endswith(".tf")) if revision is not None else {}
    beside |= {path: text for path in _others(here, folders) if (text := here.read(path)[0]) is not None}
    made = lifecycle.compare(
        old,
        new,
        beside={path: text for path, text in beside.items() if path not in old and path not in new},
        states={state.path: state.state for state in states} if revision is None else None,
        names=(f"{against}" if revision else "the files as they are", f"what {name(project)} renders"),
    )
    return dataclasses.replace(made, notes=notes)


def _now(states: Sequence[disk.FileState], known: lock.Lock) -> tuple[dict[str, str], tuple[str, ...]]:
    """The generated files as they lie in the tree."""
    old = {state.path: state.old.replace("\r\n", "\n") for state in states if state.old is not None}
    return old, () if known.files else (_UNLOCKED.format(where="here"),)


def _then(revision: Revision, new: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The generated files as a commit has them: what its lock names, and what is rendered now."""
    text = revision.texts([lock.NAME]).get(lock.NAME, "")
    try:
        listed = [path for path in json.loads(text)["files"] if lock.is_writable(path)] if text else []
    except (ValueError, TypeError, KeyError, AttributeError):
        listed = []  # a lock that cannot be read is none
    return revision.texts((*listed, *new)), () if listed else (_UNLOCKED.format(where=f"in {revision.name}"),)


_UNLOCKED = "there is no groundplan.lock {where}: files that the spec no longer makes are not known"


def _others(here: tree.Tree, folders: Iterable[str]) -> Iterator[str]:
    """Every Terraform file in some directories, the user's own among them."""
    for folder in sorted(folders):
        yield from (f"{folder}/{name}" if folder else name for name in here.names(folder) if name.endswith(".tf"))


def doctor(*, as_json: bool) -> str:
    """What is here to check with, and what cannot be checked."""
    from generator.doctor import document, examine, text

    made = examine(checkers.user_cache(), _today())
    return json.dumps(document(made), indent=2) + "\n" if as_json else text(made)


def rules(family: str | None, *, as_json: bool) -> str:
    """All rules, one line each, or as JSON."""
    from generator import policy

    chosen = [rule for rule in policy.rules() if family in {None, rule.id.partition("/")[0]}]
    if not chosen:
        families = sorted({rule.id.partition("/")[0] for rule in policy.rules()})
        raise Fault(f'there is no rule family "{family}"', f"there are: {', '.join(families)}")
    if as_json:
        fields = ("id", "summary", "why", "fix", "aliases", "tags")
        listed = [{**{name: getattr(rule, name) for name in fields}, "severity": rule.severity.word} for rule in chosen]
        return json.dumps(listed, indent=2, ensure_ascii=False) + "\n"
    width = max(len(rule.id) for rule in chosen)
    return "".join(f"{rule.id:{width}}  {rule.severity.word:8}  {rule.summary}\n" for rule in chosen)


def schema_text(name: str) -> str:
    """A published schema, as JSON; that of the spec is in `editor_schema`."""
    return (data.folder("schemas") / f"{name}.schema.json").read_text(encoding="utf-8")


def eject(project: Project) -> int:
    """Remove our marks and the lock; gives the number of files. Raises Fault for a tree that is not current."""
    disk.recover(project.root)
    product = remembering(project)
    files = pipeline.generate(product)
    states = disk.compare(project.root, files, lock.read(project.root))
    if any(state.state != "current" for state in states):
        raise Fault("the files are not what the spec says", "run `groundplan generate` first, and `groundplan check`")
    kept = tree.Tree(project.root)
    puts = [journal.Put(file.path, kept.bytes_at(file.path), pipeline.unmarked(file)) for file in files]
    journal.switch(project.root, puts, [journal.Removal(lock.NAME, kept.bytes_at(lock.NAME))])
    return len(puts)


# what the commands share


def _judged(
    command: str,
    found: Iterable[Finding],
    files: Sequence[Any],
    outcome: Outcome,
    choices: Choices,
    waivers: Iterable[Node],
) -> Report:
    """Findings without doubles, waivers applied."""
    from generator import policy
    from generator.policy import waivers as accepted

    whole = not choices.skip  # a waiver of what did not run is not unused
    judged = accepted.apply(policy.deduplicate(found), files, spec=waivers, today=_today(), whole=whole)
    named = {finding.rule for finding in (*judged.findings, *(item.finding for item in judged.waived))}
    return Report(
        command=command,
        findings=judged.findings,
        waived=judged.waived,
        not_checked=outcome.not_checked,
        tools=outcome.tools,
        passes=outcome.passes,
        rules=tuple(rule for rule in policy.rules() if rule.id in named),
        fail_on=choices.fail_on,
    )


def _settings(choices: Choices, product: Product | None) -> checkers.Settings:
    unknown = [name for name in choices.skip if name not in checkers.CHECKERS]
    if unknown:
        raise Fault(f'there is no checker "{unknown[0]}"', f"there are: {', '.join(checkers.CHECKERS)}")
    version = product.base.platform.kubernetes.version if product else ""
    return checkers.Settings(
        cache=checkers.user_cache(),
        offline=choices.offline,
        kubernetes_versions=(version,) if version else (),
        today=_today(),
        progress=choices.progress,
    )


def _today() -> str:
    """The day on which waivers expire: the only clock there is, and it can be set (SOURCE_DATE_EPOCH)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdigit():
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date().isoformat()
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _lock(project: Project, product: Product, files: Sequence[RenderedFile]) -> lock.Lock:
    """The lock of what is written: each file with a hash of the spec values and templates it is made from."""
    inputs = {file.path: lock.digest_inputs(pipeline.inputs(file, product)) for file in files}
    return lock.lock_of(name(project), _dates(product), files, inputs, pipeline.history(product))


def _as_they_lie(states: Iterable[disk.FileState], found: Iterable[Finding]) -> dict[str, str]:
    """The texts of files that are not ours as they are, where nothing is said of the text that we would write."""
    said = {finding.at.path for finding in found if not finding.rule.startswith("disk/")}
    return {
        state.path: state.old
        for state in states
        if state.old is not None and state.state in {"edited", "foreign"} and state.path not in said
    }


def _inputs(project: Project, loaded: spec.Loaded, *paths: str) -> Inputs | None:
    """The spec and what it extends, the lock, some paths of the tree, and where a nearer spec would be found."""
    if loaded.product is None:
        return None  # what could not be read is not known
    here = Path.cwd()
    nearer = [folder for folder in (here, *here.parents) if folder.is_relative_to(project.root)]
    places = (*loaded.sources, lock.NAME, disk.STAGING, *paths)
    files = {os.path.join(project.root, place) for place in places}  # noqa: PTH118
    files |= {str(folder / name) for folder in (*nearer, project.root) for name in SPEC_NAMES}
    return Inputs(files=tuple(sorted(files)), programs=_checkov())


def _checkov() -> tuple[str, ...]:
    """The Python that has checkov; another one may give other answers."""
    from generator.checkers import provision

    found = provision.environment(checkers.Settings(cache=checkers.user_cache(), offline=True))
    return () if isinstance(found, NotChecked) else (str(found),)


def name(project: Project) -> str:
    """The spec as messages and files name it."""
    return spec.shown(project.spec_path, project.root)


def _dates(product: Product) -> Mapping[str, str]:
    clouds = {cloud.provider for environment in product.environments.values() if (cloud := environment.cloud)}
    used = {**DATA_FILES, **(AWS_DATA_FILES if "aws" in clouds else {})}
    return {name: str(data.load(path)["date"]) for name, path in used.items()}


def spec_schema() -> Mapping[str, Any]:
    """The schema of the spec, with our annotations."""
    made: Mapping[str, Any] = data.load("schemas/spec.schema.json")
    return made


def product(project: Project) -> Product:
    """What a spec says. Raises Fault for one with mistakes."""
    return _needed(spec.load(project.spec_path, project.root), project)


def remembering(project: Project) -> Product:
    """The product with what the lock remembers of earlier generations. Raises Fault for a spec with mistakes."""
    return dataclasses.replace(product(project), history=lock.read(project.root).history)


def inside(project: Project, file: str) -> str:
    """A path as the user gave it, relative to the project."""
    given = Path(file)
    if not given.is_absolute() and (project.root / given).exists() and not given.exists():
        return given.as_posix()
    return spec.shown(given, project.root)


def _needed(loaded: spec.Loaded, project: Project) -> Product:
    if loaded.product is None:
        worst = max(loaded.findings, key=lambda finding: finding.severity)
        found_alone = project.root == Path.cwd() and project.spec_path.name in SPEC_NAMES
        named = "" if found_alone else f" --spec {shlex.quote(os.path.relpath(project.spec_path))}"
        raise Fault(f"{worst.at}: {worst.rule}: {worst.message}", f"see `groundplan validate{named}`")
    return loaded.product


def _reported(
    files: Sequence[RenderedFile], states: Sequence[disk.FileState], *, written: bool
) -> Iterator[ReportedFile]:
    by_path = {state.path: state.state for state in states}
    for file in files:
        state = by_path.get(file.path, "missing")
        yield ReportedFile(
            file.path, file.target, "written" if written and state != "current" else state, file.text.count("\n")
        )


def _changes(states: Sequence[disk.FileState], *, force: bool) -> Iterator[Change]:
    actions = {"missing": "created", "stale": "updated", "orphan": "removed"}
    for state in states:
        action = actions.get(state.state)
        if action is None and force and state.state in {"edited", "foreign"}:
            action = "updated" if state.new is not None else "removed"
        if action:
            yield Change(state.path, action)
