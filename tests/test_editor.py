"""The schema in an editor: installed without harm to the user's settings, and helpful in the real language server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from generator import cli, data, editor, editor_schema, jsonc, schema
from generator.document import Node
from generator.errors import Fault
from generator.specfile import parse
from tests.conftest import APPS, ROOT

SPEC: Mapping[str, Any] = data.load("schemas/spec.schema.json")
SMALLEST = (APPS / "smallest" / "groundplan.yaml").read_text(encoding="utf-8")
TEXT = editor_schema.text()
OURS = {"./groundplan.schema.json": "groundplan.yaml"}
NODE_TOOLS = Path(os.environ.get("GROUNDPLAN_NODE_TOOLS") or ROOT / "tests" / "node") / "node_modules"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with nothing but a spec, which is the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "groundplan.yaml").write_text(f"{editor.MODELINE}\n{SMALLEST}", encoding="utf-8")
    return tmp_path


def put(here: Path, text: str | bytes, path: str = editor.SETTINGS) -> Path:
    place = here / path
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return place


def refused(here: Path) -> str:
    """What a refused installation says; it left everything as it was."""
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file() and not path.is_symlink()}
    with pytest.raises(Fault) as caught:
        editor.install(here / "groundplan.yaml", TEXT)
    after = {path: path.read_bytes() for path in here.rglob("*") if path.is_file() and not path.is_symlink()}
    assert after == before
    return str(caught.value)


# the user's settings

SETTINGS = {
    "empty": ("", '{\n    "yaml.schemas": {\n        "./groundplan.schema.json": "groundplan.yaml"\n    }\n}\n'),
    "blank": ("\n", '\n{\n    "yaml.schemas": {\n        "./groundplan.schema.json": "groundplan.yaml"\n    }\n}\n'),
    "object": ("{}", '{\n    "yaml.schemas": {\n        "./groundplan.schema.json": "groundplan.yaml"\n    }\n}'),
    "object of two lines": (
        "{\n}\n",
        '{\n    "yaml.schemas": {\n        "./groundplan.schema.json": "groundplan.yaml"\n    }\n}\n',
    ),
    "comment alone": (
        "// mine",
        '// mine\n{\n    "yaml.schemas": {\n        "./groundplan.schema.json": "groundplan.yaml"\n    }\n}\n',
    ),
    "comment inside": (
        "{\n  // nothing yet\n}\n",
        '{\n  // nothing yet\n    "yaml.schemas": {\n        "./groundplan.schema.json": "groundplan.yaml"\n    }\n}\n',
    ),
    "block comment inside": (
        "{ /* none */ }",
        '{ /* none */\n    "yaml.schemas": {\n        "./groundplan.schema.json": "groundplan.yaml"\n    }\n }',
    ),
    "two spaces": (
        '{\n  "a": 1\n}\n',
        '{\n  "a": 1,\n  "yaml.schemas": {\n    "./groundplan.schema.json": "groundplan.yaml"\n  }\n}\n',
    ),
    "tabs": (
        '{\n\t"a": {\n\t\t"b": 1\n\t}\n}\n',
        '{\n\t"a": {\n\t\t"b": 1\n\t},\n\t"yaml.schemas": {\n\t\t"./groundplan.schema.json": "groundplan.yaml"\n\t}\n}\n',  # noqa: E501
    ),
    "windows": (
        '{\r\n  "a": 1\r\n}\r\n',
        '{\r\n  "a": 1,\r\n  "yaml.schemas": {\r\n    "./groundplan.schema.json": "groundplan.yaml"\r\n  }\r\n}\r\n',
    ),
    "byte order mark": (
        '\ufeff{\n  "a": 1\n}',
        '\ufeff{\n  "a": 1,\n  "yaml.schemas": {\n    "./groundplan.schema.json": "groundplan.yaml"\n  }\n}',
    ),
    "byte order mark alone": (
        "\ufeff",
        '\ufeff{\n    "yaml.schemas": {\n        "./groundplan.schema.json": "groundplan.yaml"\n    }\n}\n',
    ),
    "trailing comma": (
        '{\n  "a": 1,\n}\n',
        '{\n  "a": 1,\n  "yaml.schemas": {\n    "./groundplan.schema.json": "groundplan.yaml"\n  }\n}\n',
    ),
    "comment behind the last": (
        '{\n  "a": 1 // why\n  // "b": 2\n}\n',
        (
            '{\n  "a": 1, // why\n  "yaml.schemas": {\n    "./groundplan.schema.json": "groundplan.yaml"\n  }\n'
            '  // "b": 2\n}\n'
        ),
    ),
    "comment behind the comma": (
        '{\n  "a": 1, /* x */ // why\n}\n',
        '{\n  "a": 1, /* x */ // why\n  "yaml.schemas": {\n    "./groundplan.schema.json": "groundplan.yaml"\n  }\n}\n',
    ),
    "comment before the comma": (
        '{\n  "a": 1 /* , } */ , // why\n}\n',
        (
            '{\n  "a": 1 /* , } */ , // why\n'
            '  "yaml.schemas": {\n    "./groundplan.schema.json": "groundplan.yaml"\n  }\n}\n'
        ),
    ),
    "one line": ('{"a": 1}', '{"a": 1, "yaml.schemas": {"./groundplan.schema.json": "groundplan.yaml"}}'),
    "one line with a comment": (
        '{"a": 1 /* } */ }\n',
        '{"a": 1, /* } */ "yaml.schemas": {"./groundplan.schema.json": "groundplan.yaml"} }\n',
    ),
    "one line, trailing comma": (
        '{"a": 1,}',
        '{"a": 1, "yaml.schemas": {"./groundplan.schema.json": "groundplan.yaml"}}',
    ),
    "brace at the end of a line": (
        '{"a": 1 // x\n}',
        '{"a": 1, // x\n    "yaml.schemas": {\n        "./groundplan.schema.json": "groundplan.yaml"\n    }\n}',
    ),
    "braces and marks in texts": (
        '{\n  "a}": "{ // no comment /* \\" }",\n  "b": ["}", {"c": "\\\\"}]\n}\n',
        (
            '{\n  "a}": "{ // no comment /* \\" }",\n  "b": ["}", {"c": "\\\\"}],\n'
            '  "yaml.schemas": {\n    "./groundplan.schema.json": "groundplan.yaml"\n  }\n}\n'
        ),
    ),
    "associations, none": (
        '{\n  "yaml.schemas": {},\n  "z": 1\n}\n',
        '{\n  "yaml.schemas": {\n    "./groundplan.schema.json": "groundplan.yaml"\n  },\n  "z": 1\n}\n',
    ),
    "another association": (
        '{\n  "yaml.schemas": {\n    "kubernetes": "k8s/*.yaml" // all\n  },\n  "z": 1\n}\n',
        (
            '{\n  "yaml.schemas": {\n    "kubernetes": "k8s/*.yaml", // all\n'
            '    "./groundplan.schema.json": "groundplan.yaml"\n  },\n  "z": 1\n}\n'
        ),
    ),
    "another association on one line": (
        '{"yaml.schemas": {"kubernetes": ["a.yaml"]}}',
        '{"yaml.schemas": {"kubernetes": ["a.yaml"], "./groundplan.schema.json": "groundplan.yaml"}}',
    ),
    "another spec, as a text": (
        '{\n  "yaml.schemas": {"./groundplan.schema.json": /* x */ "infra.yaml"}\n}',
        '{\n  "yaml.schemas": {"./groundplan.schema.json": /* x */ ["infra.yaml", "groundplan.yaml"]}\n}',
    ),
    "another spec, as a list": (
        '{"yaml.schemas": {"groundplan.schema.json": ["infra.yaml"]}}',
        '{"yaml.schemas": {"groundplan.schema.json": ["infra.yaml", "groundplan.yaml"]}}',
    ),
    "another spec, as a long list": (
        '{\n "yaml.schemas": {\n  "./groundplan.schema.json": [\n   "infra.yaml", // ours\n  ]\n }\n}',
        (
            '{\n "yaml.schemas": {\n  "./groundplan.schema.json": [\n   "infra.yaml", // ours\n'
            '   "groundplan.yaml"\n  ]\n }\n}'
        ),
    ),
    "an empty list": (
        '{"yaml.schemas": {"./groundplan.schema.json": []}}',
        '{"yaml.schemas": {"./groundplan.schema.json": ["groundplan.yaml"]}}',
    ),
    "key twice": (
        '{"yaml.schemas": {"a": "b"}, "yaml.schemas": {"c": "d"}}',
        '{"yaml.schemas": {"a": "b"}, "yaml.schemas": {"c": "d", "./groundplan.schema.json": "groundplan.yaml"}}',
    ),
    "no break at the end of a multi-line object": (
        '{\n  "a": 1}',
        '{\n  "a": 1,\n  "yaml.schemas": {\n    "./groundplan.schema.json": "groundplan.yaml"\n  }}',
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_get_what_we_need_and_keep_the_rest(here: Path, name: str) -> None:
    before, after = SETTINGS[name]
    path = put(here, before)
    done = editor.install(here / "groundplan.yaml", TEXT)
    assert path.read_bytes().decode("utf-8") == after
    assert editor.SETTINGS in done.written
    again = editor.install(here / "groundplan.yaml", TEXT)
    assert again.written == ()
    assert path.read_bytes().decode("utf-8") == after


@pytest.mark.parametrize(
    "text",
    [
        '{"yaml.schemas": {"./groundplan.schema.json": "groundplan.yaml"}}',
        '{"yaml.schemas": {"groundplan.schema.json": "/groundplan.yaml"}}',
        '{"yaml.schemas": {"./groundplan.schema.json": ["a", "./groundplan.yaml",],},}',
        '{"yaml.schemas": {"./groundplan.schema.json": ["**/groundplan.yaml"]}} // end',
    ],
)
def test_settings_that_are_so_already_are_kept(here: Path, text: str) -> None:
    path = put(here, text)
    assert editor.SETTINGS in editor.install(here / "groundplan.yaml", TEXT).kept
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", ".vscode/settings.json:1:2 cannot be read: it ends too early"),
        ('{"a": 1 "b": 2}', ".vscode/settings.json:1:9 cannot be read: a comma is missing"),
        ('{\n  "a": \n}', ".vscode/settings.json:3:1 cannot be read: no value stands here"),
        ("{\n  a: 1\n}", ".vscode/settings.json:2:3 cannot be read: a name in quotes is missing"),
        ('{"a" 1}', ".vscode/settings.json:1:6 cannot be read: a colon is missing"),
        ('{"a": [1 2]}', ".vscode/settings.json:1:10 cannot be read: a comma is missing"),
        ('{"a": [1', ".vscode/settings.json:1:9 cannot be read: it ends too early"),
        ('{"a": 01}', ".vscode/settings.json:1:7 cannot be read: no value stands here"),
        ('{"a": "x\n"}', ".vscode/settings.json:1:7 cannot be read: no value stands here"),
        ("{,}", ".vscode/settings.json:1:2 cannot be read: a name in quotes is missing"),
        ("{} {}", ".vscode/settings.json:1:4 cannot be read: something stands behind the end"),
        ("{} /* ", ".vscode/settings.json:1:4 cannot be read: a comment is not closed"),
        ("[" * 200, ".vscode/settings.json:1:102 cannot be read: it nests deeper than 100 levels"),
        ("[]", ".vscode/settings.json:1: the settings are not an object"),
        ('{"yaml.schemas": null}', '.vscode/settings.json:1: "yaml.schemas" is not an object'),
        ('{\n"yaml.schemas": ["x"]}', '.vscode/settings.json:2: "yaml.schemas" is not an object'),
        (
            '{"yaml.schemas": {"./groundplan.schema.json": 5}}',
            '.vscode/settings.json:1: what "./groundplan.schema.json" is associated with is no pattern',
        ),
        (
            '{"yaml.schemas": {\n"https://example.com/s.json": ["b", "/groundplan.yaml"]}}',
            (
                ".vscode/settings.json:2: groundplan.yaml is associated with "
                '"https://example.com/s.json" already; take that away'
            ),
        ),
        ("{\0}".encode("utf-16"), ".vscode/settings.json:1:1 cannot be read: no value stands here"),
    ],
)
def test_settings_we_cannot_change_safely_are_left_alone(here: Path, text: str | bytes, said: str) -> None:
    put(here, text)
    assert refused(here) == (
        f'{said}; add "yaml.schemas": {{"./groundplan.schema.json": "groundplan.yaml"}} to it by hand; '
        "nothing was written"
    )


@pytest.mark.parametrize("head", ["", f"{editor.MODELINE}\n"])
def test_a_wide_association_is_remarked_unless_the_first_line_settles_it(here: Path, head: str) -> None:
    put(here, f"{head}{SMALLEST}", "groundplan.yaml")
    put(here, '{"yaml.schemas": {"kubernetes": ["/*.yaml", "!x"], "b": "c"}}')
    told = (
        []
        if head
        else [
            (
                "for editors that read no settings of VS Code, make this the first line of groundplan.yaml: "
                f"{editor.MODELINE}"
            ),
            '.vscode/settings.json lays "kubernetes" on groundplan.yaml too; that line would settle it',
        ]
    )
    assert list(editor.install(here / "groundplan.yaml", TEXT).remarks) == told


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=6), below, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(
    st.dictionaries(st.text(max_size=6), PLAIN, max_size=3),
    st.sampled_from([None, 0, 2, "\t"]),
    st.sampled_from(["", "// c\n", "/* } */"]),
)
def test_any_settings_stay_what_they_are(made: Mapping[str, Any], indent: int | str | None, comment: str) -> None:
    before = f"{comment}{json.dumps(made, indent=indent)}"
    after = jsonc.with_member(before, jsonc.read(before), (), "yaml.schemas", OURS)
    read = jsonc.read(after)
    assert read is not None
    assert read.plain == {**made, "yaml.schemas": OURS}
    assert len(after) > len(before)
    letters = iter(after)
    assert all(letter in letters for letter in before)  # in the same order, with nothing taken away


# the other files


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, '{\n    "recommendations": [\n        "redhat.vscode-yaml"\n    ]\n}\n'),
        ('{"recommendations": []}', '{"recommendations": ["redhat.vscode-yaml"]}'),
        (
            '{\n  // ours\n  "recommendations": [\n    "a.b" // x\n  ]\n}\n',
            '{\n  // ours\n  "recommendations": [\n    "a.b", // x\n    "redhat.vscode-yaml"\n  ]\n}\n',
        ),
        ('{"recommendations": ["RedHat.vscode-yaml"]}', '{"recommendations": ["RedHat.vscode-yaml"]}'),
        ('{"unwantedRecommendations": ["redhat.vscode-yaml"]}', '{"unwantedRecommendations": ["redhat.vscode-yaml"]}'),
    ],
)
def test_the_extension_is_recommended_unless_it_is_unwanted(here: Path, before: str | None, after: str) -> None:
    if before is not None:
        put(here, before, editor.EXTENSIONS)
    editor.install(here / "groundplan.yaml", TEXT)
    assert (here / editor.EXTENSIONS).read_text(encoding="utf-8") == after


def test_extensions_we_cannot_read_stop_the_whole(here: Path) -> None:
    put(here, '{"recommendations": "x"}', editor.EXTENSIONS)
    assert refused(here) == (
        '.vscode/extensions.json:1: "recommendations" is not a list; '
        'add "recommendations": ["redhat.vscode-yaml"] to it by hand; nothing was written'
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "groundplan.schema.json is not a schema of groundplan's; move it away; nothing was written"),
        ("no json", "groundplan.schema.json is not a schema of groundplan's; move it away; nothing was written"),
        ('{"$id": 1}', "groundplan.schema.json is not a schema of groundplan's; move it away; nothing was written"),
    ],
)
def test_a_foreign_file_is_not_overwritten(here: Path, text: str, said: str) -> None:
    put(here, text, editor.SCHEMA)
    assert refused(here) == said


@pytest.mark.parametrize("old", ["", "\n", '{"$id": "urn:groundplan:spec:v1", "title": "older"}'])
def test_an_older_schema_is_replaced(here: Path, old: str) -> None:
    put(here, old, editor.SCHEMA)
    assert editor.SCHEMA in editor.install(here / "groundplan.yaml", TEXT).written
    assert (here / editor.SCHEMA).read_text(encoding="utf-8") == TEXT


def test_links_are_not_followed(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (here / ".vscode").symlink_to(outside)
    assert refused(here).startswith(".vscode/settings.json lies behind .vscode, which is not a directory; add ")
    assert list(outside.iterdir()) == []


def test_nothing_is_written_where_something_cannot_be(here: Path) -> None:
    (here / editor.SETTINGS).mkdir(parents=True)
    assert refused(here).startswith(".vscode/settings.json is a directory; add ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written(here: Path) -> None:
    here.chmod(0o555)
    assert "cannot be written" in refused(here)
    here.chmod(0o755)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_spec_that_cannot_be_read(here: Path) -> None:
    (here / "groundplan.yaml").chmod(0)
    with pytest.raises(Fault, match="cannot be read: Permission denied"):
        editor.install(here / "groundplan.yaml", TEXT)
    assert not (here / editor.SCHEMA).exists()


# the command


def test_the_command_says_what_it_did(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = (here / "groundplan.yaml").read_bytes()
    assert cli.run(["schema", "--install"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == ("wrote groundplan.schema.json\nwrote .vscode/settings.json\nwrote .vscode/extensions.json\n")
    assert cli.run(["schema", "--install", "--spec", str(here / "groundplan.yaml")]) == 0
    assert capsys.readouterr().err == (
        "groundplan.schema.json is already so\n.vscode/settings.json is already so\n"
        ".vscode/extensions.json is already so\n"
    )
    assert cli.run(["schema"]) == 0
    assert capsys.readouterr().out == (here / editor.SCHEMA).read_text(encoding="utf-8") == TEXT
    assert (here / "groundplan.yaml").read_bytes() == spec


def test_what_else_the_user_may_want_to_know(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    below = here / "infra"
    below.mkdir()
    (here / ".git").mkdir()
    (below / "shop.yaml").write_text(SMALLEST, encoding="utf-8")
    assert cli.run(["schema", "--install", "--spec", "infra/shop.yaml"]) == 0
    assert json.loads((below / editor.SETTINGS).read_text(encoding="utf-8")) == {
        "yaml.schemas": {"./groundplan.schema.json": "shop.yaml"}
    }
    assert capsys.readouterr().err.splitlines()[3:] == [
        (
            "for editors that read no settings of VS Code, make this the first line of shop.yaml: "
            "# yaml-language-server: $schema=./groundplan.schema.json"
        ),
        "VS Code reads .vscode/settings.json of the folder that it opens: open infra, not the repository above it",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["schema", "report", "--install"], "--install is for the spec's schema, and --spec goes with --install"),
        (["schema", "--spec", "groundplan.yaml"], "--install is for the spec's schema, and --spec goes with --install"),
        (["schema", "--install", "--spec", "none.yaml"], "none.yaml is not a file; name the spec with --spec"),
        (["schema", "--install", "--spec", "odd[1].yaml"], "odd[1].yaml has a character that means something in"),
    ],
)
def test_misuse_is_told(here: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    (here / "odd[1].yaml").write_text(SMALLEST, encoding="utf-8")
    assert cli.run(words) == 2
    assert said in capsys.readouterr().err
    assert not (here / ".vscode").exists()


def test_without_a_spec_there_is_nothing_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["schema", "--install"]) == 2
    assert "there is no groundplan.yaml here or above" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# the schema accepts what we accept

JUDGE = Draft202012Validator(json.loads(TEXT))
COMPLETE = Draft202012Validator(schema.complete(SPEC))


def test_the_schema_is_one_and_has_no_annotations_of_ours() -> None:
    Draft202012Validator.check_schema(json.loads(TEXT))
    assert '"x-' not in TEXT
    assert json.loads(TEXT)["$id"].startswith("urn:groundplan:spec:")


def explained(part: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(part, Mapping):
        if "enumDescriptions" in part:
            yield path, part
        for key, below in part.items():
            yield from explained(below, f"{path}.{key}")


EXPLAINED = dict(explained(SPEC))


def trees() -> Iterator[tuple[str, Node]]:
    """Every spec that we have, right and wrong, but for those that are no YAML."""
    for path in sorted([*APPS.glob("*/groundplan.yaml"), *(ROOT / "fixtures" / "rejects").glob("*.yaml")]):
        tree, _ = parse(path.read_text(encoding="utf-8", errors="replace"), "g.yaml")
        if tree is not None:
            yield f"{path.parent.name}-{path.stem}", tree


@pytest.mark.parametrize("tree", [pytest.param(tree, id=name) for name, tree in trees()])
def test_editors_judge_as_we_do(tree: Node) -> None:
    assert JUDGE.is_valid(tree.plain) is COMPLETE.is_valid(schema.expand(tree, SPEC).plain)


BASE = {"apiVersion": "groundplan/v1", "app": "shop", "owner": "t", "services": {"web": {"runtime": "node"}}}


WEB_WITH: dict[str, list[Any]] = {
    "runtime": ["go", {"name": "go"}, {"name": "go", "version": 1}, {"name": "nod"}, {"version": "24"}, "nod", 5, []]
    + [{"name": "node", "package_manager": manager} for manager in ("pnpm", "uv", 1)]
    + [{"name": "go", "package_manager": "npm"}],
    "public": ["a.example.com", {"host": "a.example.com"}, {"hots": "x"}, {}, None, 5, "-"],
    "size": ["small", "huge", {"cpu": "250m"}, {"cpu": "lots"}, {"profile": "small", "memory": "1Gi"}, {}],
    "rollout": [{}, {"strategy": "canary", "steps": [10]}, {"steps": [10]}, {"strategy": "x"}, {"strategy": "rolling"}],
    "metrics": [9000, 0, {"port": 9000}, {"prot": 1}],
    "schedule": ["15 3 * * *", "x", {"cron": "15 3 * * *"}, {"time_zone": "Europe/Berlin"}],
}
DATABASES: list[Any] = [
    "queue",
    "quue",
    {"type": "queue", "ordered": True},
    {"type": "postgres", "ordered": True},
    {"type": "postgres", "cloud": "gcp"},
    {"type": "postgres", "cloud": {"provider": "gcp"}},
    {"type": "postgres", "cloud": {"provder": "gcp"}},
    {"version": 17},
    {"type": "x", "version": 17},
    {},
    None,
]
IN_DEV: list[Any] = [{"public": None}, {"public": {"waf": None}}, {"runtime": {"version": 1}}, {"size": {"x": 1}}, None]
CHANGES: list[dict[str, Any]] = [
    *({"services": {"web": {"runtime": "node", key: value}}} for key, values in WEB_WITH.items() for value in values),
    *({"resources": {"db": value}} for value in DATABASES),
    *({"environments": {"dev": {"services": {"web": value}}}} for value in IN_DEV),
]


@pytest.mark.parametrize("more", CHANGES, ids=json.dumps)
def test_editors_judge_shorthands_and_types_as_we_do(more: Mapping[str, Any]) -> None:
    tree, _ = parse(json.dumps({**BASE, **more}), "g.yaml")
    assert tree is not None
    assert JUDGE.is_valid(tree.plain) is COMPLETE.is_valid(schema.expand(tree, SPEC).plain)


@pytest.mark.parametrize("path", EXPLAINED)
def test_every_explained_value_is_explained(path: str) -> None:
    part = EXPLAINED[path]
    assert len(part["enumDescriptions"]) == len(part["enum"])
    assert all(words.endswith(".") for words in part["enumDescriptions"])


# the language server itself

SERVER = shutil.which("yaml-language-server") or shutil.which(str(NODE_TOOLS / ".bin" / "yaml-language-server"))
JSONC = NODE_TOOLS / "jsonc-parser"
needs_server = pytest.mark.skipif(SERVER is None, reason="yaml-language-server is not here: see GROUNDPLAN_NODE_TOOLS")
HEAD = "apiVersion: groundplan/v1\napp: shop\nowner: team-shop\n"


GUARD = """
const refuse = (...asked) => {
  require("fs").appendFileSync(process.env.ATTEMPTS, JSON.stringify(asked[0]) + "\\n");
  throw new Error("no network in tests");
};
require("net").Socket.prototype.connect = refuse;
require("dns").lookup = refuse;
"""


class Client:
    """As much of an editor as asks a language server over its standard streams; the network is refused and noted."""

    def __init__(self, program: str, root: Path, **settings: Any) -> None:
        self.root = root
        self.settings = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}
        self.settings |= settings
        self.found: dict[str, list[Mapping[str, Any]]] = {}
        self.count = 0
        self.attempts = root / "attempts"
        guard = root / "guard.cjs"
        guard.write_text(GUARD, encoding="utf-8")
        self.server = subprocess.Popen(
            [program, "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "NODE_OPTIONS": f"--require {guard}", "ATTEMPTS": str(self.attempts)},
        )
        self.patience = threading.Timer(300, self.server.kill)
        self.patience.daemon = True
        self.patience.start()
        item = {"snippetSupport": True, "documentationFormat": ["markdown"]}
        document = {"completion": {"completionItem": item}, "hover": {"contentFormat": ["markdown"]}}
        self.ask(
            "initialize",
            processId=os.getpid(),
            rootUri=root.as_uri(),
            workspaceFolders=[{"uri": root.as_uri(), "name": root.name}],
            capabilities={"workspace": {"configuration": True}, "textDocument": document},
        )
        self.tell("initialized")
        self.tell("workspace/didChangeConfiguration", settings={"yaml": self.settings})

    def ask(self, method: str, **params: Any) -> Any:
        self.count += 1
        number = self.count
        self._send({"id": number, "method": method, "params": params})
        while True:
            answer = self._read()
            if answer.get("id") == number and "method" not in answer:
                assert "error" not in answer, answer
                return answer["result"]

    def tell(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def diagnose(self, name: str, text: str) -> list[str]:
        """What the server says of a text, in the order of lines."""
        uri = self._open(name, text)
        told = [(found["range"]["start"], found["message"]) for found in self.found[uri]]
        told.sort(key=lambda one: (one[0]["line"], one[0]["character"]))
        return [f"{at['line'] + 1}:{at['character'] + 1} {message}" for at, message in told]

    def complete(self, name: str, text: str) -> dict[str, Mapping[str, Any]]:
        """What is offered at the mark |, by label."""
        uri, position = self._at_mark(name, text)
        answer = self.ask("textDocument/completion", textDocument={"uri": uri}, position=position)
        return {item["label"]: item for item in answer["items"]}

    def hover(self, name: str, text: str) -> str:
        uri, position = self._at_mark(name, text)
        answer = self.ask("textDocument/hover", textDocument={"uri": uri}, position=position)
        assert answer is not None
        assert answer["contents"]["kind"] == "markdown"
        return str(answer["contents"]["value"])

    def close(self) -> None:
        self.ask("shutdown")
        self.tell("exit")
        self.server.communicate(timeout=20)
        self.patience.cancel()

    def _at_mark(self, name: str, text: str) -> tuple[str, Mapping[str, int]]:
        before, _, after = f"{editor.MODELINE}\n{text}".partition("|")
        lines = before.split("\n")
        uri = self._open(name, f"{before}{after}")
        return uri, {"line": len(lines) - 1, "character": len(lines[-1])}

    def _open(self, name: str, text: str) -> str:
        uri = (self.root / name).as_uri()
        self.tell("textDocument/didOpen", textDocument={"uri": uri, "languageId": "yaml", "version": 1, "text": text})
        while uri not in self.found:
            self._read()
        return uri

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self.server.stdin is not None
        raw = json.dumps({"jsonrpc": "2.0", **message}).encode("utf-8")
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(raw), raw))
        self.server.stdin.flush()

    def _read(self) -> Mapping[str, Any]:
        assert self.server.stdout is not None
        length = 0
        while line := self.server.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server ended"
        message: Mapping[str, Any] = json.loads(self.server.stdout.read(length))
        if "method" in message and "id" in message:
            asked = message["params"]["items"] if message["method"] == "workspace/configuration" else []
            given = {"yaml": self.settings}
            self._send({"id": message["id"], "result": [given.get(one.get("section")) for one in asked]})
        elif message.get("method") == "textDocument/publishDiagnostics":
            self.found[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """An editor on a project where the schema is installed; every text is a file of its own."""
    root = tmp_path_factory.mktemp("project")
    (root / "groundplan.yaml").write_text(SMALLEST, encoding="utf-8")
    editor.install(root / "groundplan.yaml", TEXT)
    assert SERVER is not None
    made = Client(SERVER, root)
    yield made
    made.close()
    assert not made.attempts.exists(), "the server tried to reach the network"


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A file name of its own for each test."""
    return f"{zlib.crc32(request.node.nodeid.encode())}.yaml"


