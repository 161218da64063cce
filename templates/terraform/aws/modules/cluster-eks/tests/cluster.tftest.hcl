mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/mocked" }
  }

  mock_resource "aws_eks_cluster" {
    defaults = { arn = "arn:aws:eks:eu-west-1:111111111111:cluster/shop-prod" }
  }

  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0aaaaaaaaaaaaaaaa", latest_version = 1 }
  }
}

variables {
  name               = "shop-prod"
  kubernetes_version = "1.36"
  subnet_ids         = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb", "subnet-0cccccccccccccccc"]
  kms_key_arn        = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_private_access && !aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    error_message = "The endpoint is private."
  }

  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].provider[0].key_arn == var.kms_key_arn && contains(aws_eks_cluster.this.encryption_config[0].resources, "secrets")
    error_message = "Secrets are encrypted with the environment's key."
  }

  assert {
    condition     = toset(aws_eks_cluster.this.enabled_cluster_log_types) == toset(["api", "audit", "authenticator", "controllerManager", "scheduler"]) && aws_cloudwatch_log_group.this.retention_in_days == 400 && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn
    error_message = "The control plane logs everything, encrypted, for more than a year."
  }

  assert {
    condition     = aws_eks_cluster.this.access_config[0].authentication_mode == "API" && !aws_eks_cluster.this.access_config[0].bootstrap_cluster_creator_admin_permissions
    error_message = "Access is by entries only, and whoever made the cluster has none by that."
  }

  assert {
    condition     = aws_eks_cluster.this.compute_config[0].enabled && length(aws_eks_node_group.this) == 0 && aws_eks_cluster.this.upgrade_policy[0].support_type == "STANDARD" && aws_eks_cluster.this.zonal_shift_config[0].enabled
    error_message = "The cluster chooses its nodes, stays on supported versions, and moves away from a zone in trouble."
  }

  assert {
    condition     = length(terraform_data.keep) == 1
    error_message = "The cluster is protected from deletion."
  }
}

run "node_groups" {
  command = plan

  variables {
    node_groups = { general = { instance_types = ["m7g.large"] } }
  }

  assert {
    condition     = !aws_eks_cluster.this.compute_config[0].enabled && aws_eks_node_group.this["general"].scaling_config[0].min_size == 2
    error_message = "Chosen nodes take the place of those the cluster chooses."
  }

  assert {
    condition     = aws_launch_template.this["general"].metadata_options[0].http_tokens == "required" && aws_launch_template.this["general"].metadata_options[0].http_put_response_hop_limit == 1
    error_message = "Pods do not reach the role of their node."
  }

  assert {
    condition     = tobool(aws_launch_template.this["general"].block_device_mappings[0].ebs[0].encrypted)
    error_message = "Disks are encrypted."
  }
}

# A first and a last entry leave the one between them at its address.
run "access_entries" {
  command = plan

  variables {
    access_entries = {
      a      = { principal_arn = "arn:aws:iam::111111111111:role/a" }
      deploy = { principal_arn = "arn:aws:iam::111111111111:role/deploy", policy = "AmazonEKSEditPolicy", namespaces = ["shop-prod"] }
      z      = { principal_arn = "arn:aws:iam::111111111111:role/z" }
    }
  }

  assert {
    condition     = aws_eks_access_policy_association.this["deploy"].access_scope[0].type == "namespace" && aws_eks_access_policy_association.this["a"].access_scope[0].type == "cluster"
    error_message = "An entry holds for its namespaces, or for all."
  }

  assert {
    condition     = endswith(aws_eks_access_policy_association.this["a"].policy_arn, "/AmazonEKSViewPolicy")
    error_message = "Who is let in may look, unless more is said."
  }
}

run "addons" {
  command = plan

  variables {
    addons = { metrics-server = "v0.0.1-eksbuild.1" }
  }

  assert {
    condition     = aws_eks_addon.this["metrics-server"].addon_version == "v0.0.1-eksbuild.1"
    error_message = "An add-on has the version it is pinned to."
  }
}

run "unprotected" {
  command = plan

  variables {
    protect = false
  }

  assert {
    condition     = length(terraform_data.keep) == 0
    error_message = "A development environment can be taken down."
  }
}

run "refuses_a_wrong_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Shop"
  }
}

run "refuses_a_wrong_version" {
  command         = plan
  expect_failures = [var.kubernetes_version]

  variables {
    kubernetes_version = "latest"
  }
}

run "refuses_one_zone" {
  command         = plan
  expect_failures = [var.subnet_ids]

  variables {
    subnet_ids = ["subnet-0aaaaaaaaaaaaaaaa"]
  }
}

run "refuses_the_internet" {
  command         = plan
  expect_failures = [var.public_endpoint_cidrs]

  variables {
    public_endpoint_cidrs = ["0.0.0.0/0"]
  }
}

run "refuses_a_wrong_principal" {
  command         = plan
  expect_failures = [var.access_entries]

  variables {
    access_entries = { a = { principal_arn = "deploy" } }
  }
}

run "refuses_a_wrong_policy" {
  command         = plan
  expect_failures = [var.access_entries]

  variables {
    access_entries = { a = { principal_arn = "arn:aws:iam::111111111111:role/a", policy = "admin" } }
  }
}

run "refuses_a_moving_addon" {
  command         = plan
  expect_failures = [var.addons]

  variables {
    addons = { metrics-server = "latest" }
  }
}

run "refuses_an_empty_group" {
  command         = plan
  expect_failures = [var.node_groups]

  variables {
    node_groups = { general = { instance_types = ["m7g.large"], min = 3, max = 2 } }
  }
}

run "refuses_short_retention" {
  command         = plan
  expect_failures = [var.audit_retention_days]

  variables {
    audit_retention_days = 30
  }
}
