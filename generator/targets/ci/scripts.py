"""The shell of the pipelines, for POSIX sh: the same text on every forge.

Nothing of the product or the run stands in it: all comes through variables.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from generator import data


def pinned(image: str) -> str:
    """A tool's image by digest."""
    known: Any = data.load("schemas/data/actions.json")["images"][image]
    return f"{known['ref']}@{known['digest']}"


CHECK = """\
groundplan check --fail-on medium -o terminal -o sarif=groundplan.sarif -o junit=groundplan.junit.xml \\
  -o gitlab=groundplan.codequality.json -o markdown=groundplan.md
"""

SUMMARY = """\
if [ -s groundplan.md ]; then cat groundplan.md >> "$GITHUB_STEP_SUMMARY"; fi
"""

FORMAT = "terraform fmt -check -recursive terraform\n"

VALIDATE = """\
for root in terraform/environments/*/; do
  echo "$root"
  terraform -chdir="$root" init -backend=false -input=false
  terraform -chdir="$root" validate
done
"""

INIT = 'terraform -chdir="terraform/environments/$ENVIRONMENT" init -backend-config=state.s3.tfbackend -input=false\n'

PLAN = """\
root="terraform/environments/$ENVIRONMENT"
result=0
terraform -chdir="$root" plan -input=false -lock-timeout=5m -detailed-exitcode -out="$PLANS/tfplan" || result=$?
case "$result" in
  0) echo "changed=false" > "$PLANS/changed" ;;
  2) echo "changed=true" > "$PLANS/changed" ;;
  *) exit "$result" ;;
esac
# what is sensitive is masked by Terraform itself in this form; the JSON of the plan never leaves the machine
{
  printf '### Terraform plan of %s\\n\\n```\\n' "$ENVIRONMENT"
  terraform -chdir="$root" show -no-color "$PLANS/tfplan" | head -c 60000
  printf '\\n```\\n'
} > "$PLANS/plan.md"
"""

PLANS = """\
mkdir -p "$PLANS"
"""

SHOW = """\
cat "$PLANS/plan.md" >> "$GITHUB_STEP_SUMMARY"
cat "$PLANS/changed" >> "$GITHUB_OUTPUT"
"""

SEAL = """\
# a plan and a state may hold secrets: only the roles of the pipeline can use the key that seals them
aws kms generate-data-key --key-id "$STATE_KEY" --key-spec AES_256 --output json > "$PLANS/key.json"
jq -r .Plaintext "$PLANS/key.json" > "$PLANS/key"
jq -r .CiphertextBlob "$PLANS/key.json" | base64 -d > "$PLANS/$SEALED.sealed.key"
openssl enc -aes-256-cbc -pbkdf2 -salt -pass "file:$PLANS/key" -in "$PLANS/$SEALED" -out "$PLANS/$SEALED.sealed"
rm "$PLANS/key" "$PLANS/key.json"
"""

UNSEAL = """\
aws kms decrypt --ciphertext-blob "fileb://$PLANS/tfplan.sealed.key" --query Plaintext --output text > "$PLANS/key"
openssl enc -d -aes-256-cbc -pbkdf2 -pass "file:$PLANS/key" -in "$PLANS/tfplan.sealed" -out "$PLANS/tfplan"
rm "$PLANS/key"
"""

COMMENT = """\
mark="<!-- groundplan plan $ENVIRONMENT -->"
{ echo "$mark"; cat "$PLANS/plan.md"; } > "$PLANS/comment.md"
comments="repos/$REPOSITORY/issues/$CHANGE/comments"
mine=".[] | select(.body | startswith(\\"$mark\\")) | .id"
number="$(gh api "$comments" --paginate --jq "$mine" | head -n 1)"
if [ -n "$number" ]; then
  gh api --silent --method PATCH "repos/$REPOSITORY/issues/comments/$number" -F "body=@$PLANS/comment.md"
else
  gh pr comment "$CHANGE" --repo "$REPOSITORY" --body-file "$PLANS/comment.md"
fi
"""

BACKUP = """\
root="terraform/environments/$ENVIRONMENT"
bucket="$(sed -n 's/^bucket *= "\\(.*\\)"$/\\1/p' "$root/state.s3.tfbackend")"
versioning="$(aws s3api get-bucket-versioning --bucket "$bucket" --query Status --output text)"
if [ "$versioning" != "Enabled" ]; then
  echo "the bucket $bucket keeps no versions: $versioning; nothing is applied" >&2
  exit 1
fi
terraform -chdir="$root" state pull > "$PLANS/state"
"""

APPLY = """\
# Terraform itself refuses a plan that was made for another state
terraform -chdir="terraform/environments/$ENVIRONMENT" apply -input=false -lock-timeout=5m "$PLANS/tfplan"
"""

