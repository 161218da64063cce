"""catalog-info.yaml: the product as Backstage's software catalogue knows it.

https://backstage.io/docs/features/software-catalog/descriptor-format
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.model import Product, Resource, Service, Spec
from generator.targets.docs.site import last, on_kubernetes

_API = "backstage.io/v1alpha1"
_TYPES = {"postgres": "database", "mysql": "database", "mongodb": "database", "valkey": "cache", "bucket": "s3-bucket"}


def plan(product: Product) -> Iterator[Artifact]:
    spec = last(product)
    found = [_system(spec), *(_component(spec, service) for service in spec.services.values())]
    found += [_resource(spec, resource) for resource in spec.resources.values()]
    yield Artifact("catalog-info.yaml", "docs", "docs/catalog.yaml.j2", {"entities": found}, "app")


def _named(spec: Spec, name: str) -> str:
    """Names are one space for a whole company."""
    return f"{spec.app}-{name}" if name else spec.app


def _system(spec: Spec) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": because(spec.app, "app")}
    if spec.description:
        metadata["description"] = because(spec.description, "description")
    slug = spec.delivery.repository
    if slug:
        forge = "gitlab" if "gitlab" in spec.delivery.ci else "github"
        metadata["annotations"] = {f"{forge}.com/project-slug": because(slug, spec.delivery.at("repository"))}
    return _entity("System", metadata, {"owner": because(spec.owner, "owner")}, "app")


def _component(spec: Spec, service: Service) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": because(_named(spec, service.name), service.path)}
    metadata["title"] = because(service.name, service.path)
    if on_kubernetes(spec):
        selector = f"app.kubernetes.io/name={service.name},app.kubernetes.io/part-of={spec.app}"
        metadata["annotations"] = {"backstage.io/kubernetes-label-selector": because(selector, service.path)}
    if service.runtime is not None:
        metadata["tags"] = [because(service.runtime.name, f"{service.path}.runtime")]
    if service.public is not None:
        url = because(f"https://{service.public.host}", service.public.at("host"))
        metadata["links"] = [{"url": url, "title": because("Public address", service.public.path)}]
    body: dict[str, Any] = {
        "type": because("website" if service.type in {"web", "static"} else "service", service.path),
        "lifecycle": because("production", "environments"),
        "owner": because(spec.owner, "owner"),
        "system": because(spec.app, "app"),
    }
    needs = [because(f"component:default/{_named(spec, name)}", service.at("calls")) for name in service.calls]
    needs += [because(f"resource:default/{_named(spec, name)}", service.at("uses")) for name in service.uses]
    if needs:
        body["dependsOn"] = needs
    return _entity("Component", metadata, body, service.path)


def _resource(spec: Spec, resource: Resource) -> dict[str, Any]:
    metadata = {
        "name": because(_named(spec, resource.name), resource.path),
        "title": because(resource.name, resource.path),
    }
    body = {
        "type": because(_TYPES.get(resource.type, resource.type), resource.at("type")),
        "owner": because(spec.owner, "owner"),
        "system": because(spec.app, "app"),
    }
    return _entity("Resource", metadata, body, resource.path)


def _entity(kind: str, metadata: dict[str, Any], body: dict[str, Any], cause: str) -> dict[str, Any]:
    return {
        "head": {"apiVersion": because(_API, cause), "kind": because(kind, cause)},
        "metadata": metadata,
        "spec": body,
    }
