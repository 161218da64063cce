"""Which objects the Kubernetes versions take: an API that is removed, of a later version, or a slip of the pen.

The groups of Kubernetes itself have no kinds but its own; what stands in any other group is its owner's affair.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator import data

_SLIPS = 2
"""More make another word: a kubeconfig is a `Config`, not a `ConfigMap`."""
REMOVED, UNKNOWN = "kubernetes/api-removed", "kubernetes/unknown-kind"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a cluster takes no such object; `property` is the key to mend."""

    rule: str
    message: str
    fix: str
    property: str = "apiVersion"
    url: str = ""


@functools.cache
def available() -> tuple[str, ...]:
    """The Kubernetes versions we have schemas of, oldest first."""
    names = (path.stem[1:] for path in (data.folder("schemas") / "kubernetes").glob("v*.json"))
    return tuple(sorted(names, key=number))


def number(version: str) -> tuple[int, int]:
    """`1.36` as one can compare it."""
    major, _, minor = version.partition(".")
    return (int(major) if major.isdigit() else 1, int(minor) if minor.isdigit() else 0)


def refusal(api: str, kind: str, versions: Sequence[str]) -> Refusal | None:
    """What to say of an object that not all of the versions take."""
    row = removed(api, kind)
    if row is not None:
        return _gone(row) if row.get("finding") else None  # else a rule of the policy engine says it
    lacking = [version for version in versions if kind not in _kinds(version).get(api, ())]
    if not lacking:
        return None
    serving = [version for version in available() if kind in _kinds(version).get(api, ())]
    if not serving:
        return _slip(api, kind, versions[-1])
    target = lacking[-1]
    other = _home(kind, target)
    if number(serving[-1]) < number(target):
        end = available()[available().index(serving[-1]) + 1]
        message = f"{api} {kind} is not served since Kubernetes {end}"
        return Refusal(REMOVED, message, f"write `apiVersion: {other}`" if other else "remove the object")
    message = f"{api} {kind} is served since Kubernetes {serving[0]}, not by {target}"
    fix = f"write `apiVersion: {other}`" if other else f"leave it out, or name Kubernetes {serving[0]} as the version"
    return Refusal(UNKNOWN, message, fix)


def removed(api: str, kind: str) -> Mapping[str, Any] | None:
    """The row of Kubernetes' deprecation guide about an API that is gone."""
    return _guide().get((api, kind))


def has_api(api: str) -> bool:
    """Whether it is an API of Kubernetes itself."""
    return api in _kinds(available()[-1])


def has_kind(kind: str) -> bool:
    """Whether some API of Kubernetes itself has such a kind."""
    return bool(_home(kind, available()[-1]))


def _gone(row: Mapping[str, Any]) -> Refusal:
    message = f"{row['apiVersion']} {row['kind']} is not served since Kubernetes {row['removed']}"
    fix = f"write `apiVersion: {row['replacement']}`" if row["replacement"] else "remove the object"
    return Refusal(REMOVED, message, fix, url=row["source"])


def _slip(api: str, kind: str, version: str) -> Refusal | None:
    """What no version has: said of the groups of Kubernetes, and of a kind that is at home in another."""
    from generator import mistakes

    apis = _kinds(version)
    group = api.rpartition("/")[0]
    ours = group in {name.rpartition("/")[0] for name in apis}
    if not ours and "." in group:
        return None
    home = _home(kind, version)
    if home:
        return Refusal(UNKNOWN, f"{kind} is not a kind of {api}", f"write `apiVersion: {home}`")
    near = mistakes.nearest(kind, sorted(apis.get(api, ())))
    if near and mistakes.distance(kind.lower(), near.lower()) <= _SLIPS:
        return Refusal(UNKNOWN, f'"{kind}" is not a kind of {api}', f'did you mean "{near}"?', "kind")
    if ours and group:
        known = f"its kinds are: {', '.join(sorted(apis[api]))}" if api in apis else _versions_of(group, apis)
        return Refusal(UNKNOWN, f'"{kind}" is not a kind of {api}', known, "kind" if api in apis else "apiVersion")
    return None  # `v1` is written by other programs too: a kubeconfig, templates of OpenShift


def _versions_of(group: str, apis: Mapping[str, Any]) -> str:
    return f"{group} has: {', '.join(sorted(name for name in apis if name.rpartition('/')[0] == group))}"


def _home(kind: str, version: str) -> str:
    """The API that has the kind: the stable one, and of several the newest."""
    found = [api for api, kinds in _kinds(version).items() if kind in kinds]
    return max(found, key=lambda api: ("alpha" not in api, "beta" not in api, api), default="")


@functools.cache
def _kinds(version: str) -> Mapping[str, frozenset[str]]:
    """The kinds of each API."""
    kinds: dict[str, set[str]] = {}
    for name in data.load(f"schemas/kubernetes/v{version}.json")["served"]:
        api, _, kind = name.rpartition("/")
        kinds.setdefault(api, set()).add(kind)
    return {api: frozenset(found) for api, found in sorted(kinds.items())}


@functools.cache
def _guide() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    rows = data.load("schemas/kubernetes/removed.json")["removed"]
    return {(row["apiVersion"], row["kind"]): row for row in rows}