@needs_server
@pytest.mark.parametrize("app", sorted(path.parent.name for path in APPS.glob("*/groundplan.yaml")))
def test_the_server_finds_nothing_in_our_examples(client: Client, name: str, app: str) -> None:
    text = (APPS / app / "groundplan.yaml").read_text(encoding="utf-8")
    assert client.diagnose(name, f"{editor.MODELINE}\n{text}") == []


SERVICE = f"{HEAD}services:\n  web:\n    "
RESOURCE = f"{HEAD}resources:\n  db:\n    "
SERVICE_KEYS = set(schema.resolved(SPEC["$defs"]["service"], SPEC)["properties"])
RESOURCE_KEYS = SPEC["$defs"]["resource"]["x-discriminator"]["keys"]
RUNTIMES = set(SPEC["$defs"]["runtime"]["properties"]["name"]["enum"])


@needs_server
@pytest.mark.parametrize(
    ("text", "offered"),
    [
        (f"{HEAD}|", set(SPEC["properties"]) - {"apiVersion", "app", "owner"}),
        (f"{SERVICE}|", SERVICE_KEYS),
        (f"{SERVICE}runtime: node\n    |", SERVICE_KEYS - {"runtime"}),
        (f"{SERVICE}type: |", {"web", "api", "worker", "cron", "job", "stateful", "daemon", "static"}),
        (f"{SERVICE}runtime: |", {*RUNTIMES, "{name, version}"}),
        (f"{SERVICE}runtime:\n      name: |", RUNTIMES),
        (f"{SERVICE}size: |", {"small", "medium", "large", "{cpu, memory}"}),
        (f"{SERVICE}health:\n      |", {"live", "ready", "startup_seconds", "command"}),
        (f"{SERVICE}rollout:\n      strategy: |", {"rolling", "canary", "blue-green"}),
        (f"{RESOURCE}type: |", set(RESOURCE_KEYS)),
        (f"{RESOURCE}type: postgres\n    |", set(RESOURCE_KEYS["postgres"]) - {"type"}),
        (f"{RESOURCE}type: queue\n    |", set(RESOURCE_KEYS["queue"]) - {"type"}),
        (f"{RESOURCE}|", {"type", "version", "ordered", "versioned"}),
        (f"{HEAD}cloud:\n  provider: |", {"aws", "gcp", "azure", "none"}),
        (f"{HEAD}targets:\n  - |", {"docker", "compose", "kubernetes", "terraform", "monitoring", "ci", "docs"}),
        (f"{HEAD}environments:\n  dev:\n    |", {"protect", "promote_from", "services", "resources"}),
        (f"{HEAD}environments:\n  dev:\n    services:\n      web:\n        |", SERVICE_KEYS),
        (f"{HEAD}notify:\n  page:\n    |", {"pagerduty", "slack", "email"}),
    ],
)
def test_keys_and_values_are_offered(client: Client, name: str, text: str, offered: set[str]) -> None:
    labels = set(client.complete(name, text))
    assert offered <= labels
    assert not {label for label in labels if "[object" in label or label.startswith(("x-", "Default value"))}


