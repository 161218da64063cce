"""Arguments in, pipeline, report out, exit code.

0 clean, 1 findings at or above `--fail-on`, 2 usage or fault, 3 a bug of ours, 130 interrupted.
Machine formats alone go to standard output; whatever a person reads goes to standard error then.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator import __version__, completion, options
from generator.errors import Fault
from generator.finding import Severity
from generator.options import Output

if TYPE_CHECKING:
    from generator.lifecycle.change import Difference
    from generator.project import Choices, Made, Project
    from generator.reporters import Style
    from generator.scaffold import Question


def run(arguments: Sequence[str]) -> int:
    """The whole command line; gives the exit code and never a traceback for a user's mistake."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115  # closed by whoever started us
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    option = {"help": "--help", "version": "--version"}.get("".join(arguments[:1]))
    asked = [*arguments[1:], option] if option else list(arguments)
    try:
        code = main.main(args=asked, prog_name="groundplan", standalone_mode=False)
    except Fault as fault:
        click.echo(f"groundplan: {fault}", err=True)
        return 2
    except click.exceptions.Abort:
        click.echo("groundplan: interrupted", err=True)
        return 130
    except KeyboardInterrupt:
        click.echo("groundplan: interrupted", err=True)
        return 130
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        named = f"{error.filename} cannot be used: " if error.filename is not None else ""
        click.echo(f"groundplan: {named}{error.strerror or error}", err=True)
        return 2
    except Exception as error:
        return _our_bug(error)
    return code if isinstance(code, int) else 0


def _our_bug(error: Exception) -> int:
    import traceback

    if os.environ.get("GROUNDPLAN_TRACEBACK"):
        traceback.print_exc()
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    click.echo(
        f"groundplan: this is a bug of groundplan {__version__}: {type(error).__name__} at {place}: {error}", err=True
    )
    click.echo("Report it with this line and the spec; GROUNDPLAN_TRACEBACK=1 shows the whole trace.", err=True)
    return 3


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="groundplan %(version)s")
def main() -> None:
    """One declarative spec in; verified infrastructure files and a report out.

    \b
    groundplan init                      write a first spec
    groundplan generate                  write everything it implies
    groundplan check                     prove it: the gate for pre-commit and CI
    groundplan diff                      what it would change in what already runs
    groundplan lint .                    the same checks on files nobody generated
    groundplan why kubernetes/base/web/deployment.yaml:12

    \b
    Exit codes: 0 clean · 1 findings at or above --fail-on · 2 usage or a missing tool · 3 our bug · 130 interrupted
    """


@main.command()
@options.together(options.CHANGED, options.SPEC, options.OUTPUT, options.FAIL_ON, options.QUIET, options.ONLY_CHANGED)
def validate(
    changed: tuple[Path, ...],
    spec: Path | None,
    outputs: tuple[Output, ...],
    fail_on: str,
    quiet: bool,
    of_changed: bool,
) -> int:
    """Check the spec alone: structure, names, references, every environment.

    \b
    groundplan validate
    groundplan validate --spec apps/shop.yaml -o json
    """
    from generator import project

    level = Severity.of(fail_on)
    return _every(_projects(spec, changed, of_changed), outputs, quiet, lambda one: project.validate(one, level))


