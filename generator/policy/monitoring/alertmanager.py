"""Derived facts about Alertmanager: routes, receivers, inhibition, and whether an alert is heard by anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from generator.document import Node
from generator.policy.documents import Document
from generator.policy.found import Derive, Found, elements, items, text
from generator.policy.monitoring.routes import Matcher, Route, covers, every, matchers, parsed, reached, tree

_SILENT = re.compile(
    r"(?i)(?:.*[-_./ ])?"
    r"(?:null|none|nobody|no-?one|nothing|black-?hole|dev-?null|drop|discard|ignore|void|sink|silent)"
    r"(?:[-_./ ].*)?"
)
"""Names of receivers that deliver nothing on purpose."""

_QUIET = frozenset(["", "info", "none", "debug"])
_URGENT = frozenset(["critical", "page", "emergency", "disaster", "high", "fatal", "p1", "sev1"])
_MOST_SECONDS_BETWEEN_BEATS = 300

_SECRETS = {
    "global": (
        *("slack_api_url", "slack_app_token", "smtp_auth_password", "smtp_auth_secret", "opsgenie_api_key"),
        *("victorops_api_key", "wechat_api_secret", "rocketchat_token", "telegram_bot_token"),
    ),
    "slack_configs": ("api_url", "app_token"),
    "pagerduty_configs": ("routing_key", "service_key"),
    "opsgenie_configs": ("api_key",),
    "victorops_configs": ("api_key",),
    "pushover_configs": ("token", "user_key"),
    "telegram_configs": ("bot_token",),
    "wechat_configs": ("api_secret",),
    "discord_configs": ("webhook_url",),
    "msteams_configs": ("webhook_url",),
    "msteamsv2_configs": ("webhook_url",),
    "rocketchat_configs": ("token",),
    "email_configs": ("auth_password", "auth_secret"),
}
_HTTP_SECRETS = (("basic_auth", "password"), ("authorization", "credentials"), ("oauth2", "client_secret"))
_PLACEHOLDER = re.compile(
    r"(?i)\s*(?:\$|<|\{\{|%|__|https://slack\.com/api/|$)|.*(?:\byour\b|your[_-]|placeholder|change.?me|replace.?me|x{4})"
)
"""What is no secret: a variable, a gap to fill, and Slack's public address for bots."""

_NEEDS = {
    "slack_configs": (("api_url", "api_url_file", "app_token", "app_token_file"), "slack_"),
    "opsgenie_configs": (("api_key", "api_key_file"), "opsgenie_"),
    "victorops_configs": (("api_key", "api_key_file"), "victorops_"),
    "email_configs": (("smarthost",), "smtp_"),
    "telegram_configs": (("bot_token", "bot_token_file"), "telegram_"),
    "pagerduty_configs": (("routing_key", "routing_key_file", "service_key", "service_key_file"), "-"),
    "webhook_configs": (("url", "url_file"), "-"),
    "msteamsv2_configs": (("webhook_url", "webhook_url_file"), "-"),
    "discord_configs": (("webhook_url", "webhook_url_file"), "-"),
}
"""What an integration must have itself or find in the global section under a prefix."""

_MISTAKEN = {
    "email_configs": {"subject": "headers", "body": "text", "message": "text", "email": "to", "address": "to"},
    "slack_configs": {"webhook_url": "api_url", "url": "api_url", "message": "text"},
    "pagerduty_configs": {"api_key": "routing_key", "integration_key": "routing_key", "key": "routing_key"},
    "opsgenie_configs": {"teams": "responders", "text": "description", "title": "message"},
    "webhook_configs": {
        "webhook_url": "url",
        "api_url": "url",
        "headers": "http_config",
        "title": "a receiver of its own",
    },
    "msteamsv2_configs": {"url": "webhook_url", "api_url": "webhook_url", "summary": "title"},
    "telegram_configs": {"token": "bot_token", "chat": "chat_id", "text": "message"},
    "discord_configs": {"url": "webhook_url", "text": "message"},
}
"""Keys that people write and that no version knows, with the one that is meant."""

_DEPRECATED = ("match", "match_re", "source_match", "source_match_re", "target_match", "target_match_re")
_NOT_RE2 = re.compile(r"\(\?(?:[=!]|<[=!])|\\[1-9]")
"""What Go's regular expressions do not have: https://github.com/google/re2/wiki/Syntax"""

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_OF_ONE_ALERT = re.compile(r"(?<![\w)$\]])\.(?:Labels|Annotations|StartsAt|EndsAt|GeneratorURL|Fingerprint)\b")
_OF_PROMETHEUS = re.compile(r"\$(?:labels|value|externalLabels|externalURL)\b")
_WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_USED_TEMPLATE = re.compile(r"""\{\{-?\s*template\s+"([^"]+)\"""")
_OWN_TEMPLATE = re.compile(r"__|(?:[a-z0-9]+\.default\.)")


