"""Manifests against the schemas: what is caught, what must not be, and what is said not to be checked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import data
from generator.checkers import Settings, kubernetes, served
from generator.document import SourceFile
from generator.finding import Finding, Outcome
from tests.conftest import APPS, ROOT

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: example.com/web:1
          ports:
            - {containerPort: 8080, protocol: TCP}
          resources:
            requests: {cpu: 250m, memory: 256Mi}
"""
POD_FIELDS = (
    "its fields are: activeDeadlineSeconds, affinity, automountServiceAccountToken, containers, dnsConfig, dnsPolicy, "
    "enableServiceLinks, ephemeralContainers, evictionResponders, hostAliases, hostIPC, hostNetwork, …"
)
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
SPEC_FIELDS = (
    "its fields are: minReadySeconds, paused, progressDeadlineSeconds, replicas, revisionHistoryLimit, selector, "
    "strategy, template"
)
ROUTE = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n  rules:\n    - "
SECRET = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: s}\nspec:\n  data:\n    - "
LIST = "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Service\n    metadata: {name: s}\n    spec: "


def outcome(files: dict[str, str], versions: Sequence[str] = ("1.36",)) -> Outcome:
    settings = Settings(cache=Path("unused"), kubernetes_versions=tuple(versions))
    return kubernetes.check([SourceFile(path, text) for path, text in files.items()], settings)


def findings(text: str, versions: Sequence[str] = ("1.36",)) -> tuple[Finding, ...]:
    return outcome({"app.yaml": text}, versions).findings


_FLOW = "apiVersion: v1, kind: ConfigMap, metadata: {name: c}"


def _object(api: str, kind: str, rest: str) -> str:
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: x}}\n{rest}\n"


def with_line(old: str, new: str) -> str:
    assert DEPLOYMENT.count(old) == 1
    return DEPLOYMENT.replace(old, new)


