"""What the lock remembers of Terraform: renames, removals, and what a hostile lock may not name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import cli, lock
from generator.errors import Fault
from generator.history import Called, Past, advance
from generator.lock import Lock

HOLDING = frozenset({"database"})
DB, OTHER = Called("database", "aaaaaaaaaaaa"), Called("database", "bbbbbbbbbbbb")
WEB = Called("service", "cccccccccccc")
SPEC = """\
apiVersion: groundplan/v1
app: tickets
owner: team-tickets
cloud:
  provider: aws
  region: eu-west-1
  dr_region: eu-central-1
  domain: tickets.example.com
platform: {compute: ecs}
services:
  web: {image: "docker.io/library/nginx:1.29.3", port: 8080, public: tickets.example.com, uses: [db, mail, scans]}
resources:
  db: {type: postgres, version: "17", backup: {copy_to_dr: true}}
  mail: {type: queue}
  scans: {type: bucket, replicate: true}
"""


@pytest.mark.parametrize(
    ("past", "calls", "moved", "removed"),
    [
        pytest.param(Past(), {"a": DB}, (), (), id="the first generation"),
        pytest.param(Past({"a": DB}), {"a": DB}, (), (), id="nothing changed"),
        pytest.param(Past({"a": DB}), {"a": OTHER}, (), (), id="changed in place"),
        pytest.param(Past({"a": DB}), {"b": DB}, (("a", "b"),), (), id="renamed"),
        pytest.param(Past({"a": DB}), {"b": OTHER}, (), ("a",), id="renamed and changed is left behind"),
        pytest.param(Past({"a": DB}), {"b": Called("service", DB.fingerprint)}, (), ("a",), id="another module"),
        pytest.param(Past({"a": DB, "b": DB}), {"c": DB, "d": DB}, (), ("a", "b"), id="two alike at once"),
        pytest.param(Past({"a": DB, "b": DB}), {"c": DB}, (), ("a", "b"), id="two alike, one came: which one?"),
        pytest.param(Past({"a": DB}), {"b": DB, "c": DB}, (), ("a",), id="one went, two alike came"),
        pytest.param(
            Past({"a": DB, "b": OTHER}), {"c": DB, "d": OTHER}, (("a", "c"), ("b", "d")), (), id="two that differ"
        ),
        pytest.param(Past({"a": DB, "w": WEB}), {"w": WEB}, (), ("a",), id="data removed"),
        pytest.param(Past({"a": DB, "w": WEB}), {"a": DB}, (), (), id="no data removed"),
        pytest.param(Past({}, (), ("a",)), {}, (), ("a",), id="what was left behind stays so"),
        pytest.param(Past({}, (), ("a",)), {"a": DB}, (), (), id="what was left behind is called again"),
        pytest.param(Past({"b": DB}, (("a", "b"),)), {"b": DB}, (("a", "b"),), (), id="a move stays"),
        pytest.param(Past({"b": DB}, (("a", "b"),)), {"c": DB}, (("a", "b"), ("b", "c")), (), id="a move goes on"),
        pytest.param(Past({"b": DB}, (("a", "b"),)), {"a": DB}, (("b", "a"),), (), id="renamed and back"),
        pytest.param(Past({"b": WEB}, (("a", "b"),)), {}, (), (), id="a move to what is gone is forgotten"),
        pytest.param(
            Past({"b": DB}, (("a", "b"),)), {}, (("a", "b"),), ("b",), id="who has not applied the move keeps the data"
        ),
        pytest.param(Past({"b": DB}, (("a", "b"),)), {"a": OTHER, "b": DB}, (), (), id="the old name is used anew"),
        pytest.param(
            Past({"c": DB}, (("a", "b"), ("b", "c"))),
            {"b": OTHER, "c": DB},
            (("a", "c"),),
            (),
            id="the name between is used anew",
        ),
        pytest.param(
            Past({"a": DB}, (("c", "b"), ("b", "a"))),
            {"b": DB},
            (("c", "a"), ("a", "b")),
            (),
            id="back to a name between",
        ),
        pytest.param(
            Past({"z": DB}, (("q", "n"),), ("n",)), {"n": DB}, (("z", "n"),), (), id="one name has one origin"
        ),
    ],
)
def test_what_changed(
    past: Past, calls: dict[str, Called], moved: tuple[tuple[str, str], ...], removed: tuple[str, ...]
) -> None:
    after = advance(past, calls, HOLDING)
    assert (after.calls, after.moved, after.removed) == (calls, moved, removed)
    assert advance(after, calls, HOLDING) == after


CALLS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([DB, OTHER, WEB]))


@given(st.lists(CALLS, max_size=6))
def test_any_history_is_one_that_terraform_takes(generations: list[dict[str, Called]]) -> None:
    """No name moves to two, two never move to one, nothing moves in a circle or away from what is called."""
    past = Past()
    for calls in generations:
        before, past = past, advance(past, calls, HOLDING)
        assert advance(past, calls, HOLDING) == past
        sources, targets = [old for old, _ in past.moved], [new for _, new in past.moved]
        assert len(set(sources)) == len(sources)
        assert len(set(targets)) == len(targets)
        assert not set(sources) & {*calls, *past.removed}
        assert not set(past.removed) & set(calls)
        ends = dict(past.moved)
        for name in sources:
            end = name
            for _ in ends:
                end = ends.get(end, end)
            assert end in {*calls, *past.removed}
        held = {name for name, call in before.calls.items() if call.module in HOLDING}
        assert held <= {*calls, *past.removed, *sources}, "data is never forgotten"


# the lock


PASTS = {
    "dev": Past({"database_db": DB, "service_web": WEB}),
    "prod": Past({"database_b": DB}, (("database_a", "database_b"),), ("bucket_scans",)),
}


def test_the_lock_gives_back_what_it_was_given(tmp_path: Path) -> None:
    text = lock.render(Lock("groundplan.yaml", history=PASTS))
    (tmp_path / lock.NAME).write_text(text)
    assert lock.read(tmp_path).history == PASTS
    assert lock.render(lock.read(tmp_path)) == text


def test_a_lock_without_terraform_says_nothing_of_it() -> None:
    assert "terraform" not in json.loads(lock.render(Lock("groundplan.yaml")))


@pytest.mark.parametrize(
    "section",
    [
        {'prod"': {"calls": {}}},
        {"../prod": {"calls": {}}},
        {"prod": {"calls": {"a.b": "database aaaa"}}},
        {"prod": {"calls": {"a\nb": "database aaaa"}}},
        {"prod": {"calls": {"": "database aaaa"}}},
        {"prod": {"calls": {"a": "database"}}},
        {"prod": {"calls": {"a": "data base aaaa"}}},
        {"prod": {"calls": {"a": 1}}},
        {"prod": {"calls": ["a"]}},
        {"prod": {"moved": []}},
        {"prod": {"calls": {}, "moved": [["a", "b } resource"]]}},
        {"prod": {"calls": {}, "moved": [["${a}", "b"]]}},
        {"prod": {"calls": {}, "moved": [["a"]]}},
        {"prod": {"calls": {}, "moved": [["a", "b", "c"]]}},
        {"prod": {"calls": {}, "moved": [1]}},
        {"prod": {"calls": {}, "removed": ["a\n}"]}},
        {"prod": {"calls": {}, "removed": [["a"]]}},
        {"prod": {"calls": {}, "removed": 1}},
        {"prod": []},
        {"prod": None},
        ["prod"],
        "prod",
        None,
    ],
    ids=repr,
)
def test_a_hostile_history_is_refused(tmp_path: Path, section: object) -> None:
    """Names of the lock become addresses in generated Terraform."""
    made = {**json.loads(lock.render(Lock("groundplan.yaml"))), "terraform": section}
    (tmp_path / lock.NAME).write_text(json.dumps(made))
    with pytest.raises(Fault, match="is damaged") as caught:
        lock.read(tmp_path)
    assert caught.value.fix


# through the command


MOVED = "terraform/environments/prod/moved.tf"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDPLAN_OFFLINE", "1")
    return tmp_path


def generate(here: Path, text: str) -> None:
    (here / "groundplan.yaml").write_text(text)
    assert cli.run(["generate", "-q", "--fail-on", "high"]) == 0


def content(here: Path) -> dict[str, bytes]:
    return {path.relative_to(here).as_posix(): path.read_bytes() for path in here.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("old", "new", "moves"),
    [
        ("db", "ledger", [("database_db", "database_ledger")]),
        ("mail", "post", [("queue_mail", "queue_post")]),
        ("scans", "scans-2", [("bucket_scans", "bucket_scans_2"), ("bucket_scans_dr", "bucket_scans_2_dr")]),
        ("web", "front", [("service_web", "service_front")]),
    ],
)
def test_a_rename_moves_what_exists(here: Path, old: str, new: str, moves: list[tuple[str, str]]) -> None:
    generate(here, SPEC)
    assert not (here / MOVED).exists()
    after = re.sub(rf"\b{old}\b", new, SPEC)
    generate(here, after)
    text = (here / MOVED).read_text()
    assert re.findall(r"from = module\.(\w+)\n  to   = module\.(\w+)\n", text) == moves
    assert "removed" not in text
    written = content(here)
    generate(here, after)
    assert content(here) == written


def test_a_removed_database_keeps_its_data(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate(here, SPEC)
    after = "".join(line for line in SPEC.splitlines(True) if not line.startswith("  db:")).replace("[db, ", "[")
    (here / "groundplan.yaml").write_text(after)
    capsys.readouterr()
    cli.run(["generate"])
    said = capsys.readouterr()
    for gone in ("database_db", "backup_dr"):  # the vault has the copies of the database
        assert said.out.count(f"terraform/data-left-behind: module.{gone} of prod") == 1
    assert said.out.count("terraform/data-left-behind") == 2
    text = (here / MOVED).read_text()
    removed = "removed {\n  from = module.%s\n\n  lifecycle {\n    destroy = false\n  }\n}\n"
    assert text.count("removed {") == 2
    assert all(removed % gone in text for gone in ("database_db", "backup_dr"))
    assert "\nmoved {" not in text
    written = content(here)
    capsys.readouterr()
    assert cli.run(["generate"]) == 0
    said = capsys.readouterr()
    assert "data-left-behind" not in said.out + said.err, "it was said once"
    assert content(here) == written
    cli.run(["check", "--skip", "checkov"])
    said = capsys.readouterr()
    assert "disk/" not in said.out + said.err
    assert "data-left-behind" not in said.out + said.err
