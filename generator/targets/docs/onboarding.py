"""The first day with the product: run it, change it, know whom to ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.artifact import Artifact, because
from generator.markdown import code, written
from generator.model import Product, Spec
from generator.targets.docs.site import FOLDER, last, on_kubernetes, pipelines, row, terraformed, told
from generator.targets.docs.trouble import called

Told = tuple[str, tuple[str, ...]]


def plan(product: Product) -> Iterator[Artifact]:
    spec = last(product)
    context: dict[str, Any] = {
        "app": because(written(spec.app), "app"),
        "description": because(written(spec.description), "description"),
        "owner": because(written(spec.owner), "owner"),
        "spec": because(code(product.spec_path), "app"),
        "laptop": because(spec.renders("compose"), "targets"),
        "watched": because(spec.renders("compose") and spec.renders("monitoring"), "targets"),
        "secrets": because(_has_secrets(spec), "secrets", "resources"),
        "ports": told(_ports(spec)),
        "sources": told(_sources(spec)),
        "called": told(called(spec)),
        "environments": because(", ".join(product.environments), "environments"),
        "words": told(_words(product)),
        "gate": because(code(pipelines(product)["check"]) if pipelines(product) else "", "delivery.ci"),
    }
    yield Artifact(f"{FOLDER}/onboarding.md", "docs", "docs/onboarding.md.j2", context, "app")


def _has_secrets(spec: Spec) -> bool:
    """Whether compose asks for values in `.env`."""
    stored = any(resource.type in {"postgres", "mysql", "mongodb", "valkey"} for resource in spec.resources.values())
    texts = [text for service in spec.services.values() for text in (*service.env.values(), *service.files.values())]
    return stored or any(text.secret for text in texts)


def _ports(spec: Spec) -> Iterator[Told]:
    for service in spec.services.values():
        if service.port is not None:
            runtime = service.runtime.name if service.runtime is not None else service.image or ""
            yield row(service.name, service.type, written(runtime), str(service.port)), (service.at("port"),)


def _sources(spec: Spec) -> Iterator[Told]:
    for service in spec.services.values():
        if service.built:
            yield f"- {service.name}: {code(service.build.context or '.')}", (service.build.at("context"),)


def _words(product: Product) -> Iterator[Told]:
    """What the words of this repository mean."""
    base = product.base
    yield "- spec: the one file that people edit", ("app",)
    yield "- gate: the check that a change has to pass", ("delivery.ci",)
    yield f"- environment: one of {', '.join(product.environments)}", ("environments",)
    if any(on_kubernetes(spec) for spec in product.environments.values()):
        yield "- overlay: what an environment has that the base has not", ("environments",)
    if any(terraformed(spec) for spec in product.environments.values()):
        yield "- root: the Terraform of one environment", ("cloud",)
    if any(service.slo for service in base.services.values()):
        yield "- objective: what a service promises; an alert burns when the promise is used up too fast", ("services",)
    if any(spec.environment.promote_from for spec in product.environments.values()):
        yield "- promotion: the same images go on to the next environment", ("environments",)
