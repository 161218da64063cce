"""Refuses answers that would make a wrong project, before anything is written."""

import re
import sys

FORMS = {
    "app": (r"[a-z][a-z0-9-]{0,29}[a-z0-9]", "2 to 31 small letters, digits and dashes, a letter first and no dash last"),
    "owner": (r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", "at most 63 letters, digits, dots, dashes, underscores"),
    "service": (r"[a-z]([a-z0-9-]{0,29}[a-z0-9])?", "small letters, digits and dashes, a letter first"),
    "port": (r"\d{1,5}", "a number, 0 for none"),
    "public": (r"([a-z0-9-]+(\.[a-z0-9-]+)+)?", "a host name, or nothing"),
    "region": (r"[a-z0-9-]*", "the name of a region"),
    "repository": (r"([A-Za-z0-9][\w.-]*(/[\w.-]+)+)?", "owner/name, or nothing"),
    "hooks": (r"\S*", "an address without spaces, or nothing"),
}
ANSWERS = {
    "app": {{ cookiecutter.app | tojson }},
    "owner": {{ cookiecutter.owner | tojson }},
    "service": {{ cookiecutter.service | tojson }},
    "port": {{ cookiecutter.port | tojson }},
    "public": {{ cookiecutter.public | tojson }},
    "region": {{ cookiecutter.region | tojson }},
    "repository": {{ cookiecutter.repository | tojson }},
    "hooks": {{ cookiecutter.hooks | tojson }},
}

wrong = [
    f"{name}: {ANSWERS[name]!r} is not {words}"
    for name, (form, words) in FORMS.items()
    if not re.fullmatch(form, ANSWERS[name])
]
if wrong:
    sys.exit("\n".join(wrong))