@main.command()
@options.together(options.CHANGED, options.SPEC, options.OUTPUT, options.FAIL_ON, options.QUIET, options.ONLY_CHANGED)
@click.option("--dry-run", is_flag=True, help="Say what would be written and write nothing.")
@click.option("--diff", is_flag=True, help="Show the difference to what is there; writes nothing.")
@click.option("--force", is_flag=True, help="Overwrite files that are foreign or were edited by hand.")
def generate(
    changed: tuple[Path, ...],
    spec: Path | None,
    outputs: tuple[Output, ...],
    fail_on: str,
    quiet: bool,
    of_changed: bool,
    dry_run: bool,
    diff: bool,
    force: bool,
) -> int:
    """Write every file the spec implies, all or nothing.

    With --changed the exit code is 1 when files were written: they belong into the same commit.

    \b
    groundplan generate
    groundplan generate --diff
    """
    from generator import project

    def made(one: Project) -> Made:
        answer, difference = project.generate(one, Severity.of(fail_on), write=not (dry_run or diff), force=force)
        if diff:
            click.echo(difference, nl=False)
        if of_changed and answer.report.changes:
            written.append(len(answer.report.changes))
        return answer

    written: list[int] = []
    code = _every(_projects(spec, changed, of_changed), outputs, quiet, made)
    if written:
        click.echo(f"{sum(written)} files follow the spec now; add them to the commit", err=True)
    return code or int(bool(written))


@main.command()
@options.together(
    options.CHANGED,
    options.SPEC,
    options.OUTPUT,
    options.FAIL_ON,
    options.SKIP,
    options.OFFLINE,
    options.QUIET,
    options.ONLY_CHANGED,
)
def check(
    changed: tuple[Path, ...],
    spec: Path | None,
    outputs: tuple[Output, ...],
    fail_on: str,
    skip: tuple[str, ...],
    offline: bool,
    quiet: bool,
    of_changed: bool,
) -> int:
    """The gate: is the tree what the spec says, and is it consistent and safe? Writes nothing.

    \b
    groundplan check
    groundplan check --fail-on high -o sarif=groundplan.sarif
    """
    from generator import project

    choices = _choices(fail_on, skip, offline)
    return _every(_projects(spec, changed, of_changed), outputs, quiet, lambda one: project.check(one, choices))


@main.command()
@options.together(options.SPEC, options.QUIET)
@click.option("--against", metavar="REVISION", help="Compare with a commit, branch or tag, not with the files here.")
@click.option("--allow-replace", is_flag=True, help="Agree to what replaces or destroys something: exit code 0.")
@options.reports(("terminal", "json", "markdown"), "Format")
def diff(spec: Path | None, quiet: bool, against: str | None, allow_replace: bool, outputs: tuple[Output, ...]) -> int:
    """Say what `generate` would change in what already runs, and what that replaces or destroys.

    Needs no account and asks nobody: Terraform resources, Kubernetes objects and compose services are compared
    as they take effect. Exit code 1 when something is replaced or its data destroyed.

    \b
    groundplan diff                                  the files here against the spec
    groundplan diff --against origin/main            what a pull request changes
    groundplan diff -o markdown=comment.md -o json=diff.json
    groundplan diff --allow-replace                  it was looked at, and is meant
    """
    from generator import project

    return _deliver_difference(project.diff(_project(spec), against), outputs, quiet, allow_replace)


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@options.together(options.OUTPUT, options.FAIL_ON, options.SKIP, options.OFFLINE, options.QUIET)
@click.option(
    "--changed",
    is_flag=True,
    help="For hooks: all that is below this directory is read, and what is found in the named files is told.",
)
def lint(
    paths: tuple[Path, ...],
    outputs: tuple[Output, ...],
    fail_on: str,
    skip: tuple[str, ...],
    offline: bool,
    quiet: bool,
    changed: bool,
) -> int:
    """Check files that nobody generated: Dockerfiles, compose files, Kubernetes manifests.

    \b
    groundplan lint .
    groundplan lint deploy/ Dockerfile --fail-on low
    """
    from generator import project, sources

    choices = _choices(fail_on, skip, offline)
    if not changed:
        return _deliver(project.lint(paths or (Path(),), choices), outputs, quiet)
    only = [path for path in paths if sources.of_interest(path) and path.is_file()]
    return _deliver(project.lint((Path(),), choices, only), outputs, quiet) if only else 0


