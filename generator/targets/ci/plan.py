"""A delivery pipeline as values: workflows, jobs and steps, before any forge's notation.

A value may hold what only the forge knows, in angle brackets: `<commit>`, `<branch>`, `<main>`, `<change>`,
`<repository>`, `<run>`, `<actor>`, `<issuer>`, `<identity>`, `<token>`, `<input:x>`, `<each:x>`, `<variable:X>`,
`<secret:X>`, `<output:job.x>`. Scripts never do: they read variables, so that no value of a stranger's becomes code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of a job: a `script` for POSIX sh, or an `action` that only GitHub has."""

    title: str
    script: str = ""
    action: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    forge: str = ""
    """The only forge that takes this step; both when empty."""
    when: str = ""
    """`always`, `own` (the change comes from this repository), or a step's `id=value` output."""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Files that a job leaves to later ones, or to people; `days` until they are gone."""

    name: str
    paths: tuple[str, ...]
    days: int
    always: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What runs on one machine. `tools` are set up first, `cloud` is the role it takes in the cloud."""

    name: str
    title: str
    steps: tuple[Step, ...]
    minutes: int
    tools: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    rights: Mapping[str, str] = field(default_factory=lambda: {"contents": "read"})
    cloud: tuple[Any, Any] | None = None
    """ARN of the role and region."""
    environment: Any = ""
    when: str = ""
    """`own`, `main`, `input:environment=prod`, or `output:job.name=value`."""
    lane: str = ""
    """Jobs of one lane wait for each other; none is cancelled."""
    each: tuple[Mapping[str, Any], ...] = ()
    """Runs once for every mapping, with its values as `<each:…>`."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    keeps: tuple[Kept, ...] = ()
    takes: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """When a workflow runs: `change` (proposed), `main` (merged), `schedule`, `manual`."""

    kind: str
    paths: tuple[str, ...] = ()
    cron: Any = ""
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """Jobs that start together. `lane` names runs that wait for each other; `stops` lets a newer run end an older."""

    name: str
    title: str
    why: str
    origin: str
    triggers: tuple[Trigger, ...]
    jobs: tuple[Job, ...]
    stops: bool = False
    notes: tuple[Any, ...] = ()
    """What must be set up at the forge, since no file can."""

    def on(self, kind: str) -> Trigger | None:
        """Its trigger of a kind."""
        return next((trigger for trigger in self.triggers if trigger.kind == kind), None)
