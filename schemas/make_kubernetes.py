"""Makes `schemas/kubernetes/`: trimmed, self-contained, strict schemas of the kinds we meet.

    python schemas/make_kubernetes.py WHEEL NPM_PACKAGE ...

WHEEL is PyPI's kubernetes-validate (its strict schemas come from Kubernetes' own OpenAPI); each NPM_PACKAGE
is an unpacked `@kubernetes-models/<name>`, whose type declarations and validators are made from the types behind
the custom resource definitions of a project: names and types are read from the first, bounds and patterns from the
second. Prose and extensions are left out; the words that Kubernetes itself lets only its code know (`_WORDS`) are
added from its API reference.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent / "kubernetes"
VERSIONS = ("1.33", "1.34", "1.35", "1.36", "1.37")
KINDS = {
    "v1": "ConfigMap Event LimitRange Namespace PersistentVolume PersistentVolumeClaim Pod ReplicationController "
    "ResourceQuota Secret Service ServiceAccount Endpoints PodTemplate",
    "apps/v1": "DaemonSet Deployment ReplicaSet StatefulSet",
    "batch/v1": "CronJob Job",
    "autoscaling/v1": "HorizontalPodAutoscaler",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "policy/v1": "PodDisruptionBudget",
    "networking.k8s.io/v1": "Ingress IngressClass NetworkPolicy ServiceCIDR",
    "discovery.k8s.io/v1": "EndpointSlice",
    "events.k8s.io/v1": "Event",
    "node.k8s.io/v1": "RuntimeClass",
    "apiregistration.k8s.io/v1": "APIService",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "flowcontrol.apiserver.k8s.io/v1": "FlowSchema PriorityLevelConfiguration",
    "resource.k8s.io/v1": "DeviceClass ResourceClaim ResourceClaimTemplate",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "storage.k8s.io/v1": "CSIDriver StorageClass VolumeAttributesClass",
    "scheduling.k8s.io/v1": "PriorityClass",
    "coordination.k8s.io/v1": "Lease",
    "admissionregistration.k8s.io/v1": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
    "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
    "ValidatingWebhookConfiguration",
}
CUSTOM = {
    "gateway.networking.k8s.io/v1": "Gateway GatewayClass GRPCRoute HTTPRoute BackendTLSPolicy ReferenceGrant",
    "gateway.networking.k8s.io/v1beta1": "Gateway GatewayClass HTTPRoute ReferenceGrant",
    "external-secrets.io/v1": "ClusterExternalSecret ClusterSecretStore ExternalSecret SecretStore",
    "cert-manager.io/v1": "Certificate ClusterIssuer Issuer",
    "keda.sh/v1alpha1": "ScaledJob ScaledObject TriggerAuthentication",
    "monitoring.coreos.com/v1": "Alertmanager PodMonitor Probe Prometheus PrometheusRule ServiceMonitor",
    "monitoring.coreos.com/v1alpha1": "ScrapeConfig",
    "grafana.integreatly.org/v1beta1": "Grafana GrafanaDashboard GrafanaDatasource GrafanaFolder",
    "argoproj.io/v1alpha1": "Application ApplicationSet AppProject Rollout AnalysisTemplate",
}
_WORDS = {
    "core.v1.ContainerPort.protocol": "TCP UDP SCTP",
    "core.v1.ServicePort.protocol": "TCP UDP SCTP",
    "networking.v1.NetworkPolicyPort.protocol": "TCP UDP SCTP",
    "networking.v1.NetworkPolicySpec.policyTypes": "Ingress Egress",
    "networking.v1.HTTPIngressPath.pathType": "Exact Prefix ImplementationSpecific",
    "core.v1.Container.imagePullPolicy": "Always IfNotPresent Never",
    "core.v1.Container.terminationMessagePolicy": "File FallbackToLogsOnError",
    "core.v1.PodSpec.restartPolicy": "Always OnFailure Never",
    "core.v1.PodSpec.dnsPolicy": "ClusterFirst ClusterFirstWithHostNet Default None",
    "core.v1.PodSpec.preemptionPolicy": "PreemptLowerPriority Never",
    "core.v1.HTTPGetAction.scheme": "HTTP HTTPS",
    "core.v1.SeccompProfile.type": "Localhost RuntimeDefault Unconfined",
    "core.v1.Toleration.effect": "NoSchedule PreferNoSchedule NoExecute",
    "core.v1.TopologySpreadConstraint.whenUnsatisfiable": "DoNotSchedule ScheduleAnyway",
    "core.v1.VolumeMount.mountPropagation": "None HostToContainer Bidirectional",
    "core.v1.ServiceSpec.type": "ClusterIP NodePort LoadBalancer ExternalName",
    "core.v1.ServiceSpec.externalTrafficPolicy": "Cluster Local",
    "core.v1.ServiceSpec.internalTrafficPolicy": "Cluster Local",
    "core.v1.ServiceSpec.sessionAffinity": "None ClientIP",
    "core.v1.PersistentVolumeClaimSpec.accessModes": "ReadWriteOnce ReadOnlyMany ReadWriteMany ReadWriteOncePod",
    "core.v1.PersistentVolumeClaimSpec.volumeMode": "Filesystem Block",
    "apps.v1.DeploymentStrategy.type": "Recreate RollingUpdate",
    "apps.v1.StatefulSetUpdateStrategy.type": "RollingUpdate OnDelete",
    "apps.v1.DaemonSetUpdateStrategy.type": "RollingUpdate OnDelete",
    "apps.v1.StatefulSetSpec.podManagementPolicy": "OrderedReady Parallel",
    "batch.v1.CronJobSpec.concurrencyPolicy": "Allow Forbid Replace",
    "batch.v1.JobSpec.completionMode": "NonIndexed Indexed",
    "autoscaling.v2.MetricSpec.type": "ContainerResource External Object Pods Resource",
    "autoscaling.v2.MetricTarget.type": "Utilization Value AverageValue",
    "autoscaling.v2.HPAScalingRules.selectPolicy": "Max Min Disabled",
    "autoscaling.v2.HPAScalingPolicy.type": "Pods Percent",
    "policy.v1.PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy": "IfHealthyBudget AlwaysAllow",
    "admissionregistration.v1.ValidatingAdmissionPolicySpec.failurePolicy": "Fail Ignore",
    "admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec.validationActions": "Deny Warn Audit",
}
_FORMS: dict[str, dict[str, Any]] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["integer", "string", "null"]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "type": ["number", "string", "null"],
        "pattern": "^[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$",
        "x-form": "a quantity such as 500m, 2 or 256Mi",
        "examples": ["256Mi"],
    },
}
"""Forms that the schemas give as alternatives, or not at all."""
_STRING: dict[str, Any] = {"type": ["string", "null"]}
_SECRETS = "external-secrets.io.v1"
_LATER: dict[str, dict[str, Any]] = {
    f"{_SECRETS}.ExternalSecretSpec": {
        "syncWindows": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {
                "kind": {"enum": ["allow", "deny", None]},
                "windows": {
                    "type": ["array", "null"],
                    "items": {
                        "type": ["object", "null"],
                        "additionalProperties": False,
                        "properties": {"schedule": _STRING, "duration": _STRING},
                    },
                },
            },
        }
    },
    f"{_SECRETS}.ExternalSecretTarget": {"manifest": {"type": ["object", "null"]}},
    f"{_SECRETS}.ExternalSecretTemplateMetadata": {"finalizers": {"type": ["array", "null"], "items": _STRING}},
    f"{_SECRETS}.ExternalSecretDataRemoteRef": {"nullBytePolicy": _STRING, "emptyResultPolicy": _STRING},
    f"{_SECRETS}.ExternalSecretFind": {"nullBytePolicy": _STRING, "emptyResultPolicy": _STRING},
    f"{_SECRETS}.ExternalSecretRewrite": {
        "merge": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {
                "into": _STRING,
                "priority": {"type": ["array", "null"], "items": _STRING},
                "priorityPolicy": {"enum": ["IgnoreNotFound", "Strict", None]},
                "conflictPolicy": {"enum": ["Ignore", "Error", None]},
                "strategy": {"enum": ["Extract", "JSON", None]},
            },
        }
    },
}
"""Fields younger than the declarations: apis/externalsecrets/v1 of external-secrets/external-secrets at `_LATER_AT`."""
_LATER_AT = "9738ec4060232f8b5e90023aada55fe4930df5e5"
_EMBEDDED = "monitoring.coreos.com.v1.EmbeddedPersistentVolumeClaim"
"""An object within another one, which names no kind:
https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.EmbeddedPersistentVolumeClaim"""
_KEPT = (
    "type",
    "enum",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "oneOf",
    "anyOf",
    "pattern",
    "format",
)
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_REFERENCE = re.compile(r".*#/\$defs/")


def main(wheel: Path, packages: list[Path]) -> None:
    OUT.mkdir(exist_ok=True)
    custom = _custom(packages)
    _write("custom.json", custom)
    seeds = sorted(set(re.findall(r'"#/\$defs/(io\.k8s\.[^"]+)"', json.dumps(custom))))
    root = zipfile.Path(wheel) / "kubernetes_validate"
    release = (root / "version.py").read_text(encoding="utf-8")
    source = f"PyPI kubernetes-validate {re.findall(r'[0-9]+[.][0-9]+[.][0-9]+', release)[0]}"
    for version in VERSIONS:
        folder = root / "kubernetes-json-schema" / f"v{version}.0-local-strict"
        definitions = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))
        definitions = definitions.get("$defs") or definitions["definitions"]
        _write(f"v{version}.json", {"source": source, **_core(folder, definitions, seeds)})


def _served(definitions: dict[str, Any]) -> list[str]:
    """Every API and kind that the version knows; those that all groups share are no objects of their own."""
    found = {
        f"{one['group']}/{one['version']}/{one['kind']}".removeprefix("/")
        for definition in definitions.values()
        for one in definition.get("x-kubernetes-group-version-kind", ())
    }
    return sorted(one for one in found if not one.endswith(("/DeleteOptions", "/WatchEvent", "/Status", "List")))


def _core(folder: zipfile.Path, definitions: dict[str, Any], seeds: list[str]) -> dict[str, Any]:
    """The kinds of one version, and the definitions that they and the custom kinds need."""
    served = _served(definitions)
    kinds: dict[str, Any] = {}
    needed: dict[str, Any] = {}
    for api, names in KINDS.items():
        group, _, version = api.rpartition("/")
        suffix = "-".join(part for part in (group.split(".")[0], version) if part)
        for kind in (kind for kind in names.split() if f"{api}/{kind}" in served):
            file = folder / f"{kind.lower()}-{suffix}.json"
            made = _trimmed(json.loads(file.read_text(encoding="utf-8")))
            made["required"] = sorted({*made.get("required", ()), "apiVersion", "kind"})
            kinds[f"{api}/{kind}"] = made
            _collect(made, definitions, needed)
    _collect([{"$ref": f"#/$defs/{name}"} for name in seeds], definitions, needed)
    return {"kinds": kinds, "served": served, "$defs": dict(sorted(needed.items()))}


def _trimmed(part: Any, properties: bool = False) -> Any:
    """Without descriptions and extensions; references to the one file that will hold them all."""
    if isinstance(part, list):
        return [_trimmed(item) for item in part]
    if not isinstance(part, dict):
        return part
    if properties:
        return {key: _trimmed(child) for key, child in part.items()}
    if "$ref" in part:
        return {"$ref": "#/$defs/" + _REFERENCE.sub("", part["$ref"])}
    made = {key: _trimmed(part[key], properties=key == "properties") for key in _KEPT if key in part}
    if made.get("format") not in {"int-or-string", None}:
        made.pop("format")
    return made


def _collect(part: Any, definitions: dict[str, Any], needed: dict[str, Any]) -> None:
    if isinstance(part, list):
        for item in part:
            _collect(item, definitions, needed)
    elif isinstance(part, dict):
        name = str(part.get("$ref", "")).removeprefix("#/$defs/") if isinstance(part.get("$ref"), str) else ""
        if name and name not in needed:
            needed[name] = {}
            needed[name] = _FORMS.get(name) or _worded(name, _trimmed(definitions[name]))
            _collect(needed[name], definitions, needed)
        for child in part.values():
            _collect(child, definitions, needed)


def _worded(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """A definition in which the fields of `_WORDS` take only their words; an empty one counts as left out."""
    for key, part in definition.get("properties", {}).items():
        words = _WORDS.get(f"{name.removeprefix('io.k8s.api.')}.{key}", "").split()
        if words:
            target = part.get("items", part)
            target["enum"] = [*words, "", None]
    return definition


# custom resources, from type declarations


def _custom(packages: list[Path]) -> dict[str, Any]:
    kinds: dict[str, Any] = {}
    needed: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for package in packages:
        root = package / "package" if (package / "package").is_dir() else package
        about = json.loads((root / "package.json").read_text(encoding="utf-8"))
        for api, names in CUSTOM.items():
            folder = root / api
            for kind in names.split():
                file = folder / f"{kind}.d.ts"
                if file.is_file():
                    sources[f"{api}/{kind}"] = f"npm {about['name']} {about['version']}"
                    kinds[f"{api}/{kind}"] = _Declarations(root, needed).kind(file, f"I{kind}")
    for name, fields in _LATER.items():
        needed[name]["properties"].update(fields)
    for identity in (one for one in sources if one.startswith("external-secrets.io/")):
        sources[identity] += f"; its newer fields from github external-secrets/external-secrets {_LATER_AT[:12]}"
    return {"sources": sources, "kinds": kinds, "$defs": dict(sorted(needed.items()))}


class _Declarations:
    """TypeScript declarations -> JSON Schema, as far as these packages go."""

    def __init__(self, root: Path, needed: dict[str, Any]) -> None:
        self.root, self.needed = root, needed

    def kind(self, file: Path, name: str) -> dict[str, Any]:
        made = self.declared(file, name)
        link = re.search(r'from"[./]*/_schemas/([^"]+)"', file.with_suffix("").with_suffix(".js").read_text("utf-8"))
        if link:
            _Validator.of(self.root / "_schemas" / link[1]).bind(made)
        made["type"] = "object"
        made["properties"]["metadata"] = {"$ref": f"#/$defs/{_META}.ObjectMeta"}
        made["properties"]["status"] = {"type": ["object", "null"]}
        made["required"] = sorted({*made.get("required", ()), "apiVersion", "kind"})
        return made

    def declared(self, file: Path, name: str) -> dict[str, Any]:
        text = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.S)
        imports = {
            word.strip(): path
            for names, path in re.findall(r'import \{([^}]*)\} from "([^"]+)"', text)
            for word in names.split(",")
        }
        # the class repeats what an interface inherits
        match = re.search(rf"export declare class {re.escape(name[1:])} extends [^{{]*(\{{)", text)
        if match is None or f"{name}[" in text:  # or refers to it, key by key
            match = re.search(rf"export interface {re.escape(name)} (\{{)", text) or match
        if match:
            return self.object(_Tokens(text, match.start(1)), file, imports)
        alias = re.search(rf"export type {re.escape(name)} = ", text)
        return self.type(_Tokens(text, alias.end()), file, imports) if alias else {}

    def object(self, tokens: _Tokens, file: Path, imports: dict[str, str]) -> dict[str, Any]:
        tokens.take("{")
        properties: dict[str, Any] = {}
        required: list[str] = []
        open_: Any = False
        while not tokens.peek("}"):
            if tokens.peek("static ") or tokens.peek("constructor("):
                return _closed(properties, required, False)
            if tokens.peek("["):
                tokens.skip_to("]")
                tokens.take(":")
                open_ = self.type(tokens, file, imports)
            else:
                name = tokens.name()
                optional = tokens.peek("?")
                if optional:
                    tokens.take("?")
                tokens.take(":")
                properties[name] = self.type(tokens, file, imports)
                required += [] if optional else [name]
            if tokens.peek(";"):
                tokens.take(";")
        tokens.take("}")
        return _closed(properties, required, open_)

    def type(self, tokens: _Tokens, file: Path, imports: dict[str, str]) -> dict[str, Any]:
        options = [self.single(tokens, file, imports)]
        while tokens.peek("|"):
            tokens.take("|")
            options.append(self.single(tokens, file, imports))
        options = [option for option in options if option is not None]
        constants = [option["const"] for option in options if "const" in option]
        rest = [option for option in options if "const" not in option]
        if constants and not rest:
            return {"enum": [*constants, None]}
        if len(rest) == 1 and not constants:
            only: dict[str, Any] = rest[0]
            return only
        kinds = sorted({kind for option in rest for kind in _as_list(option.get("type", []))})
        return {"type": kinds} if kinds and not constants else {}

    def single(self, tokens: _Tokens, file: Path, imports: dict[str, str]) -> Any:
        if tokens.peek("{"):
            made: Any = self.object(tokens, file, imports)
        elif tokens.peek('"'):
            made = {"const": tokens.name()}
        elif number := tokens.number():
            made = {"const": int(number)}
        elif tokens.peek("("):
            tokens.take("(")
            made = self.type(tokens, file, imports)
            tokens.take(")")
        else:
            made = self.word(tokens, file, imports)
        while tokens.peek("["):
            tokens.take("[")
            tokens.take("]")
            made = {"type": ["array", "null"], "items": made}
        return made

    def word(self, tokens: _Tokens, file: Path, imports: dict[str, str]) -> Any:
        word = tokens.name()
        if word == "Array":
            tokens.take("<")
            inner = self.type(tokens, file, imports)
            tokens.take(">")
            return {"type": ["array", "null"], "items": inner}
        simple: dict[str, Any] = {
            "string": {"type": ["string", "null"]},
            "number": {"type": ["number", "null"]},
            "boolean": {"type": ["boolean", "null"]},
            "undefined": None,
            "null": None,
            "any": {},
            "unknown": {},
            "never": {"type": ["array", "null"]},
            "IIntOrString": {"type": ["integer", "string", "null"]},
        }
        if word in simple:
            return simple[word]
        return self.imported(word, file, imports)

    def imported(self, word: str, file: Path, imports: dict[str, str]) -> dict[str, Any]:
        path = imports.get(word, "")
        if not path.startswith("."):
            return _kubernetes(path)
        target = (file.parent / path.removesuffix(".js")).resolve().with_suffix(".d.ts")
        key = f"{target.parent.parent.name}.{target.parent.name}.{target.stem.removesuffix('.d')}"
        if key not in self.needed:
            self.needed[key] = {}
            self.needed[key] = self.declared(target, f"I{target.stem.removesuffix('.d')}")
            _Validator.of(self.root / "_schemas" / f"{word[1:]}.js").bind(self.needed[key])
            if key == _EMBEDDED:
                self.needed[key].pop("required")
        return {"$ref": f"#/$defs/{key}"}


def _kubernetes(path: str) -> dict[str, Any]:
    """A reference to a type of Kubernetes' own, which the file of each version holds; anything else is open."""
    name = path.rpartition("/")[2]
    if path == f"@kubernetes-models/apimachinery/apis/meta/v1/{name}":
        return {"$ref": f"#/$defs/{_META}.{name}"}
    if path == "@kubernetes-models/apimachinery/util/intstr/IntOrString":
        return {"$ref": "#/$defs/io.k8s.apimachinery.pkg.util.intstr.IntOrString"}
    if path == "@kubernetes-models/apimachinery/api/resource/Quantity":
        return {"$ref": "#/$defs/io.k8s.apimachinery.pkg.api.resource.Quantity"}
    match = re.fullmatch(r"kubernetes-models/((?:apps|batch|autoscaling)/)?(v[0-9]+)/[A-Za-z]+", path)
    if match:
        return {"$ref": f"#/$defs/io.k8s.api.{(match[1] or 'core/')[:-1]}.{match[2]}.{name}"}
    return {}