@main.command()
@click.argument("place", metavar="FILE:LINE")
@options.together(options.SPEC)
def why(place: str, spec: Path | None) -> int:
    """Say which spec line and which template line stand behind a line of a generated file.

    A place may be copied from a finding, with its column.

    \b
    groundplan why kubernetes/base/web/deployment.yaml:12
    """
    from generator import explain as explained

    named = re.fullmatch(r"(?P<file>.+?):(?P<line>\d+)(?::\d+)?:?", place)
    if named is None:
        raise Fault(f"{place!r} names no line", "write FILE:LINE, such as compose.yaml:12")
    click.echo(explained.why(_project(spec), named["file"], int(named["line"])), nl=False)
    return 0


@main.command()
@click.argument("subject", metavar="RULE|KEY", shell_complete=completion.rules)
@click.option("--env", "environment", help="The environment whose value is asked for.")
@options.together(options.SPEC)
def explain(subject: str, environment: str | None, spec: Path | None) -> int:
    """Explain a rule, or where the value of a spec key comes from.

    \b
    groundplan explain cross/probe-port-closed
    groundplan explain DL3008
    groundplan explain services.web.scale.min --env prod
    """
    from generator import explain as explained

    if explained.is_rule(subject):
        click.echo(explained.rule(subject), nl=False)
    else:
        click.echo(explained.key(spec, subject, environment), nl=False)
    return 0


@main.command()
@click.option("--family", help="Only the rules of one family.", shell_complete=completion.families)
@options.together(options.LIST_OUTPUT)
def rules(family: str | None, outputs: tuple[Output, ...]) -> int:
    """List every rule of ours.

    \b
    groundplan rules --family cross
    groundplan rules -o json
    """
    from generator import project

    _write(outputs, True, lambda name, _style: project.rules(family, as_json=name == "json"))
    return 0


@main.command()
@click.argument("name", default="spec", type=click.Choice(["spec", "report", "rule", "lock", "diff"]))
@click.option("--install", is_flag=True, help="Write the spec's schema beside the spec, and tell VS Code of it.")
@options.together(options.SPEC)
def schema(name: str, install: bool, spec: Path | None) -> int:
    """Print a JSON Schema: of the spec (for editors), the report, a rule, the lock or a difference.

    \b
    groundplan schema > groundplan.schema.json
    groundplan schema --install

    With --install the schema is written beside the spec as groundplan.schema.json, the settings in .vscode get the
    association, and all else in them stays as it is. Needs the YAML extension of Red Hat in VS Code. Neovim, Helix,
    Emacs and other editors with yaml-language-server need nothing but the schema and this as the first line of the
    spec; JetBrains editors read it too:

    \b
    # yaml-language-server: $schema=./groundplan.schema.json
    """
    from generator import editor, editor_schema, project

    text = editor_schema.text() if name == "spec" else project.schema_text(name)
    if not install and spec is None:
        click.echo(text, nl=False)
        return 0
    if name != "spec" or not install:
        raise click.UsageError("--install is for the spec's schema, and --spec goes with --install")
    for line in editor.install(_project(spec).spec_path, text).lines():
        click.echo(line, err=True)
    return 0


@main.command()
@options.together(options.SPEC, options.OUTPUT, options.FAIL_ON, options.SKIP, options.OFFLINE)
def report(spec: Path | None, outputs: tuple[Output, ...], fail_on: str, skip: tuple[str, ...], offline: bool) -> int:
    """The Infrastructure Configuration Summary, with findings, waivers and what was not checked.

    \b
    groundplan report
    groundplan report -o markdown=SUMMARY.md -o json=summary.json
    """
    from generator import project

    made = project.check(_project(spec), _choices(fail_on, skip, offline))
    return _deliver(made, outputs or (Output("markdown", None),), quiet=False)


@main.command()
@options.together(options.LIST_OUTPUT)
def doctor(outputs: tuple[Output, ...]) -> int:
    """Say which tools and data are here, their versions and ages, and what cannot be checked without more.

    \b
    groundplan doctor
    groundplan doctor -o json=doctor.json
    """
    from generator import project

    _write(outputs, False, lambda name, _style: project.doctor(as_json=name == "json"))
    return 0


