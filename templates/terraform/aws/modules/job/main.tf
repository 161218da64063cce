# The task definition of the job and its log.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  cluster_name = coalesce(var.cluster_name, basename(var.cluster_arn))

  # What Fargate offers: CPU units => MiB of memory.
  fargate_memory_mib = {
    "256"   = [512, 1024, 2048]
    "512"   = range(1024, 4097, 1024)
    "1024"  = range(2048, 8193, 1024)
    "2048"  = range(4096, 16385, 1024)
    "4096"  = range(8192, 30721, 1024)
    "8192"  = range(16384, 61441, 4096)
    "16384" = range(32768, 122881, 8192)
  }
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:An application log is kept as long as the spec says, 30 days by default; audit logs are kept for a year and more.
  name              = "/ecs/${local.cluster_name}/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.protect
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory_mib
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  # A run that waits for its next attempt still names the revision it began with.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  container_definitions = jsonencode([{
    name                   = "app"
    image                  = var.image
    repositoryCredentials  = var.image_credentials_arn == null ? null : { credentialsParameter = var.image_credentials_arn }
    essential              = true
    entryPoint             = var.entry_point
    command                = var.command
    user                   = var.user
    privileged             = false
    readonlyRootFilesystem = true
    stopTimeout            = var.stop_timeout_seconds
    portMappings           = []
    environment            = [for name, value in var.environment : { name = name, value = value }]
    secrets                = [for name, arn in var.secrets : { name = name, valueFrom = arn }]

    linuxParameters = {
      initProcessEnabled = true
      capabilities       = { add = [], drop = ["ALL"] }
      tmpfs              = [for path in var.writable_paths : { containerPath = path, size = var.writable_mib, mountOptions = ["rw", "nosuid", "nodev"] }]
    }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = data.aws_region.current.id
        awslogs-stream-prefix = "task"
        mode                  = "non-blocking"
        max-buffer-size       = "25m"
      }
    }
  }])
}
