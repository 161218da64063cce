# When the job runs, how long and how often: the scheduler starts a state machine, for ECS itself knows no deadline and no retry.

locals {
  state_machine_arn = "arn:${data.aws_partition.current.partition}:states:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:stateMachine:${var.name}"
  schedule_arn      = "arn:${data.aws_partition.current.partition}:scheduler:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:schedule/default/${var.name}"
  call              = "arn:${data.aws_partition.current.partition}:states:::"
}

resource "aws_scheduler_schedule" "this" {
  count = var.schedule == null ? 0 : 1

  name                         = var.name
  description                  = "Starts the job ${var.name}"
  schedule_expression          = var.schedule.expression
  schedule_expression_timezone = var.schedule.time_zone
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.this[0].arn
    role_arn = aws_iam_role.scheduler[0].arn
    input    = jsonencode({})

    # A run that cannot be started within the hour is a failed one.
    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 10
    }

    dead_letter_config {
      arn = aws_sqs_queue.dead_letters[0].arn
    }
  }

  depends_on = [aws_iam_role_policy.scheduler]
}

resource "aws_sfn_state_machine" "this" {
  count = var.schedule == null ? 0 : 1

  name     = var.name
  role_arn = aws_iam_role.workflow[0].arn

  definition = jsonencode({
    Comment = "One run of the job, with its deadline and its retries"
    StartAt = "Run"

    States = {
      Run = {
        Type           = "Task"
        Resource       = "${local.call}ecs:runTask.sync"
        TimeoutSeconds = var.deadline_seconds
        End            = true

        Parameters = merge(
          {
            Cluster        = var.cluster_arn
            TaskDefinition = aws_ecs_task_definition.this.arn
            PropagateTags  = "TASK_DEFINITION"
            NetworkConfiguration = {
              AwsvpcConfiguration = {
                Subnets        = var.subnet_ids
                SecurityGroups = [aws_security_group.this.id]
                AssignPublicIp = "DISABLED"
              }
            }
          },
          { for key, value in { LaunchType = "FARGATE" } : key => value if !var.spot },
          { for key, value in { CapacityProviderStrategy = [{ CapacityProvider = "FARGATE_SPOT", Weight = 1 }] } : key => value if var.spot },
        )

        # States.TaskFailed stands for every failure but a missed deadline.
        Retry = [{
          ErrorEquals     = ["States.TaskFailed"]
          MaxAttempts     = var.retries
          IntervalSeconds = var.retry_seconds
          BackoffRate     = 2
        }]

        Catch = [
          { ErrorEquals = ["States.Timeout"], ResultPath = "$.failure", Next = "FindLateTasks" },
          { ErrorEquals = ["States.ALL"], ResultPath = "$.failure", Next = "ReportFailure" },
        ]
      }

      # A missed deadline ends the waiting, not the task.
      FindLateTasks = {
        Type       = "Task"
        Resource   = "${local.call}aws-sdk:ecs:listTasks"
        Parameters = { Cluster = var.cluster_arn, Family = var.name, DesiredStatus = "RUNNING" }
        ResultPath = "$.late"
        Retry      = [{ ErrorEquals = ["States.ALL"], MaxAttempts = 3, IntervalSeconds = 5, BackoffRate = 2 }]
        Catch      = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.failure", Next = "ReportFailure" }]
        Next       = "StopLateTasks"
      }

      StopLateTasks = {
        Type         = "Map"
        ItemsPath    = "$.late.TaskArns"
        ItemSelector = { "Task.$" = "$$.Map.Item.Value" }
        ResultPath   = null
        Catch        = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.failure", Next = "ReportFailure" }]
        Next         = "ReportFailure"

        ItemProcessor = {
          ProcessorConfig = { Mode = "INLINE" }
          StartAt         = "StopTask"

          States = {
            StopTask = {
              Type       = "Task"
              Resource   = "${local.call}aws-sdk:ecs:stopTask"
              Parameters = { Cluster = var.cluster_arn, "Task.$" = "$.Task", Reason = "The run took longer than its deadline" }
              Retry      = [{ ErrorEquals = ["States.ALL"], MaxAttempts = 3, IntervalSeconds = 5, BackoffRate = 2 }]
              End        = true
            }
          }
        }
      }

      ReportFailure = {
        Type     = "Task"
        Resource = "${local.call}sqs:sendMessage"
        Parameters = {
          QueueUrl    = aws_sqs_queue.dead_letters[0].url
          MessageBody = { job = var.name, "execution.$" = "$$.Execution.Id", "failure.$" = "$.failure" }
        }
        Next = "Failed"
      }

      Failed = {
        Type  = "Fail"
        Error = "JobFailed"
        Cause = "The last attempt failed or ran into its deadline; the dead-letter queue says why."
      }
    }
  })

  logging_configuration {
    level                  = "ALL"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.workflow[0].arn}:*"
  }

  tracing_configuration {
    enabled = true
  }

  encryption_configuration {
    type       = "CUSTOMER_MANAGED_KMS_KEY"
    kms_key_id = var.kms_key_arn
  }

  depends_on = [aws_iam_role_policy.workflow]
}

resource "aws_cloudwatch_log_group" "workflow" {
  #checkov:skip=CKV_AWS_338:The log of the schedule is kept as long as the log of the job it explains.
  count = var.schedule == null ? 0 : 1

  name              = "/aws/vendedlogs/states/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.protect
}

# Runs that could not start, that failed for good, or that ran into their deadline.
resource "aws_sqs_queue" "dead_letters" {
  count = var.schedule == null ? 0 : 1

  name                      = "${var.name}-dead-letters"
  kms_master_key_id         = var.kms_key_arn
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue_policy" "dead_letters" {
  count = var.schedule == null ? 0 : 1

  queue_url = aws_sqs_queue.dead_letters[0].url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "RefusePlainText"
      Effect    = "Deny"
      Principal = { AWS = "*" }
      Action    = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
      Resource  = [aws_sqs_queue.dead_letters[0].arn]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
