"""A spec in its directory: what each command does, as values for the command line to show.

The steps themselves are in `pipeline`; here they meet the working tree.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import checkers, data, disk, journal, layers, lock, pipeline, schema, sources, spec, tree
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
_ELSEWHERE = {
    "spec": "A mistake in the spec; the finding names the value and the way out. `groundplan explain KEY` helps.",
    "disk": "The working tree is not what the spec says; `groundplan generate --diff` shows the difference.",
    "hcl": "A file that cannot be read as HCL.",
    "yaml": "A file that cannot be read as YAML, or reads differently from what was meant.",
    "waiver": "A waiver that has no reason, has expired, or accepts nothing any more.",
    "dr": "What is asked for a lost region is not reached. The finding shows the arithmetic, whose numbers and sources "
    "stand in schemas/data/recovery.json.",
    "schema": "The schema of the format refuses it: the server or program would refuse the file, or drop the key.",
    "promtool": "What Prometheus' own promtool says of a rule file, its tests or a configuration.",
    "amtool": "What Alertmanager's own amtool says of its configuration.",
    "hadolint": "A finding of hadolint; see https://github.com/hadolint/hadolint/wiki/{problem}",
    "checkov": "A policy of checkov; see https://www.checkov.io/5.Policy%20Index/all.html for {problem}",
}
"""Where findings are explained that no rule file describes."""
_NOT_JUDGED = {
    "terraform/address-lost": "Only `groundplan diff` can tell: an address of the generation before is gone, it holds "
    "data, and no `moved` or `removed` block says what becomes of it. Applied, it would be destroyed.\n"
    "  In a generated tree both blocks are written for you while groundplan.lock remembers the call: restore the lock "
    "if it is not there, rename in the spec and nothing else, generate, and make other changes afterwards.",
}
"""Findings that come of comparing two generations, so that no rule file can judge them."""
_SCHEMA_PROBLEMS = frozenset(
    {
        "unknown-field",
        "unknown-key",
        "unknown-kind",
        "wrong-type",
        "missing-field",
        "missing-key",
        "invalid-value",
        "deprecated-field",
    }
)


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
    report = Report(command="validate", spec_path=_name(project), findings=loaded.findings, fail_on=fail_on)
    return Made(report, loaded.sources, _inputs(project, loaded))


def generate(project: Project, fail_on: Severity, *, write: bool, force: bool) -> tuple[Made, str]:
    """Render everything and, when asked to, write it; gives the report and the difference to what was there."""
    disk.recover(project.root)
    loaded = spec.load(project.spec_path, project.root)
    if loaded.product is None:
        report = Report(command="generate", spec_path=_name(project), findings=loaded.findings, fail_on=fail_on)
        return Made(report, loaded.sources), ""
    known = lock.salvage(project.root)
    product = dataclasses.replace(loaded.product, history=known.history)
    files = pipeline.generate(product)
    lock.require_same_spec(project.root, known, _name(project))
    states = disk.compare(project.root, files, known)
    leaked = tuple(pipeline.secrets(files, product))
    blocked: tuple[Finding, ...] = leaked
    if write and not leaked:
        blocked = disk.write(project.root, states, _lock(project, product, files), force=force)
    found = (*loaded.findings, *pipeline.left_behind(product), *pipeline.trace(blocked, files, product))
    done = write and not blocked
    report = Report(
        command="generate",
        spec_path=_name(project),
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
        report = Report(command="check", spec_path=_name(project), findings=loaded.findings, fail_on=choices.fail_on)
        return Made(report, loaded.sources)
    known = lock.read(project.root)
    lock.require_same_spec(project.root, known, _name(project))
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
        spec_path=_name(project),
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
    inputs = dataclasses.replace(found.inputs, programs=_checkov()) if lasting else None
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
        names=(f"{against}" if revision else "the files as they are", f"what {_name(project)} renders"),
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


def why(project: Project, file: str, line: int) -> str:
    """Everything behind one line of a generated file."""
    product = _remembering(spec.load(project.spec_path, project.root), project)
    path = _inside(project, file)
    files = {made.path: made for made in pipeline.generate(product)}
    if path not in files:
        raise Fault(
            f"{path} is not made from {_name(project)}", "its files are listed by `groundplan generate --dry-run`"
        )
    made = files[path]
    if not 1 <= line <= len(made.origins):
        raise Fault(f"{path} has {len(made.origins)} lines", "name one of them")
    trace = pipeline.why(made, line, product)
    rows = [f"{path}:{line}: {made.text.splitlines()[line - 1].strip()}"]
    rows += [f"  because  {_reason(reason)}" for reason in trace.reasons]
    rows.append(f"  template {trace.origin.template}:{trace.origin.template_line}")
    if made.environment:
        rows.append(f"  in       environment {made.environment}")
    return "\n".join(rows) + "\n"


def explain_rule(name: str) -> str:
    """What a rule is for, and both examples."""
    from generator import policy

    family, _, problem = name.partition("/")
    if name in _NOT_JUDGED:
        return f"{name}\n  {_NOT_JUDGED[name]}\n"
    if not any(name in {rule.id, *rule.aliases} for rule in policy.rules()):
        if name == "cross/region-not-allowed":
            return f"{name}\n  A region lies where `compliance.data_residency` does not let data lie.\n"
        if family in {"kubernetes", "compose"} and problem in _SCHEMA_PROBLEMS:
            family = "schema"
        if family == "terraform":
            from generator.checkers.terraform.problems import PROBLEMS

            if problem in PROBLEMS:
                return f"{name}\n  {PROBLEMS[problem]}\n"
        if family == "monitoring":
            from generator.monitoring import judge

            if problem in judge.PROBLEMS:
                return f"{name}\n  {judge.PROBLEMS[problem]}\n"
        if family in _ELSEWHERE:
            return f"{name}\n  {_ELSEWHERE[family].format(problem=problem)}\n"
    rule = policy.rule(name)
    rows = [f"{rule.id} ({rule.severity.word})", f"  {rule.summary}", "", f"why  {rule.why}", f"fix  {rule.fix}"]
    rows += [f"also {', '.join(rule.aliases)}"] if rule.aliases else []
    rows += [f"tags {', '.join(rule.tags)}"] if rule.tags else []
    for kind, examples in rule.examples.items():
        for example in examples[:1]:
            for path, text in example.items():
                rows += ["", f"{kind}: {path}", *(f"    {row}" for row in text.splitlines())]
    return "\n".join(rows) + "\n"


def explain_key(given: Path | None, key: str, environment: str | None) -> str:
    """What a key means and, in a project, where its value comes from, layer by layer."""
    words = spec.words(key)
    meaning = schema.describe(_spec_schema(), words)
    if meaning is None:
        raise Fault(
            f'"{key}" is not a key of a spec', "see `groundplan schema` for all of them, or name a rule as family/name"
        )
    rows = [f"{key}: {meaning.get('description', meaning.get('title', ''))}"]
    if "default" in meaning:
        rows.append(f"  default  {json.dumps(meaning['default'], ensure_ascii=False)}")
    if meaning.get("examples"):
        rows.append(f"  example  {json.dumps(meaning['examples'][0], ensure_ascii=False)}")
    try:
        project = find(given)
    except Fault:
        if environment or given:
            raise
        return "\n".join(rows) + "\n"
    product = _needed(spec.load(project.spec_path, project.root), project)
    rows += _chain(product, key, environment)
    return "\n".join(rows) + "\n"


def _chain(product: Product, key: str, environment: str | None) -> Iterator[str]:
    names = list(product.environments)
    if environment is not None and environment not in names:
        from generator.references import suggest

        raise Fault(f'there is no environment "{environment}"', suggest(environment, names))
    for name in [environment] if environment else names:
        node = layers.locate(product.environments[name].tree, key)
        yield f"  in {name}:"
        reached = _reached(product.environments[name].tree, key)
        if not reached:
            yield "    not set"
            continue
        for number, layer in enumerate((node, *node.below)):
            lead = "    = " if number == 0 else "    over "
            yield f"{lead}{_shown(layer)}  {_layer(layer)}"


def _reached(tree: Node, key: str) -> bool:
    node: Node | None = tree
    for word in spec.words(key):
        node = node.get(int(word[1:-1]) if word.startswith("[") else word) if node else None
    return node is not None or layers.locate(tree, key).at.pointer.endswith(key)


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
    product = _remembering(spec.load(project.spec_path, project.root), project)
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
    return lock.lock_of(_name(project), _dates(product), files, inputs, pipeline.history(product))


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


def _name(project: Project) -> str:
    return spec.shown(project.spec_path, project.root)


def _dates(product: Product) -> Mapping[str, str]:
    clouds = {cloud.provider for environment in product.environments.values() if (cloud := environment.cloud)}
    used = {**DATA_FILES, **(AWS_DATA_FILES if "aws" in clouds else {})}
    return {name: str(data.load(path)["date"]) for name, path in used.items()}


def _spec_schema() -> Mapping[str, Any]:
    made: Mapping[str, Any] = data.load("schemas/spec.schema.json")
    return made


def _needed(loaded: spec.Loaded, project: Project) -> Product:
    if loaded.product is None:
        worst = max(loaded.findings, key=lambda finding: finding.severity)
        raise Fault(
            f"{worst.at}: {worst.rule}: {worst.message}", f"see `groundplan validate --spec {project.spec_path}`"
        )
    return loaded.product


def _remembering(loaded: spec.Loaded, project: Project) -> Product:
    """The product with what the lock remembers of earlier generations."""
    return dataclasses.replace(_needed(loaded, project), history=lock.read(project.root).history)


def _inside(project: Project, file: str) -> str:
    """A path as the user gave it, relative to the project."""
    given = Path(file)
    if not given.is_absolute() and (project.root / given).exists() and not given.exists():
        return given.as_posix()
    return spec.shown(given, project.root)


def _reason(reason: pipeline.Reason) -> str:
    return f"{reason.path}{_shown_value(reason.node)}  {_layer(reason.node)}"


def _shown_value(node: Node) -> str:
    return "" if isinstance(node.value, dict | tuple) else f" = {_shown(node)}"


def _shown(node: Node) -> str:
    return json.dumps(node.plain, ensure_ascii=False)


def _layer(node: Node) -> str:
    words = {"base": "the spec", "extends": "the parent", "environment": "the environment", "file": "the spec"}
    if node.layer == "default":
        return f"(default, at {node.at})"
    if node.layer == "derived":
        return f"(derived: {node.note}, at {node.at})" if node.note else f"(derived, at {node.at})"
    return f"({words.get(node.layer, node.layer)}, {node.at})"


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
