"""Files as documents with an identity: what format, which object, which service.

`service` is what joins documents of different formats: the label `app.kubernetes.io/name` (else
the name) in Kubernetes, the service name in compose, and for a Dockerfile the compose service that
builds it, else an image of that name, else the name of its directory.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from generator.document import Location, Node, TextFile
from generator.policy import composetree, dockertree, workflowkinds
from generator.policy.monitoring import kinds

_COMPOSE_NAME = re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml", re.IGNORECASE)
_ENVIRONMENT = re.compile(r"(?:^|/)(?:overlays|environments|envs)/([^/]+)/")
_WATCHED = re.compile(r"(?:^|/)monitoring/(?:prometheus|logs|traces)/([^/]+)/")

POD = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "ReplicaSet": ("spec", "template", "spec"),
    "ReplicationController": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "Rollout": ("spec", "template", "spec"),
}
"""Where the pod spec stands, by kind: the place that paths call `@pod`."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file: a Kubernetes object, a compose file, a Dockerfile …

    `number` tells documents of one file apart; `environment` is the overlay it lies in, if any.
    """

    format: str
    kind: str
    root: Node
    file: str
    number: int = 0
    name: str = ""
    namespace: str = ""
    service: str = ""
    environment: str = ""
    replaced: frozenset[str] = frozenset()
    """The environments that have another version of this object, or none."""
    text: str = field(default="", repr=False)
    moved_to: str = ""
    """The namespace that an overlay puts it into, whatever the file says."""
    address: str = ""
    """The whole address of a Terraform resource, modules included; `name` is the one within its module."""
    configuration: str = ""
    """The folder of the Terraform root that it takes effect in."""

    @property
    def identity(self) -> str:
        return f"{self.file}#{self.number}{'@' * bool(self.environment)}{self.environment}"

    @property
    def lives_in(self) -> str:
        """The namespace it is deployed to, or "" when nothing tells."""
        return self.moved_to or self.namespace

    @property
    def subject(self) -> str:
        """`Deployment/shop/web` for an object; "" where the subject is within the document."""
        if self.format != "kubernetes":
            return ""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)


def documents(files: Sequence[TextFile], *, terraform: bool = True) -> tuple[Document, ...]:
    """All documents of the files, in their order; a kustomize patch is one of format `patch`.

    Terraform takes the longest, and is left out for those who have no question about it.
    """
    found: list[Document] = []
    for file in files:
        found.append(Document("text", "", Node(None, Location(file.path, 1, 1)), file.path, text=file.text))
        if _is_dockerfile(file.path):
            found.append(Document("docker", "Dockerfile", dockertree.read(file.text, file.path), file.path))
        elif file.path.endswith(".dockerignore"):
            found.append(Document("dockerignore", "", _lines(file), file.path))
        elif file.path.endswith((".yaml", ".yml", ".json")):
            found.extend(_yaml(file))
        elif file.path.endswith(".conf") and (form := kinds.format_of_text(file.text)):
            from generator.policy.monitoring import conftree

            found.append(Document(form, "", conftree.read(file.text, file.path, form), file.path))
    if terraform and any(file.path.endswith(".tf") for file in files):
        from generator.policy import terraformtree

        found.extend(terraformtree.documents(files))
    patches = set(_patches(found))
    for index, item in enumerate(found):
        if item.format == "kubernetes" and item.file in patches:
            found[index] = replace(item, format="patch")
    return tuple(_joined(_without_overrides(found)))


def _without_overrides(found: list[Document]) -> list[Document]:
    """Compose files without the services that only add to those of a file beside them: they are judged there."""
    whole = {
        (posixpath.dirname(item.file), name)
        for item in found
        if item.format == "compose"
        for name, service in (item.root.get("services") or item.root).items()
        if _stands_alone(service)
    }
    for index, item in enumerate(found):
        services = item.root.get("services") if item.format == "compose" else None
        if services is None or not isinstance(item.root.value, dict):
            continue
        folder = posixpath.dirname(item.file)
        kept = {
            name: service for name, service in services.items() if _stands_alone(service) or (folder, name) not in whole
        }
        if len(kept) < len(list(services.items())):
            root = replace(item.root, value={**item.root.value, "services": replace(services, value=kept)})
            found[index] = replace(item, root=root)
    return found


def _stands_alone(service: Node) -> bool:
    return any(service.get(key) is not None for key in ("image", "build", "extends"))


def _is_dockerfile(path: str) -> bool:
    from generator.dockerfile import is_dockerfile

    return is_dockerfile(path)


def _lines(file: TextFile) -> Node:
    """The patterns of an ignore file as a sequence."""
    lines = [
        Node(line.strip(), Location(file.path, number, 1))
        for number, line in enumerate(file.text.splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    at = Location(file.path, 1, 1)
    return Node({"lines": Node(tuple(lines), at), "count": Node(len(lines), at)}, at)


def _yaml(file: TextFile) -> Iterator[Document]:
    """The documents of a YAML file; one that cannot be read is the business of the format's own checker."""
    objects = '"kind"' in file.text and '"apiVersion"' in file.text
    if file.path.endswith(".json") and not objects and '"panels"' not in file.text:
        return  # neither objects of Kubernetes nor a dashboard
    from generator import yamlfile

    roots, _ = yamlfile.read(file.text, file.path)
    number = 0
    for root in roots:
        for item in _expanded(root):
            document = _classified(item, file.path, number)
            number += 1
            if document is not None:
                yield document
                yield from _embedded(document)