EVIDENCE = """\
{
  echo "environment: $ENVIRONMENT"
  echo "commit: $COMMIT"
  echo "started by: $ACTOR"
  echo "run: $RUN"
  echo "plan: sha256:$(sha256sum "$PLANS/tfplan" | cut -d ' ' -f 1)"
  echo "finished: $(date -u +%Y-%m-%dT%H:%M:%SZ)"
} > "$PLANS/evidence.txt"
cat "$PLANS/evidence.txt"
"""

DRIFT = """\
root="terraform/environments/$ENVIRONMENT"
result=0
terraform -chdir="$root" plan -refresh-only -detailed-exitcode -input=false -lock=false -no-color \\
  > "$PLANS/drift.txt" || result=$?
case "$result" in
  0) echo "drift=false" > "$PLANS/found" ;;
  2) echo "drift=true" > "$PLANS/found" ;;
  *) cat "$PLANS/drift.txt"; exit "$result" ;;
esac
{
  printf 'Somebody changed %s past its files. Either bring the change into the spec, or apply the files again.\\n\\n' \\
    "$ENVIRONMENT"
  printf '```\\n'
  head -c 50000 "$PLANS/drift.txt"
  printf '\\n```\\n\\n%s\\n' "$RUN"
} > report.md
"""

FOUND = 'cat "$PLANS/found" >> "$GITHUB_OUTPUT"\n'

ISSUE = """\
number="$(gh issue list --label "$LABEL" --state open --limit 1 --json number --jq '.[0].number // empty')"
if [ -n "$number" ]; then
  gh issue comment "$number" --body-file report.md
else
  gh label create "$LABEL" --force --description "opened by the pipeline"
  gh issue create --title "$TITLE" --label "$LABEL" --body-file report.md
fi
"""

GITLAB_ISSUE = """\
# GITLAB_TOKEN is a project access token with the scope api, masked and protected
api="$CI_API_V4_URL/projects/$CI_PROJECT_ID/issues"
found="$(curl -fsS -G -H "PRIVATE-TOKEN: $GITLAB_TOKEN" "$api" -d state=opened --data-urlencode "labels=$LABEL")"
number="$(echo "$found" | jq -r '.[0].iid // empty')"
if [ -n "$number" ]; then
  curl -fsS -H "PRIVATE-TOKEN: $GITLAB_TOKEN" "$api/$number/notes" --data-urlencode "body@report.md"
else
  curl -fsS -H "PRIVATE-TOKEN: $GITLAB_TOKEN" "$api" --data-urlencode "title=$TITLE" \\
    --data-urlencode "labels=$LABEL" --data-urlencode "description@report.md"
fi
"""

GITLAB_DRIFT = """\
if grep -q drift=true "$PLANS/found"; then
  echo "there is drift"
else
  echo "there is none"
  exit 0
fi
"""

IN_PLACE = """\
root="terraform/environments/$ENVIRONMENT"
terraform -chdir="$root" plan -input=false -lock=false -out="$PLANS/mend"
others='[.resource_changes[]?.change.actions | select(. != ["no-op"] and . != ["read"] and . != ["update"])] | length'
if [ "$(terraform -chdir="$root" show -json "$PLANS/mend" | jq "$others")" = "0" ]; then
  gh workflow run infra-apply.yml --ref "$MAIN"
else
  echo "more than changes in place would be needed: left to people" >&2
fi
"""

BUILD = """\
VERSION="$COMMIT" REVISION="$COMMIT" SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
export VERSION REVISION SOURCE_DATE_EPOCH
docker buildx bake --set '*.platform=linux/amd64' --set '*.output=type=cacheonly' --set '*.cache-to=' --set '*.attest='
"""

PUSH = """\
VERSION="$COMMIT" REVISION="$COMMIT" SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
export VERSION REVISION SOURCE_DATE_EPOCH
set -- --set '*.output=type=image,push-by-digest=true,name-canonical=true,push=true,rewrite-timestamp=true'
for service in $SERVICES; do
  set -- "$@" --set "$service.tags=$REGISTRY/$APP-$service"
done
docker buildx bake "$@" --metadata-file images.json
jq -r 'to_entries[] | "\\(.key) \\(.value["containerimage.digest"])"' images.json > digests.txt
cat digests.txt
"""

_REFERENCES = """\
while read -r service digest; do
  reference="$REGISTRY/$APP-$service@$digest"
"""


def _each_image(*commands: str) -> str:
    return _REFERENCES + "".join(f"  {command}\n" for command in commands) + "done < digests.txt\n"


_CONFIG = (
    '-v "${DOCKER_CONFIG:-$HOME/.docker}:/config:ro" -e DOCKER_CONFIG=/config -e HOME=/tmp --user "$(id -u):$(id -g)"'
)


