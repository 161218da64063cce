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
    defaults = { arn = "arn:aws:logs:eu-west-1:111111111111:log-group:/ecs/shop-prod/shop-prod-report" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/mocked" }
  }

  mock_resource "aws_ecs_task_definition" {
    defaults = {
      arn                  = "arn:aws:ecs:eu-west-1:111111111111:task-definition/shop-prod-report:1"
      arn_without_revision = "arn:aws:ecs:eu-west-1:111111111111:task-definition/shop-prod-report"
    }
  }

  mock_resource "aws_security_group" {
    defaults = { id = "sg-0aaaaaaaaaaaaaaaa" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = {
      arn = "arn:aws:sqs:eu-west-1:111111111111:shop-prod-report-dead-letters"
      url = "https://sqs.eu-west-1.amazonaws.com/111111111111/shop-prod-report-dead-letters"
    }
  }

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:eu-west-1:111111111111:stateMachine:shop-prod-report" }
  }

  mock_resource "aws_scheduler_schedule" {
    defaults = { arn = "arn:aws:scheduler:eu-west-1:111111111111:schedule/default/shop-prod-report" }
  }
}

variables {
  name                       = "shop-prod-report"
  cluster_arn                = "arn:aws:ecs:eu-west-1:111111111111:cluster/shop-prod"
  image                      = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/shop/report:1.4.2"
  kms_key_arn                = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  vpc_id                     = "vpc-0aaaaaaaaaaaaaaaa"
  subnet_ids                 = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb", "subnet-0cccccccccccccccc"]
  endpoint_security_group_id = "sg-0eeeeeeeeeeeeeeee"
  s3_prefix_list_id          = "pl-0aaaaaaaaaaaaaaaa"
}

# Without a schedule there is a task that CI starts, and nothing else.
run "task_only" {
  command = plan

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem && !jsondecode(aws_ecs_task_definition.this.container_definitions)[0].privileged && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "10001:10001"
    error_message = "The container is read-only, not privileged and not root."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.capabilities.drop == ["ALL"] && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.initProcessEnabled
    error_message = "The container drops all capabilities and has an init process."
  }

  assert {
    condition     = length(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].portMappings) == 0
    error_message = "A job listens nowhere."
  }

  assert {
    condition     = length(aws_scheduler_schedule.this) + length(aws_sfn_state_machine.this) + length(aws_sqs_queue.dead_letters) + length(aws_iam_role.scheduler) + length(aws_iam_role.workflow) == 0 && output.schedule_arn == null
    error_message = "Without a schedule nothing starts the job by itself."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/ecs/shop-prod/shop-prod-report" && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.this.retention_in_days == 30 && aws_cloudwatch_log_group.this.skip_destroy
    error_message = "The log is named after cluster and job, encrypted with the environment's key, kept for 30 days and outlives the job."
  }

  assert {
    condition     = length(aws_iam_role_policy.task) == 0 && [for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Sid if contains(statement.Resource, "*")] == ["SignInToRegistry"]
    error_message = "A job that uses nothing may do nothing, and only signing in to ECR holds for everything."
  }

  assert {
    condition     = jsondecode(aws_iam_role.task.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "111111111111"
    error_message = "Only ECS tasks of this account take the role."
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.this) == 0 && aws_vpc_security_group_egress_rule.endpoints[0].referenced_security_group_id == "sg-0eeeeeeeeeeeeeeee" && aws_vpc_security_group_egress_rule.s3[0].prefix_list_id == "pl-0aaaaaaaaaaaaaaaa"
    error_message = "A run reaches the endpoints of AWS and nothing else."
  }
}