@needs_server
@pytest.mark.parametrize(
    ("text", "withheld"),
    [
        (f"{HEAD}|", {"app", "owner", "runtime", "host"}),
        (f"{SERVICE}|", {"services", "live", "replicas"}),
        (f"{RESOURCE}type: postgres\n    |", {"ordered", "versioned", "dead_letter_after", "type"}),
        (f"{RESOURCE}type: bucket\n    |", {"version", "highly_available", "credentials"}),
        (f"{SERVICE}type: |", {"node", "postgres", "null"}),
    ],
)
def test_what_would_be_refused_is_not_offered(client: Client, name: str, text: str, withheld: set[str]) -> None:
    assert not withheld & set(client.complete(name, text))


@needs_server
@pytest.mark.parametrize(
    ("text", "label", "written"),
    [
        (f"{HEAD}|", "targets", "targets:\n  - ${1}"),
        (f"{SERVICE}|", "calls", "calls:\n  - ${1}"),
        (f"{SERVICE}|", "runtime", "runtime: "),
        (f"{SERVICE}|", "port", "port: ${1:8080}"),
        (f"{RESOURCE}|", "type", "type: "),
    ],
)
def test_what_a_key_writes_can_be_gone_on_from(client: Client, name: str, text: str, label: str, written: str) -> None:
    assert client.complete(name, text)[label]["insertText"] == written


