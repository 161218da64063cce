mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111111111111:log-group:/ecs/shop-prod/shop-prod-web" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/mocked" }
  }

  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:111111111111:task-definition/shop-prod-web:1" }
  }

  mock_resource "aws_security_group" {
    defaults = { id = "sg-0aaaaaaaaaaaaaaaa" }
  }

  mock_resource "aws_lb_target_group" {
    defaults = {
      arn        = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:targetgroup/shop-prod-web/0123456789abcdef"
      arn_suffix = "targetgroup/shop-prod-web/0123456789abcdef"
    }
  }
}

variables {
  name                       = "shop-prod-web"
  cluster_arn                = "arn:aws:ecs:eu-west-1:111111111111:cluster/shop-prod"
  cluster_name               = "shop-prod"
  namespace_arn              = "arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-0123456789abcdef"
  image                      = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4.2"
  kms_key_arn                = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  vpc_id                     = "vpc-0aaaaaaaaaaaaaaaa"
  subnet_ids                 = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb", "subnet-0cccccccccccccccc"]
  endpoint_security_group_id = "sg-0eeeeeeeeeeeeeeee"
  s3_prefix_list_id          = "pl-0aaaaaaaaaaaaaaaa"
}

# A worker with nothing but the required inputs: every default is the strict choice.
run "defaults_are_safe" {
  command = plan

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem && !jsondecode(aws_ecs_task_definition.this.container_definitions)[0].privileged
    error_message = "The root file system is read-only and the container is not privileged."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "10001:10001"
    error_message = "The container does not run as root."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.capabilities.drop == ["ALL"] && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.initProcessEnabled
    error_message = "The container drops all capabilities and has an init process."
  }

  assert {
    condition     = [for mount in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.tmpfs : mount.containerPath] == ["/tmp"]
    error_message = "Only /tmp is writable, and only in memory."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].logConfiguration.options.mode == "non-blocking"
    error_message = "A slow log does not stop the container."
  }

  assert {
    condition     = length(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].portMappings) == 0
    error_message = "A worker listens nowhere."
  }

  assert {
    condition     = !one(aws_ecs_service.this.network_configuration).assign_public_ip
    error_message = "Tasks have no public address."
  }

  assert {
    condition     = one(aws_ecs_service.this.deployment_circuit_breaker).enable && one(aws_ecs_service.this.deployment_circuit_breaker).rollback
    error_message = "A deployment that fails is undone."
  }

  assert {
    condition     = aws_ecs_service.this.availability_zone_rebalancing == "ENABLED" && aws_ecs_service.this.deployment_minimum_healthy_percent == 100
    error_message = "Tasks stay spread over the zones, and a deployment takes none away."
  }

  assert {
    condition     = !aws_ecs_service.this.enable_execute_command
    error_message = "No shell opens in a task."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.this.retention_in_days == 30 && aws_cloudwatch_log_group.this.skip_destroy
    error_message = "The log is encrypted with the environment's key, kept for 30 days and outlives the service."
  }

  assert {
    condition     = aws_iam_role.task.name == "shop-prod-web-task" && aws_iam_role.execution.name == "shop-prod-web-execution" && length(aws_iam_role_policy.task) == 0
    error_message = "Task and execution have a role each, and a task that uses nothing may do nothing."
  }

  assert {
    condition     = jsondecode(aws_iam_role.task.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "111111111111" && jsondecode(aws_iam_role.task.assume_role_policy).Statement[0].Condition.ArnLike["aws:SourceArn"] == "arn:aws:ecs:eu-west-1:111111111111:*"
    error_message = "Only ECS tasks of this account and region may take the role."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Sid if contains(statement.Resource, "*")] == ["SignInToRegistry"]
    error_message = "Only signing in to ECR, which knows no resource, holds for everything."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Resource if statement.Sid == "PullImage"]) == ["arn:aws:ecr:eu-west-1:111111111111:repository/shop/web"]
    error_message = "The execution role pulls from the repository of the image and from no other."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.load_balancer) + length(aws_vpc_security_group_ingress_rule.caller) + length(aws_vpc_security_group_ingress_rule.metrics) == 0
    error_message = "Nobody reaches a worker."
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.this) == 0 && aws_vpc_security_group_egress_rule.endpoints[0].referenced_security_group_id == "sg-0eeeeeeeeeeeeeeee" && aws_vpc_security_group_egress_rule.s3[0].prefix_list_id == "pl-0aaaaaaaaaaaaaaaa"
    error_message = "A task reaches the endpoints of AWS and nothing else."
  }

  assert {
    condition     = [for provider in aws_ecs_service.this.capacity_provider_strategy : provider.capacity_provider] == ["FARGATE"]
    error_message = "Nothing runs on Spot unless asked for."
  }

  assert {
    condition     = one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "ARM64" && aws_ecs_task_definition.this.skip_destroy
    error_message = "Tasks run on ARM, and earlier revisions stay for a rollback."
  }
}