def _embedded(document: Document) -> Iterator[Document]:
    """What an operator's object holds in a format of its own: rules, a collector's configuration."""
    if document.format != "kubernetes":
        return
    for kind, path, form in kinds.EMBEDDED:
        inner = document.root.get(*path) if document.kind == kind else None
        if inner is not None and isinstance(inner.value, dict):
            yield replace(document, format=form, root=inner)


def _expanded(root: Node) -> Iterator[Node]:
    """The objects of a `kind: List`, or the document itself."""
    kind, items = root.get("kind"), root.get("items")
    if kind is not None and isinstance(kind.value, str) and kind.value.endswith("List") and items is not None:
        yield from items.elements()
    else:
        yield root


def _classified(root: Node, path: str, number: int) -> Document | None:
    if not isinstance(root.value, dict):
        return None
    kind, version = _word(root, "kind"), _word(root, "apiVersion")
    environment = match.group(1) if (match := _ENVIRONMENT.search(path)) else ""
    name = posixpath.basename(path)
    if name.startswith("kustomization.") or version.startswith("kustomize.config.k8s.io/"):
        return Document("kustomization", kind, root, path, number, environment=environment)
    if kind and (version or kind in POD) and not version.startswith("backstage.io/"):
        return Document(
            "kubernetes",
            kind,
            root,
            path,
            number,
            name=_word(root, "metadata", "name"),
            namespace=_word(root, "metadata", "namespace"),
            service=_service(root),
            environment=environment,
        )
    if _is_compose(root, name):
        return Document("compose", "", composetree.tree(root), path, number)
    if form := kinds.format_of(root):
        watched = match.group(1) if (match := _WATCHED.search(path)) else environment
        return Document(form, "", root, path, number, environment=watched)
    if form := workflowkinds.format_of(root, path):
        return Document(form, "", root, path, number)
    return None


def _is_compose(root: Node, name: str) -> bool:
    services = root.get("services")
    if services is None or not isinstance(services.value, dict):
        return False
    return bool(_COMPOSE_NAME.fullmatch(name)) or (
        any(service.get("image") or service.get("build") for _, service in services.items())
        and not root.get("apiVersion")
    )


def _word(root: Node, *path: str) -> str:
    node = root.get(*path)
    return str(node.value) if node is not None and isinstance(node.value, str | int | float) else ""


def _service(root: Node) -> str:
    label = _word(root, "metadata", "labels", "app.kubernetes.io/name")
    return label or _word(root, "metadata", "name")


def _patches(found: Iterable[Document]) -> Iterator[str]:
    """Files that a kustomization lays over others: parts of objects, not objects."""
    for document in found:
        if document.format != "kustomization":
            continue
        folder = posixpath.dirname(document.file)
        for key in ("patches", "patchesStrategicMerge", "patchesJson6902"):
            for patch in (document.root.get(key) or document.root).elements():
                path = patch.value if isinstance(patch.value, str) else _word(patch, "path")
                if isinstance(path, str) and path and "\n" not in path:
                    yield posixpath.normpath(posixpath.join(folder, path))


def _joined(found: list[Document]) -> Iterator[Document]:
    """Dockerfiles with the service they belong to."""
    builds: dict[str, str] = {}
    names: set[str] = set()
    for document in found:
        if document.format == "compose":
            folder = posixpath.dirname(document.file)
            for service, node in (document.root.get("services") or document.root).items():
                names.add(service)
                context = _word(node, "build", "context")
                if context and "://" not in context:
                    file = _word(node, "build", "dockerfile") or "Dockerfile"
                    builds.setdefault(posixpath.normpath(posixpath.join(folder, context, file)), service)
        elif document.format == "kubernetes" and document.kind in POD:
            names.add(document.service)
    for document in found:
        if document.format not in ("docker", "dockerignore"):
            yield document
            continue
        yield replace(document, service=_owner(document, builds, names))


def _owner(document: Document, builds: dict[str, str], names: set[str]) -> str:
    folder = posixpath.dirname(document.file)
    if document.format == "dockerignore":
        return posixpath.basename(folder)
    path = posixpath.normpath(document.file)
    if path in builds:
        return builds[path]
    file = posixpath.basename(document.file)
    suffix = file.partition(".")[2] if file.lower().startswith("dockerfile.") else file.rpartition(".")[0]
    if suffix in names:
        return suffix
    return posixpath.basename(folder)