@needs_server
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}serv|ices: {{}}\n", ["#### Services", "The programs of the product, by name."]),
        ("ap|p: shop\n", ["#### Product", "Name of the product; the root of every name."]),
        (f"{SERVICE}run|time: node\n", ["#### Runtime", "`python`", "java"]),
        (f"{SERVICE}ty|pe: web\n", ["#### Service type", "What kind of workload", "`cron`"]),
        (f"{SERVICE}type: we|b\n", ["#### Service type", "`web`: Answers requests of people"]),
        (f"{SERVICE}slo: {{availab|ility: 99}}\n", ["#### Availability", "Default: `99.9`"]),
        (f"{SERVICE}port|: 80\n", ["#### Port", "Where it listens.", "When left out: "]),
        (f"{RESOURCE}type: postgres\n    back|up: {{}}\n", ["#### Backup", "How often it is saved"]),
        (
            f"{HEAD}environments: {{dev: {{services: {{web: {{sca|le: {{min: 1}}}}}}}}}}\n",
            ["#### Scale", "How many run."],
        ),
    ],
)
def test_hover_explains(client: Client, name: str, text: str, said: list[str]) -> None:
    shown = client.hover(name, text)
    assert [part for part in said if part not in shown] == []


WEB = "services:\n  web: {runtime: node}\n"
CHOICE = (
    'Value is not accepted. Valid values: "node", "python", "go", "java", "dotnet", "rust", "ruby", "php", "static".'
)