# The pattern of the founding document: two to ten tasks at 70 % CPU behind a load balancer.
run "founding_pattern" {
  command = plan

  variables {
    port = 3000
    load_balancer = {
      listener_arn      = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/shop-prod/0123456789abcdef/0123456789abcdef"
      security_group_id = "sg-0bbbbbbbbbbbbbbbb"
      priority          = 100
      hosts             = ["shop.example.com"]
      arn_suffix        = "app/shop-prod/0123456789abcdef"
    }
    requests_per_second = 100
    memory_target       = 80
  }

  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 2 && aws_appautoscaling_target.this.max_capacity == 10 && aws_ecs_service.this.desired_count == 2
    error_message = "Two to ten tasks, beginning with two."
  }

  assert {
    condition     = one(aws_appautoscaling_policy.cpu.target_tracking_scaling_policy_configuration).target_value == 70 && one(aws_appautoscaling_policy.cpu.target_tracking_scaling_policy_configuration).scale_out_cooldown == 60 && one(aws_appautoscaling_policy.cpu.target_tracking_scaling_policy_configuration).scale_in_cooldown == 300
    error_message = "Scaling holds 70 % CPU, up after 60 seconds and down after 300."
  }

  assert {
    condition     = one(aws_appautoscaling_policy.requests[0].target_tracking_scaling_policy_configuration).target_value == 6000 && one(one(aws_appautoscaling_policy.requests[0].target_tracking_scaling_policy_configuration).predefined_metric_specification).resource_label == "app/shop-prod/0123456789abcdef/targetgroup/shop-prod-web/0123456789abcdef"
    error_message = "A hundred requests a second are 6000 a minute on this target group."
  }

  assert {
    condition     = one(aws_appautoscaling_policy.memory[0].target_tracking_scaling_policy_configuration).target_value == 80
    error_message = "Scaling holds 80 % memory."
  }

  assert {
    condition     = one(aws_ecs_service.this.load_balancer).container_port == 3000 && one(aws_ecs_service.this.load_balancer).container_name == jsondecode(aws_ecs_task_definition.this.container_definitions)[0].name && aws_lb_target_group.this[0].port == 3000
    error_message = "Load balancer, target group and container agree on name and port."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.load_balancer[0].from_port == 3000 && aws_vpc_security_group_ingress_rule.load_balancer[0].to_port == 3000 && aws_vpc_security_group_ingress_rule.load_balancer[0].referenced_security_group_id == "sg-0bbbbbbbbbbbbbbbb" && aws_vpc_security_group_ingress_rule.load_balancer[0].cidr_ipv4 == null
    error_message = "Only the load balancer reaches the port."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.load_balancer[0].security_group_id == "sg-0bbbbbbbbbbbbbbbb" && aws_vpc_security_group_egress_rule.load_balancer[0].referenced_security_group_id == aws_security_group.this.id
    error_message = "The load balancer may call this service."
  }

  assert {
    condition     = one(aws_ecs_service.this.alarms).alarm_names == toset(["shop-prod-web-deployment-errors"]) && one(aws_ecs_service.this.alarms).rollback
    error_message = "Failed requests undo a deployment."
  }

  assert {
    condition     = aws_ecs_service.this.health_check_grace_period_seconds == 150 && one(aws_lb_target_group.this[0].health_check).path == "/health"
    error_message = "A task has 150 seconds to answer at /health."
  }

  assert {
    condition     = length(aws_lb_target_group.this[0].name) <= 32 && startswith(aws_lb_target_group.this[0].name, "shop-prod-web-")
    error_message = "The target group's name fits in 32 characters."
  }

  assert {
    condition     = one(one(aws_ecs_service.this.service_connect_configuration).service).discovery_name == "shop-prod-web" && one(one(one(aws_ecs_service.this.service_connect_configuration).service).client_alias).port == 3000
    error_message = "Other services call it by its name and port."
  }
}