@main.command(name="completion")
@click.argument("shell", type=click.Choice(completion.SHELLS))
def complete(shell: str) -> int:
    """Print what makes a shell complete commands, options, formats, checkers and rules.

    \b
    bash   groundplan completion bash > ~/.local/share/bash-completion/completions/groundplan
    zsh    groundplan completion zsh > "${fpath[1]}/_groundplan"
    fish   groundplan completion fish > ~/.config/fish/completions/groundplan.fish
    """
    click.echo(completion.script(shell, main))
    return 0


@main.command()
@options.together(options.SPEC)
@click.option("--yes", is_flag=True, help="Do not ask.")
def eject(spec: Path | None, yes: bool) -> int:
    """Make the generated files yours: our marks and the lock are removed, the files stay.

    \b
    groundplan eject --yes
    """
    from generator import project

    opened = _project(spec)
    if not yes and not click.confirm("From then on `generate` and `check` no longer know these files. Go on?"):
        return 0
    count = project.eject(opened)
    click.echo(
        f"{count} files are yours now; {opened.spec_path.name} can go. `groundplan lint .` still checks them.", err=True
    )
    return 0


@main.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@options.answers
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A source tree: what it is made of is found there.",
)
@click.option(
    "--from-answers",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Answers, YAML or JSON.",
)
@click.option("--spec-only", is_flag=True, help="Write groundplan.yaml and nothing beside it.")
@click.option("--no-input", is_flag=True, help="Ask nothing; take the flags, the answers and the defaults.")
def init(
    directory: Path | None, source: Path | None, file: Path | None, spec_only: bool, no_input: bool, **flags: str | None
) -> int:
    """Make a project: groundplan.yaml, all that it renders, hooks, the pipeline, and what belongs beside them.

    Asks for what no flag and no file of answers says, on a terminal. Files that exist are never touched.

    \b
    groundplan init shop
    groundplan init --no-input --app shop --owner team-shop --runtime node --port 3000
    groundplan init --from .                   reads the source, says where it found each thing
    groundplan init --variant lint-only        hooks and a pipeline for files that exist already
    groundplan init shop --from-answers answers.yaml
    """
    from generator import bootstrap, scaffold

    place = directory or source or Path()
    if source is not None and place.resolve() != source.resolve():
        raise Fault("the spec lies beside the source it was found in", f"leave {place} out")
    given = scaffold.from_file(file) if file else {}
    given |= {key: scaffold.judged(key, value, f"--{key}") for key, value in flags.items() if value is not None}
    if not no_input:
        given = _asked(scaffold.questions(place, given, detected=source is not None), given)
    started = bootstrap.bootstrap(place, given, detected=source is not None, spec_only=spec_only)
    code = _deliver(started.made, (), quiet=True) if started.made is not None and started.made.report.findings else 0
    for line in started.told:
        click.echo(line, err=True)
    return code


def _asked(questions: Iterable[Question], given: dict[str, str]) -> dict[str, str]:
    """The answers with those of the person at the terminal; where there is none, it is said what was taken."""
    taken: list[str] = []
    for question in questions:  # each may depend on the answers before it, so `given` grows
        if question.key in given:
            continue
        if sys.stdin.isatty():
            given[question.key] = _ask(question)
        elif question.default:
            taken.append(f"--{question.key} {question.default}")
    if taken:
        click.echo(f"no terminal to ask on, so these are taken: {' '.join(taken)}", err=True)
    return given


def _ask(question: Question) -> str:
    """The answer to a question; asked again until it can be one."""
    from generator import scaffold

    while True:
        kind = click.Choice(question.choices) if question.choices else None
        answer = str(click.prompt(question.text, default=question.default, type=kind, err=True))
        try:
            return scaffold.judged(question.key, answer.strip(), question.key)
        except Fault as fault:
            click.echo(f"  {fault}", err=True)