CAUGHT = {
    "a slip in a field": (
        with_line("  replicas: 2", "  replcas: 2"),
        ("kubernetes/unknown-field", 5, 3, '"replcas" is not a field of `spec` (Kubernetes 1.36 and 1.37)'),
        'did you mean "replicas"?',
    ),
    "a field of nothing": (
        with_line("  replicas: 2", "  colour: blue"),
        ("kubernetes/unknown-field", 5, 3, '"colour" is not a field of `spec` (Kubernetes 1.36 and 1.37)'),
        SPEC_FIELDS,
    ),
    "a field one level too high": (
        with_line("  replicas: 2", "  containers: []"),
        ("kubernetes/unknown-field", 5, 3, '"containers" is not a field of `spec` (Kubernetes 1.36 and 1.37)'),
        SPEC_FIELDS,
    ),
    "a number in quotes": (
        with_line("replicas: 2", 'replicas: "2"'),
        (
            "kubernetes/wrong-type",
            5,
            13,
            '`replicas` is a whole number, and here stands "2" (Kubernetes 1.36 and 1.37)',
        ),
        "write it without quotes",
    ),
    "a mapping instead of a list": (
        with_line(
            "          ports:\n            - {containerPort: 8080, protocol: TCP}",
            "          ports: {containerPort: 80}",
        ),
        ("kubernetes/wrong-type", 13, 18, "`ports` is a list, and here stands a mapping (Kubernetes 1.36 and 1.37)"),
        "begin each entry with `- `",
    ),
    "a required field left out": (
        with_line("  selector: {matchLabels: {app: web}}\n", ""),
        ("kubernetes/missing-field", 4, 1, "`spec` needs `selector` (Kubernetes 1.36 and 1.37)"),
        "add `selector`",
    ),
    "a slip in a required field": (
        with_line("containerPort: 8080", "contanerPort: 8080"),
        (
            "kubernetes/unknown-field",
            14,
            16,
            '"contanerPort" is not a field of an entry of `ports` (Kubernetes 1.36 and 1.37)',
        ),
        'did you mean "containerPort"?',
    ),
    "a required field of an entry": (
        with_line("{containerPort: 8080, protocol: TCP}", "{protocol: TCP}"),
        (
            "kubernetes/missing-field",
            14,
            15,
            "an entry of `ports` needs `containerPort` (Kubernetes 1.36 and 1.37)",
        ),
        "add `containerPort`",
    ),
    "a word that is none": (
        with_line("protocol: TCP", "protocol: tcp"),
        (
            "kubernetes/invalid-value",
            14,
            47,
            '"tcp" is not a value of `protocol` (Kubernetes 1.36 and 1.37)',
        ),
        'did you mean "TCP"?',
    ),
    "a number where a word stands": (
        with_line("protocol: TCP", "protocol: 6"),
        ("kubernetes/wrong-type", 14, 47, "`protocol` is a text, and here stands 6 (Kubernetes 1.36 and 1.37)"),
        "put quotes around it",
    ),
    "a field of no version, whose neighbours differ": (
        with_line("      containers:", "      zebra: 1\n      containers:"),
        ("kubernetes/unknown-field", 10, 7, '"zebra" is not a field of `spec` (Kubernetes 1.36 and 1.37)'),
        POD_FIELDS,
    ),
    "a quantity of another world": (
        with_line("memory: 256Mi", "memory: 256MB"),
        (
            "kubernetes/invalid-value",
            16,
            43,
            '"256MB" is not a quantity such as 500m, 2 or 256Mi (Kubernetes 1.36 and 1.37)',
        ),
        "for example 256Mi",
    ),
    "a truth value as a label": (
        with_line("metadata: {labels: {app: web}}", "metadata: {labels: {app: yes}}"),
        ("kubernetes/wrong-type", 8, 30, "`app` is a text, and here stands true (Kubernetes 1.36 and 1.37)"),
        "put quotes around it",
    ),
    "a number in a ConfigMap, not quoted back": (
        CONFIG + "data: {PORT: 8080}\n",
        ("kubernetes/wrong-type", 4, 14, "`PORT` is a text, and here stands a whole number (Kubernetes 1.36 and 1.37)"),
        "put quotes around it",
    ),
    "a number as a variable, not quoted back": (
        with_line("          ports:", "          env: [{name: PIN, value: 4711}]\n          ports:"),
        (
            "kubernetes/wrong-type",
            13,
            36,
            "`value` is a text, and here stands a whole number (Kubernetes 1.36 and 1.37)",
        ),
        "put quotes around it",
    ),
    "a route with an unknown key": (
        ROUTE + "backendRef: [{name: web, port: 80}]\n",
        ("kubernetes/unknown-field", 6, 7, '"backendRef" is not a field of an entry of `rules`'),
        'did you mean "backendRefs"?',
    ),
    "a route with a match of an unknown type": (
        ROUTE + "matches: [{path: {type: Prefix, value: /}}]\n",
        ("kubernetes/invalid-value", 6, 31, '"Prefix" is not a value of `type`'),
        'did you mean "PathPrefix"?',
    ),
    "a synchronised secret without its key": (
        SECRET + "{secretKey: url, remoteRef: {property: url}}\n",
        ("kubernetes/missing-field", 6, 24, "`remoteRef` needs `key`"),
        "add `key`",
    ),
    "metadata of a custom object": (
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: s, label: {a: b}}\nspec: {}\n",
        ("kubernetes/unknown-field", 3, 21, '"label" is not a field of `metadata`'),
        'did you mean "labels"?',
    ),
    "an object of a list": (
        LIST + "{prts: []}\n",
        ("kubernetes/unknown-field", 7, 12, '"prts" is not a field of `spec` (Kubernetes 1.36 and 1.37)'),
        'did you mean "ports"?',
    ),
    "an API without a policy rule": (
        "apiVersion: scheduling.k8s.io/v1beta1\nkind: PriorityClass\nmetadata: {name: p}\nvalue: 1\n",
        (
            "kubernetes/api-removed",
            1,
            13,
            "scheduling.k8s.io/v1beta1 PriorityClass is not served since Kubernetes 1.22",
        ),
        "write `apiVersion: scheduling.k8s.io/v1`",
    ),
    "a slip in a kind": (
        _object("apps/v1", "Deploymnet", ""),
        ("kubernetes/unknown-kind", 2, 7, '"Deploymnet" is not a kind of apps/v1'),
        'did you mean "Deployment"?',
    ),
    "a slip in a kind of the core": (
        _object("v1", "service", ""),
        ("kubernetes/unknown-kind", 2, 7, '"service" is not a kind of v1'),
        'did you mean "Service"?',
    ),
    "a kind of another group": (
        _object("v1", "Deployment", ""),
        ("kubernetes/unknown-kind", 1, 13, "Deployment is not a kind of v1"),
        "write `apiVersion: apps/v1`",
    ),
    "a version that its group does not have": (
        _object("batch/v2", "CronJob", ""),
        ("kubernetes/unknown-kind", 1, 13, "CronJob is not a kind of batch/v2"),
        "write `apiVersion: batch/v1`",
    ),
    "a group that nobody can have": (
        _object("app/v1", "Deployment", ""),
        ("kubernetes/unknown-kind", 1, 13, "Deployment is not a kind of app/v1"),
        "write `apiVersion: apps/v1`",
    ),
    "a group without its version": (
        _object("apps", "StatefulSet", ""),
        ("kubernetes/unknown-kind", 1, 13, "StatefulSet is not a kind of apps"),
        "write `apiVersion: apps/v1`",
    ),
    "a kind that Kubernetes' own group cannot have": (
        _object("policy/v1", "Umbrella", ""),
        ("kubernetes/unknown-kind", 2, 7, '"Umbrella" is not a kind of policy/v1'),
        "its kinds are: Eviction, PodDisruptionBudget",
    ),
    "a version of a group that never was": (
        _object("policy/v7", "Umbrella", ""),
        ("kubernetes/unknown-kind", 1, 13, '"Umbrella" is not a kind of policy/v7'),
        "policy has: policy/v1",
    ),
    "an object without its kind": (
        "apiVersion: v1\nmetadata: {name: c}\n",
        ("kubernetes/missing-field", 1, 1, "an object with `apiVersion: v1` needs `kind`"),
        "add `kind`",
    ),
    "an object with an empty kind": (
        "apiVersion: v1\nkind:\n",
        ("kubernetes/missing-field", 2, 1, "an object with `apiVersion: v1` needs `kind`"),
        "add `kind`",
    ),
    "an object without its API": (
        "kind: Service\nmetadata: {name: c}\n",
        ("kubernetes/missing-field", 1, 1, "an object with `kind: Service` needs `apiVersion`"),
        "add `apiVersion`",
    ),
    "an object without a name": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: shop}\n",
        ("kubernetes/missing-field", 3, 1, "`metadata` needs `name`"),
        "add `metadata.name`",
    ),
    "a name that is a mapping": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {a: b}}\n",
        (
            "kubernetes/wrong-type",
            3,
            18,
            "`name` is a text, and here stands a mapping (Kubernetes 1.36 and 1.37)",
        ),
        "write a text",
    ),
    "an object of nobody": (
        "apiVersion: v1\nkind: ConfigMap\n",
        ("kubernetes/missing-field", 1, 1, "a ConfigMap needs `metadata.name`"),
        "add `metadata.name`",
    ),
    "an object of a list in a list": (
        LIST.replace("Service\n", "List\n").replace("spec: ", f"items: [{{{_FLOW}, dta: {{}}}}]\n"),
        ("kubernetes/unknown-field", 7, 68, '"dta" is not a field of a ConfigMap (Kubernetes 1.36 and 1.37)'),
        'did you mean "data"?',
    ),
    "a timeout that is no duration": (
        ROUTE + "timeouts: {request: 10 sec}\n",
        ("kubernetes/invalid-value", 6, 27, '"10 sec" is not accepted for `request`'),
        "it has the form ^([0-9]{1,5}(h|m|s|ms)){1,4}$",
    ),
    "a weight above all": (
        ROUTE + "backendRefs: [{name: web, port: 80, weight: 2000000}]\n",
        ("kubernetes/invalid-value", 6, 51, "2000000 is not accepted for `weight`"),
        "it is at most 1000000",
    ),
    "half a replica of a custom kind": (
        _object(
            "keda.sh/v1alpha1", "ScaledObject", "spec: {scaleTargetRef: {name: w}, maxReplicaCount: 2.5, triggers: []}"
        ),
        ("kubernetes/wrong-type", 4, 52, "`maxReplicaCount` is a whole number, and here stands 2.5"),
        "write a whole number",
    ),
    "a store of two kinds": (
        _object(
            "external-secrets.io/v1",
            "SecretStore",
            "spec: {provider: {fake: {data: []}, vault: {server: s, auth: {}}}}",
        ),
        ("kubernetes/invalid-value", 4, 18, "a mapping is not accepted for `provider`"),
        "it has one key only",
    ),
    "a key given twice": (
        CONFIG + "data:\n  a: b\n  a: c\n",
        ("yaml/duplicate-key", 6, 3, '"a" is given twice; most readers keep the last one'),
        "keep one of the two",
    ),
    "YAML that is none": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c\n",
        ("yaml/syntax", 4, 1, "YAML cannot be read here: did not find expected ',' or '}'"),
        "mend the line; often a quote, colon or indent is missing",
    ),
}


