"""Commands of runbooks: what to type when something is wrong, for the place where it runs.

Names of one environment stand in the commands as shell variables, so that the same line serves all of them.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from generator.model import Service, Spec
from generator.names import LIMIT, SHORT_LIMIT, cut
from generator.targets.monitoring import storeaid
from generator.targets.monitoring.storeaid import assigned


@dataclass(frozen=True, slots=True)
class FirstAid:
    """`where` are lines that set the variables of an environment, `run` single-line commands by what they are for."""

    where: tuple[str, ...]
    run: Mapping[str, str]
    provider: str


def commands(specs: Mapping[str, Spec], subject: str, kind: str) -> FirstAid:
    """What helps with a subject, in the environments given."""
    last = list(specs.values())[-1]
    if kind == "resource":
        where, run, provider = storeaid.commands(specs, subject)
        return FirstAid(where, run, provider)
    kubernetes = last.platform.compute == "kubernetes"
    if kind == "platform" or subject not in last.services:
        run = {**_cluster(last), **(_monitored(last) if kubernetes else _watched_beside())}
        home = (_namespace(specs),) if kubernetes else ()
        return FirstAid((*home, *_cloud(specs, "", cluster=not kubernetes)), run, last.platform.compute)
    service = last.services[subject]
    if kubernetes:
        return FirstAid((_namespace(specs),), _pods(service), "kubernetes")
    return FirstAid(_cloud(specs, subject, cluster=True), _tasks(service), last.platform.compute)


def _namespace(specs: Mapping[str, Spec]) -> str:
    return assigned("NAMESPACE", {name: spec.namespace for name, spec in specs.items()})


def _cloud(specs: Mapping[str, Spec], subject: str, *, cluster: bool) -> tuple[str, ...]:
    """Region, cluster, service and vault, named as the Terraform of the same spec names them."""
    prefixes = {name: f"{spec.app}-{name}" for name, spec in specs.items()}
    regions = {name: spec.cloud.region or "" for name, spec in specs.items() if spec.cloud is not None}
    lines = [assigned("export AWS_REGION", regions)] if any(regions.values()) else []
    if cluster:
        clusters = {name: spec.platform.cluster or cut(prefixes[name], LIMIT) for name, spec in specs.items()}
        lines.append(assigned("CLUSTER", clusters))
    if subject:
        names = {name: cut(f"{prefix}-{subject}", SHORT_LIMIT) for name, prefix in prefixes.items()}
        lines.append(assigned("SERVICE", names))
    elif lines:
        lines.append(assigned("VAULT", {name: cut(prefix, LIMIT) for name, prefix in prefixes.items()}))
    return tuple(lines)


_KINDS = {"stateful": "statefulset", "daemon": "daemonset", "cron": "cronjob", "job": "job"}


def _pods(service: Service) -> dict[str, str]:
    name = service.name
    kubectl, chosen = 'kubectl -n "$NAMESPACE"', f"-l app.kubernetes.io/name={name}"
    workload = f"{_KINDS.get(service.type, 'deployment')}/{name}"
    state = ".status.containerStatuses[*]"
    columns = (
        f"POD:.metadata.name,RESTARTS:{state}.restartCount,"
        f"REASON:{state}.lastState.terminated.reason,EXIT:{state}.lastState.terminated.exitCode,"
        f"ENDED:{state}.lastState.terminated.finishedAt"
    )
    port = service.metrics_port or service.port
    made = {
        "state": f"{kubectl} get {workload} && {kubectl} get pods {chosen} -o wide",
        "describe": f"{kubectl} describe pods {chosen} | grep -A 20 '^Events:'",
        "events": f"{kubectl} get events --sort-by=.lastTimestamp | grep -F {name} | tail -n 30",
        "logs": f"{kubectl} logs {chosen} -c {name} --prefix --since=30m --tail=200",
        "previous": f"{kubectl} logs {chosen} -c {name} --prefix --previous --tail=100",
        "ended": f"{kubectl} get pods {chosen} -o custom-columns='{columns}'",
        "top": f"{kubectl} top pods {chosen} --containers",
        "limits": f"{kubectl} get {workload} -o jsonpath='{{..resources}}'",
        "endpoints": f"{kubectl} get endpointslices -l kubernetes.io/service-name={name}",
        "scrape": f"{kubectl} port-forward {workload} {port or 8080}:{port or 8080}",
        "quota": f"{kubectl} describe resourcequota",
        "volumes": f"{kubectl} get persistentvolumeclaims {chosen}",
        "jobs": f"{kubectl} get jobs {chosen} --sort-by=.metadata.creationTimestamp",
        "nodes": "kubectl get nodes -o wide && kubectl top nodes",
        "monitors": f"{kubectl} get servicemonitors,podmonitors",
        "policies": f"{kubectl} get networkpolicies",
    }
    if service.once:
        return {**made, "schedule": f"{kubectl} get {workload} -o wide", "again": _again(kubectl, service)}
    return {**made, **_revisions(kubectl, workload, service)}


def _again(kubectl: str, service: Service) -> str:
    if service.type == "job":
        return f"{kubectl} get job/{service.name} -o yaml"
    return f"{kubectl} create job --from=cronjob/{service.name} {service.name}-by-hand"


def _revisions(kubectl: str, workload: str, service: Service) -> dict[str, str]:
    """What only workloads that stay have: earlier revisions, a restart, more replicas."""
    status = f"{kubectl} rollout status {workload} --timeout=5m"
    made = {
        "history": f"{kubectl} rollout history {workload}",
        "rollback": f"{kubectl} rollout undo {workload} && {status}",
        "restart": f"{kubectl} rollout restart {workload} && {status}",
        "schedule": f"{kubectl} get {workload} -o wide",
        "autoscaler": f"{kubectl} describe horizontalpodautoscaler {service.name}",
    }
    return made if service.type == "daemon" else {**made, "scale": _scale(kubectl, workload, service)}


def _scale(kubectl: str, workload: str, service: Service) -> str:
    """As many as the spec allows at once; where nothing scales by itself, one more than now."""
    if service.replicated and not service.scale.fixed and service.type != "stateful":
        patch = shlex.quote(f'{{"spec":{{"minReplicas":{service.scale.max}}}}}')
        return f"{kubectl} patch horizontalpodautoscaler {service.name} --type=merge -p {patch}"
    now = f"$({kubectl} get {workload} -o jsonpath='{{.spec.replicas}}')"
    return f'{kubectl} scale {workload} --replicas="$(({now} + 1))"'


def _tasks(service: Service) -> dict[str, str]:
    ecs, which = "aws ecs", '--cluster "$CLUSTER" --services "$SERVICE"'
    deployments = "deployments:deployments[].[status,rolloutState,taskDefinition]"
    listed = f'{ecs} list-tasks --cluster "$CLUSTER" --service-name "$SERVICE" --desired-status STOPPED'
    stopped = f"$({listed} --query taskArns --output text)"
    ended = "tasks[].[stoppedAt,stopCode,stoppedReason,containers[].[name,exitCode,reason]]"
    which_one = '--service-namespace ecs --resource-id "service/$CLUSTER/$SERVICE"'
    scalable = f"{which_one} --scalable-dimension ecs:service:DesiredCount"
    update = f'{ecs} update-service --cluster "$CLUSTER" --service "$SERVICE"'
    events = "services[0].events[:20].[createdAt,message]"
    state = (
        f"{ecs} describe-services {which} --query "
        f"'services[0].{{wanted:desiredCount,running:runningCount,pending:pendingCount,{deployments}}}'"
    )
    logs = 'aws logs tail "/ecs/$CLUSTER/$SERVICE"'
    definition = f"{ecs} describe-task-definition --task-definition \"$SERVICE\" --query 'taskDefinition.[cpu,memory]'"
    made = {
        "state": state,
        "describe": f"{ecs} describe-tasks --cluster \"$CLUSTER\" --tasks {stopped} --query '{ended}'",
        "events": f"{ecs} describe-services {which} --query '{events}' --output text",
        "logs": f"{logs} --since 30m --format short",
        "previous": f"{logs} --since 2h --format short --filter-pattern '?error ?fatal ?panic ?Traceback'",
        "ended": f"{ecs} describe-tasks --cluster \"$CLUSTER\" --tasks {stopped} --query '{ended}'",
        "top": _figures(),
        "limits": definition,
        "history": f'{ecs} list-task-definitions --family-prefix "$SERVICE" --sort DESC --max-items 5',
        "rollback": f'{update} --task-definition "$SERVICE:$REVISION"',
        "restart": f"{update} --force-new-deployment",
        "scale": f"aws application-autoscaling register-scalable-target {scalable} --min-capacity {service.scale.max} "
        f"--max-capacity {service.scale.max}",
        "autoscaler": "aws application-autoscaling describe-scaling-activities --service-namespace ecs "
        '--resource-id "service/$CLUSTER/$SERVICE" --max-items 10',
        "endpoints": f"{ecs} describe-services {which} --query 'services[0].loadBalancers[].targetGroupArn'",
        "scrape": f'{ecs} list-tasks --cluster "$CLUSTER" --service-name "$SERVICE"',
        "quota": "aws service-quotas list-service-quotas --service-code fargate",
        "nodes": f'{ecs} describe-clusters --clusters "$CLUSTER" --include STATISTICS',
        "volumes": f"{ecs} describe-task-definition --task-definition \"$SERVICE\" --query 'taskDefinition.volumes'",
        "jobs": f'{ecs} list-tasks --cluster "$CLUSTER" --family "$SERVICE" --desired-status STOPPED',
        "schedule": "aws scheduler list-schedules",
        "again": f'{ecs} run-task --cluster "$CLUSTER" --task-definition "$SERVICE" --launch-type FARGATE '
        '--network-configuration "$NETWORK"',
        "monitors": "grep -n job_name -r monitoring/prometheus",
        "policies": f"{ecs} describe-services {which} --query 'services[0].networkConfiguration'",
    }
    stays = ("history", "rollback", "restart", "scale", "autoscaler")
    return {name: line for name, line in made.items() if not service.once or name not in stays}


def _figures() -> str:
    """CPU and memory of a service over three hours, in percent of what it asks for."""
    dimensions = '--dimensions Name=ClusterName,Value="$CLUSTER" Name=ServiceName,Value="$SERVICE"'
    times = '--start-time "$(date -u -d -3hours +%FT%TZ)" --end-time "$(date -u +%FT%TZ)" --period 300'
    query = "sort_by(Datapoints,&Timestamp)[].[Timestamp,Maximum]"
    shown = f"--statistics Maximum --query '{query}' --output text"
    one = f"aws cloudwatch get-metric-statistics --namespace AWS/ECS --metric-name $METRIC {dimensions} {times} {shown}"
    return f"for METRIC in CPUUtilization MemoryUtilization; do {one}; done"


def _cluster(spec: Spec) -> dict[str, str]:
    """Nodes, quota, certificates and copies."""
    kubectl = 'kubectl -n "$NAMESPACE"'
    gateway = spec.platform.kubernetes.gateway_namespace
    true = '{range .status.conditions[?(@.status=="True")]}{.type}{" "}{end}'
    conditions = f'{{range .items[*]}}{{.metadata.name}}{{": "}}{true}{{"\\n"}}{{end}}'
    return {
        "nodes": "kubectl get nodes -o wide && kubectl top nodes",
        "conditions": f"kubectl get nodes -o jsonpath='{conditions}'",
        "pending": "kubectl get pods -A --field-selector=status.phase=Pending -o wide",
        "evicted": "kubectl get events -A --field-selector=reason=Evicted --sort-by=.lastTimestamp | tail -n 20",
        "heaviest": "kubectl top pods -A --sort-by=memory | head -n 20",
        "quota": f"{kubectl} describe resourcequota",
        "used": f"{kubectl} get pods -o custom-columns="
        "'POD:.metadata.name,CPU:.spec.containers[*].resources.requests.cpu,"
        "MEMORY:.spec.containers[*].resources.requests.memory'",
        "certificates": f"kubectl -n {gateway} get certificates,certificaterequests,orders,challenges",
        "certificate": f"kubectl -n {gateway} describe certificates | grep -A 12 '^Status:'",
        "issuer": "kubectl -n cert-manager logs deployment/cert-manager --since=24h | grep -i error | tail -n 30",
        "backups": 'aws backup list-backup-jobs --by-backup-vault-name "$VAULT" --max-results 20 '
        "--query 'BackupJobs[].[CreationDate,ResourceType,State,StatusMessage]' --output table",
        "vault": 'aws backup describe-backup-vault --backup-vault-name "$VAULT"',
        "state": f"{kubectl} get pods -o wide",
        "events": f"{kubectl} get events --sort-by=.lastTimestamp | tail -n 30",
    }


_PROBLEMS = "--since=1h | grep -iE 'level=(warn|error)' | tail -n 30"


def _monitored(spec: Spec) -> dict[str, str]:
    """The monitoring's own pods, in their namespace."""
    kubectl = f"kubectl -n {spec.platform.kubernetes.monitoring_namespace}"
    each = f"xargs -I POD {kubectl} logs POD --since=30m --tail=100"
    chosen = "-l app.kubernetes.io/name="
    return {
        "watchers": f"{kubectl} get pods -o wide",
        "prometheus": f"{kubectl} logs {chosen}prometheus -c prometheus {_PROBLEMS}",
        "alertmanager": f"{kubectl} logs {chosen}alertmanager -c alertmanager {_PROBLEMS}",
        "collector": f"{kubectl} get pods -o name | grep -i collector | {each}",
        "shipper": f"{kubectl} get pods -o name | grep -i fluent | {each}",
        "ask": f"{kubectl} port-forward service/prometheus-operated 9090",
        "ask_alertmanager": f"{kubectl} port-forward service/alertmanager-operated 9093",
    }


def _watched_beside() -> dict[str, str]:
    """The same where no operator runs: the containers of the monitoring itself."""
    compose = "docker compose -f compose.yaml -f compose.monitoring.yaml"
    return {
        "watchers": f"{compose} ps",
        "prometheus": f"{compose} logs prometheus {_PROBLEMS}",
        "alertmanager": f"{compose} logs alertmanager {_PROBLEMS}",
        "collector": f"{compose} logs --since=30m --tail=100 | grep -iE 'collector|gateway'",
        "shipper": f"{compose} logs --since=30m --tail=100 | grep -i fluent",
        "ask": f"{compose} up -d prometheus",
        "ask_alertmanager": f"{compose} up -d alertmanager",
    }