def scan(accepted: str) -> str:
    """Stops at what is too bad; `accepted` is the file of vulnerabilities that somebody answers for, or empty."""
    mounted = f'-v "$PWD/{accepted}:/{accepted}:ro" ' if accepted else ""
    named = f" --config /{accepted}" if accepted else ""
    return _each_image(
        'echo "$service $digest"',
        f"docker run --rm {_CONFIG} {mounted}\\",
        f'  {pinned("grype")} "registry:$reference" --fail-on "$FAIL_ON" ${{ONLY_FIXED:+--only-fixed}}{named}',
    )


SBOM = "mkdir -p sbom\n" + _each_image(
    f'docker run --rm {_CONFIG} -v "$PWD/sbom:/sbom" \\',
    f'  {pinned("syft")} "registry:$reference" -o "cyclonedx-json=/sbom/$service.cdx.json" \\',
    '  -o "spdx-json=/sbom/$service.spdx.json"',
)

_COSIGN = f"docker run --rm {_CONFIG} -e ACTIONS_ID_TOKEN_REQUEST_URL -e ACTIONS_ID_TOKEN_REQUEST_TOKEN \\\n"
_SIGNER = f'    -e SIGSTORE_ID_TOKEN -v "$PWD/sbom:/sbom:ro" {pinned("cosign")} \\\n'

SIGN = (
    _REFERENCES
    + "".join(
        f"  {_COSIGN}{_SIGNER}    {command}\n"
        for command in (
            'sign --yes "$reference"',
            'attest --yes --type cyclonedx --predicate "/sbom/$service.cdx.json" "$reference"',
            'attest --yes --type spdxjson --predicate "/sbom/$service.spdx.json" "$reference"',
        )
    )
    + "done < digests.txt\n"
)

VERIFY = _each_image(
    f"docker run --rm {_CONFIG} {pinned('cosign')} verify \\",
    '  --certificate-identity "$IDENTITY" --certificate-oidc-issuer "$ISSUER" "$reference" > /dev/null',
)

NAME = """\
# only what was scanned and signed is called by its commit; whoever runs this again finds the first one there
while read -r service digest; do
  release="$REGISTRY/$APP-$service:$COMMIT"
  if ! docker buildx imagetools inspect "$release" > /dev/null 2>&1; then
    docker buildx imagetools create --tag "$release" "$REGISTRY/$APP-$service@$digest"
  fi
done < digests.txt
"""

RELEASE = """\
if ! printf '%s' "$RELEASE" | grep -Eqx '[0-9a-f]{40}'; then
  echo "a release is named by the 40 digits of its commit, not by \\"$RELEASE\\"" >&2
  exit 1
fi
"""

GITLAB_RELEASE = """\
git fetch --quiet origin "$RELEASE"
git checkout --quiet --detach "$RELEASE"
"""


DIGESTS = """\
# a release is a tag that nobody moves; from here on only digests are used
: > digests.txt
for service in $SERVICES; do
  digest="$(docker buildx imagetools inspect "$REGISTRY/$APP-$service:$RELEASE" --format '{{ .Manifest.Digest }}')"
  echo "$service $digest" >> digests.txt
done
cat digests.txt
"""

KUSTOMIZE = """\
mkdir -p release
{
  echo 'apiVersion: kustomize.config.k8s.io/v1beta1'
  echo 'kind: Kustomization'
  echo 'resources:'
  echo "  - ../kubernetes/overlays/$ENVIRONMENT"
  echo 'images:'
  while read -r service digest; do
    echo "  - name: $REGISTRY/$APP-$service"
    echo "    digest: $digest"
  done < digests.txt
} > release/kustomization.yaml
kubectl kustomize release > release/manifests.yaml
"""

EKS = 'aws eks update-kubeconfig --name "$CLUSTER" --region "$AWS_REGION"\n'

KUBECONFIG = """\
umask 077
mkdir -p "$HOME/.kube"
printf '%s' "$CLUSTER_ACCESS" > "$HOME/.kube/config"
"""

ROLL_OUT = """\
result=0
kubectl diff -f release/manifests.yaml || result=$?
if [ "$result" -gt 1 ]; then exit "$result"; fi
kubectl apply -f release/manifests.yaml
for kind in deployment statefulset; do
  for name in $(kubectl get "$kind" -n "$NAMESPACE" -o name); do
    kubectl rollout status "$name" -n "$NAMESPACE" --timeout=10m
  done
done
"""