run "scheduled" {
  command = plan

  variables {
    schedule         = { expression = "cron(15 3 * * ? *)", time_zone = "Europe/Berlin" }
    deadline_seconds = 1800
  }

  assert {
    condition     = aws_scheduler_schedule.this[0].schedule_expression == "cron(15 3 * * ? *)" && aws_scheduler_schedule.this[0].schedule_expression_timezone == "Europe/Berlin"
    error_message = "The job runs at its time in its time zone."
  }

  assert {
    condition     = aws_scheduler_schedule.this[0].kms_key_arn == var.kms_key_arn && aws_sqs_queue.dead_letters[0].kms_master_key_id == var.kms_key_arn && one(aws_sfn_state_machine.this[0].encryption_configuration).kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.workflow[0].kms_key_id == var.kms_key_arn
    error_message = "Schedule, state machine, dead letters and log are encrypted with the environment's key."
  }

  assert {
    condition     = one(one(aws_scheduler_schedule.this[0].target).dead_letter_config).arn == aws_sqs_queue.dead_letters[0].arn && jsondecode(aws_sfn_state_machine.this[0].definition).States.ReportFailure.Parameters.QueueUrl == aws_sqs_queue.dead_letters[0].url
    error_message = "A run that cannot start or fails is reported."
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this[0].definition).States.Run.TimeoutSeconds == 1800 && jsondecode(aws_sfn_state_machine.this[0].definition).States.Run.Retry[0].MaxAttempts == 2
    error_message = "A run has its deadline and two further attempts."
  }

  assert {
    condition     = [for way in jsondecode(aws_sfn_state_machine.this[0].definition).States.Run.Catch : way.Next if way.ErrorEquals == ["States.Timeout"]] == ["FindLateTasks"] && jsondecode(aws_sfn_state_machine.this[0].definition).States.FindLateTasks.Next == "StopLateTasks"
    error_message = "A run that misses its deadline is stopped."
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this[0].definition).States.Run.Parameters.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp == "DISABLED" && jsondecode(aws_sfn_state_machine.this[0].definition).States.Run.Parameters.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups == [aws_security_group.this.id]
    error_message = "A run has no public address and carries the job's security group."
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this[0].definition).States.Run.Parameters.LaunchType == "FARGATE" && !can(jsondecode(aws_sfn_state_machine.this[0].definition).States.Run.Parameters.CapacityProviderStrategy)
    error_message = "A run does not land on Spot unless asked for."
  }

  assert {
    condition     = alltrue([for state in values(jsondecode(aws_sfn_state_machine.this[0].definition).States) : contains(keys(jsondecode(aws_sfn_state_machine.this[0].definition).States), try(state.Next, "Failed"))])
    error_message = "Each state leads to one that exists."
  }

  assert {
    condition     = one(aws_sfn_state_machine.this[0].logging_configuration).level == "ALL" && one(aws_sfn_state_machine.this[0].tracing_configuration).enabled
    error_message = "Each run is logged and traced."
  }

  assert {
    condition     = one(jsondecode(aws_sqs_queue_policy.dead_letters[0].policy).Statement).Effect == "Deny" && one(jsondecode(aws_sqs_queue_policy.dead_letters[0].policy).Statement).Condition.Bool["aws:SecureTransport"] == "false" && aws_sqs_queue.dead_letters[0].message_retention_seconds == 1209600
    error_message = "Dead letters are refused over plain text and kept for two weeks."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.workflow[0].policy).Statement : statement.Sid if contains(statement.Resource, "*")] == ["FindLateTasks", "DeliverLog", "Trace"]
    error_message = "Only what knows no resource holds for everything."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.workflow[0].policy).Statement : statement.Condition.StringEquals["iam:PassedToService"] if statement.Sid == "PassRolesToTask"]) == "ecs-tasks.amazonaws.com"
    error_message = "The roles of the task go to tasks only."
  }

  assert {
    condition     = jsondecode(aws_iam_role.scheduler[0].assume_role_policy).Statement[0].Condition.StringEquals == { "aws:SourceAccount" = "111111111111", "aws:SourceArn" = "arn:aws:scheduler:eu-west-1:111111111111:schedule-group/default" }
    error_message = "Only the scheduler of this account takes its role."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.scheduler[0].policy).Statement : statement.Resource if statement.Sid == "StartJob"]) == [aws_sfn_state_machine.this[0].arn]
    error_message = "The scheduler starts this job and no other."
  }

  assert {
    condition     = output.schedule_arn == "arn:aws:scheduler:eu-west-1:111111111111:schedule/default/shop-prod-report" && output.dead_letter_name == "shop-prod-report-dead-letters"
    error_message = "The outputs name the schedule and the dead letters."
  }
}

