"""The Dockerfile reader: what it makes of each notation, where things stand, and that nothing makes it stumble."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import dockerfile
from generator.policy import dockertree


def only(text: str) -> dockerfile.Instruction:
    (instruction,) = dockerfile.read("FROM scratch\n" + text, "Dockerfile").stages[0].instructions
    return instruction


@pytest.mark.parametrize(
    ("text", "keyword", "words"),
    [
        ("run echo hi", "RUN", ["echo", "hi"]),
        ("RUN echo 'a b' \"c d\"", "RUN", ["echo", "a b", "c d"]),
        ("RUN a \\\n  b", "RUN", ["a", "b"]),
        ("RUN a \\\n# a comment\n\n  b", "RUN", ["a", "b"]),
        ("RUN a \\  \n  b", "RUN", ["a", "b"]),
        ("COPY --from=build --chown=1:1 a b", "COPY", ["a", "b"]),
        ("RUN unclosed 'quote", "RUN", ["unclosed", "quote"]),
        ("NONSENSE x", "NONSENSE", ["x"]),
    ],
)
def test_instruction(text: str, keyword: str, words: list[str]) -> None:
    found = only(text)
    assert (found.keyword, [word.text for word in found.words]) == (keyword, words)


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ('CMD ["node", "a b.js"]', ("node", "a b.js")),
        ("CMD []", ()),
        ("CMD node server.js", None),
        ("CMD ['node']", None),
        ('HEALTHCHECK --interval=5s CMD ["true"]', ("true",)),
        ("HEALTHCHECK NONE", None),
    ],
)
def test_exec_form(text: str, listed: tuple[str, ...] | None) -> None:
    assert only(text).listed == listed


def test_flags() -> None:
    found = only("RUN --mount=type=cache,target=/root --network=none npm ci")
    assert [(flag.name, flag.value) for flag in found.flags] == [
        ("mount", "type=cache,target=/root"),
        ("network", "none"),
    ]
    assert found.text == "npm ci"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("ENV A=1 B='2 3'", [("A", "1"), ("B", "2 3")]),
        ("ENV A 1 2", [("A", "1 2")]),
        ("ARG A", [("A", "")]),
        ("ARG A=1", [("A", "1")]),
        ('LABEL a.b="c d"', [("a.b", "c d")]),
    ],
)
def test_pairs(text: str, pairs: list[tuple[str, str]]) -> None:
    assert [(name.text, value) for name, value in only(text).pairs] == pairs


def test_places() -> None:
    text = "# syntax=docker/dockerfile:1\nFROM a AS one\n\n  RUN true && \\\n    # why\n    npm ci\nUSER app\n"
    file = dockerfile.read(text, "x/Dockerfile")
    run, user = file.stages[0].instructions
    assert str(run.at) == "x/Dockerfile:4:3"
    assert run.last_line == 6
    assert [str(word.at) for word in run.words] == [f"x/Dockerfile:{place}" for place in ("4:7", "4:12", "6:5", "6:9")]
    assert str(user.words[0].at) == "x/Dockerfile:7:6"


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("RUN <<EOF\napk add x\nUSER no\nEOF\n", "apk add x\nUSER no"),
        ("RUN <<-'END' sh\n\tone\n\tEND\n", "\tone"),
        ("COPY <<a.txt /a\nhello\na.txt\n", "hello"),
    ],
)
def test_heredoc(text: str, body: str) -> None:
    instruction, user = dockerfile.read("FROM scratch\n" + text + "USER app", "Dockerfile").stages[0].instructions
    assert [word.text for word in instruction.bodies] == [body]
    assert user.keyword == "USER"


@pytest.mark.parametrize("text", ["RUN cat <<<word", "RUN echo $((1<<2))", "ENV A=<<EOF"])
def test_no_heredoc(text: str) -> None:
    assert only(text).bodies == ()


def test_stages() -> None:
    text = (
        "ARG V=24\nARG BASE\nFROM node:${V:-20}-alpine AS Build\nFROM build AS test\n"
        "FROM --platform=$BUILDPLATFORM ${BASE:-alpine}\nCOPY --from=0 a b\n"
    )
    file = dockerfile.read(text, "Dockerfile")
    assert [stage.image for stage in file.stages] == ["node:24-alpine", "build", "alpine"]
    assert [stage.parent for stage in file.stages] == [None, 0, None]
    assert file.stages[2].platform == "$BUILDPLATFORM"
    assert file.stage("BUILD") is file.stages[0]
    assert file.stage("1") is file.stages[1]
    assert file.stage("nginx") is None


def test_escape_directive() -> None:
    file = dockerfile.read("# escape=`\nFROM a\nRUN dir C:\\ `\n  x\n", "Dockerfile")
    assert file.stages[0].instructions[0].text == "dir C:\\   x"


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("Dockerfile", True),
        ("a/web.Dockerfile", True),
        ("a/Dockerfile.web", True),
        ("Containerfile", True),
        ("Dockerfile.dockerignore", False),
        ("Dockerfile.j2", False),
        ("my-Dockerfile-notes.md", False),
    ],
)
def test_is_dockerfile(path: str, yes: bool) -> None:
    assert dockerfile.is_dockerfile(path) is yes


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("RUN a b && c; d | e", ["a b", "c", "d", "e"]),
        ("RUN A=1 B=2 npm ci", ["npm ci"]),
        ('RUN sh -c "a && b"', ["sh -c a && b"]),
        ('RUN ["npm", "ci"]', ["npm ci"]),
        ("RUN <<EOF\nnpm ci\n# no\nnpm test\nEOF\n", ["npm ci", "npm test"]),
        ("RUN ;;; && ", []),
    ],
)
def test_commands(text: str, commands: list[str]) -> None:
    assert [word.text for word in dockertree.commands(only(text))] == commands


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("node", {"registry": "docker.io", "repository": "node", "name": "node"}),
        ("node:24", {"registry": "docker.io", "repository": "node", "name": "node", "tag": "24"}),
        ("localhost:5000/a/b", {"registry": "localhost:5000", "repository": "localhost:5000/a/b", "name": "b"}),
        (
            "ghcr.io/a/b:1@sha256:00",
            {"registry": "ghcr.io", "repository": "ghcr.io/a/b", "name": "b", "tag": "1", "digest": "sha256:00"},
        ),
    ],
)
def test_image_parts(image: str, parts: dict[str, str]) -> None:
    assert dockertree.image_parts(image) == parts


_PIECES = [
    "FROM ",
    "RUN ",
    "COPY ",
    "--from=",
    "\\\n",
    "\n",
    "<<EOF",
    "EOF",
    "[",
    '"',
    "'",
    "$",
    "{",
    "}",
    "#",
    " ",
    "AS",
    "é",
    "\r",
    "\t",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(_PIECES)).map("".join)))
def test_no_text_makes_it_stumble(text: str) -> None:
    tree = dockertree.read(text, "Dockerfile")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    for node in tree.walk():
        assert 1 <= node.at.line <= lines
