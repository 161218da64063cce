"""The facts that no path can say, by the name `rules/facts.yaml` gives them after `derive:`."""

from __future__ import annotations

from functools import partial

from generator.policy import (
    composefacts,
    configfacts,
    networkfacts,
    podfacts,
    terraformfacts,
    terraformnetwork,
    terraformrights,
    terraformuses,
    workflows,
)
from generator.policy.found import Derive
from generator.policy.monitoring import alertmanager, collector, crossing, expressions, grafana, logs, prometheus

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

_TERRAFORM: dict[str, Derive] = {
    "terraform-acls": terraformfacts.acls,
    "terraform-actions": terraformrights.actions,
    "terraform-attachments": terraformrights.attached,
    "terraform-backups": terraformuses.backups,
    "terraform-breakers": terraformfacts.breakers,
    "terraform-cache-rest": terraformfacts.cache_rest,
    "terraform-cache-transit": terraformfacts.cache_transit,
    "terraform-counts": terraformfacts.counts,
    "terraform-dead-letter-kinds": terraformfacts.dead_letter_kinds,
    "terraform-dead-letters": terraformfacts.dead_letters,
    "terraform-egress": terraformnetwork.egress,
    "terraform-endpoints": terraformfacts.endpoints,
    "terraform-engines": terraformfacts.engines,
    "terraform-flows-in": terraformnetwork.flows_in,
    "terraform-flows-out": terraformnetwork.flows_out,
    "terraform-health-paths": terraformuses.health_paths,
    "terraform-hosts": terraformuses.hosts,
    "terraform-identities": terraformuses.identities,
    "terraform-ingress": terraformnetwork.ingress,
    "terraform-kept-stores": terraformfacts.kept_stores,
    "terraform-listeners": terraformnetwork.listeners,
    "terraform-log-groups": terraformuses.log_groups,
    "terraform-nats": terraformnetwork.nats,
    "terraform-passwords": terraformfacts.passwords,
    "terraform-pinned-modules": terraformfacts.pinned_modules,
    "terraform-priorities": terraformnetwork.priorities,
    "terraform-production": terraformfacts.productions,
    "terraform-public-blocks": terraformfacts.public_blocks,
    "terraform-scaled": terraformfacts.scaled,
    "terraform-scopes": terraformrights.scopes,
    "terraform-secret-keys": terraformuses.secret_keys,
    "terraform-several": terraformfacts.several,
    "terraform-sizes": terraformfacts.sizes,
    "terraform-spot": terraformfacts.spot,
    "terraform-stored-secrets": terraformfacts.stored_secrets,
    "terraform-subnets": terraformnetwork.subnets,
    "terraform-target-ports": terraformuses.target_ports,
    "terraform-task-roles": terraformfacts.task_roles,
    "terraform-tls": terraformnetwork.tls,
    "terraform-trusts": terraformrights.trusts,
    "terraform-uses": terraformuses.uses,
    "terraform-weaker": terraformfacts.weaker,
}
DERIVED |= _TERRAFORM
EVERYWHERE |= frozenset(_TERRAFORM) - {"terraform-identities", "terraform-secret-keys", "terraform-uses"}
"""Roots keep apart by themselves; what stands in manifests is of one environment."""

_MONITORING: dict[str, Derive] = {
    name: derive
    for module in (alertmanager, collector, crossing, expressions, grafana, logs, prometheus)
    for name, derive in module.DERIVED.items()
}
DERIVED |= _MONITORING
EVERYWHERE |= frozenset(_MONITORING)

DERIVED |= workflows.DERIVED
EVERYWHERE |= frozenset(workflows.DERIVED)
