"""The first page: what the product is made of, where it runs, and where everything about it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.markdown import code, written
from generator.model import Product, Public, Service, Spec
from generator.targets.docs.site import FOLDER, home, last, on_kubernetes, pipelines, row, runbooks, terraformed, told

Told = tuple[str, tuple[str, ...]]


def plan(product: Product) -> Iterator[Artifact]:
    spec = last(product)
    context: dict[str, Any] = {
        "app": because(written(spec.app), "app"),
        "description": because(written(spec.description), "description"),
        "owner": because(written(spec.owner), "owner"),
        "spec": because(code(product.spec_path), "app"),
        "services": told(_services(spec)),
        "resources": told(_resources(spec)),
        "environments": told(_environments(product)),
        "diagrams": told(_diagrams(product)),
        "runbooks": because(", ".join(runbooks(product)), "services"),
        "trees": told(_trees(product)),
    }
    yield Artifact(f"{FOLDER}/README.md", "docs", "docs/overview.md.j2", context, "app")


def _services(spec: Spec) -> Iterator[Told]:
    for service in spec.services.values():
        runtime = service.runtime
        made = " ".join(filter(None, (runtime.name, runtime.version))) if runtime is not None else service.image or ""
        public = code(_reached(service.public), cell=True) if service.public is not None else ""
        port = str(service.port) if service.port is not None else ""
        near = ", ".join((*service.calls, *service.uses))
        cells = (service.name, service.type, written(made), port, public, near, written(_does(service)))
        yield row(*cells), (service.path,)


def _reached(public: Public) -> str:
    prefix = public.path_prefix.rstrip("/")
    return f"{public.host}{prefix}"


def _does(service: Service) -> str:
    if service.schedule is None:
        return ""
    return f"at {service.schedule.cron} in {service.schedule.time_zone}"


def _resources(spec: Spec) -> Iterator[Told]:
    for resource in spec.resources.values():
        users = ", ".join(service.name for service in spec.users(resource.name))
        kind = " ".join(filter(None, (resource.type, resource.version)))
        kept = f"every {resource.backup.every}, kept {resource.backup.keep}" if resource.backup is not None else ""
        yield row(resource.name, written(kind), users, kept), (resource.path,)


def _environments(product: Product) -> Iterator[Told]:
    for name, spec in product.environments.items():
        before = spec.environment.promote_from or ""
        guarded = "yes" if spec.environment.protect else "no"
        yield row(name, home(spec), before, guarded), (spec.environment.path,)


def _diagrams(product: Product) -> Iterator[Told]:
    for name, spec in product.environments.items():
        yield f"- [Diagrams of {name}](diagrams/{name}.md)", (spec.environment.path,)


def _trees(product: Product) -> Iterator[Told]:
    base = product.base
    specs = product.environments.values()
    if base.renders("docker") and any(service.built for service in base.services.values()):
        yield row("`docker-bake.hcl` and a `Dockerfile` for each service", "images"), ("services",)
    if base.renders("compose"):
        yield row("`compose.yaml`", "the product on one machine"), ("services",)
    if any(on_kubernetes(spec) for spec in specs):
        yield row("`kubernetes/base`", "what all environments share"), ("platform.compute",)
        yield row("`kubernetes/overlays`", "what differs, one folder an environment"), ("environments",)
    if any(terraformed(spec) for spec in specs):
        yield row("`terraform/environments`", "one root an environment"), ("cloud",)
        yield row("`terraform/bootstrap`", "the state and the roles of the pipeline"), ("cloud",)
    if base.renders("monitoring"):
        yield row("`monitoring`", "rules, alerts and their tests, dashboards, logs, traces"), ("monitoring",)
    for name, path in pipelines(product).items():
        yield row(code(path), f"the pipeline {name}"), ("delivery.ci",)