run "long_name_of_target_group" {
  command = plan

  variables {
    name     = "shop-production-order-processing"
    port     = 50051
    protocol = "grpc"
    load_balancer = {
      listener_arn      = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/shop-prod/0123456789abcdef/0123456789abcdef"
      security_group_id = "sg-0bbbbbbbbbbbbbbbb"
      priority          = 100
      hosts             = ["a.example.com", "b.example.com"]
      path_patterns     = ["/orders.v1", "/orders.v1/*"]
      arn_suffix        = "app/shop-prod/0123456789abcdef"
    }
  }

  assert {
    condition     = length(aws_lb_target_group.this[0].name) == 32 && aws_lb_target_group.this[0].protocol_version == "GRPC" && one(aws_lb_target_group.this[0].health_check).matcher == "0" && one(aws_lb_target_group.this[0].health_check).path == "/grpc.health.v1.Health/Check"
    error_message = "The longest name still fits, and gRPC is asked for status 0 of its health service."
  }

  assert {
    condition     = toset(flatten([for condition in aws_lb_listener_rule.this[0].condition : [for path in condition.path_pattern : path.values]])) == toset(["/orders.v1", "/orders.v1/*"]) && length(aws_lb_listener_rule.this[0].condition) == 2
    error_message = "Host and path both decide."
  }
}

run "spot_keeps_a_base_on_demand" {
  command = plan

  variables {
    spot = true
    min  = 3
  }

  assert {
    condition     = { for provider in aws_ecs_service.this.capacity_provider_strategy : provider.capacity_provider => provider.weight } == { FARGATE = 1, FARGATE_SPOT = 4 }
    error_message = "Four of five further tasks run on Spot."
  }

  assert {
    condition     = one([for provider in aws_ecs_service.this.capacity_provider_strategy : provider.base if provider.capacity_provider == "FARGATE"]) == 3
    error_message = "The least number of tasks does not run on Spot."
  }
}

run "secrets_and_permissions" {
  command = plan

  variables {
    secrets = {
      DATABASE_URL  = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/db-AbCdEf:url::"
      DATABASE_HOST = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/db-AbCdEf:host::"
      STRIPE_KEY    = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/stripe-key-GhIjKl"
    }
    permissions = {
      orders = {
        actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
        resources = ["arn:aws:sqs:eu-west-1:111111111111:shop-prod-orders"]
      }
    }
    execute_command               = true
    execute_command_log_group_arn = "arn:aws:logs:eu-west-1:111111111111:log-group:/ecs/shop-prod/exec"
  }

  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Resource if statement.Sid == "ReadSecrets"]) == [
      "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/db-AbCdEf",
      "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/stripe-key-GhIjKl",
    ]
    error_message = "The execution role reads each named secret, once, and no other."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Condition.StringEquals["kms:ViaService"] if statement.Sid == "DecryptSecrets"]) == "secretsmanager.eu-west-1.amazonaws.com"
    error_message = "The key decrypts for Secrets Manager only."
  }

  assert {
    condition     = length(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets) == 3 && length(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment) == 0
    error_message = "Secrets are read by ARN and are no plain variables."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.task[0].policy).Statement[0].Resource == ["arn:aws:sqs:eu-west-1:111111111111:shop-prod-orders"]
    error_message = "The task may use its queue."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.task[0].policy).Statement : try(statement.Sid, "") if contains(statement.Resource, "*")] == ["OpenShell"]
    error_message = "Only the shell channels, which know no resource, hold for everything."
  }
}

