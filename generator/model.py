"""The spec as values: complete, validated, one `Spec` per environment.

The classes mirror the spec key by key, so that `service.scale.min` is the spec path
`services.web.scale.min`: every part knows its `path`, and provenance needs no second map.
Static defaults stand in `schemas/spec.schema.json`, derived ones in `spec.py`; none are here.
A key that is a Python keyword has an underscore behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from generator.document import Node
from generator.history import History
from generator.names import SHORT_LIMIT, cut
from generator.quantity import byte_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A mapping of the spec; `path` is where it stands (`services.web.scale`)."""

    path: str

    def at(self, key: str) -> str:
        """The spec path of one of its keys."""
        return f"{self.path}.{key}" if self.path else key


@dataclass(frozen=True, slots=True)
class Reference:
    """`${name.output}`, resolved: `kind` is service, resource, secret, app, environment or cloud."""

    name: str
    output: str
    kind: str
    secret: bool
    """Whether the value must not be seen."""

    def __str__(self) -> str:
        return f"${{{self.name}.{self.output}}}" if self.output else f"${{{self.name}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string of the spec that may hold references; `parts` alternate freely."""

    path: str
    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(part for part in self.parts if isinstance(part, Reference))

    @property
    def secret(self) -> bool:
        """A string with a secret part is itself secret."""
        return any(reference.secret for reference in self.references)

    @property
    def literal(self) -> str | None:
        """The text when nothing is referred to."""
        return None if self.references else "".join(str(part) for part in self.parts)

    @property
    def only(self) -> Reference | None:
        """The reference when the text is nothing else."""
        return self.references[0] if len(self.parts) == 1 and self.references else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network(Part):
    create: bool
    cidr: str
    zones: int
    existing: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud(Part):
    provider: str
    region: str | None
    dr_region: str | None
    account: dict[str, str]
    domain: str | None
    network: Network


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesPlatform(Part):
    version: str
    gitops: str
    layout: str
    gateway: str
    gateway_namespace: str
    monitoring_namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretStore(Part):
    store: str
    sync: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry(Part):
    host: str
    mirror: bool
    sign: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform(Part):
    compute: str
    cluster: str | None
    kubernetes: KubernetesPlatform
    secrets: SecretStore
    registry: Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime(Part):
    name: str
    version: str | None
    package_manager: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Build(Part):
    """How the image is made; `command` and `start` are shell text of the user's."""

    context: str
    command: str | None
    start: str | None
    output: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Public(Part):
    host: str
    path_prefix: str
    waf: bool
    rate_limit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health(Part):
    """`live` and `ready` are HTTP paths; `command` is an exec probe for services without a port."""

    live: str
    ready: str
    startup_seconds: int
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics(Part):
    """What it tells of itself. Without a `port` it pushes OTLP; `requests`, `duration`, `status` and `route` name the
    metrics and labels of profile custom, `series` what it measures beyond requests."""

    port: int | None
    path_: str
    profile: str
    buckets: tuple[float, ...]
    requests: str | None
    duration: str | None
    status: str | None
    route: str | None
    series: dict[str, Series]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series(Part):
    """A metric of the service's own."""

    name: str
    type: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo(Part):
    """What a service promises: percent of requests that succeed, and by when which share is answered (`p99: 300ms`)."""

    availability: float
    latency: dict[str, str]
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Part):
    cron: str
    time_zone: str
    deadline: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueScaling(Part):
    name: str
    per_replica: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(Part):
    min: int
    max: int
    cpu: int
    memory: int | None
    requests_per_second: int | None
    queue: QueueScaling | None

    @property
    def fixed(self) -> bool:
        """No autoscaler: the least is the most."""
        return self.min == self.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Size(Part):
    """Requests and limits; `cpu_limit` may be `none`. `disk` is scratch space on the node."""

    cpu: str
    memory: str
    cpu_limit: str
    memory_limit: str
    disk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage(Part):
    """A volume of a stateful service, mounted at `mount`."""

    size: str
    mount: str
    class_: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout(Part):
    strategy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Part):
    name: str
    type: str
    runtime: Runtime | None
    image: str | None
    build: Build
    command: tuple[str, ...]
    port: int | None
    protocol: str
    public: Public | None
    health: Health
    calls: tuple[str, ...]
    uses: tuple[str, ...]
    egress: tuple[str, ...]
    env: dict[str, Text]
    files: dict[str, Text]
    metrics: Metrics | None
    slo: Slo | None
    migrate: str | None
    schedule: Schedule | None
    scale: Scale
    size: Size
    storage: Storage | None
    writable: tuple[str, ...]
    rollout: Rollout
    spot: bool
    kubernetes_access: tuple[str, ...]

    @property
    def built(self) -> bool:
        """Whether we make its image."""
        return self.image is None

    @property
    def once(self) -> bool:
        """Whether it runs to its end, instead of running on."""
        return self.type in {"cron", "job"}

    @property
    def go_memory_limit(self) -> str:
        """GOMEMLIMIT: nine tenths of the memory limit, so that a Go program collects before it is killed; else ""."""
        if self.runtime is None or self.runtime.name != "go" or "GOMEMLIMIT" in self.env:
            return ""
        return f"{byte_count(self.size.memory_limit) * 9 // 10 // 2**20}MiB"

    @property
    def metrics_port(self) -> int | None:
        """Where its metrics are fetched; None when it has none, or pushes them."""
        return self.metrics.port if self.metrics is not None else None

    @property
    def listens(self) -> bool:
        return self.port is not None

    @property
    def replicated(self) -> bool:
        """Whether its pods are many and stay: neither a run-to-completion job nor one per node."""
        return self.type in {"web", "api", "worker", "stateful", "static"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSize(Part):
    cpu: str | None
    memory: str | None
    storage: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup(Part):
    every: str
    keep: str
    copy_to_dr: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Part):
    """Something a service uses; which keys mean anything depends on `type` (the schema decides)."""

    name: str
    type: str
    version: str | None
    size: ResourceSize | None
    highly_available: bool | None
    aurora: bool | None
    backup: Backup | None
    credentials: str | None
    dead_letter_after: int | None
    visibility: str | None
    ordered: bool | None
    versioned: bool | None
    replicate: bool | None
    expire: str | None
    host: str | None
    origin: str | None
    rotate: str | None
    owner: str | None
    outputs: dict[str, Text]
    """Of an `external` resource: the names it gives, with their values where they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret(Part):
    name: str
    rotate: str | None
    owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver(Part):
    """Who hears of something; each text may be a reference to a secret."""

    pagerduty: Text | None
    slack: Text | None
    opsgenie: Text | None
    teams: Text | None
    webhook: Text | None
    email: tuple[str, ...]

    @property
    def named(self) -> bool:
        """Whether it reaches anybody."""
        return any((self.pagerduty, self.slack, self.opsgenie, self.teams, self.webhook, self.email))


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify(Part):
    page: Receiver | None
    ticket: Receiver | None
    stakeholders: Receiver | None
    deadman: Text | None

    @property
    def emails(self) -> tuple[str, ...]:
        """Every address, without repetition."""
        receivers = [receiver for receiver in (self.page, self.ticket, self.stakeholders) if receiver is not None]
        return tuple(dict.fromkeys(address for receiver in receivers for address in receiver.email))


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsStore(Part):
    """Prometheus: how often it asks, how long it keeps, and whether its operator runs in the cluster."""

    interval: str
    keep: str
    operator: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs(Part):
    shipper: str
    store: str
    keep: str
    audit_keep: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling(Part):
    """Percent of the traces with an error, the time above which one is slow, percent of all others."""

    errors: int
    slow: str
    rest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces(Part):
    store: str
    keep: str
    sampling: Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring(Part):
    """`grafana` is its address, `runbooks` that of the folder of runbooks."""

    metrics: MetricsStore
    logs: Logs
    traces: Traces
    dashboards: tuple[str, ...]
    grafana: str | None
    runbooks: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTests(Part):
    """Series and their values, in promtool's notation, that make an alert fire and that do not."""

    fires: dict[str, str]
    silent: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule(Part):
    """An alert of the user's: `when` in our words or `expr` in PromQL."""

    name: str
    when: Text | None
    expr: Text | None
    for_: str
    severity: str
    summary: str
    tests: AlertTests | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisasterRecovery(Part):
    rto: str
    rpo: str
    strategy: str
    drill: str
    failover: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Part):
    currency: str
    monthly_limit: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Part):
    ci: tuple[str, ...]
    repository: str | None
    maintenance_window: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch(Part):
    """An edit of generated objects in the user's words; `merge` or `json` is given."""

    target: str
    match: dict[str, str]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment(Part):
    """What an environment is beside its overrides. The base has the name "" and is strict."""

    name: str
    promote_from: str | None
    protect: bool
    development: bool
    """Whether the weak defaults apply (one replica); a name that is not known to be weak is strict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec(Part):
    """The whole spec as one environment sees it; `tree` has every key with its place."""

    app: str
    owner: str
    description: str
    tags: dict[str, str]
    cloud: Cloud | None
    platform: Platform
    targets: tuple[str, ...]
    services: dict[str, Service]
    resources: dict[str, Resource]
    secrets: dict[str, Secret]
    notify: Notify | None
    monitoring: Monitoring
    alerts: dict[str, AlertRule]
    disaster_recovery: DisasterRecovery | None
    cost: Cost | None
    delivery: Delivery
    patches: tuple[Patch, ...]
    environment: Environment
    tree: Node

    @property
    def namespace(self) -> str:
        """The Kubernetes namespace and general prefix: `shop-prod`, or `shop` for the base."""
        return f"{self.app}-{self.environment.name}" if self.environment.name else self.app

    def renders(self, target: str) -> bool:
        """Whether a target is asked for: none listed means all."""
        return not self.targets or target in self.targets

    def dockerfile(self, service: Service) -> str:
        """The file that builds a service, relative to its build context; contexts may be shared."""
        sharing = [
            other for other in self.services.values() if other.built and other.build.context == service.build.context
        ]
        return "Dockerfile" if len(sharing) == 1 else f"Dockerfile.{service.name}"

    def callers(self, name: str) -> Iterator[Service]:
        """The services that call a service, in spec order."""
        return (service for service in self.services.values() if name in service.calls)

    def users(self, name: str) -> Iterator[Service]:
        """The services that use a resource, in spec order."""
        return (service for service in self.services.values() if name in service.uses)

    @property
    def tasks(self) -> Mapping[str, str]:
        """What runs as a task of ECS: service -> the name that Terraform gives it and its task definition."""
        prefix = f"{self.app}-{self.environment.name}"
        running = (one for one in self.services.values() if not self.handed_out(one))
        return {one.name: cut(f"{prefix}-{one.name}", SHORT_LIMIT) for one in running}

    def handed_out(self, service: Service) -> bool:
        """Whether a static site is handed out by a content network instead of a container."""
        return service.type == "static" and any(
            resource.type == "cdn" and resource.origin == service.name for resource in self.resources.values()
        )


@dataclass(frozen=True, slots=True)
class Product:
    """A loaded spec: the base (no environment) and each environment in promotion order.

    `history` is what the lock remembers of earlier generations, by environment.
    """

    spec_path: str
    base: Spec
    environments: Mapping[str, Spec]
    history: History = field(default_factory=dict)

    def spec(self, environment: str) -> Spec:
        """The spec of an environment; the base for ""."""
        return self.environments[environment] if environment else self.base

    @property
    def registry_keeper(self) -> Spec | None:
        """The environment in whose account a registry of AWS lies; None for another registry."""
        host = self.base.platform.registry.host
        if ".dkr.ecr." not in host:
            return None
        specs = [one for one in self.environments.values() if one.cloud is not None and one.cloud.provider == "aws"]
        specs = [one for one in specs if one.renders("terraform")]
        for one in specs:
            if one.cloud is not None and host.startswith(one.cloud.account.get(one.environment.name, "-")):
                return one
        return specs[-1] if specs else None
