"""Generated Terraform tried with the real programs: a root is planned by the real provider, which is given no account.

A plan of new resources calls nothing; data sources are answered by the test. Nothing here needs a network.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

TERRAFORM = shutil.which("terraform")
_MIRRORS = (os.environ.get("TF_PLUGIN_MIRROR", ""), "/opt/tf-plugins", "/usr/share/terraform/plugins")
_ANSWERS = {
    "aws_caller_identity": '{ account_id = "111111111111" }',
    "aws_partition": '{ partition = "aws", dns_suffix = "amazonaws.com" }',
    "aws_route53_zone": '{ zone_id = "Z0123456789ABCDEFGHIJ" }',
    "aws_cloudfront_cache_policy": '{ id = "658327ea-f89d-4fab-a63d-7e88639e58f6" }',
    "aws_vpc": '{ id = "vpc-0a1b2c3d4e5f60718", cidr_block = "10.0.0.0/16" }',
    "aws_subnets": '{ ids = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"] }',
    "aws_prefix_list": '{ id = "pl-0aaaaaaaaaaaaaaaa" }',
    "aws_eks_cluster": (
        '{ arn = "arn:aws:eks:us-east-1:111111111111:cluster/platform-prod", '
        'vpc_config = [{ cluster_security_group_id = "sg-0aaaaaaaaaaaaaaaa" }] }'
    ),
    "aws_ecs_cluster": '{ arn = "arn:aws:ecs:eu-west-1:111111111111:cluster/platform", cluster_name = "platform" }',
}
"""What data sources would find; policy documents and regions are calculated without asking anybody."""

_LOCAL = frozenset({"aws_iam_policy_document", "aws_region"})


def mirror() -> Path | None:
    """A folder with the AWS provider, laid out as Terraform's filesystem mirrors are."""
    folders = (Path(name) for name in _MIRRORS if name)
    return next((folder for folder in folders if (folder / "registry.terraform.io/hashicorp/aws").is_dir()), None)


def settings(folder: Path) -> dict[str, str]:
    """The environment of a run: providers from the mirror, nothing else asked."""
    config = folder / "mirror.tfrc"
    config.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n')
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
    return {**kept, "TF_CLI_CONFIG_FILE": str(config), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}


def run(words: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    assert TERRAFORM is not None
    return subprocess.run([TERRAFORM, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def prepare(root: Path) -> None:
    """Turn a root into one that can be planned without an account: providers without worth, data sources answered."""
    providers = (root / "providers.tf").read_text()
    worthless = (
        '  access_key                  = "none"\n  secret_key                  = "none"\n'
        "  skip_credentials_validation = true\n  skip_metadata_api_check     = true\n"
        "  skip_region_validation      = true\n  skip_requesting_account_id  = true\n"
    )
    lines = [line for line in providers.splitlines(keepends=True) if "allowed_account_ids" not in line]
    (root / "providers.tf").write_text("".join(lines).replace('provider "aws" {\n', f'provider "aws" {{\n{worthless}'))
    (root / "tests").mkdir()
    (root / "tests" / "plan.tftest.hcl").write_text("\n".join([*_overrides(root), _plan(root)]))


def _overrides(root: Path) -> Iterator[str]:
    for target, kind in _data(root):
        yield f"override_data {{\n  target = {target}\n  values = {_ANSWERS[kind]}\n}}\n"


def _data(root: Path) -> Iterator[tuple[str, str]]:
    """Every data source of a root and of the modules it calls that would ask AWS."""
    for file in sorted(root.glob("*.tf")):
        text = file.read_text()
        for kind, name in re.findall(r'^data "(\w+)" "([\w-]+)"', text, re.M):
            if kind not in _LOCAL:
                yield f"data.{kind}.{name}", kind
        for call, source in re.findall(r'^module "([\w-]+)" \{\n  source = "([^"]+)"', text, re.M):
            for target, kind in _data((root / source).resolve()):
                yield f"module.{call}.{target}", kind


def _plan(root: Path) -> str:
    variables = (root / "variables.tf").read_text() if (root / "variables.tf").is_file() else ""
    found = re.search(r"for name in \[(.*?)\]", variables) if 'variable "images"' in variables else None
    names = re.findall(r'"([^"]+)"', found.group(1)) if found else []
    image = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:" + "0" * 64
    images = "".join(f'      {name} = "{image}"\n' for name in names)
    given = f"\n  variables {{\n    images = {{\n{images}    }}\n  }}\n" if names else ""
    return f'run "plan" {{\n  command = plan\n{given}}}\n'