GITOPS = """\
# the branch that the controller of the cluster follows; it holds nothing but what is to run
branch="deploy/$ENVIRONMENT"
cp release/manifests.yaml "$PLANS/"
mv digests.txt "$PLANS/"
git config user.name "pipeline"
git config user.email "pipeline@invalid"
if git fetch --quiet --depth 1 "$REMOTE" "$branch"; then
  git checkout --quiet --detach FETCH_HEAD
else
  git checkout --quiet --orphan "$branch"
fi
git rm -r --quiet --force --ignore-unmatch .
cp "$PLANS/manifests.yaml" "$PLANS/digests.txt" .
git add manifests.yaml digests.txt
if git diff --cached --quiet; then
  echo "it runs already"
else
  git commit --quiet -m "release $RELEASE to $ENVIRONMENT"
  git push --quiet "$REMOTE" "HEAD:refs/heads/$branch"
fi
"""

RAN_BEFORE = """\
git fetch --quiet "$REMOTE" "deploy/$BEFORE"
if ! git log --format=%s FETCH_HEAD | grep -qx "release $RELEASE to $BEFORE"; then
  echo "$RELEASE never ran in $BEFORE" >&2
  exit 1
fi
"""

GITHUB_REMOTE = """\
git config "http.$SERVER/.extraheader" "AUTHORIZATION: basic $(printf 'x-access-token:%s' "$TOKEN" | base64 -w 0)"
"""

FARGATE = """\
TF_VAR_images="$(jq -R -c -s --arg prefix "$REGISTRY/$APP-" \\
  'split("\\n") | map(select(. != "") | split(" ") | {(.[0]): ($prefix + .[0] + "@" + .[1])}) | add' digests.txt)"
export TF_VAR_images
"""


RUNNING = """\
# the images that run now, so that a change of infrastructure changes none of them
images='{}'
for task in $TASKS; do
  image="$(aws ecs describe-task-definition --task-definition "${task#*=}" \\
    --query 'taskDefinition.containerDefinitions[0].image' --output text)"
  images="$(echo "$images" | jq -c --arg name "${task%%=*}" --arg image "$image" '. + {($name): $image}')"
done
TF_VAR_images="$images"
export TF_VAR_images
"""


def freeze(spans: Iterable[tuple[str, str]]) -> str:
    """Stops on the days without releases, the first and the last one included."""
    lines = ['today="$(date -u +%Y%m%d)"']
    for first, last in spans:
        low, high = first.replace("-", ""), last.replace("-", "")
        lines += [
            f'if [ "$today" -ge {low} ] && [ "$today" -le {high} ]; then',
            f'  echo "no releases from {first} to {last}" >&2',
            "  exit 1",
            "fi",
        ]
    return "\n".join(lines) + "\n"


LOGIN = """\
printf '%s' "$REGISTRY_PASSWORD" | docker login "$REGISTRY_HOST" --username "$REGISTRY_USER" --password-stdin
"""

LOGIN_ECR = """\
aws ecr get-login-password --region "$AWS_REGION" | docker login "$REGISTRY_HOST" --username AWS --password-stdin
"""

DRILL = """\
newest="$(aws backup list-recovery-points-by-backup-vault --backup-vault-name "$VAULT" --region "$VAULT_REGION" \\
  --query "max_by(RecoveryPoints[?Status=='COMPLETED'], &CreationDate).CreationDate" --output text)"
since="$(date -u -d "@$(( $(date -u +%s) - 2678400 ))" +%Y-%m-%dT%H:%M:%SZ)"
failed="$(aws backup list-restore-jobs --by-status FAILED --by-created-after "$since" \\
  --query 'length(RestoreJobs)' --output text)"
result=passed
if [ "$newest" = "None" ]; then
  age=unknown
  result=failed
else
  age=$(( $(date -u +%s) - $(jq -rn --arg at "$newest" '$at[0:19] + "Z" | fromdate') ))
  if [ "$age" -gt "$POINT_SECONDS" ]; then result=failed; fi
fi
if [ "$failed" != "0" ]; then result=failed; fi
{
  echo "Drill of $ENVIRONMENT: $result."
  echo
  echo "- newest recovery point in $VAULT ($VAULT_REGION): $newest"
  echo "- its age in seconds: $age; at most $POINT_SECONDS are promised"
  echo "- restore tests that failed in the last 31 days: $failed"
  echo "- still to be done by people: lead one service over and back, and write down how long it took ($TIME promised)"
  echo
  echo "$RUN"
} > report.md
cat report.md
"""

DRILL_RESULT = "grep -q ': passed' report.md\n"

PINS = """\
result=0
groundplan check --fail-on medium -o terminal -o markdown=report.md || result=$?
if [ "$result" -gt 1 ]; then exit "$result"; fi
if [ "$result" -eq 1 ]; then echo "old=true" > found; else echo "old=false" > found; fi
"""
