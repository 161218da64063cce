"""Derived facts about Fluent Bit and Fluentd.

Each answers a question that no path can ask: does a tag meet a pattern, is a parser defined, who waits where and for
how long. A question is not asked where the answer may stand in a file that is not there.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from generator import data
from generator.policy.documents import Document
from generator.policy.found import Derive, Found, elements, text
from generator.policy.monitoring import logstores
from generator.policy.monitoring.logtree import Pipeline, Section, meet, pipelines

_Judged: TypeAlias = Iterator[tuple[bool, str, Section, tuple[str, ...]]]
"""Verdict, what was looked at, the section, and the option it is about (the first that is there gives the place)."""

_LOGS_IN = frozenset(
    {"tail", "systemd", "forward", "http", "tcp", "udp", "syslog", "kafka", "splunk", "opentelemetry", "mqtt"}
)
_REMOTE = frozenset(
    {"es", "opensearch", "opentelemetry", "loki", "http", "splunk", "forward", "kafka-rest", "influxdb", "gelf"}
)
_FLUENTD_REMOTE = frozenset(
    [
        *(
            "elasticsearch",
            "elasticsearch_data_stream",
            "elasticsearch_dynamic",
            "opensearch",
            "http",
            "forward",
            "loki",
        ),
        *("splunk_hec", "s3", "kafka2", "rdkafka2", "cloudwatch_logs", "kinesis_streams", "gelf", "datadog"),
    ]
)
_ANY_TAG = frozenset({"forward", "http", "opentelemetry", "splunk", "elasticsearch", "kafka", "event_type", "unix"})


def _facts() -> Any:
    return data.load("schemas/data/fluentbit.json")


def _derived(judge: Callable[[Pipeline], _Judged], *forms: str) -> Derive:
    """A fact about each section that the function has a verdict on."""

    def derive(documents: Sequence[Document]) -> Iterator[Found]:
        for pipeline in pipelines(documents):
            if not forms or pipeline.form in forms:
                yield from (_found(pipeline, *verdict) for verdict in judge(pipeline))

    return derive


def _found(pipeline: Pipeline, holds: bool, shown: str, section: Section, keys: tuple[str, ...]) -> Found:
    return Found(holds, shown, section.node_of(*keys).at, pipeline.document)


def _name(section: Section) -> str:
    """What a message calls a section."""
    alias = section.word("alias", "@id")
    return f"{section.plugin} ({alias})" if alias else section.plugin or "(no plugin)"


# Where lines come from and go to


def _tag(section: Section, number: int) -> str:
    """The pattern of tags that an input gives."""
    tag = section.word("tag")
    if section.plugin in _ANY_TAG and not tag:
        return "*"
    return re.sub(r"<[^>]+>|\$\{[^}]*\}|#\{[^}]*\}", "*", tag) or f"{section.plugin}.{number}"


def _tags(pipeline: Pipeline) -> list[tuple[Section, str]]:
    """Inputs and filters that emit, with what they emit."""
    counts: dict[str, int] = {}
    found: list[tuple[Section, str]] = []
    for section in pipeline.of("input"):
        number = counts.get(section.plugin, 0)
        counts[section.plugin] = number + 1
        found.append((section, _tag(section, number)))
    for section in pipeline.of("filter"):
        if section.plugin == "rewrite_tag":
            for node in section.options.get("rule", ()):
                parts = text(node).split()
                if len(parts) >= 3:
                    found.append((section, re.sub(r"\$[\w\[\]'.-]*\w[\]']*|\$\{[^}]*\}", "*", parts[-2])))
        elif section.plugin == "log_to_metrics":
            found.append((section, section.word("tag") or "*"))
    return found


def _takes(section: Section, tag: str) -> bool:
    """Whether a filter or output takes in some of the tags."""
    if section.options.get("match_regex") and not section.options.get("match"):
        if "*" in tag:
            return True
        try:
            return re.search(section.match.replace("(?<", "(?P<"), tag) is not None
        except re.error:
            return True
    pattern = re.sub(r"\$\{[^}]*\}", "*", section.match)
    return meet(pattern, tag)


def _routable(pipeline: Pipeline) -> bool:
    return pipeline.whole and bool(pipeline.of("input")) and bool(pipeline.of("output"))


def _matches_something(pipeline: Pipeline) -> _Judged:
    if _routable(pipeline):
        tags = [tag for _, tag in _tags(pipeline)]
        for section in (*pipeline.of("filter"), *pipeline.of("output")):
            if section.match:
                holds = any(_takes(section, tag) for tag in tags)
                yield holds, f"{_name(section)} matches {section.match}", section, ("match", "match_regex")


def _goes_somewhere(pipeline: Pipeline) -> _Judged:
    if _routable(pipeline):
        emitters = [section for section, _ in _tags(pipeline) if section.kind == "filter"]
        takers = (*pipeline.of("output"), *(section for section in emitters if section.match))
        for section, tag in _tags(pipeline):
            if not section.options.get("routes"):
                holds = any(_takes(taker, tag) for taker in takers if taker is not section)
                yield holds, f"{_name(section)} gives {tag}", section, ("tag",)


def _has_match(pipeline: Pipeline) -> _Judged:
    for section in (*pipeline.of("filter"), *pipeline.of("output")):
        yield bool(section.match), _name(section), section, ("name",)


def _prefix_fits(pipeline: Pipeline) -> _Judged:
    """The kubernetes filter finds the pod in the tag only behind the prefix it is told."""
    for section in pipeline.of("filter"):
        if section.plugin != "kubernetes":
            continue
        prefix = section.word("kube_tag_prefix") or "kube.var.log.containers."
        for source, tag in _tags(pipeline):
            path = source.word("path").split(",")[0].strip()
            if (
                source.plugin != "tail"
                or not tag.endswith("*")
                or source.options.get("tag_regex")
                or not _takes(section, tag)
            ):
                continue
            folder = posixpath.dirname(path).strip("/").replace("/", ".")
            expected = f"{tag[:-1]}{folder}."
            if folder.endswith("containers"):
                shown = f"{prefix}, while the tags begin with {expected}"
                yield prefix == expected, shown, section, ("kube_tag_prefix", "match")


# What waits, where, for how long


def _stored(section: Section, pipeline: Pipeline) -> str:
    service = pipeline.service
    inherited = service.word("storage.type") if service.holds("storage.inherit") else ""
    return (section.word("storage.type") or inherited or "memory").lower()


def _bounded(pipeline: Pipeline) -> _Judged:
    for section in pipeline.of("input"):
        if section.plugin in _LOGS_IN:
            holds = bool(section.word("mem_buf_limit")) or _stored(section, pipeline) != "memory"
            yield holds, _name(section), section, ("name",)


def _has_place(pipeline: Pipeline) -> _Judged:
    if not pipeline.whole:
        return
    for section in (*pipeline.of("input"), *pipeline.of("filter")):
        key = "storage.type" if section.kind == "input" else "emitter_storage.type"
        if section.word(key).lower() == "filesystem":
            yield bool(pipeline.service.word("storage.path")), _name(section), section, (key,)


def _disk_bounded(pipeline: Pipeline) -> _Judged:
    """Only where lines wait on disk at all."""
    if any(_stored(section, pipeline) == "filesystem" for section in pipeline.of("input")):
        for section in pipeline.of("output"):
            if section.plugin not in ("stdout", "null", "file", "prometheus_exporter", "counter", "flowcounter"):
                yield bool(section.word("storage.total_limit_size")), _name(section), section, ("name",)


def _gives_up(pipeline: Pipeline) -> _Judged:
    if pipeline.form == "fluent-bit":
        for section in pipeline.of("output"):
            limit = section.word("retry_limit").lower()
            if limit:
                yield (
                    limit not in ("false", "no_limits", "off"),
                    f"{_name(section)}: {limit}",
                    section,
                    ("retry_limit",),
                )
        return
    for section in (*pipeline.of("output"), *pipeline.of("store")):
        for buffer in section.inside("buffer"):
            yield not buffer.holds("retry_forever"), f"{_name(section)}: retry_forever", buffer, ("retry_forever",)


def _on_disk(pipeline: Pipeline) -> _Judged:
    """Fluentd: what is sent over a network waits in a file."""
    for section in (*pipeline.of("output"), *pipeline.of("store")):
        if section.plugin in _FLUENTD_REMOTE:
            buffers = list(section.inside("buffer"))
            holds = any(buffer.word("@type") in ("file", "file_single") for buffer in buffers)
            yield holds, _name(section), section, ("@type",)


def _overflow_told(pipeline: Pipeline) -> _Judged:
    """Fluentd: a full buffer raises an exception in the input unless it is told otherwise."""
    for section in (*pipeline.of("output"), *pipeline.of("store")):
        for buffer in section.inside("buffer"):
            if section.plugin in _FLUENTD_REMOTE:
                yield (
                    buffer.word("overflow_action") in ("block", "drop_oldest_chunk"),
                    _name(section),
                    buffer,
                    ("@type",),
                )


def _copies_on(pipeline: Pipeline) -> _Judged:
    """Fluentd: every store of a copy but the last goes on when it fails."""
    for section in pipeline.of("output"):
        if section.plugin == "copy":
            for store in list(section.inside("store"))[:-1]:
                yield "ignore" in store.argument, store.plugin, store, ("@type",)


# Files that are read


def _not_read_again(pipeline: Pipeline) -> _Judged:
    """What a shipper prints stands in its own container's log, which a tail of all logs reads again."""
    sources = [
        (section, tag)
        for section, tag in _tags(pipeline)
        if section.plugin == "tail"
        and re.search(r"/var/log/(?:containers|pods)/(?:\*|[^,]*/\*)\S*\.log", section.word("path"))
    ]
    for output in (*pipeline.of("output"), *pipeline.of("store")):
        if output.plugin == "stdout" and output.match:
            taken = [
                source
                for source, tag in sources
                if _takes(output, tag)
                and source.word("@label") == output.label
                and not source.options.get("exclude_path")
                and "_" not in source.word("path")  # a pattern for one namespace
            ]
            yield not taken, taken[0].word("path") if taken else "", output, ("name", "@type")