@needs_server
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{HEAD}{WEB}", []),
        (f"{HEAD}envronments: {{}}\n{WEB}", ["5:1 Property envronments is not allowed."]),
        (HEAD, ['2:1 Missing property "services".']),
        (f"{SERVICE}prot: 1\n", ["7:5 Property prot is not allowed."]),
        (f"{SERVICE}port: x\n", ['7:11 Incorrect type. Expected "integer".']),
        (f"{SERVICE}runtime: nod\n", [f"7:14 {CHOICE}"]),
        (f"{SERVICE}runtime: {{name: nod}}\n", [f"7:21 {CHOICE}"]),
        (
            f"{SERVICE}public: {{hots: a.b}}\n",
            ['7:5 Missing property "host".', "7:14 Property hots is not allowed."],
        ),
        (
            f"{SERVICE}size: {{cpu: lots}}\n",
            ["7:17 Expected an amount of cpu: cores such as 2 or 0.5, or thousandths of a core such as 250m."],
        ),
        (f"{SERVICE}slo: {{availability: 101}}\n", ["7:25 Value is above the maximum of 100."]),
        (
            f"{HEAD}{WEB}resources:\n  db:\n    type: postgres\n    ordered: true\n",
            [
                (
                    "10:5 Postgres resource has the keys type, version, size, highly_available, aurora, backup, "
                    "credentials, cloud."
                )
            ],
        ),
        (
            f"{HEAD}{WEB}environments:\n  dev:\n    services:\n      web:\n        prot: 1\n",
            ["11:9 Property prot is not allowed."],
        ),
    ],
)
def test_mistakes_are_marked_where_they_are(client: Client, name: str, text: str, found: list[str]) -> None:
    assert client.diagnose(name, f"{editor.MODELINE}\n{text}") == found