def _project(spec: Path | None) -> Project:
    from generator import project

    return project.find(spec)


def _projects(spec: Path | None, files: tuple[Path, ...], of_changed: bool) -> tuple[Project, ...]:
    """The one project of the spec, or those that changed files are part of."""
    if not of_changed:
        if files:
            raise Fault(f"{files[0]} is not expected here", "name a spec with --spec, or changed files with --changed")
        return (_project(spec),)
    from generator import changed, memory

    memory.depend(changed.inputs(files))
    found = (_project(spec),) if spec is not None else changed.projects(files)
    if not found:
        memory.doubt()  # it is cheap to ask again
    return found


def _every(
    projects: tuple[Project, ...], outputs: tuple[Output, ...], quiet: bool, made: Callable[[Project], Made]
) -> int:
    """The worst exit code of some projects, one after the other."""
    if len(projects) > 1 and outputs:
        raise Fault(f"there are {len(projects)} projects and one report", "name one of them with --spec")
    worst = 0
    for project in projects:
        if len(projects) > 1:
            click.echo(f"{project.spec_path.parent}:", err=True)
        worst = max(worst, _deliver(made(project), outputs, quiet))
    return worst


def _choices(fail_on: str, skip: tuple[str, ...], offline: bool) -> Choices:
    from generator.project import Choices

    return Choices(Severity.of(fail_on), skip, offline or bool(os.environ.get("GROUNDPLAN_OFFLINE")), _progress())


def _progress() -> Callable[[str], None]:
    """Long work is announced on standard error; one line each, so that logs stay readable."""

    def told(message: str) -> None:
        from generator import memory

        memory.doubt()  # next time that work is done already
        click.echo(f"groundplan: {message}", err=True)

    return told


def _deliver(made: Made, outputs: tuple[Output, ...], quiet: bool) -> int:
    """Write the report in each format asked for and give the exit code."""
    from generator import memory, reporters

    memory.depend(made.inputs)
    _write(outputs, quiet, lambda name, style: reporters.render(name, made.report, made.sources, style))
    return made.exit_code


def _deliver_difference(difference: Difference, outputs: tuple[Output, ...], quiet: bool, allow_replace: bool) -> int:
    """Write the difference in each format asked for and give the exit code."""
    from generator.lifecycle import terminal, written

    def rendered(name: str, style: Style) -> str:
        if name == "terminal":
            return terminal.render(difference, style, allow_replace=allow_replace)
        made = written.as_json if name == "json" else written.as_markdown
        return made(difference, allow_replace=allow_replace)

    _write(outputs, quiet, rendered)
    return difference.exit_code(allow_replace=allow_replace)


def _write(outputs: tuple[Output, ...], quiet: bool, rendered: Callable[[str, Style], str]) -> None:
    """Each format to its place; the one for people goes to standard error beside a machine's."""
    from generator import memory
    from generator.reporters import Style

    chosen = outputs or (Output("terminal", None),)
    machine_on_stdout = any(output.path is None and output.format != "terminal" for output in chosen)
    if all(output.format != "terminal" for output in chosen) and not quiet and not machine_on_stdout:
        chosen = (*chosen, Output("terminal", None))
    for output in chosen:
        stream = sys.stderr if output.format == "terminal" and machine_on_stdout else sys.stdout
        style = Style.of(stream, os.environ, quiet=quiet) if output.path is None else Style(quiet=quiet)
        text = rendered(output.format, style)
        if output.path is None:
            stream.write(text)
        else:
            try:
                output.path.parent.mkdir(parents=True, exist_ok=True)
                output.path.write_text(text, encoding="utf-8", newline="\n")
            except OSError as error:
                raise Fault(f"{output.path} cannot be written: {error.strerror}", "name another file") from error
            memory.wrote(output.path, text)
