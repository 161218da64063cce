mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:111111111111:cluster/platform" }
  }

  mock_resource "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:111111111111:cluster/shop-prod" }
  }

  mock_resource "aws_service_discovery_http_namespace" {
    defaults = { arn = "arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-0123456789abcdef" }
  }

  mock_resource "aws_acmpca_certificate_authority" {
    defaults = { arn = "arn:aws:acm-pca:eu-west-1:111111111111:certificate-authority/00000000-0000-0000-0000-000000000000" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/shop-prod-connect" }
  }
}

variables {
  name        = "shop-prod"
  kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "defaults_are_safe" {
  command = plan

  assert {
    condition     = { for setting in aws_ecs_cluster.this[0].setting : setting.name => setting.value } == { containerInsights = "enhanced" }
    error_message = "Container Insights watches tasks and containers."
  }

  assert {
    condition     = one(one(aws_ecs_cluster.this[0].configuration).execute_command_configuration).kms_key_id == var.kms_key_arn && one(one(aws_ecs_cluster.this[0].configuration).execute_command_configuration).logging == "OVERRIDE"
    error_message = "Shells are encrypted with the environment's key and recorded."
  }

  assert {
    condition     = one(one(one(aws_ecs_cluster.this[0].configuration).execute_command_configuration).log_configuration).cloud_watch_encryption_enabled && one(one(one(aws_ecs_cluster.this[0].configuration).execute_command_configuration).log_configuration).cloud_watch_log_group_name == aws_cloudwatch_log_group.exec[0].name
    error_message = "The record is encrypted and goes to the audit log."
  }

  assert {
    condition     = aws_cloudwatch_log_group.exec[0].kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.exec[0].retention_in_days == 400 && aws_cloudwatch_log_group.exec[0].skip_destroy
    error_message = "The audit log is encrypted, kept for more than a year, and outlives the cluster."
  }

  assert {
    condition     = [for provider in aws_ecs_cluster_capacity_providers.this[0].default_capacity_provider_strategy : provider.capacity_provider] == ["FARGATE"]
    error_message = "Nothing lands on Spot by accident."
  }

  assert {
    condition     = aws_ecs_cluster_capacity_providers.this[0].capacity_providers == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "A service may ask for Spot."
  }

  assert {
    condition     = one(aws_ecs_cluster.this[0].service_connect_defaults).namespace == aws_service_discovery_http_namespace.this.arn
    error_message = "Services find each other in the cluster's namespace."
  }

  assert {
    condition     = length(aws_acmpca_certificate_authority.connect) == 0 && output.connect_tls == null
    error_message = "A certificate authority is not paid for unless asked for."
  }
}

run "service_connect_tls" {
  command = plan

  variables {
    service_connect_tls = true
  }

  assert {
    condition     = aws_acmpca_certificate_authority.connect[0].usage_mode == "SHORT_LIVED_CERTIFICATE" && aws_acmpca_certificate_authority.connect[0].tags.AmazonECSManaged == "true"
    error_message = "The authority issues short-lived certificates and is open to ECS."
  }

  assert {
    condition     = length(terraform_data.keep) == 1 && aws_acmpca_certificate_authority.connect[0].permanent_deletion_time_in_days == 30
    error_message = "The authority cannot be destroyed by accident."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.connect[0].policy).Statement[0].Resource == [var.kms_key_arn]
    error_message = "The role uses the environment's key and no other."
  }

  assert {
    condition     = jsondecode(aws_iam_role.connect[0].assume_role_policy).Statement[0].Principal.Service == "ecs.amazonaws.com" && jsondecode(aws_iam_role.connect[0].assume_role_policy).Statement[0].Condition.StringEqualsIfExists["aws:SourceAccount"] == "111111111111"
    error_message = "Only ECS of this account takes the role."
  }

  assert {
    condition     = output.connect_tls.role_arn == "arn:aws:iam::111111111111:role/shop-prod-connect"
    error_message = "A service learns the role from the output."
  }
}

run "existing_cluster" {
  command = plan

  variables {
    existing_cluster_name = "platform"
  }

  assert {
    condition     = output.cluster_arn == "arn:aws:ecs:eu-west-1:111111111111:cluster/platform" && output.cluster_name == "platform" && output.namespace_name == "shop-prod"
    error_message = "The cluster is the one that exists, with a namespace of ours."
  }

  assert {
    condition     = length(aws_ecs_cluster.this) + length(aws_ecs_cluster_capacity_providers.this) + length(aws_cloudwatch_log_group.exec) == 0 && output.exec_log_group_arn == null
    error_message = "Nothing is made or changed in a cluster that is not ours."
  }
}

run "own_key_for_task_storage" {
  command = plan

  variables {
    encrypt_task_storage = true
  }

  assert {
    condition     = one(one(aws_ecs_cluster.this[0].configuration).managed_storage_configuration).fargate_ephemeral_storage_kms_key_id == var.kms_key_arn
    error_message = "The storage of tasks is encrypted with the environment's key."
  }
}

run "unprotected" {
  command = plan

  variables {
    service_connect_tls = true
    protect             = false
  }

  assert {
    condition     = length(terraform_data.keep) == 0 && !aws_cloudwatch_log_group.exec[0].skip_destroy && aws_acmpca_certificate_authority.connect[0].permanent_deletion_time_in_days == 7
    error_message = "An environment that may go leaves nothing behind."
  }
}

run "refuses_bad_values" {
  command = plan

  variables {
    name                 = "Shop"
    audit_retention_days = 30
  }

  expect_failures = [var.name, var.audit_retention_days]
}