def _remembers(pipeline: Pipeline) -> _Judged:
    key = "db" if pipeline.form == "fluent-bit" else "pos_file"
    for section in pipeline.of("input"):
        if section.plugin == "tail" and not section.holds("exit_on_eof"):
            yield bool(section.word(key)), section.word("path") or _name(section), section, ("path",)


def _own_memory(pipeline: Pipeline) -> _Judged:
    key = "db" if pipeline.form == "fluent-bit" else "pos_file"
    seen: set[str] = set()
    for section in pipeline.of("input"):
        file = section.word(key)
        if file:
            yield file not in seen, file, section, (key,)
            seen.add(file)


def _reads_on(pipeline: Pipeline) -> _Judged:
    for section in pipeline.of("input"):
        if section.plugin == "tail":
            holds = section.holds("skip_long_lines") or section.holds("truncate_long_lines")
            yield holds, section.word("path") or _name(section), section, ("path",)


def _one_multiline(pipeline: Pipeline) -> _Judged:
    old = ("parser", "parser_firstline", "multiline", "docker_mode")
    for section in pipeline.of("input"):
        if section.plugin == "tail" and section.options.get("multiline.parser"):
            clash = [key for key in old if section.word(key).lower() not in ("", "off", "false", "no")]
            yield not clash, f"multiline.parser and {clash[0] if clash else ''}", section, (*clash, "multiline.parser")