run "spot" {
  command = plan

  variables {
    schedule = { expression = "rate(6 hours)" }
    spot     = true
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this[0].definition).States.Run.Parameters.CapacityProviderStrategy[0].CapacityProvider == "FARGATE_SPOT" && !can(jsondecode(aws_sfn_state_machine.this[0].definition).States.Run.Parameters.LaunchType)
    error_message = "A run that asks for Spot gets it; a launch type beside it is refused by ECS."
  }

  assert {
    condition     = aws_scheduler_schedule.this[0].schedule_expression_timezone == "UTC"
    error_message = "Without a time zone the clock is UTC."
  }
}

# A first and a last item re-address nothing.
run "maps" {
  command = plan

  variables {
    secrets = {
      DATABASE_URL = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/db-AbCdEf:url::"
    }
    permissions = {
      uploads = {
        actions   = ["s3:GetObject"]
        resources = ["arn:aws:s3:::shop-prod-uploads-111111111111/*"]
      }
    }
    egress = {
      auth = { description = "Sign-in", port = 443, prefix_list_id = "pl-0bbbbbbbbbbbbbbbb" }
      mail = { description = "Mail relay", port = 587, cidr = "192.0.2.0/24" }
      news = { description = "News", port = 443, cidr = "2001:db8::/32" }
      time = { description = "Time", port = 123, protocol = "udp", security_group_id = "sg-03333333333333333" }
    }
  }

  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.this) == ["auth", "mail", "news", "time"] && aws_vpc_security_group_egress_rule.this["mail"].cidr_ipv4 == "192.0.2.0/24" && aws_vpc_security_group_egress_rule.this["news"].cidr_ipv6 == "2001:db8::/32" && aws_vpc_security_group_egress_rule.this["news"].cidr_ipv4 == null
    error_message = "Rules are addressed by the name of the target."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Resource if statement.Sid == "ReadSecrets"]) == ["arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/db-AbCdEf"]
    error_message = "The execution role reads the named secret and no other."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.task[0].policy).Statement[0].Action == ["s3:GetObject"]
    error_message = "The run may do what is declared."
  }
}

run "refuses_bad_values" {
  command = plan

  variables {
    name                 = "Shop_Prod"
    image                = "nginx:latest"
    cpu                  = 300
    cpu_architecture     = "RISCV"
    secrets              = { KEY = "hunter2" }
    secret_arns          = ["*"]
    permissions          = { all = { actions = ["s3:*"], resources = ["arn:aws:s3:::a"] } }
    subnet_ids           = ["subnet-0aaaaaaaaaaaaaaaa"]
    egress               = { both = { description = "Two targets", port = 443, cidr = "10.0.0.0/8", prefix_list_id = "pl-0aaaaaaaaaaaaaaaa" } }
    schedule             = { expression = "every night" }
    deadline_seconds     = 0
    retries              = 11
    retry_seconds        = 0
    user                 = "root"
    writable_paths       = ["tmp"]
    stop_timeout_seconds = 121
    log_retention_days   = 31
  }

  expect_failures = [
    var.name,
    var.image,
    var.cpu,
    var.cpu_architecture,
    var.secrets,
    var.secret_arns,
    var.permissions,
    var.subnet_ids,
    var.egress,
    var.schedule,
    var.deadline_seconds,
    var.retries,
    var.retry_seconds,
    var.user,
    var.writable_paths,
    var.stop_timeout_seconds,
    var.log_retention_days,
  ]
}

# Endpoints without their group, a size that Fargate does not pair, a grant, an egress and a memory without limits.
run "refuses_bad_pairs" {
  command = plan

  variables {
    memory_mib                 = 4096
    permissions                = { all = { actions = ["s3:GetObject"], resources = ["*"] } }
    egress                     = { icmp = { description = "No such port", port = 0, cidr = "10.0.0.0/8" } }
    endpoint_security_group_id = null
    s3_prefix_list_id          = null
    schedule                   = { expression = "cron(15 3 * * ? *)", time_zone = "the zone here" }
  }

  expect_failures = [
    var.memory_mib,
    var.permissions,
    var.egress,
    var.endpoint_security_group_id,
    var.s3_prefix_list_id,
    var.schedule,
  ]
}

run "refuses_egress_to_no_network" {
  command = plan

  variables {
    egress = { mail = { description = "Mail relay", port = 587, cidr = "mail.example.com" } }
  }

  expect_failures = [var.egress]
}

run "refuses_too_much_memory_for_files" {
  command = plan

  variables {
    writable_mib = 512
  }

  expect_failures = [var.writable_mib]
}