def _configurations(documents: Sequence[Document]) -> Iterator[Document]:
    return (document for document in documents if document.format == "alertmanager")


def _routes(documents: Sequence[Document]) -> Iterator[tuple[Document, Route]]:
    for document in _configurations(documents):
        for route in every(tree(document.root)):
            yield document, route


def _told(value: bool, shown: str, node: Node | None, document: Document, route: Route) -> Found:
    return Found(value, shown, (node or route.node).at, document, route.trail)


def _names(document: Document, *keys: str) -> set[str]:
    return {text(item.get("name")) for key in keys for item in elements(document.root, key)}


def receivers_defined(documents: Sequence[Document]) -> Iterator[Found]:
    """Each receiver that a route names: is it there?"""
    for document, route in _routes(documents):
        node = route.node.get("receiver")
        if name := text(node):
            yield _told(name in _names(document, "receivers"), name, node, document, route)


def roots(documents: Sequence[Document]) -> Iterator[Found]:
    """Each root route: has it a receiver and no condition?"""
    for document in _configurations(documents):
        route = tree(document.root)
        if route is None:
            continue
        keys = ("matchers", "match", "match_re", "continue", "mute_time_intervals", "active_time_intervals")
        wrong = [key for key in keys if text(route.node.get(key)) or _filled(route.node.get(key))]
        shown = ", ".join(f"`{key}`" for key in wrong) or ("no receiver" if not route.receiver else "")
        yield _told(not shown, shown, None, document, route)


def _filled(node: Node | None) -> bool:
    return node is not None and isinstance(node.value, dict | tuple) and bool(node.value)


def receivers_used(documents: Sequence[Document]) -> Iterator[Found]:
    """Each receiver: does any route send to it?"""
    for document in _configurations(documents):
        used = {route.receiver for route in every(tree(document.root))}
        for index, item in enumerate(elements(document.root, "receivers")):
            name = text(item.get("name"))
            yield Found(name in used, name, item.at, document, ("receivers", index))


def receivers_deliver(documents: Sequence[Document]) -> Iterator[Found]:
    """Each receiver that is not called nobody: does it deliver anything?"""
    for document in _configurations(documents):
        for index, item in enumerate(elements(document.root, "receivers")):
            name = text(item.get("name"))
            if not _SILENT.fullmatch(name):
                yield Found(_delivers(item), name, item.at, document, ("receivers", index))


def _delivers(receiver: Node) -> bool:
    return any(key.endswith("_configs") and _filled(value) for key, value in receiver.items())


def receivers_addressed(documents: Sequence[Document]) -> Iterator[Found]:
    """Each integration that needs an address or key: has it one of its own, or in the global section?"""
    for document, kind, trail, node in _integrations(documents):
        if kind in _NEEDS:
            own, prefix = _NEEDS[kind]
            shared = [document.root.get("global", f"{prefix}{key}") for key in own]
            found = any(item is not None for item in (*(node.get(key) for key in own), *shared))
            found = found or node.get("http_config", "authorization") is not None
            yield Found(found, kind, node.at, document, trail)


def _integrations(documents: Sequence[Document]) -> Iterator[tuple[Document, str, tuple[str | int, ...], Node]]:
    for document in _configurations(documents):
        for index, receiver in enumerate(elements(document.root, "receivers")):
            for kind, listed in items(receiver):
                for number, node in enumerate(elements(listed)):
                    yield document, kind, ("receivers", index, kind, number), node


def mistaken(documents: Sequence[Document]) -> Iterator[Found]:
    """Each integration: is it free of keys that belong to another one?"""
    for document, kind, trail, node in _integrations(documents):
        if kind in _MISTAKEN:
            wrong = [(key, meant, node.get(key)) for key, meant in _MISTAKEN[kind].items() if node.get(key) is not None]
            at = next(((found.key_at or found.at) for _, _, found in wrong if found is not None), node.at)
            shown = ", ".join(f'"{key}" is meant to be {meant}' for key, meant, _ in wrong)
            yield Found(not wrong, f"{kind}: {shown}" if wrong else kind, at, document, trail)


def unreachable(documents: Sequence[Document]) -> Iterator[Found]:
    """Each route behind another: can any alert get past those in front of it?"""
    for document, parent in _routes(documents):
        for index, route in enumerate(parent.routes):
            known = (*route.above, *route.matchers)
            before = (other for other in parent.routes[:index] if not other.goes_on)
            caught = next((other for other in before if covers(other.matchers, known)), None)
            shown = str(route) if caught is None else f"{route}, caught by {caught}"
            yield _told(caught is None, shown, None, document, route)


