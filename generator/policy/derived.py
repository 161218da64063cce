"""The facts that no path can say, by the name `rules/facts.yaml` gives them after `derive:`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from generator.policy import composefacts, configfacts, networkfacts, podfacts
from generator.policy.documents import Document
from generator.policy.found import Found

Derive: TypeAlias = Callable[[Sequence[Document]], Iterator[Found]]

EVERYWHERE = frozenset(
    [
        *("api-versions", "compose-hurries", "compose-networks", "compose-volumes", "compose-waits"),
        *("exposed-context", "known-secrets", "lesser-environments", "literal-secrets", "liveness", "pod-labels"),
        *("pre-stop", "readiness", "several-containers", "weaker-environments"),
    ]
)
"""Those that look at single objects, or at all environments at once."""

DERIVED: dict[str, Derive] = {
    "api-versions": podfacts.api_versions,
    "backend-ports": networkfacts.backend_ports,
    "backends": networkfacts.backends,
    "blocked-budgets": podfacts.budgets,
    "compose-hurries": composefacts.hurries,
    "compose-networks": partial(composefacts.undeclared, "networks"),
    "compose-volumes": partial(composefacts.undeclared, "volumes"),
    "compose-waits": composefacts.waits,
    "config-names": configfacts.config_names,
    "config-references": configfacts.config_references,
    "egress-flows": partial(networkfacts.flows, "egress"),
    "exposed-context": configfacts.exposed_context,
    "guarded-workloads": podfacts.guarded,
    "hpa-resources": podfacts.hpa_resources,
    "ingress-flows": partial(networkfacts.flows, "ingress"),
    "known-secrets": configfacts.known_secrets,
    "literal-secrets": configfacts.literal_secrets,
    "lesser-environments": podfacts.lesser_environments,
    "liveness": partial(podfacts.probe_descriptions, "livenessProbe"),
    "objects": podfacts.objects,
    "pod-labels": podfacts.labelled_pods,
    "policy-ports": networkfacts.policy_ports,
    "policy-selectors": networkfacts.policy_selectors,
    "pre-stop": podfacts.pre_stop,
    "quota-needs": podfacts.quotas,
    "readiness": partial(podfacts.probe_descriptions, "readinessProbe"),
    "scaled-workloads": podfacts.scaled,
    "scrape-ports": networkfacts.scraped,
    "secret-keys": configfacts.secret_keys,
    "secret-references": configfacts.secret_references,
    "service-ports": networkfacts.service_ports,
    "service-targets": networkfacts.service_targets,
    "several-containers": podfacts.several,
    "weaker-environments": podfacts.weaker_environments,
    "workloads": podfacts.scaled_objects,
}