@pytest.mark.parametrize(("text", "expected", "fix"), CAUGHT.values(), ids=CAUGHT.keys())
def test_a_mistake_is_one_finding_at_its_place(text: str, expected: tuple[str, int, int, str], fix: str) -> None:
    said = findings(text)
    assert [(f.rule, f.at.line, f.at.column, f.message) for f in said] == [expected]
    assert said[0].fix == fix
    assert not outcome({"app.yaml": text}).passes or "List" in text


FINE = {
    "a plain Deployment": DEPLOYMENT,
    "numbers and texts where both may stand": with_line("cpu: 250m, memory: 256Mi", "cpu: 1, memory: 1e3"),
    "nothing given for an optional field": with_line("replicas: 2", "replicas:"),
    "a field of an extension": with_line("namespace: shop}", "annotations: {a.example/b: 'yes'}}"),
    "a port by name": _object("v1", "Service", "spec: {ports: [{port: 80, targetPort: http}]}"),
    "an empty policy": _object("networking.k8s.io/v1", "NetworkPolicy", "spec: {podSelector: {}, policyTypes: []}"),
    "a budget in percent": _object("policy/v1", "PodDisruptionBudget", "spec: {maxUnavailable: 25%}"),
    "a Secret": _object("v1", "Secret", "type: Opaque\nstringData: {password: '1'}"),
    "a CronJob": _object(
        "batch/v1",
        "CronJob",
        "spec: {schedule: '* * * * *', timeZone: Etc/UTC, concurrencyPolicy: Forbid, jobTemplate: {spec: {template: "
        "{spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}}",
    ),
    "an autoscaler": _object(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3, metrics: "
        "[{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]}",
    ),
    "an admission policy": _object(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        "spec: {failurePolicy: Fail, matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], "
        "operations: [CREATE], resources: [deployments]}]}, validations: [{expression: 'object.spec.replicas <= 5'}]}",
    ),
    "a route": _object(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        "spec: {parentRefs: [{name: g, sectionName: https}], hostnames: [a.example], rules: [{matches: [{path: "
        "{type: PathPrefix, value: /}, headers: [{name: v, value: '2'}]}], timeouts: {request: 10s}, filters: [{type: "
        "RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}], "
        "backendRefs: [{name: web, port: 80, weight: 90}]}]}",
    ),
    "a gateway": _object(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        "spec: {gatewayClassName: c, listeners: [{name: https, protocol: HTTPS, port: 443, tls: {mode: Terminate, "
        "certificateRefs: [{name: t}]}, allowedRoutes: {namespaces: {from: All}}}]}",
    ),
    "a synchronised secret": _object(
        "external-secrets.io/v1",
        "ExternalSecret",
        "spec: {refreshInterval: 1h, secretStoreRef: {name: s, kind: ClusterSecretStore}, target: {name: t, "
        "creationPolicy: Owner, template: {type: Opaque, data: {url: '{{ .a }}'}}}, "
        "data: [{secretKey: a, remoteRef: {key: k, property: p}}], dataFrom: [{extract: {key: k}}]}",
    ),
    "a secret store": _object(
        "external-secrets.io/v1",
        "SecretStore",
        "spec: {provider: {aws: {service: SecretsManager, region: eu-west-1, auth: {jwt: {serviceAccountRef: "
        "{name: s}}}}}}",
    ),
    "a synchronised secret with all there is": _object(
        "external-secrets.io/v1",
        "ExternalSecret",
        "spec: {refreshPolicy: Periodic, refreshInterval: 1h0m0s, syncWindows: {kind: allow, windows: [{schedule: "
        "0 9 * * 1-5, duration: 8h}]}, target: {deletionPolicy: Retain, template: {metadata: {finalizers: []}, "
        "templateFrom: [{configMap: {name: c, items: [{key: config.yml}]}}]}}, data: [{secretKey: a, remoteRef: {key: "
        "k, version: v1, decodingStrategy: None}, sourceRef: {storeRef: {name: s, kind: ClusterSecretStore}}}], "
        "dataFrom: [{sourceRef: {generatorRef: {apiVersion: generators.external-secrets.io/v1alpha1, kind: "
        "ECRAuthorizationToken, name: e}}}, {find: {path: p, name: {regexp: '.*'}, tags: {a: b}}, rewrite: [{regexp: "
        "{source: a, target: b}}, {merge: {into: a, strategy: JSON}}]}]}",
    ),
    "a store in Vault": _object(
        "external-secrets.io/v1",
        "ClusterSecretStore",
        "spec: {controller: dev, retrySettings: {maxRetries: 5, retryInterval: 10s}, provider: {vault: {server: "
        "'https://v.example', path: s, version: v2, caProvider: {type: Secret, name: s, key: k}, auth: {kubernetes: "
        "{mountPath: kubernetes, role: r, serviceAccountRef: {name: s}}}}}}",
    ),
    "a gateway with addresses and client certificates": _object(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        "spec: {gatewayClassName: c, addresses: [{value: '1234::'}, {value: 1200:0:AB00:1234:0:2552:7777:1313}, {type: "
        "Hostname, value: a.example}], tls: {frontend: {default: {validation: {caCertificateRefs: [{kind: ConfigMap, "
        "group: '', name: ca}]}}, perPort: [{port: 8443, tls: {validation: {caCertificateRefs: [{kind: ConfigMap, "
        "group: '', name: ca}]}}}]}}, listeners: [{name: h, protocol: HTTP, port: 80, hostname: '*.a.example'}]}",
    ),
    "a route with every limit of origins": _object(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        "spec: {rules: [{name: a, filters: [{type: CORS, cors: {allowOrigins: ['https://a.example', "
        "'https://*.b.example'], allowMethods: [GET], allowHeaders: ['*'], allowCredentials: true, maxAge: 3600}}]}]}",
    ),
    "a grant": _object(
        "gateway.networking.k8s.io/v1beta1",
        "ReferenceGrant",
        "spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}], to: [{group: '', kind: "
        "Service}]}",
    ),
    "a certificate": _object(
        "cert-manager.io/v1",
        "Certificate",
        "spec: {secretName: s, dnsNames: [a.example], issuerRef: {name: i, kind: ClusterIssuer}, "
        "privateKey: {algorithm: ECDSA, size: 256, rotationPolicy: Always}}",
    ),
    "an issuer": _object(
        "cert-manager.io/v1",
        "ClusterIssuer",
        "spec: {acme: {email: a@example.com, server: 'https://acme.example', privateKeySecretRef: {name: k}, "
        "solvers: [{http01: {gatewayHTTPRoute: {parentRefs: [{name: g, kind: Gateway}]}}}]}}",
    ),
    "an event-driven scaler": _object(
        "keda.sh/v1alpha1",
        "ScaledObject",
        "spec: {scaleTargetRef: {name: web}, minReplicaCount: 0, maxReplicaCount: 5, triggers: [{type: aws-sqs-queue, "
        "metadata: {queueURL: u, queueLength: '5'}, authenticationRef: {name: a}}]}",
    ),
    "a scrape by the operator": _object(
        "monitoring.coreos.com/v1",
        "ServiceMonitor",
        "spec: {selector: {matchLabels: {app: web}}, endpoints: [{port: metrics, path: /metrics, interval: 15s, "
        "relabelings: [{action: drop, sourceLabels: [a], regex: b}]}]}",
    ),
    "alerts by the operator": _object(
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        "spec: {groups: [{name: g, interval: 30s, rules: [{alert: A, expr: up == 0, for: 5m, labels: {severity: a}}, "
        "{record: a:b, expr: '1'}]}]}",
    ),
    "an application of Argo CD": _object(
        "argoproj.io/v1alpha1",
        "Application",
        "spec: {project: p, source: {repoURL: 'https://git.example/r', path: k, targetRevision: main}, destination: "
        "{server: 'https://kubernetes.default.svc', namespace: shop}, syncPolicy: {automated: {prune: true, "
        "selfHeal: true}, syncOptions: [CreateNamespace=true]}}",
    ),
    "a canary": _object(
        "argoproj.io/v1alpha1",
        "Rollout",
        "spec: {replicas: 3, selector: {matchLabels: {app: web}}, strategy: {canary: {steps: [{setWeight: 20}, "
        "{pause: {duration: 5m}}, {pause: {}}], canaryService: c, stableService: s}}, template: {metadata: {labels: "
        "{app: web}}, spec: {containers: [{name: web, image: i}]}}}",
    ),
    "not of Kubernetes": "services: {web: {image: x}}\n",
    "in JSON with surrogates": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, '
    '"data": {"a": "\\ud83d\\ude00"}}',
    "in JSON with tabs": '{\n\t"apiVersion": "v1",\n\t"kind": "ConfigMap",\n\t"metadata": {"name": "c"}\n}',
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE.keys())
def test_what_a_cluster_takes_is_no_finding(text: str) -> None:
    made = outcome({"app.json" if text.startswith("{") else "app.yaml": text}, served.available())
    assert [f"{f.at}: {f.message}" for f in made.findings] == []
    assert [n for n in made.not_checked if "1.38" not in n.what] == []
    assert len(made.passes) == (0 if text.startswith("services") else 1)