@needs_server
@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {runtime: go}}",
        "services: {web: {runtime: {name: go}, public: a.example.com, size: large, metrics: 9000}}",
        "services: {web: {runtime: go, public: {host: a.example.com, waf: true}, size: {cpu: 2, memory: 1Gi}}}",
        'services: {web: {runtime: go, schedule: "15 3 * * *"}}',
        "services: {web: {runtime: go}}\nresources: {q: queue, db: {type: postgres, version: 17, cloud: gcp}}",
        "services: {web: {runtime: go}}\nenvironments: {dev: {disaster_recovery: null}}",
        "services: {web: {runtime: go}}\nenvironments: {dev: {services: {web: {public: a.example.com, port: null}}}}",
    ],
)
def test_short_and_long_forms_are_accepted(client: Client, name: str, text: str) -> None:
    assert client.diagnose(name, f"{editor.MODELINE}\n{HEAD}{text}\n") == []


@needs_server
def test_an_attempt_to_reach_the_network_would_be_noted(here: Path) -> None:
    assert SERVER is not None
    client = Client(SERVER, here, schemas={"https://example.com/schema.json": "far.yaml"})
    client.diagnose("far.yaml", "a: 1\n")
    client.close()
    assert "example.com" in client.attempts.read_text(encoding="utf-8")