def _multiline_filters(pipeline: Pipeline) -> list[Section]:
    return [s for s in pipeline.of("filter") if s.plugin == "multiline" and s.word("mode").lower() != "partial_message"]


def _multiline_first(pipeline: Pipeline) -> _Judged:
    for section in _multiline_filters(pipeline):
        if section.word("buffer").lower() in ("off", "false", "no"):
            continue
        before: list[Section] = []
        for other in pipeline.of("filter"):
            if other.node is section.node:
                break
            if other.plugin != "multiline" and meet(other.match, section.match):
                before.append(other)
        yield not before, _name(before[0]) if before else "", section, ("name",)


def _multiline_once(pipeline: Pipeline) -> _Judged:
    seen: list[Section] = []
    for section in _multiline_filters(pipeline):
        clash = [other for other in seen if meet(other.match, section.match)]
        yield not clash, section.match, section, ("match",)
        seen.append(section)


# Names


def _parser_known(documents: Sequence[Document]) -> Iterator[Found]:
    """Parsers by name, wherever they are asked for; a file of parsers that is not among the files may have any."""
    found = [pipeline for pipeline in pipelines(documents) if pipeline.form == "fluent-bit"]
    own = {s.word("name") for p in found for kind in ("parser", "multiline_parser") for s in p.of(kind)}
    present = {posixpath.basename(document.file) for document in documents}
    shipped = _facts()["parsers"]
    for pipeline in found:
        files = [posixpath.basename(word) for word in pipeline.service.words("parsers_file")]
        unseen = [name for name in files if name not in present and name != "parsers.conf"]
        if unseen or not pipeline.whole or not (pipeline.of("service") or _routable(pipeline)):
            continue  # a part that another file includes takes the parsers of that file
        known = own | (set(shipped["parsers.conf"]) if "parsers.conf" in files else set())
        for section in (*pipeline.of("input"), *pipeline.of("filter")):
            for key in ("parser", "merge_parser", "multiline.parser", "parser_firstline"):
                for word in section.words(key):
                    holds = (
                        word in known or (key == "multiline.parser" and word in shipped["multiline"]) or "${" in word
                    )
                    yield _found(pipeline, holds, word, section, (key,))