@pytest.mark.parametrize("text", [FINE["a canary"], DEPLOYMENT], ids=["custom", "core"])
def test_the_pod_of_a_workload_is_judged(text: str) -> None:
    wrong = text.replace("image: i}", "imgae: i}").replace("image: example", "imgae: example")
    assert [f.fix for f in findings(wrong)] == ['did you mean "image"?']


# versions


def test_the_next_version_is_judged_too_and_a_field_of_one_names_it() -> None:
    fields = [
        data.load(f"schemas/kubernetes/v{version}.json")["$defs"]["io.k8s.api.core.v1.PodSpec"]["properties"]
        for version in ("1.33", "1.37")
    ]
    [new, *_] = sorted(set(fields[1]) - set(fields[0]))
    text = with_line("      containers:", f"      {new}: null\n      containers:")
    assert [f.message for f in findings(text, ("1.33",)) if f.rule == "kubernetes/unknown-field"] != []
    assert all("1.33" in f.message and "1.37" not in f.message for f in findings(text, ("1.33", "1.37")))
    assert findings(text, ("1.37",)) == ()


@pytest.mark.parametrize(
    ("api", "kind", "version", "expected"),
    [
        (
            "storage.k8s.io/v1beta1",
            "VolumeAttributesClass",
            "1.36",
            (
                "kubernetes/api-removed",
                "storage.k8s.io/v1beta1 VolumeAttributesClass is not served since Kubernetes 1.37",
                "write `apiVersion: storage.k8s.io/v1`",
            ),
        ),
        (
            "admissionregistration.k8s.io/v1",
            "MutatingAdmissionPolicy",
            "1.34",
            (
                "kubernetes/unknown-kind",
                "admissionregistration.k8s.io/v1 MutatingAdmissionPolicy is served since Kubernetes 1.36, not by 1.35",
                "write `apiVersion: admissionregistration.k8s.io/v1beta1`",
            ),
        ),
        (
            "resource.k8s.io/v1",
            "DeviceTaintRule",
            "1.33",
            (
                "kubernetes/unknown-kind",
                "resource.k8s.io/v1 DeviceTaintRule is served since Kubernetes 1.37, not by 1.34",
                "write `apiVersion: resource.k8s.io/v1alpha3`",
            ),
        ),
    ],
    ids=["removed in the next version", "not yet stable", "not yet there"],
)
def test_an_api_that_a_version_lacks(api: str, kind: str, version: str, expected: tuple[str, str, str]) -> None:
    assert [(f.rule, f.message, f.fix) for f in findings(_object(api, kind, ""), (version,))] == [expected]


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("v1", "Config"),
        ("v1", "Template"),
        ("v1", "Route"),
        ("v1", "DeploymentConfig"),
        ("v1", "ImageStream"),
        ("v1", "BuildConfig"),
        ("v1", "DeploymentList"),
        ("skaffold/v4beta11", "Config"),
        ("kind.x-k8s.io/v1alpha4", "Cluster"),
        ("audit.k8s.io/v1", "Policy"),
        ("snapshot.storage.k8s.io/v1", "VolumeSnapshot"),
        ("metrics.k8s.io/v1beta1", "PodMetrics"),
        ("serving.knative.dev/v1", "Service"),
        ("networking.istio.io/v1", "Gateway"),
        ("builtin", "NamespaceTransformer"),
    ],
)
def test_what_belongs_to_others_is_not_called_a_slip(api: str, kind: str) -> None:
    made = outcome({"app.yaml": _object(api, kind, "")})
    assert (made.findings, made.passes) == ((), ())
    assert [one.what for one in made.not_checked] == [f"fields of {kind} ({api}) in app.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: score.dev/v1b1\nmetadata: {name: kind}\n",
        "apiVersion: v2\nname: chart\nkind: x\n",
        "kind: web\nmetadata: {apiVersion: 1}\n",
        "# apiVersion and kind\n- a\n",
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a}\n",
    ],
)
def test_what_is_no_object_is_left_alone(text: str) -> None:
    made = outcome({"app.yaml": text})
    assert (made.findings, made.passes) == ((), ())


