"""Whether a text is a secret, and of which kind: known shapes first, then the disorder of its characters."""

from __future__ import annotations

import math
import re
from collections import Counter

_KNOWN: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("AWS access key", ("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[0-9A-Za-z]{36,255}\b"),
    ("GitHub token", ("github_pat_",), r"\bgithub_pat_[0-9A-Za-z_]{60,255}\b"),
    ("GitLab token", ("glpat-",), r"\bglpat-[0-9A-Za-z_-]{20,}\b"),
    ("Slack token", ("xox",), r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}\b"),
    (
        "Slack webhook",
        ("hooks.slack.com",),
        r"https://hooks\.slack\.com/services/T[0-9A-Z]+/B[0-9A-Z]+/[0-9A-Za-z]{20,}",
    ),
    ("Stripe key", ("k_live_",), r"\b[rs]k_live_[0-9A-Za-z]{20,}\b"),
    ("Google API key", ("AIza",), r"\bAIza[0-9A-Za-z_-]{35}\b"),
    ("npm token", ("npm_",), r"\bnpm_[0-9A-Za-z]{36}\b"),
    ("PyPI token", ("pypi-AgEI",), r"\bpypi-AgEIcHlwaS5vcmc[0-9A-Za-z_-]{50,}\b"),
    ("SendGrid key", ("SG.",), r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}\b"),
    ("private key", ("PRIVATE KEY",), r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    ("JSON web token", ("eyJ",), r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}"),
    (
        "password in an address",
        ("://",),
        r"://(?P<user>[^\s:/@${}<>]+):(?!(?P=user)@|\$|<|\{|\*|xxx|pass(?:word)?@|changeme@|secret@)[^\s:/@${}<>]{3,}@",
    ),
)
"""Kind, the texts one of which must be there before it is worth looking, and the shape."""

_NAMES = re.compile(
    r"(?:^|[_.-])(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)$",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"(?:/.*|\$.*|<.*>|\{\{.*|.*\.(?:ya?ml|json|pem|crt|txt)|true|false|none|null|[*x]+|change[-_]?me.*|example.*|dummy|redacted|\d{1,4}|"
    r".*(?:[-_]secrets?|[-_]credentials?|[-_]token|[-_]password))",
    re.IGNORECASE | re.DOTALL,
)


def known(text: str) -> list[tuple[str, int]]:
    """Kind and offset of every text of a known shape, in order of their places."""
    found = [
        (match.start(), kind)
        for kind, marks, pattern in _KNOWN
        if any(mark in text for mark in marks)
        for match in re.finditer(pattern, text)
    ]
    return [(kind, offset) for offset, kind in sorted(found)]


def secret_kind(text: str) -> str | None:
    """The kind of secret a text is, or None."""
    found = known(text)
    return found[0][0] if found else None


def names_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret by everybody's understanding."""
    return bool(_NAMES.search(name)) and not name.lower().endswith(("_file", "-file", "_path", "_name", "_arn"))


def is_literal(value: str) -> bool:
    """Whether the value of such a variable is the secret itself, not a reference, path or placeholder."""
    return len(value) >= 4 and not _HARMLESS.fullmatch(value)


def disorder(text: str) -> float:
    """Bits of entropy a character."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


def is_random(text: str) -> bool:
    """Whether a single word looks generated: long, of mixed classes and in disorder."""
    if len(text) < 24 or not re.fullmatch(r"[0-9A-Za-z+/=_-]+", text):
        return False
    classes = sum(bool(re.search(pattern, text)) for pattern in ("[a-z]", "[A-Z]", "[0-9]"))
    return classes == 3 and disorder(text) > 4.0
