"""Terraform of two generations, resource by resource, without state, provider or credential.

What is compared are effective resources: variables, locals, `count`, `for_each` and local modules are followed. A
replacement spreads: what refers to something that gets a new identity may have to be replaced as well.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from generator.document import Location, Node, SourceFile
from generator.finding import Finding, NotChecked, Severity
from generator.lifecycle import effects
from generator.lifecycle.change import Change, Field, Value, worst
from generator.lifecycle.fields import Pair, compare
from generator.lifecycle.moves import Moves, closures, moves
from generator.lifecycle.references import UNKNOWN, Values, leaves, referred, split
from generator.policy import terraformtree
from generator.policy.documents import Document
from generator.reporters.wording import counted

SUFFIXES = (".tf", ".tfvars", ".tfbackend")
_META = frozenset({"depends_on", "provider", "provisioner", "connection", "timeouts", "count", "for_each"})
_NAMES = (
    *("identifier", "cluster_identifier", "replication_group_id", "global_cluster_identifier", "bucket", "cluster_id"),
    *("function_name", "repository", "name", "family", "domain", "cluster_name", "vault_name", "zone_name", "alias"),
)
_TAIL = re.compile(r'(?:^|\.)[a-z0-9_]+\.[\w-]+(?:\[(?:"[^"]*"|\d+)\])?$')


@dataclass(frozen=True, slots=True)
class Side:
    """One root of one generation: resources by address, and what else it says by name."""

    resources: Mapping[str, Document] = field(default_factory=dict)
    settings: Mapping[str, Document] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_compared: tuple[NotChecked, ...] = ()


def concerned(paths: Sequence[str], old: Sequence[SourceFile], new: Sequence[SourceFile]) -> frozenset[str]:
    """The folders to be read for some changed files: each root that is touched, with all its modules."""
    folders = {posixpath.dirname(path) for path in paths if path.endswith(SUFFIXES)}
    wanted: set[str] = set()
    for side, other in ((old, new), (new, old)):
        for root, reached in closures(side, other).items():
            if not folders.isdisjoint(reached):
                wanted |= {root, *reached}
    return frozenset(wanted)


def roots_with(paths: Collection[str], old: Sequence[SourceFile], new: Sequence[SourceFile]) -> frozenset[str]:
    """The roots that take some files in."""
    folders = {posixpath.dirname(path) for path in paths}
    pairs = ((old, new), (new, old))
    return frozenset(root for one, two in pairs for root, inner in closures(one, two).items() if inner & folders)


def changes(old: Sequence[SourceFile], new: Sequence[SourceFile], without: Collection[str] = ()) -> Outcome:
    """What changes in every root of some files, but for those of which one side is not known."""
    sides = [_sides(old, new), _sides(new, old)]
    found: list[Change] = []
    findings: list[Finding] = []
    unseen: list[NotChecked] = []
    for root in sorted({*sides[0], *sides[1]}.difference(without)):
        compared = _Root(root, sides[0].get(root), sides[1].get(root), new)
        found += compared.changes()
        findings += compared.lost()
        unseen += compared.unseen()
    return Outcome(tuple(found), tuple(findings), tuple(unseen))


def _sides(files: Sequence[SourceFile], beside: Sequence[SourceFile]) -> dict[str, Side]:
    roots = set(closures(files, beside))
    resources: dict[str, dict[str, Document]] = {root: {} for root in roots}
    settings: dict[str, dict[str, Document]] = {root: {} for root in roots}
    for item in terraformtree.documents(files):
        if item.address and item.configuration in resources:
            if not item.kind.startswith(("data.", "ephemeral.")):
                resources[item.configuration][item.address] = item
        elif item.kind.startswith(("provider.", "backend.")) or item.kind == "output":
            folder = posixpath.dirname(item.file)
            if folder in settings:
                settings[folder][_setting(item)] = item
    return {root: Side(resources[root], settings[root]) for root in roots}


def _setting(item: Document) -> str:
    alias = item.root.word("alias")
    return f"{item.name}.{alias}" if alias else item.name


class _Root:
    """The comparison of one root."""

    def __init__(self, folder: str, old: Side | None, new: Side | None, files: Sequence[SourceFile]) -> None:
        self.folder = folder
        self.is_gone, self.is_new = new is None, old is None
        self.old, self.new = old or Side(), new or Side()
        self.files = files
        self.moves = moves(files, folder, _prefixes(self.new, self.old))
        self.now = {address: self.moves.now(address, self.new.resources) for address in self.old.resources}
        self.resolve = (Values(self.old.resources, self._renamed), Values(self.new.resources))
        self.environment = next(
            (item.environment for side in (self.new, self.old) for item in side.resources.values()), ""
        )

    def _renamed(self, reference: str) -> str:
        """What an old reference is called now."""
        address, _ = split(reference, self.old.resources)
        return self.now[address] + reference[len(address) :] if address else self.moves.follow(reference)

    def changes(self) -> Iterator[Change]:
        if self.is_gone:
            yield self._abandoned()
            return
        yield from self._settings()
        changed = {change.subject: change for change in self._kept()}
        yield from self._spread(changed).values()
        yield from self._vanished()
        before = set(self.now.values())
        for address, item in self.new.resources.items():
            if address not in before:
                yield replace(self._change(item, address), action="add", effect="adds")

    def _change(self, item: Document, address: str, *, side: int = 1) -> Change:
        name = _name(item, self.resolve[side])
        return Change(
            "terraform",
            self.folder,
            item.kind,
            address,
            "change",
            "none",
            at=item.root.at,
            name=name,
            data=_data(item),
            environments=(self.environment,) if self.environment else (),
        )

    def _abandoned(self) -> Change:
        """A root that is not generated any more: nobody runs it, so nothing is destroyed, or looked after."""
        held = sorted({effects.holds(item.kind) for item in self.old.resources.values()} - {""})
        notes = ["nothing destroys what it made; run `terraform destroy` with the old files if it shall go"]
        notes += [f"it holds {', '.join(held)}"] if held else []
        change = Change("terraform", self.folder, "root", self.folder, "forget", "forgets", notes=tuple(notes))
        return replace(change, environments=(self.environment,) if self.environment else (), at=Location(self.folder))

    # resources in both

    def _kept(self) -> Iterator[Change]:
        for address, old in self.old.resources.items():
            new = self.new.resources.get(self.now[address])
            if new is None:
                continue
            change = self._compared(old, new, self.now[address])
            if self.now[address] != address:
                change = replace(change, was=address, action="move" if not change.fields else change.action)
                change = replace(change, effect="moves" if change.effect == "none" else change.effect)
            if change.fields or change.was:
                yield change

    def _compared(self, old: Document, new: Document, address: str) -> Change:
        fields = []
        ignored = _ignored(new.root)
        for pair in compare(_arguments(old.root), _arguments(new.root), self.resolve):
            top = re.split(r"[.\[]", pair.path, maxsplit=1)[0]
            fields.append(_field(new.kind, pair, top, ignored))
        change = replace(self._change(new, address), fields=tuple(fields))
        return self._judged(change, old, new)

    def _judged(self, change: Change, old: Document, new: Document) -> Change:
        fields = change.fields
        if effects.is_routine(change.kind):
            renewed = ("replaces", "may-replace")
            fields = tuple(replace(field, effect="renews") if field.effect in renewed else field for field in fields)
        effect = worst(field.effect for field in fields)
        notes: list[str] = []
        if effect == "replaces":
            effect, notes = self._replacement(change, old, new)
        return replace(change, fields=fields, effect=effect, notes=(*change.notes, *notes))

    def _replacement(self, change: Change, old: Document, new: Document) -> tuple[str, list[str]]:
        """What a replacement is for this resource, and what stands in its way."""
        notes = []
        if change.data:
            notes.append(_loss(change.kind, old))
        if new.root.word("lifecycle", 0, "create_before_destroy") == "True":
            notes.append("the new one is made before the old one goes")
        notes += _guarded(change.kind, old)
        notes += [f"Terraform refuses while {name} has prevent_destroy" for name in self._keepers(change.subject)]
        return ("destroys-data" if change.data else "replaces"), notes

    def _keepers(self, address: str) -> Iterator[str]:
        """The resources that Terraform would have to destroy with this one, and may not."""
        for other, item in self.new.resources.items():
            if item.root.word("lifecycle", 0, "prevent_destroy") != "True":
                continue
            if other == address or (
                item.kind == "terraform_data"
                and address in referred(item.root.get("triggers_replace"), self.new.resources)
            ):
                yield other

    # what a replacement does to others

    def _spread(self, changed: dict[str, Change]) -> dict[str, Change]:
        """The changes with those of resources that refer to replaced ones."""
        kept = set(self.now.values())
        open_ = [address for address, change in changed.items() if _gets_new_identity(change)]
        while open_:
            cause = open_.pop()
            for address, item in self.new.resources.items():
                if address == cause or address not in kept:
                    continue
                change = self._touched(changed.get(address), address, item, cause)
                if change is None:
                    continue
                had = address in changed and _gets_new_identity(changed[address])
                changed[address] = change
                if not had and _gets_new_identity(change):
                    open_.append(address)
        return changed

    def _touched(self, known: Change | None, address: str, item: Document, cause: str) -> Change | None:
        """A resource as it changes because another gets a new identity; None where it does not."""
        seen = {field.path for field in known.fields} if known else set()
        fields = []
        for path, node, all_, identities in self._open[address]:
            if path in seen:
                continue
            if path.startswith("lifecycle"):
                if "replace_triggered_by" in path and cause in all_:
                    fields.append(_because(path, node, cause, "replaces"))
            elif cause in identities:
                pair = Pair(path, Value(node.note, "unknown"), Value(node.note, "unknown"))
                word = effects.of_argument(item.kind, pair).word
                fields.append(_because(path, node, cause, "may-replace" if word == "replaces" else word))
        if not fields:
            return None
        base = known or self._change(item, address)
        change = replace(base, fields=(*base.fields, *fields))
        if known is not None and known.effect in ("replaces", "destroys-data", "renews"):
            return change
        return self._judged(change, item, item)

    @functools.cached_property
    def _open(self) -> Mapping[str, tuple[tuple[str, Node, frozenset[str], frozenset[str]], ...]]:
        """What is open in each resource: path, value, the addresses in it, and those whose identity is meant."""
        side = self.new.resources
        return {
            address: tuple(
                (path, node, referred(node, side), referred(node, side, only_new=True))
                for path, node in leaves(_arguments(item.root), "")
            )
            for address, item in side.items()
        }

    # resources that vanish, and what else a root says

    def _vanished(self) -> Iterator[Change]:
        for address, item in self.old.resources.items():
            if self.now[address] in self.new.resources:
                continue
            change = replace(self._change(item, address, side=0), action="remove", effect="removes")
            letting = self.moves.letting(address)
            if letting is not None and not letting.destroys:
                note = "it stays where it runs, and Terraform forgets it"
                yield replace(change, action="forget", effect="forgets", notes=(note,))
            elif item.root.word("skip_destroy") == "True":
                yield replace(change, action="forget", effect="forgets", notes=("it stays, as skip_destroy says",))
            elif change.data:
                notes = (_loss(item.kind, item), *_guarded(item.kind, item))
                yield replace(change, effect="destroys-data", notes=notes)
            else:
                yield change

    def lost(self) -> Iterator[Finding]:
        """A finding for each address that vanishes with data, without a word about it."""
        if self.is_gone:
            return
        for address, item in self.old.resources.items():
            data = _data(item)
            if not data or self.now[address] in self.new.resources or self.moves.letting(address) is not None:
                continue
            if item.root.word("skip_destroy") == "True":
                continue
            name = _name(item, self.resolve[0])
            called = f' "{name}"' if name else ""
            message = f"{address} is not declared any more, and it holds {data}{called}: applied, it is destroyed"
            at = self._place(address, item)
            fix = self._way_out(address, item)
            yield Finding("terraform/address-lost", Severity.HIGH, message, at, fix=fix, subject=address, value=name)

    def unseen(self) -> Iterator[NotChecked]:
        """What is the result of functions that nobody computes here, on both sides: it may differ."""
        kept = {self.now[address] for address in self.old.resources}
        places = [
            f"{address}.{path}"
            for address, item in self.new.resources.items()
            if address in kept
            for path, node in leaves(_arguments(item.root), "")
            if not node.note
        ]
        if places:
            what = f"{counted(len(places), 'argument')} of {self.folder} ({places[0]}{', ...' * (len(places) > 1)})"
            yield NotChecked(what, "the functions that make them are not computed here", "ask `terraform plan`")

    def _place(self, address: str, item: Document) -> Location:
        """Where the old address was made: the call in the root, else the resource itself."""
        if match := re.match(r"module\.([\w-]+)", address):
            pattern = re.compile(rf'^module\s+"{re.escape(match[1])}"', re.M)
            for file in self.files:
                found = pattern.search(file.text) if posixpath.dirname(file.path) == self.folder else None
                if found:
                    return Location(file.path, file.text.count("\n", 0, found.start()) + 1, 1)
            return Location(f"{self.folder}/moved.tf", 1, 1)
        return item.root.at

    def _way_out(self, address: str, item: Document) -> str:
        before = set(self.now.values())
        twins = [name for name, other in self.new.resources.items() if other.kind == item.kind and name not in before]
        source = re.match(r"module\.[\w-]+", address)
        gone = source[0] if source and source[0] not in _calls(self.new) else re.sub(r"\[.*?\]", "", address)
        ways = []
        if len(twins) == 1:
            ways.append(f"if it is {twins[0]} now, write `moved {{ from = {address}, to = {twins[0]} }}`")
        ways.append(f"to keep it and forget it, write `removed {{ from = {gone}, lifecycle {{ destroy = false }} }}`")
        ways.append(f"either goes into a .tf file of your own in {self.folder}")
        ways.append("`groundplan explain terraform/address-lost` says how a spec is changed so that it is not needed")
        return "; ".join(ways)

    def _settings(self) -> Iterator[Change]:
        for name in dict.fromkeys([*self.old.settings, *self.new.settings]):
            old, new = self.old.settings.get(name), self.new.settings.get(name)
            there = new or old
            if there is None or self.is_new:
                continue
            kind = there.kind.partition(".")[0]
            base = Change("terraform", self.folder, kind, name, "change", "in-place", at=there.root.at)
            base = replace(base, environments=(self.environment,) if self.environment else ())
            if old is None or new is None:
                added = old is None
                yield replace(base, action="add" if added else "remove", effect="adds" if added else "removes")
                continue
            fields = tuple(_setting_field(kind, pair) for pair in compare(old.root, new.root, self.resolve))
            if fields:
                notes = _SETTING_NOTES.get(kind, ())
                yield replace(base, fields=fields, effect=worst(field.effect for field in fields), notes=notes)


_SETTING_NOTES = {
    "backend": ("the state is looked for in another place: move it with `terraform init -migrate-state` first",),
}


def _setting_field(kind: str, pair: Pair) -> Field:
    if kind == "provider" and pair.path == "region":
        note = "every resource of this root is looked for in the other region, and made anew there"
        return Field(pair.path, pair.old, pair.new, "replaces", note)
    if kind == "provider" and pair.path.startswith(("assume_role", "allowed_account_ids", "profile")):
        return Field(pair.path, pair.old, pair.new, "unknown", "another account has none of these resources")
    if kind == "provider" and pair.path.startswith("default_tags"):
        return Field(pair.path, pair.old, pair.new, "in-place", "on every resource that takes tags")
    return Field(pair.path, pair.old, pair.new, "unknown" if kind == "backend" else "in-place")


def _field(kind: str, pair: Pair, top: str, ignored: set[str]) -> Field:
    if top == "lifecycle":
        return Field(pair.path, pair.old, pair.new, "none", "concerns Terraform alone")
    if top in ignored or "all" in ignored:
        return Field(pair.path, pair.old, pair.new, "none", "Terraform ignores it (ignore_changes)")
    effect = effects.of_argument(kind, pair)
    if effect.word != "none" and _reordered(pair):
        word = "may-replace" if effect.word == "replaces" else effect.word
        return Field(
            pair.path, pair.old, pair.new, word, "the same values in another order: no change where it is a set"
        )
    note = effect.note
    if not note and "unknown" in (pair.old.state, pair.new.state):
        note = "known only after apply"
    return Field(pair.path, pair.old, pair.new, effect.word, note)


def _arguments(root: Node) -> Node:
    """What the provider is told, and `lifecycle`."""
    kept = {key: node for key, node in root.items() if key.removesuffix(" expression") not in _META}
    return replace(root, value=kept)


def _reordered(pair: Pair) -> bool:
    """Whether two lists of plain values have the same members."""
    sides = (pair.old.plain, pair.new.plain)
    if not all(isinstance(side, list) and all(isinstance(item, str | int) for item in side) for side in sides):
        return False
    return sorted(map(str, sides[0])) == sorted(map(str, sides[1]))


def _ignored(root: Node) -> set[str]:
    """The arguments that Terraform was told to leave as they are."""
    said = root.get("lifecycle", 0, "ignore_changes")
    return {str(node.value).split("[")[0] for node in said.elements()} if said is not None else set()


def _because(path: str, node: Node, cause: str, effect: str) -> Field:
    value = Value(node.note, "unknown")
    return Field(path, value, value, effect, f"known only after apply: {cause} is replaced")


def _gets_new_identity(change: Change) -> bool:
    return change.effect in ("replaces", "destroys-data", "renews") and change.action != "remove"


def _data(item: Document) -> str:
    """What a resource holds that is nowhere else; a replica holds what its source has."""
    source = item.root.get("replicate_source_db")
    is_replica = source is not None and (source.value is not None or source.layer in UNKNOWN)
    return "" if is_replica else effects.holds(item.kind)


_SNAPSHOTS = frozenset(
    f"aws_{name}" for name in ("db_instance", "rds_cluster", "docdb_cluster", "neptune_cluster", "redshift_cluster")
)
_KEPT_WHILE_FULL = {"aws_s3_bucket": "force_destroy", "aws_ecr_repository": "force_delete"}


def _loss(kind: str, old: Document) -> str:
    """What becomes of the data, as far as the code says."""
    if kind in _SNAPSHOTS:
        if old.root.word("skip_final_snapshot") == "True":
            return "its data is lost; it is deleted without a final snapshot"
        return "its data is lost unless restored from a snapshot"
    if kind == "aws_kms_key":
        return "what is encrypted with it can never be read again once the waiting time is over"
    if kind in _KEPT_WHILE_FULL and old.root.word(_KEPT_WHILE_FULL[kind]) != "True":
        return "its data is lost; AWS refuses as long as it is not empty"
    return "its data is lost"


def _guarded(kind: str, old: Document) -> list[str]:
    """Deletion protection of the service that is on."""
    on = [name for name in effects.guards(kind) if old.root.word(name) == "True"]
    return [f"AWS refuses to delete it while {name} is true" for name in on]


def _name(item: Document, resolve: Values) -> str:
    """What a resource is called where it runs, as far as it is known: `shop-uploads-...` before a number."""
    for key in _NAMES:
        node = item.root.get(key)
        node = resolve(node) if node is not None else None
        if node is None:
            continue
        text = re.sub(r"\$\{[^{}]*\}", "...", node.note) if node.layer in UNKNOWN else node.value
        if isinstance(text, str) and text.strip("."):
            return text
    return ""


def _prefixes(*sides: Side) -> dict[str, tuple[str, ...]]:
    """Under which addresses each module folder is called."""
    made: dict[str, dict[str, None]] = {}
    for side in sides:
        for address, item in side.resources.items():
            if address.startswith("module."):
                prefix = _TAIL.sub("", address)
                made.setdefault(posixpath.dirname(item.file), {})[f"{prefix}."] = None
    return {folder: tuple(names) for folder, names in made.items()}


def _calls(side: Side) -> set[str]:
    return {match[0] for address in side.resources if (match := re.match(r"module\.[\w-]+", address))}


__all__ = ["SUFFIXES", "Moves", "Outcome", "Side", "changes", "concerned"]