def test_a_field_that_a_newer_controller_may_have_is_low() -> None:
    said = findings(_object("external-secrets.io/v1", "SecretStore", "spec: {provider: {fake: {data: []}}, zebra: 1}"))
    assert [(f.rule, f.severity.word, f.confidence) for f in said] == [("kubernetes/unknown-field", "low", "medium")]
    assert said[0].fix.endswith("; newer versions of its controller may have more")


@pytest.mark.parametrize(
    ("wanted", "used", "lacking"),
    [
        ((), "1.36, 1.37", []),
        (("1.35",), "1.35, 1.36", []),
        (("v1.36.2",), "1.36, 1.37", []),
        (("1.37",), "1.37", ["manifests against Kubernetes 1.38"]),
        (("1.40",), "1.37", ["manifests against Kubernetes 1.40", "manifests against Kubernetes 1.41"]),
        (("1.20",), "1.33", ["manifests against Kubernetes 1.20", "manifests against Kubernetes 1.21"]),
    ],
)
def test_versions_we_lack_are_said(wanted: tuple[str, ...], used: str, lacking: list[str]) -> None:
    made = outcome({"app.yaml": DEPLOYMENT}, wanted)
    assert [(tool.name, tool.version) for tool in made.tools] == [("kubernetes schemas", used)]
    assert [one.what for one in made.not_checked] == lacking
    assert all(one.reason == "there are schemas of 1.33 to 1.37 only" for one in made.not_checked)