run "tls_between_services" {
  command = plan

  variables {
    port           = 8000
    discovery_name = "api"
    callers        = { web = "sg-0cccccccccccccccc" }
    connect_tls = {
      authority_arn = "arn:aws:acm-pca:eu-west-1:111111111111:certificate-authority/00000000-0000-0000-0000-000000000000"
      role_arn      = "arn:aws:iam::111111111111:role/shop-prod-service-connect"
    }
  }

  assert {
    condition     = one(one(one(aws_ecs_service.this.service_connect_configuration).service).tls).kms_key == var.kms_key_arn
    error_message = "Service Connect encrypts calls, and its own secrets with the environment's key."
  }

  assert {
    condition     = one(one(aws_ecs_service.this.service_connect_configuration).service).ingress_port_override == 15443 && aws_vpc_security_group_ingress_rule.caller["web"].from_port == 15443
    error_message = "Callers reach the encrypted port only."
  }

  assert {
    condition     = output.host == "api"
    error_message = "Callers know the service by its short name."
  }
}

run "queue_worker" {
  command = plan

  variables {
    min   = 1
    max   = 50
    queue = { name = "shop-prod-orders", per_replica = 20 }
  }

  assert {
    condition     = one(aws_appautoscaling_policy.queue[0].target_tracking_scaling_policy_configuration).target_value == 20
    error_message = "Each task has twenty waiting messages."
  }
}

run "callers_before" {
  command = plan

  variables {
    port            = 8000
    metrics_port    = 9000
    callers         = { web = "sg-0cccccccccccccccc" }
    metrics_callers = { prometheus = "sg-0dddddddddddddddd" }
    egress          = { mail = { description = "Mail relay", port = 587, cidr = "192.0.2.0/24" } }
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.caller) == ["web"] && keys(aws_vpc_security_group_egress_rule.this) == ["mail"]
    error_message = "Rules are addressed by the name of the caller or target."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.metrics["prometheus"].from_port == 9000 && aws_vpc_security_group_egress_rule.metrics["prometheus"].security_group_id == "sg-0dddddddddddddddd"
    error_message = "The scraper may read the metrics port."
  }
}

# A first and a last item re-address nothing.
run "callers_after" {
  command = plan

  variables {
    port = 8000
    callers = {
      admin  = "sg-01111111111111111"
      web    = "sg-0cccccccccccccccc"
      worker = "sg-02222222222222222"
    }
    egress = {
      auth = { description = "Sign-in", port = 443, prefix_list_id = "pl-0bbbbbbbbbbbbbbbb" }
      mail = { description = "Mail relay", port = 587, cidr = "192.0.2.0/24" }
      news = { description = "News", port = 443, cidr = "2001:db8::/32" }
      time = { description = "Time", port = 123, protocol = "udp", security_group_id = "sg-03333333333333333" }
    }
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.caller) == ["admin", "web", "worker"] && aws_vpc_security_group_ingress_rule.caller["web"].referenced_security_group_id == "sg-0cccccccccccccccc"
    error_message = "The rule of web keeps its address."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.caller["web"].security_group_id == "sg-0cccccccccccccccc" && aws_vpc_security_group_egress_rule.caller["web"].referenced_security_group_id == aws_security_group.this.id
    error_message = "Each caller gets its way out."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.this["mail"].cidr_ipv4 == "192.0.2.0/24" && aws_vpc_security_group_egress_rule.this["news"].cidr_ipv6 == "2001:db8::/32" && aws_vpc_security_group_egress_rule.this["news"].cidr_ipv4 == null && aws_vpc_security_group_egress_rule.this["time"].ip_protocol == "udp"
    error_message = "The rule of mail keeps its address."
  }
}

