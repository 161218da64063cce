# The cluster, where its tasks run, and how its services find each other.

data "aws_ecs_cluster" "existing" {
  count = var.existing_cluster_name == "" ? 0 : 1

  cluster_name = var.existing_cluster_name
}

resource "aws_ecs_cluster" "this" {
  count = var.existing_cluster_name == "" ? 1 : 0

  name = var.name

  setting {
    name  = "containerInsights"
    value = "enhanced"
  }

  configuration {
    execute_command_configuration {
      kms_key_id = var.kms_key_arn
      logging    = "OVERRIDE"

      log_configuration {
        cloud_watch_encryption_enabled = true
        cloud_watch_log_group_name     = aws_cloudwatch_log_group.exec[0].name
      }
    }

    dynamic "managed_storage_configuration" {
      for_each = var.encrypt_task_storage ? [var.kms_key_arn] : []

      content {
        fargate_ephemeral_storage_kms_key_id = managed_storage_configuration.value
      }
    }
  }

  service_connect_defaults {
    namespace = aws_service_discovery_http_namespace.this.arn
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  count = var.existing_cluster_name == "" ? 1 : 0

  cluster_name       = aws_ecs_cluster.this[0].name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  # For what names no strategy of its own: nothing lands on Spot by accident.
  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = 1
    weight            = 1
  }
}

resource "aws_service_discovery_http_namespace" "this" {
  name        = var.name
  description = "Names by which the services of ${var.name} call each other"
}

# Who opened a shell in which task, and what was typed there.
resource "aws_cloudwatch_log_group" "exec" {
  count = var.existing_cluster_name == "" ? 1 : 0

  name              = "/ecs/${var.name}/exec"
  retention_in_days = var.audit_retention_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.protect
}
