"""Two generations of files -> what changes, and what each change does to what already runs.

Texts in, values out: nothing is started and nobody is asked. A file that is the same on both sides is read only
where another one that changed cannot be understood without it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from generator import yamlfile
from generator.document import SourceFile
from generator.finding import Finding, NotChecked
from generator.lifecycle import effects, manifests, terraform
from generator.lifecycle.change import Change, Difference, FileChange
from generator.policy.hclread import Unreadable, read

_YAML = (".yaml", ".yml")


def compare(
    old: Mapping[str, str],
    new: Mapping[str, str],
    *,
    beside: Mapping[str, str] | None = None,
    states: Mapping[str, str] | None = None,
    names: tuple[str, str] = ("before", "after"),
) -> Difference:
    """The difference of two generations, given as texts by path.

    `beside` are files of the user's that lie in the same folders on both sides (their own `moved` blocks); `states`
    says for a path what `groundplan check` calls it.
    """
    changed = tuple(path for path in sorted({*old, *new}) if old.get(path) != new.get(path))
    broken = tuple(_broken(changed, old))
    found = list(_manifests(changed, old, new, {item.what for item in broken}))
    outcome, more = _terraform(changed, old, new, beside or {}, {item.what for item in broken})
    changes = (*found, *outcome.changes)
    return Difference(
        old=names[0],
        new=names[1],
        files=tuple(_file(path, old.get(path), new.get(path), (states or {}).get(path, "")) for path in changed),
        changes=tuple(sorted(changes, key=lambda change: change.order)),
        findings=tuple(sorted(outcome.findings, key=lambda finding: finding.order)),
        not_compared=tuple(sorted({*(_said(item) for item in broken), *more, *_unknown(changes)})),
    )


def _file(path: str, old: str | None, new: str | None, state: str) -> FileChange:
    import difflib

    before, after = (old or "").splitlines(), (new or "").splitlines()
    added = removed = 0
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            removed += i2 - i1
            added += j2 - j1
    action = "added" if old is None else "removed" if new is None else "changed"
    return FileChange(path, action, added, removed, state)


def _broken(changed: Sequence[str], old: Mapping[str, str]) -> Iterator[NotChecked]:
    """Old files that cannot be read; what they held is not known, so nothing is said of it."""
    for path in changed:
        if path not in old:
            continue
        if path.endswith(_YAML):
            wrong = [item for item in yamlfile.read(old[path], path)[1] if item.rule in _FATAL]
            if wrong:
                yield NotChecked(path, f"line {wrong[0].at.line}: {wrong[0].message}")
        elif path.endswith(terraform.SUFFIXES):
            try:
                read(old[path], path)
            except Unreadable as error:
                place = str(error).removeprefix(f"{path}:")
                yield NotChecked(
                    path, f"it cannot be read as HCL at {place}" if place[:1].isdigit() else "it is no HCL"
                )


_FATAL = frozenset({"yaml/syntax", "yaml/too-large", "yaml/too-many-values"})


def _said(item: NotChecked) -> NotChecked:
    fix = "mend it, or generate over it; its lines are compared all the same"
    return NotChecked(f"{item.what} as it was", item.reason, fix)


def _manifests(
    changed: Sequence[str], old: Mapping[str, str], new: Mapping[str, str], broken: set[str]
) -> Iterator[Change]:
    paths = [path for path in changed if path not in broken]
    wanted = [path for path in manifests.concerned(paths, {*old, *new}) if path not in broken]
    if wanted:
        yield from manifests.changes(_files(wanted, old), _files(wanted, new))


def _terraform(
    changed: Sequence[str],
    old: Mapping[str, str],
    new: Mapping[str, str],
    beside: Mapping[str, str],
    broken: set[str],
) -> tuple[terraform.Outcome, tuple[NotChecked, ...]]:
    mine = [path for path in changed if path.endswith(terraform.SUFFIXES)]
    if not mine:
        return terraform.Outcome(), ()
    sides = [
        _files([path for path in {**side, **beside} if path.endswith(terraform.SUFFIXES)], {**side, **beside})
        for side in (old, new)
    ]
    left = terraform.roots_with({path for path in broken if path.endswith(terraform.SUFFIXES)}, sides[0], sides[1])
    folders = terraform.concerned(mine, sides[0], sides[1])
    kept = [[file for file in side if posixpath.dirname(file.path) in folders] for side in sides]
    outcome = terraform.changes(kept[0], kept[1], without=left)
    why = "one of its files cannot be read as it was"
    return outcome, (
        *outcome.not_compared,
        *(NotChecked(f"resources of {root}", why, "mend the file and compare again") for root in left),
    )


def _files(paths: Sequence[str], texts: Mapping[str, str]) -> list[SourceFile]:
    return [SourceFile(path, texts[path]) for path in sorted(paths) if path in texts]


def _unknown(changes: Sequence[Change]) -> Iterator[NotChecked]:
    """Types about which the table says nothing."""
    kinds = {
        change.kind
        for change in changes
        if change.area == "terraform"
        and change.fields
        and change.kind.startswith("aws_")
        and effects.facts(change.kind) is None
    }
    for kind in sorted(kinds):
        yield NotChecked(f"what replaces {kind}", "the data table has no such type", "ask `terraform plan`")


__all__ = ["Difference", "Finding", "compare"]