run "refuses_bad_values" {
  command = plan

  variables {
    name                     = "Shop_Prod"
    discovery_name           = "-api"
    image                    = "nginx:latest"
    protocol                 = "udp"
    port                     = 0
    cpu                      = 300
    cpu_architecture         = "RISCV"
    secrets                  = { KEY = "hunter2" }
    secret_arns              = ["*"]
    permissions              = { all = { actions = ["s3:*"], resources = ["arn:aws:s3:::a"] } }
    subnet_ids               = ["subnet-0aaaaaaaaaaaaaaaa"]
    egress                   = { both = { description = "Two targets", port = 443, cidr = "10.0.0.0/8", prefix_list_id = "pl-0aaaaaaaaaaaaaaaa" } }
    health_path              = "health"
    startup_seconds          = 9000
    min                      = 0
    cpu_target               = 100
    memory_target            = 5
    queue                    = { name = "orders", per_replica = 0 }
    user                     = "root"
    writable_paths           = ["tmp"]
    stop_timeout_seconds     = 121
    deregistration_seconds   = 4000
    log_retention_days       = 31
    deployment_error_percent = 0
  }

  expect_failures = [
    var.name,
    var.discovery_name,
    var.image,
    var.protocol,
    var.port,
    var.cpu,
    var.cpu_architecture,
    var.secrets,
    var.secret_arns,
    var.permissions,
    var.subnet_ids,
    var.egress,
    var.health_path,
    var.startup_seconds,
    var.min,
    var.cpu_target,
    var.memory_target,
    var.queue,
    var.user,
    var.writable_paths,
    var.stop_timeout_seconds,
    var.deregistration_seconds,
    var.log_retention_days,
    var.deployment_error_percent,
  ]
}

# Each value here is wrong only beside another.
run "refuses_bad_scaling" {
  command = plan

  variables {
    callers             = { web = "sg-0cccccccccccccccc" }
    metrics_port        = 70000
    max                 = 1
    requests_per_second = 10
    writable_mib        = 512
  }

  expect_failures = [var.callers, var.metrics_port, var.max, var.requests_per_second, var.writable_mib]
}

# A port and a size that do not exist, endpoints without their group, a grant and an egress without limits.
run "refuses_bad_pairs" {
  command = plan

  variables {
    port                       = 3000
    on_demand_tasks            = 11
    memory_mib                 = 4096
    metrics_callers            = { prometheus = "sg-0dddddddddddddddd" }
    permissions                = { all = { actions = ["s3:GetObject"], resources = ["*"] } }
    egress                     = { icmp = { description = "No such port", port = 0, cidr = "10.0.0.0/8" } }
    endpoint_security_group_id = null
    s3_prefix_list_id          = null
    load_balancer = {
      listener_arn      = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/shop-prod/0123456789abcdef/0123456789abcdef"
      security_group_id = "sg-0bbbbbbbbbbbbbbbb"
      priority          = 0
      hosts             = ["shop.example.com"]
      arn_suffix        = "app/shop-prod/0123456789abcdef"
    }
  }

  expect_failures = [
    var.on_demand_tasks,
    var.memory_mib,
    var.metrics_callers,
    var.permissions,
    var.egress,
    var.endpoint_security_group_id,
    var.s3_prefix_list_id,
    var.load_balancer,
  ]
}

run "refuses_egress_to_no_network" {
  command = plan

  variables {
    egress = { mail = { description = "Mail relay", port = 587, cidr = "mail.example.com" } }
  }

  expect_failures = [var.egress]
}

run "refuses_worker_behind_load_balancer" {
  command = plan

  variables {
    load_balancer = {
      listener_arn      = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/shop-prod/0123456789abcdef/0123456789abcdef"
      security_group_id = "sg-0bbbbbbbbbbbbbbbb"
      priority          = 1
      hosts             = ["shop.example.com"]
      arn_suffix        = "app/shop-prod/0123456789abcdef"
    }
  }

  expect_failures = [var.load_balancer]
}

run "refuses_listener_rule_without_host" {
  command = plan

  variables {
    port = 3000
    load_balancer = {
      listener_arn      = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/shop-prod/0123456789abcdef/0123456789abcdef"
      security_group_id = "sg-0bbbbbbbbbbbbbbbb"
      priority          = 1
      hosts             = []
      arn_suffix        = "app/shop-prod/0123456789abcdef"
    }
  }

  expect_failures = [var.load_balancer]
}
