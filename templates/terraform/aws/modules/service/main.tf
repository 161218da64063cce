# The service, its task definition and its log.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  container      = "app"
  discovery_name = coalesce(var.discovery_name, var.name)

  # With TLS the Service Connect proxy listens beside the container's port, so that the load balancer still reaches the container itself.
  connect_port = var.connect_tls == null ? var.port : 15443

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

  serving = var.port == null ? [] : [{
    name          = "main"
    containerPort = var.port
    hostPort      = var.port
    protocol      = "tcp"
    appProtocol   = { http = "http", grpc = "grpc", tcp = null }[var.protocol]
  }]

  scraping = var.metrics_port == null ? [] : [{
    name          = "metrics"
    containerPort = var.metrics_port
    hostPort      = var.metrics_port
    protocol      = "tcp"
    appProtocol   = null
  }]
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:An application log is kept as long as the spec says, 30 days by default; audit logs are kept for a year and more.
  name              = "/ecs/${var.cluster_name}/${var.name}"
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

  # A rollback starts the revision before this one, which must therefore stay registered.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  container_definitions = jsonencode([{
    name                   = local.container
    image                  = var.image
    repositoryCredentials  = var.image_credentials_arn == null ? null : { credentialsParameter = var.image_credentials_arn }
    essential              = true
    entryPoint             = var.entry_point
    command                = var.command
    user                   = var.user
    privileged             = false
    readonlyRootFilesystem = true
    stopTimeout            = var.stop_timeout_seconds
    portMappings           = concat(local.serving, local.scraping)
    environment            = [for name, value in var.environment : { name = name, value = value }]
    secrets                = [for name, arn in var.secrets : { name = name, valueFrom = arn }]

    linuxParameters = {
      initProcessEnabled = true
      capabilities       = { add = [], drop = ["ALL"] }
      tmpfs              = [for path in var.writable_paths : { containerPath = path, size = var.writable_mib, mountOptions = ["rw", "nosuid", "nodev"] }]
    }

    healthCheck = var.health_command == null ? null : {
      command  = concat(["CMD"], var.health_command)
      interval = 10
      timeout  = 5
      retries  = 3
      # ECS grants a container at most 300 seconds.
      startPeriod = min(var.startup_seconds, 300)
    }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = data.aws_region.current.id
        awslogs-stream-prefix = "task"
        # A container whose log cannot be delivered goes on serving.
        mode            = "non-blocking"
        max-buffer-size = "25m"
      }
    }
  }])
}

resource "aws_ecs_service" "this" {
  name            = var.name
  cluster         = var.cluster_arn
  task_definition = aws_ecs_task_definition.this.arn

  # Only to begin with: from then on autoscaling decides.
  desired_count = var.min

  platform_version                   = "LATEST"
  availability_zone_rebalancing      = "ENABLED"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = var.load_balancer == null ? null : var.startup_seconds
  enable_execute_command             = var.execute_command
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  wait_for_steady_state              = var.wait_for_steady_state

  # Without it a change of the capacity providers replaces the service instead of rolling it.
  force_new_deployment = true

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = var.spot ? coalesce(var.on_demand_tasks, var.min) : var.min
    weight            = 1
  }

  dynamic "capacity_provider_strategy" {
    for_each = var.spot ? ["FARGATE_SPOT"] : []

    content {
      capacity_provider = capacity_provider_strategy.value
      weight            = 4
    }
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  dynamic "alarms" {
    for_each = var.load_balancer != null || length(var.alarm_names) > 0 ? [1] : []

    content {
      alarm_names = concat(aws_cloudwatch_metric_alarm.deployment[*].alarm_name, var.alarm_names)
      enable      = true
      rollback    = true
    }
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = aws_lb_target_group.this

    content {
      target_group_arn = load_balancer.value.arn
      container_name   = local.container
      container_port   = var.port
    }
  }

  service_connect_configuration {
    enabled   = true
    namespace = var.namespace_arn

    dynamic "service" {
      for_each = var.port == null ? [] : [var.port]

      content {
        port_name             = "main"
        discovery_name        = local.discovery_name
        ingress_port_override = var.connect_tls == null ? null : local.connect_port

        client_alias {
          dns_name = local.discovery_name
          port     = service.value
        }

        dynamic "tls" {
          for_each = var.connect_tls == null ? [] : [var.connect_tls]

          content {
            kms_key  = var.kms_key_arn
            role_arn = tls.value.role_arn

            issuer_cert_authority {
              aws_pca_authority_arn = tls.value.authority_arn
            }
          }
        }
      }
    }

    log_configuration {
      log_driver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = data.aws_region.current.id
        awslogs-stream-prefix = "connect"
        mode                  = "non-blocking"
        max-buffer-size       = "25m"
      }
    }
  }

  # A task can neither pull its image nor serve before these exist.
  depends_on = [
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
    aws_lb_listener_rule.this,
    aws_vpc_security_group_egress_rule.endpoints,
    aws_vpc_security_group_egress_rule.s3,
    aws_vpc_security_group_egress_rule.this,
  ]

  lifecycle {
    ignore_changes = [desired_count]
  }
}