def _closed(properties: dict[str, Any], required: list[str], open_: Any) -> dict[str, Any]:
    """An object with these keys and, when it is a map, values of a type; one without any keeps what it is given."""
    if not properties and open_ is False:
        return {"type": ["object", "null"]}
    made: dict[str, Any] = {"type": ["object", "null"], "additionalProperties": open_}
    if properties or open_ is False:
        made["properties"] = properties
    if required:
        made["required"] = required
    return made


_FUNCTION = re.compile(r"function (validate[0-9]+)\(")
_BOUND = re.compile(r'keyword:"([A-Za-z]+)",params:\{[^{}]*?(?:limit|pattern|type):("(?:[^"\\]|\\.)*"|[-+.e0-9]+)\}')
_PART = re.compile(r'(validate[0-9]+)\(data(?:\.([A-Za-z_$][\w$]*)|\["([^"]+)"\]|\[(i|key)[0-9]+\])?,')
_BOUNDS = frozenset({"pattern", "minimum", "maximum"}) | {
    f"{end}{what}" for end in ("min", "max") for what in ("Items", "Length", "Properties")
}


class _Validator:
    """The bounds of one function of a compiled validator, and the functions for the parts of what it judges."""

    def __init__(self, file: Path, name: str) -> None:
        self.file = file
        text = file.read_text(encoding="utf-8")
        imports = dict(re.findall(r'import\{validate as (validate[0-9]+)\}from"\./([^"]+)"', text))
        self.elsewhere = {function: file.parent / target for function, target in imports.items()}
        starts = [(match[1], match.end()) for match in _FUNCTION.finditer(text)]
        ends = [start for _, start in starts[1:]] + [len(text)]
        bodies = {one: text[start:end] for (one, start), end in zip(starts, ends, strict=True)}
        self.body, self.here = bodies[name], frozenset(bodies)

    @classmethod
    def of(cls, file: Path) -> _Validator:
        """The whole that a file judges."""
        match = re.search(r"export const validate=(validate[0-9]+);", file.read_text(encoding="utf-8"))
        if not match:
            raise ValueError(f"{file} exports no validator")
        return cls(file, match[1])

    def bind(self, schema: dict[str, Any]) -> None:
        """Add the bounds to a schema made from the declaration of the same type; a reference has its own."""
        if "$ref" in schema:
            return
        for keyword, literal in _BOUND.findall(self.body):
            value = json.loads(re.sub(r"\\x([0-9a-f]{2})", r"\\u00\1", literal))
            if keyword == "type" and value == "integer" and "type" in schema:
                schema["type"] = ["integer" if kind == "number" else kind for kind in _as_list(schema["type"])]
            elif keyword in _BOUNDS:
                schema[keyword] = int(value) if isinstance(value, float) else value
        for function, name, quoted, index in _PART.findall(self.body):
            part = self.part(schema, name or quoted, index)
            if part is None:
                continue
            if function in self.here:
                _Validator(self.file, function).bind(part)
            elif part is schema and function in self.elsewhere:
                _Validator.of(self.elsewhere[function]).bind(part)

    def part(self, schema: dict[str, Any], name: str, index: str) -> dict[str, Any] | None:
        found: Any = schema
        if name:
            found = schema.get("properties", {}).get(name)
        elif index:
            found = schema.get("items" if index == "i" else "additionalProperties")
        return found if isinstance(found, dict) else None


class _Tokens:
    """A place in a declaration."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at

    def peek(self, mark: str) -> bool:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        return self.text.startswith(mark, self.at)

    def take(self, mark: str) -> None:
        if not self.peek(mark):
            raise ValueError(f"expected {mark!r} at {self.text[self.at : self.at + 60]!r}")
        self.at += len(mark)

    def skip_to(self, mark: str) -> None:
        self.at = self.text.index(mark, self.at) + len(mark)

    def number(self) -> str:
        match = re.compile(r"[0-9]+").match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match.group() if match else ""

    def name(self) -> str:
        self.peek("")
        match = re.compile(r'"((?:[^"\\]|\\.)*)"|([A-Za-z_$][\w$]*)').match(self.text, self.at)
        if not match:
            raise ValueError(f"expected a name at {self.text[self.at : self.at + 60]!r}")
        self.at = match.end()
        return match.group(1) if match.group(1) is not None else match.group(2)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _write(name: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, separators=(",", ":"), sort_keys=True)
    (OUT / name).write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{name}: {len(text):,} bytes, {len(content['kinds'])} kinds\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]])