def _plugin_known(pipeline: Pipeline) -> _Judged:
    """A plugin whose name is close to a known one, or is what others call it; anything else may be somebody's own."""
    known = _facts()["plugins"]
    for kind, names in known.items():
        for section in pipeline.of(kind):
            if re.sub(r"\.\d+$", "", section.plugin) in names or "${" in section.plugin:
                yield True, section.plugin, section, ("name",)
                continue
            meant = _facts()["misnamed"][kind].get(section.plugin) or _close(section.plugin, names)
            if meant:
                yield False, f'{section.plugin}; did you mean "{meant}"?', section, ("name",)


def _option_known(pipeline: Pipeline) -> _Judged:
    """Options of plugins we know, when they are close to one there is."""
    facts = _facts()
    yield from _options_of(pipeline.service, facts["service"])
    for kind in ("input", "filter", "output"):
        for section in pipeline.of(kind):
            own = facts["options"][kind].get(section.plugin)
            if own is not None:
                yield from _options_of(section, [*own, *facts["common"][kind]])


def _options_of(section: Section, names: list[str]) -> _Judged:
    for key in section.options:
        if key in names or key.startswith(tuple(_facts()["prefixes"])):
            yield True, key, section, (key,)
        elif meant := _close(key, names):
            yield False, f'{key}; did you mean "{meant}"?', section, (key,)


def _close(word: str, names: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(word, list(names), n=1, cutoff=0.8)), "")


def _label_there(pipeline: Pipeline) -> _Judged:
    """Fluentd: a label that events are sent to."""
    if not pipeline.whole:
        return
    made = {
        text(node.get("@argument")) for node in elements(pipeline.root, "@inside") if text(node.get("@name")) == "label"
    }
    for section in (*pipeline.of("input"), *pipeline.of("output")):
        label = section.word("@label")
        if label and label != "@ROOT":
            yield label in made, label, section, ("@label",)


def _reachable(pipeline: Pipeline) -> _Judged:
    """Fluentd: events stop at the first `match` that takes them, also those for filters and matches behind it."""
    for number, section in enumerate(pipeline.sections):
        if section.kind not in ("filter", "output"):
            continue
        before = [s for s in pipeline.sections[:number] if s.kind == "output" and s.label == section.label]
        taken = next((s.argument for s in before if s.argument in ("**", section.argument)), "")
        shown = f"<{text(section.node.get('@name'))} {section.argument}> stands behind <match {taken}>"
        yield not taken, shown, section, ()


def _readable(pipeline: Pipeline) -> _Judged:
    problems = pipeline.root.get("problems")
    if problems is not None:
        for node in problems.elements():
            yield False, text(node), Section("problem", "", {}, node), ()
        if not problems.value:
            yield True, "", Section("problem", "", {}, pipeline.root), ()


# Safety


_SECRETS = re.compile(
    r"(?i)(?:^|[._])(?:http_passwd|passwd|password|shared_key|http_api_key|api_?key|cloud_auth|splunk_token|bearer_token"
    r"|secret_key|sas_token|license_key|oauth2\.client_secret|tls\.key_passwd|account_key|aws_sec_key)$"
)


_REFERENCES = ("${", "#{", "{{")
"""Marks of a value that comes from elsewhere: a variable, Ruby, a chart's template."""


def _secret_elsewhere(pipeline: Pipeline) -> _Judged:
    for section in (*pipeline.of("input"), *pipeline.of("filter"), *pipeline.of("output"), *pipeline.of("store")):
        for key in section.options:
            if _SECRETS.search(key):
                value = section.word(key)
                yield value == "" or any(mark in value for mark in _REFERENCES), key, section, (key,)
            elif key in ("header", "headers"):
                written = [text(node) for node in section.options[key]]
                bare = [
                    value
                    for value in written
                    if "uthorization" in value.lower() and not any(mark in value for mark in _REFERENCES)
                ]
                if any("uthorization" in value.lower() for value in written):
                    yield not bare, key, section, (key,)