def heard(documents: Sequence[Document]) -> Iterator[Found]:
    """Each alert with a severity that matters: does it reach a receiver that delivers, by a route meant for it?"""
    trees = [(document, tree(document.root)) for document in _configurations(documents)]
    known = [(document, route) for document, route in trees if route is not None and route.receiver]
    if not known:
        return
    for document in documents:
        if document.format == "prometheus-rules":
            for trail, rule in _alerts(document):
                labels = {key: text(value) for key, value in items(rule, "labels") if "{{" not in text(value)}
                severity = labels.get("severity", "")
                if severity in _QUIET:
                    continue
                labels["alertname"] = text(rule.get("alert"))
                reaches = any(_hears(configuration, route, labels) for configuration, route in known)
                at = rule.get("labels", "severity") or rule
                yield Found(reaches, severity, at.at, document, (*trail, "labels", "severity"))


def _alerts(document: Document) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    for number, group in enumerate(elements(document.root, "groups")):
        for index, rule in enumerate(elements(group, "rules")):
            if text(rule.get("alert")):
                yield ("groups", number, "rules", index), rule


def _hears(configuration: Document, root: Route, labels: dict[str, str]) -> bool:
    delivering = {text(item.get("name")) for item in elements(configuration.root, "receivers") if _delivers(item)}
    if not delivering:
        return True  # nobody hears of anything, which is not for the alert to mend
    routes = list(reached(root, labels))
    if any(_named(route, labels["severity"]) and _SILENT.fullmatch(route.receiver) for route in routes):
        return True  # somebody has said that nobody is to hear of it
    heard_by = [route for route in routes if route.receiver in delivering]
    if labels["severity"] not in _URGENT:
        return bool(heard_by)
    known = {value for route in every(root) for item in _severities(route) for value in item.values}
    return any(route is not root for route in heard_by) or (bool(heard_by) and len(known) < 2)


def _severities(route: Route) -> list[Matcher]:
    return [item for item in route.matchers if item.label == "severity"]


def _named(route: Route, severity: str) -> bool:
    return any(severity in item.values for item in _severities(route))


def inhibitions(judge: str, documents: Sequence[Document]) -> Iterator[Found]:
    """Each inhibition: does it ever act, are its sides apart, does it name labels that must be equal?"""
    for document in _configurations(documents):
        for index, rule in enumerate(elements(document.root, "inhibit_rules")):
            source, target = tuple(matchers(rule, "source_")), tuple(matchers(rule, "target_"))
            same = covers(source, target) and covers(target, source)
            verdicts = {
                "acts": not same,
                "apart": same or not covers(target, source),
                "equal": _filled(rule.get("equal")),
            }
            shown = _sides(source, target)
            yield Found(verdicts[judge], shown, rule.at, document, ("inhibit_rules", index))


def _sides(source: Sequence[Matcher], target: Sequence[Matcher]) -> str:
    one, other = (", ".join(map(str, side)) or "any alert" for side in (source, target))
    return f"{one} over {other}"


def intervals_defined(documents: Sequence[Document]) -> Iterator[Found]:
    """Each time interval that a route names: is it there?"""
    for document, route in _routes(documents):
        for key in ("mute_time_intervals", "active_time_intervals"):
            for node in elements(route.node, key):
                there = text(node) in _names(document, "time_intervals", "mute_time_intervals")
                yield _told(there, text(node), node, document, route)


def intervals_used(documents: Sequence[Document]) -> Iterator[Found]:
    """Each time interval: does any route name it?"""
    for document in _configurations(documents):
        keys = ("mute_time_intervals", "active_time_intervals")
        routes = every(tree(document.root))
        used = {text(node) for route in routes for key in keys for node in elements(route.node, key)}
        for key in ("time_intervals", "mute_time_intervals"):
            for index, item in enumerate(elements(document.root, key)):
                name = text(item.get("name"))
                yield Found(name in used, name, item.at, document, (key, index))


def secrets(documents: Sequence[Document]) -> Iterator[Found]:
    """Each place for a key, password or secret address: is it free of one? The value itself is never shown."""
    for document in _configurations(documents):
        shared = document.root.get("global")
        if shared is not None:
            yield from _secrets(document, "global", ("global",), shared)
    for document, kind, trail, node in _integrations(documents):
        yield from _secrets(document, kind, trail, node)