@needs_server
def test_without_the_first_line_the_settings_are_enough(here: Path) -> None:
    """As VS Code does it: the association of the settings, and a spec that names no schema."""
    editor.install(here / "groundplan.yaml", TEXT)
    associated = json.loads((here / editor.SETTINGS).read_text(encoding="utf-8"))["yaml.schemas"]
    assert SERVER is not None
    client = Client(SERVER, here, schemas=associated)
    assert client.diagnose("groundplan.yaml", f"{SERVICE}prot: 1\n") == ["6:5 Property prot is not allowed."]
    assert client.diagnose("other.yaml", f"{SERVICE}prot: 1\n") == []
    client.close()


@pytest.mark.skipif(not JSONC.is_dir(), reason="jsonc-parser is not here: see GROUNDPLAN_NODE_TOOLS")
def test_what_we_write_is_read_alike_by_the_parser_of_vs_code() -> None:
    """jsonc-parser comes with yaml-language-server; VS Code itself takes the byte order mark away."""
    texts = [text.removeprefix("\ufeff") for pair in SETTINGS.values() for text in pair]
    code = (
        "const {parse} = require(process.argv[1]); const texts = JSON.parse(require('fs').readFileSync(0));"
        "console.log(JSON.stringify(texts.map(text => { const errors = [];"
        "const value = parse(text, errors, {allowTrailingComma: true, allowEmptyContent: true});"
        "return [value === undefined ? null : value, errors]; })))"
    )
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(
        [node, "-e", code, str(JSONC.resolve())], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    ours = [read.plain if (read := jsonc.read(text)) else None for text in texts]
    assert json.loads(done.stdout) == [[value, []] for value in ours]