def _verified(pipeline: Pipeline) -> _Judged:
    for section in (*pipeline.of("input"), *pipeline.of("filter"), *pipeline.of("output"), *pipeline.of("store")):
        for key in ("tls.verify", "ssl_verify", "tls_insecure_mode", "tls_verify_mode"):
            if section.options.get(key):
                value = section.word(key).lower()
                off = value in ("true", "on") if key == "tls_insecure_mode" else value in ("off", "false", "no", "none")
                yield not off, f"{_name(section)}: {key} {value}", section, (key,)


def _encrypted(pipeline: Pipeline) -> _Judged:
    for section in (*pipeline.of("output"), *pipeline.of("store")):
        if pipeline.form == "fluent-bit" and section.plugin in _REMOTE:
            host = section.word("host")
            if _is_remote(host):
                yield section.holds("tls"), f"{_name(section)} to {host}", section, ("host",)
        elif pipeline.form == "fluentd" and section.plugin in _FLUENTD_REMOTE:
            address = section.word("endpoint", "url", "hosts", "host")
            host = re.sub(r"^\w+://|[:/].*$", "", address)
            if _is_remote(host) and section.plugin in (
                "elasticsearch",
                "elasticsearch_data_stream",
                "opensearch",
                "http",
                "loki",
                "splunk_hec",
            ):
                safe = address.startswith("https://") or section.word("scheme") == "https"
                yield safe, f"{_name(section)} to {host}", section, ("endpoint", "url", "hosts", "host")


def _is_remote(host: str) -> bool:
    """A name with dots that is not of the cluster's or the machine's own."""
    if any(mark in host for mark in _REFERENCES) or "." not in host:
        return False
    own = (".svc", ".cluster.local", ".local", ".internal", ".localhost")
    return not host.endswith(own) and ".svc." not in host and not host.startswith(("127.", "10.", "192.168.", "172."))


# Stores


def _type_name_off(pipeline: Pipeline) -> _Judged:
    for section in pipeline.of("output"):
        if section.plugin == "es":
            yield section.holds("suppress_type_name"), _name(section), section, ("name",)


def _watched(pipeline: Pipeline) -> _Judged:
    if pipeline.of("service") and _routable(pipeline):
        yield pipeline.service.holds("http_server"), "http_server", pipeline.service, ("http_server",)


_FLUENT_BIT: dict[str, Callable[[Pipeline], _Judged]] = {
    "logs-matched": _matches_something,
    "logs-delivered": _goes_somewhere,
    "logs-with-match": _has_match,
    "logs-prefixes": _prefix_fits,
    "logs-bounded": _bounded,
    "logs-places": _has_place,
    "logs-disk-bounded": _disk_bounded,
    "logs-read-on": _reads_on,
    "logs-multiline-engines": _one_multiline,
    "logs-multiline-first": _multiline_first,
    "logs-multiline-once": _multiline_once,
    "logs-plugins": _plugin_known,
    "logs-options": _option_known,
    "logs-type-names": _type_name_off,
    "logs-watched": _watched,
}
_FLUENTD: dict[str, Callable[[Pipeline], _Judged]] = {
    "logs-on-disk": _on_disk,
    "logs-overflows": _overflow_told,
    "logs-copies": _copies_on,
    "logs-labels": _label_there,
    "logs-reachable": _reachable,
}
_BOTH: dict[str, Callable[[Pipeline], _Judged]] = {
    "logs-retries": _gives_up,
    "logs-loops": _not_read_again,
    "logs-remembered": _remembers,
    "logs-memories": _own_memory,
    "logs-secrets": _secret_elsewhere,
    "logs-verified": _verified,
    "logs-encrypted": _encrypted,
    "logs-readable": _readable,
}

DERIVED: dict[str, Derive] = {
    **{name: _derived(judge, "fluent-bit") for name, judge in _FLUENT_BIT.items()},
    **{name: _derived(judge, "fluentd") for name, judge in _FLUENTD.items()},
    **{name: _derived(judge) for name, judge in _BOTH.items()},
    "logs-parsers": _parser_known,
    **logstores.DERIVED,
}