# patches and kustomizations

KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../base]
patches:
  - path: patches/web.yaml
"""


def patched(text: str, kustomization: str = KUSTOMIZATION) -> Outcome:
    return outcome({"k/prod/kustomization.yaml": kustomization, "k/prod/patches/web.yaml": text})


PART = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"


@pytest.mark.parametrize(
    "rest",
    [
        "spec: {replicas: 3}",
        "spec: {replicas: null, template: {spec: {containers: [{name: web, ports: [{name: http, $patch: delete}]}]}}}",
        "spec: {template: {spec: {$setElementOrder/containers: [{name: a}], containers: [{name: a, image: null}]}}}",
        "$patch: delete",
        "spec: {strategy: {$retainKeys: [type], type: Recreate}}",
    ],
)
def test_a_patch_may_be_a_part(rest: str) -> None:
    made = patched(PART + rest)
    assert [f.message for f in made.findings] == []
    assert {one.path for one in made.passes} == {"k/prod/kustomization.yaml", "k/prod/patches/web.yaml"}


@pytest.mark.parametrize(
    ("rest", "rule"),
    [
        ("spec: {replcas: 3}", "kubernetes/unknown-field"),
        ("spec: {replicas: '3'}", "kubernetes/wrong-type"),
        ("spec: {strategy: {type: Rolling}}", "kubernetes/invalid-value"),
        ("$patch: remove", "kubernetes/invalid-value"),
    ],
)
def test_a_patch_with_a_mistake_is_caught(rest: str, rule: str) -> None:
    assert [f.rule for f in patched(PART + rest).findings] == [rule]


BLOCK = "|-\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata: {name: web}\n      "
INLINE = "kind: Kustomization\npatches:\n  - target: {kind: Deployment}\n    patch: "


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (
            BLOCK + "spec: {replicas: 3}",
            None,
        ),
        (
            BLOCK + "spec: {replcas: 3}",
            ("kubernetes/unknown-field", 8, 14),
        ),
        ("'{apiVersion: apps/v1, kind: Deployment, spec: {replcas: 3}}'", ("kubernetes/unknown-field", 4, 12)),
        ("|-\n      - {op: replace, path: /spec/replicas, value: 3}", None),
        ("|-\n      - {op: replac, path: /spec/replicas, value: 3}", ("kubernetes/invalid-value", 5, 14)),
        ("|-\n      - {op: remove}", ("kubernetes/missing-field", 5, 9)),
        ("|-\n      a: b: c", ("yaml/syntax", 5, 11)),
        ("|-\n      a: [", ("yaml/syntax", 5, 7)),
    ],
)
def test_a_patch_in_a_kustomization_is_judged_at_its_place(patch: str, expected: tuple[str, int, int] | None) -> None:
    made = outcome({"kustomization.yaml": INLINE + patch + "\n"})
    assert [(f.rule, f.at.line, f.at.column) for f in made.findings] == ([expected] if expected else [])
    assert made.not_checked == ()


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("- {op: test, path: /a, value: 1}\n- {op: move, from: /a, path: /b}\n", []),
        ("- {op: add, pth: /a}\n", ['"pth" is not a field of an entry of a JSON patch']),
        ("a: 1\n", ["a JSON patch is a list, and here stands a mapping"]),
    ],
)
def test_a_file_of_operations_is_judged(text: str, messages: list[str]) -> None:
    said = [f.message for f in patched(text).findings]
    assert len(said) == len(messages)
    assert all(part in message for part, message in zip(messages, said, strict=True))


def test_what_no_kustomization_lists_is_whole() -> None:
    made = patched(PART + "spec: {replicas: 3}", KUSTOMIZATION.replace("patches/web.yaml", "patches/other.yaml"))
    assert [f.message.split(" (")[0] for f in made.findings] == ["`spec` needs `selector`", "`spec` needs `template`"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("resource: [a.yaml]", '"resource" is not a field of a Kustomization'),
        ("namespace: [a]", "`namespace` is a text, and here stands a list"),
        ("images: [{newTag: '1'}]", "an entry of `images` needs `name`"),
        ("replicas: [{name: web, count: '3'}]", '`count` is a whole number, and here stands "3"'),
        ("patches: [web.yaml]", 'an entry of `patches` is a mapping, and here stands "web.yaml"'),
        ("buildMetadata: [origin]", '"origin" is not a value of an entry of `buildMetadata`'),
        (
            "labels: [{pairs: {a: b}, includeSelector: true}]",
            '"includeSelector" is not a field of an entry of `labels`',
        ),
    ],
)
def test_a_kustomization_with_a_mistake_is_caught(line: str, expected: str) -> None:
    head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    assert [f.message for f in outcome({"kustomization.yaml": f"{head}{line}\n"}).findings] == [expected]


def test_a_kustomization_needs_no_kind_and_takes_all_its_fields() -> None:
    text = (
        "namespace: shop\nnamePrefix: a-\nresources: [web.yaml]\ncomponents: [../c]\n"
        "labels: [{pairs: {a: b}, includeSelectors: false, includeTemplates: true}]\n"
        "images: [{name: web, newName: r/web, digest: 'sha256:0'}]\nreplicas: [{name: web, count: 2}]\n"
        "configMapGenerator: [{name: c, literals: [A=b], options: {disableNameSuffixHash: true}}]\n"
        "replacements: [{source: {kind: ConfigMap, name: c, fieldPath: data.A}, targets: [{select: {kind: Deployment}, "
        "fieldPaths: [spec.replicas], options: {create: true}}]}]\n"
        "patches: [{target: {kind: Deployment, labelSelector: a=b}, path: p.yaml, options: {allowNameChange: true}}]\n"
        "sortOptions: {order: fifo}\ngeneratorOptions: {immutable: true}\nbuildMetadata: [originAnnotations]\n"
    )
    made = outcome({"kustomization.yaml": text})
    assert (made.findings, made.not_checked, len(made.passes)) == ((), (), 1)


# what is not checked


@pytest.mark.parametrize(
    ("files", "what", "reason"),
    [
        (
            {
                "a.yaml": _object("example.com/v1", "Widget", "spec: {}"),
                "b.yaml": _object("example.com/v1", "Widget", ""),
            },
            "fields of Widget (example.com/v1) in a.yaml and 1 more",
            "there is no schema of it",
        ),
        (
            {"a.yaml": _object("policy/v1beta1", "PodDisruptionBudget", "spec: {}")},
            "fields of PodDisruptionBudget (policy/v1beta1) in a.yaml",
            "Kubernetes serves it no more since 1.25, so there is no schema of it",
        ),
        (
            {"chart/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\n{{- if .x }}\ndata: {}\n{{- end }}\n"},
            "chart/templates/a.yaml",
            "it is a template of another program, which has to fill it in first",
        ),
    ],
    ids=["unknown kind", "removed kind", "template"],
)
def test_what_is_not_checked_is_said_and_passes_nothing(files: dict[str, str], what: str, reason: str) -> None:
    made = outcome(files)
    assert made.findings == ()
    assert [(one.what, one.reason) for one in made.not_checked] == [(what, reason)]
    assert [one.path for one in made.passes if "kustomization" not in one.path] == []


def test_removed_apis_are_said_once_by_the_rule_or_by_us() -> None:
    """Each row of the table is either in the pattern of the policy rule or a finding of this checker."""
    text = (ROOT / "rules/kubernetes/api-removed.yaml").read_text(encoding="utf-8")
    pattern = re.search(r"^does-not-match: '(.*)'$", text, re.MULTILINE)
    assert pattern
    for row in data.load("schemas/kubernetes/removed.json")["removed"]:
        ruled = re.search(pattern[1], f"{row['apiVersion']} {row['kind']}") is not None
        assert ruled != row.get("finding", False), row
        said = findings(_object(row["apiVersion"], row["kind"], ""))
        assert [f.rule for f in said] == ([] if ruled else ["kubernetes/api-removed"])


def test_a_removed_api_is_in_no_schema() -> None:
    for version in served.available():
        kinds = data.load(f"schemas/kubernetes/v{version}.json")["kinds"]
        for row in data.load("schemas/kubernetes/removed.json")["removed"]:
            assert f"{row['apiVersion']}/{row['kind']}" not in kinds


# the whole


def _trees() -> list[str]:
    return sorted(path.parent.name for path in APPS.glob("*/expected"))


@pytest.mark.parametrize("name", _trees())
def test_what_we_generate_has_no_finding(name: str) -> None:
    root = APPS / name / "expected"
    files = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*"))
        if path.suffix in {".yaml", ".json"}
    }
    made = outcome(files)
    assert [f"{f.at}: {f.message}" for f in made.findings] == []
    assert made.not_checked == ()
    manifests = [text for path, text in files.items() if path.startswith("kubernetes/")]
    assert len(made.passes) >= len([text for text in manifests if "kind:" in text])


def test_the_schemas_are_small_and_closed() -> None:
    folder = ROOT / "schemas" / "kubernetes"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000
    for source in (*(f"v{version}" for version in served.available()), "custom"):
        schema = data.load(f"schemas/kubernetes/{source}.json")
        for name, part in {**schema["kinds"], **schema["$defs"]}.items():
            if "properties" in part:
                assert part["additionalProperties"] is False, name
            assert "description" not in part, name


def test_every_reference_leads_somewhere() -> None:
    for version in served.available():
        core = data.load(f"schemas/kubernetes/v{version}.json")
        custom = data.load("schemas/kubernetes/custom.json")
        named = set(re.findall(r"#/\$defs/([^\"]+)", json.dumps([core, custom])))
        assert named <= {*core["$defs"], *custom["$defs"]}


def test_the_order_of_the_files_changes_nothing() -> None:
    files = {f"{number}.yaml": text for number, text in enumerate([*FINE.values(), *(c[0] for c in CAUGHT.values())])}
    one, two = outcome(files), outcome(dict(reversed(files.items())))
    assert sorted(one.findings, key=lambda f: f.order) == sorted(two.findings, key=lambda f: f.order)
    assert set(one.passes) == set(two.passes)


def test_a_start_loads_no_validator() -> None:
    code = (
        "import sys, pathlib\nfrom generator.checkers import Settings, kubernetes, compose\n"
        "settings = Settings(cache=pathlib.Path('x'))\n"
        "kubernetes.check([], settings), compose.check([], settings)\n"
        "print([name for name in ('yaml', 'jsonschema', 'jsonschema_rs') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


ORACLE = {
    **{
        name: text
        for name, text in FINE.items()
        if any(f"apiVersion: {api}" in text for api in ("apps", "v1", "batch"))
    },
    **{
        name: CAUGHT[name][0]
        for name in (
            "a slip in a field",
            "a field one level too high",
            "a number in quotes",
            "a mapping instead of a list",
            "a required field left out",
            "a required field of an entry",
            "a truth value as a label",
            "a number in a ConfigMap, not quoted back",
        )
    },
}


@pytest.mark.parametrize("text", ORACLE.values(), ids=ORACLE.keys())
def test_the_verdict_is_that_of_kubernetes_validate(text: str) -> None:
    oracle = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    yaml: Any = pytest.importorskip("yaml")
    if text.startswith("{"):
        text = text.replace("\t", " ")
    try:
        oracle.validate(yaml.safe_load(text), "1.36", strict=True)
        wrong = False
    except oracle.ValidationError:
        wrong = True
    assert bool(findings(text)) == wrong


KEYS = st.sampled_from(
    ["apiVersion", "kind", "metadata", "name", "spec", "items", "data", "patches", "path", "a.b", ""]
)
WORDS = st.sampled_from(
    ["v1", "apps/v1", "ConfigMap", "Deployment", "List", "HTTPRoute", "gateway.networking.k8s.io/v1"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=3)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(["a.json", "kustomization.yaml"]), st.dictionaries(KEYS, ANYTHING), ANYTHING)
def test_no_document_is_a_crash_and_none_passes_with_a_finding(path: str, document: Any, item: Any) -> None:
    typed = {"apiVersion": "v1", "kind": "List", "items": [item, document]}
    for whole in (document, typed, {"apiVersion": "v1", "kind": "ConfigMap", **document}):
        made = outcome({path: json.dumps(whole)})
        assert all(f.at.line > 0 and f.message and f.fix for f in made.findings)
        assert not made.passes or not {f.subject for f in made.findings} & {one.subject for one in made.passes}