def _secrets(document: Document, kind: str, trail: tuple[str | int, ...], node: Node) -> Iterator[Found]:
    paths = [(key,) for key in _SECRETS.get(kind, ())] + [("http_config", *path) for path in _HTTP_SECRETS]
    for path in paths:
        found = node.get(*path)
        if found is not None:
            free = bool(_PLACEHOLDER.match(text(found)))
            yield Found(free, ".".join((kind, *path)), found.at, document, (*trail, *path))


def grouping(documents: Sequence[Document]) -> Iterator[Found]:
    """How each route groups that says so, and the root whether it says so or not: `everything`, `nothing` or labels."""
    for document, route in _routes(documents):
        node = route.node.get("group_by")
        if node is None and len(route.trail) > 1:
            continue
        labels = [text(item) for item in node.elements()] if node is not None else []
        kind = "everything" if not labels else "nothing" if "..." in labels else "labels"
        if kind == "labels" and "alertname" not in labels:
            kind = "mixed"
        yield Found(kind, ", ".join(labels), (node or route.node).at, document, (*route.trail, "group_by"))


def repeats(documents: Sequence[Document]) -> Iterator[Found]:
    """Each route with times of its own: does it repeat when it says?"""
    for document, route in _routes(documents):
        node = route.node.get("repeat_interval") or route.node.get("group_interval")
        group, repeat = route.lasts("group_interval"), route.lasts("repeat_interval")
        if node is None or group is None or repeat is None:
            continue
        # below the group's interval a heartbeat comes with every interval, which is what one wants of it
        right = repeat > group or (repeat < group and route.dead_man)
        shown = f"repeat_interval {route.times['repeat_interval']}, group_interval {route.times['group_interval']}"
        yield _told(right, shown, node, document, route)


def beats(documents: Sequence[Document]) -> Iterator[Found]:
    """Each route of a heartbeat that delivers: does it beat every five minutes or faster?"""
    for document, route in _routes(documents):
        if route.dead_man and _listens(document, route):
            times = [route.lasts(key) for key in ("group_interval", "repeat_interval")]
            often = all(time is None or time <= _MOST_SECONDS_BETWEEN_BEATS for time in times)
            node = route.node.get("repeat_interval") or route.node.get("group_interval")
            slowest = max(("group_interval", "repeat_interval"), key=lambda key: route.lasts(key) or 0)
            yield _told(often, route.times[slowest], node, document, route)


def ends(documents: Sequence[Document]) -> Iterator[Found]:
    """Each webhook of a heartbeat: is it left alone when the heart stops?"""
    for document, route in _routes(documents):
        if route.dead_man:
            for trail, receiver in _listens(document, route):
                for index, node in enumerate(elements(receiver, "webhook_configs")):
                    told = node.get("send_resolved")
                    place = (*trail, "webhook_configs", index, "send_resolved")
                    yield Found(text(told) == "false", route.receiver, (told or node).at, document, place)


def _listens(document: Document, route: Route) -> list[tuple[tuple[str | int, ...], Node]]:
    """The receivers of a route that deliver."""
    listed = enumerate(elements(document.root, "receivers"))
    return [
        (("receivers", index), item)
        for index, item in listed
        if text(item.get("name")) == route.receiver and _delivers(item)
    ]


def notation(documents: Sequence[Document]) -> Iterator[Found]:
    """Each route and inhibition with conditions: are they in the notation that stays?"""
    for document in _configurations(documents):
        rules = [
            (("inhibit_rules", index), rule) for index, rule in enumerate(elements(document.root, "inhibit_rules"))
        ]
        for trail, node in [*((route.trail, route.node) for route in every(tree(document.root))), *rules]:
            old = [(key, found) for key in _DEPRECATED if (found := node.get(key)) is not None]
            current = any(key.endswith("matchers") for key, _ in items(node))
            if old or current:
                at = (old[0][1].key_at or old[0][1].at) if old else node.at
                yield Found(not old, ", ".join(key for key, _ in old), at, document, trail)


def quoting(documents: Sequence[Document]) -> Iterator[Found]:
    """Each matcher: do both of Alertmanager's parsers read it?"""
    for document in _configurations(documents):
        rules = [
            (("inhibit_rules", index), rule) for index, rule in enumerate(elements(document.root, "inhibit_rules"))
        ]
        for trail, node in [*((route.trail, route.node) for route in every(tree(document.root))), *rules]:
            for key in ("matchers", "source_matchers", "target_matchers"):
                for index, written in enumerate(elements(node, key)):
                    plain = all(
                        item.quoted or re.fullmatch(r"[^\s{}!=~,\\\"'`]+", item.value) for item in parsed(text(written))
                    )
                    yield Found(plain, text(written).strip(), written.at, document, (*trail, key, index))


def templates(documents: Sequence[Document]) -> Iterator[Found]:
    """Each message template of the user's that a receiver prints: does any file define it?"""
    texts = [item.text for item in documents if item.format == "text" and item.file.endswith((".tmpl", ".gotmpl"))]
    defined = {name for body in texts for name in re.findall(r'\{\{-?\s*(?:define|block)\s+"([^"]+)"', body)}
    for document in _configurations(documents):
        listed = _filled(document.root.get("templates"))
        for index, receiver in enumerate(elements(document.root, "receivers")):
            for node in receiver.walk():
                if not isinstance(node.value, str):
                    continue
                for name in _USED_TEMPLATE.findall(node.value):
                    if not _OWN_TEMPLATE.match(name) and (texts or not listed):
                        yield Found(listed and name in defined, name, node.at, document, ("receivers", index))


def messages(documents: Sequence[Document]) -> Iterator[Found]:
    """Each message that is made: does it read only what a notification has?"""
    for document in _configurations(documents):
        for index, receiver in enumerate(elements(document.root, "receivers")):
            for node in receiver.walk():
                if isinstance(node.value, str) and "{{" in node.value:
                    wrong = _unknown_field(node.value)
                    yield Found(not wrong, wrong or node.value, node.at, document, ("receivers", index))


def _unknown_field(message: str) -> str:
    """The first field that a notification does not have: it is about several alerts, so one of them must be chosen."""
    around: list[str] = []
    for action in _ACTION.findall(message):
        keyword = action.partition(" ")[0]
        if keyword == "end" and around:
            around.pop()
        foreign = _OF_PROMETHEUS.search(action)
        if foreign and f"{foreign[0]} :=" not in message and f"{foreign[0]}, " not in message:
            return foreign[0]
        single = _OF_ONE_ALERT.search(action)
        if single and not {"range", "with", "define", "block"} & set(around):
            return single[0]
        if keyword in ("range", "with", "if", "define", "block"):
            around.append(keyword)
    return ""


def patterns(documents: Sequence[Document]) -> Iterator[Found]:
    """Each pattern of a matcher: does Go's dialect have what it uses?"""
    for document in _configurations(documents):
        rules = [
            (("inhibit_rules", index), rule) for index, rule in enumerate(elements(document.root, "inhibit_rules"))
        ]
        for trail, node in [*((route.trail, route.node) for route in every(tree(document.root))), *rules]:
            for item in (item for side in ("", "source_", "target_") for item in matchers(node, side)):
                if item.sign in ("=~", "!~"):
                    yield Found(not _NOT_RE2.search(item.value), str(item), node.at, document, trail)


def ranges(documents: Sequence[Document]) -> Iterator[Found]:
    """Each range of hours or weekdays: does it begin before it ends?"""
    for document in _configurations(documents):
        for key in ("time_intervals", "mute_time_intervals"):
            for index, named in enumerate(elements(document.root, key)):
                for part in elements(named, "time_intervals"):
                    for span in elements(part, "times"):
                        start, end = text(span.get("start_time")), text(span.get("end_time"))
                        yield Found(start < end, f"{start} to {end}", span.at, document, (key, index))
                    for day in elements(part, "weekdays"):
                        names = [_WEEK.index(name) for name in text(day).lower().split(":") if name in _WEEK]
                        yield Found(names == sorted(names), text(day), day.at, document, (key, index))


DERIVED: dict[str, Derive] = {
    "alertmanager-addresses": receivers_addressed,
    "alertmanager-beats": beats,
    "alertmanager-beats-end": ends,
    "alertmanager-grouping": grouping,
    "alertmanager-heard": heard,
    "alertmanager-inhibits": partial(inhibitions, "acts"),
    "alertmanager-inhibits-apart": partial(inhibitions, "apart"),
    "alertmanager-inhibits-equals": partial(inhibitions, "equal"),
    "alertmanager-intervals": intervals_defined,
    "alertmanager-intervals-used": intervals_used,
    "alertmanager-messages": messages,
    "alertmanager-mistaken": mistaken,
    "alertmanager-notation": notation,
    "alertmanager-patterns": patterns,
    "alertmanager-quoting": quoting,
    "alertmanager-ranges": ranges,
    "alertmanager-reachable": unreachable,
    "alertmanager-receivers": receivers_defined,
    "alertmanager-receivers-deliver": receivers_deliver,
    "alertmanager-receivers-used": receivers_used,
    "alertmanager-repeats": repeats,
    "alertmanager-roots": roots,
    "alertmanager-secrets": secrets,
    "alertmanager-templates": templates,
}
