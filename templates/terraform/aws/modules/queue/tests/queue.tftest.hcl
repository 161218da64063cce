mock_provider "aws" {
  override_during = plan

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = {
      arn = "arn:aws:sqs:eu-west-1:111111111111:shop-prod-orders"
      url = "https://sqs.eu-west-1.amazonaws.com/111111111111/shop-prod-orders"
    }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/orders-AbCdEf" }
  }
}

variables {
  name        = "shop-prod-orders"
  kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_sqs_queue.this.kms_master_key_id == var.kms_key_arn && aws_sqs_queue.dead_letters.kms_master_key_id == var.kms_key_arn
    error_message = "Messages are encrypted with the environment's key."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy).maxReceiveCount == 5
    error_message = "A message that fails five times is set aside."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.dead_letters.redrive_allow_policy).redrivePermission == "byQueue"
    error_message = "Only the queue itself sets messages aside."
  }

  assert {
    condition = alltrue([
      for document in values(data.aws_iam_policy_document.this) : anytrue([
        for statement in document.statement : statement.effect == "Deny" && anytrue([for condition in statement.condition : condition.variable == "aws:SecureTransport"])
      ])
    ])
    error_message = "Plain text is refused at both queues."
  }

  assert {
    condition     = length(terraform_data.keep) == 1
    error_message = "The queue is protected from deletion."
  }

  assert {
    condition     = length(aws_secretsmanager_secret.connection) == 0
    error_message = "Without a name there is no connection secret."
  }
}

run "one_topic" {
  command = plan

  variables {
    topics = { events = "arn:aws:sns:eu-west-1:111111111111:shop-prod-events" }
  }

  assert {
    condition = one([
      for statement in data.aws_iam_policy_document.this["queue"].statement : one(one(statement.condition).values) if statement.effect == "Allow"
    ]) == "arn:aws:sns:eu-west-1:111111111111:shop-prod-events"
    error_message = "That topic may send, and no other."
  }

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.this["dead_letters"].statement : statement.effect == "Deny"])
    error_message = "A topic may not put messages among the dead letters."
  }
}

# A first and a last topic change the one policy in place.
run "more_topics" {
  command = plan

  variables {
    topics = {
      audits = "arn:aws:sns:eu-west-1:111111111111:shop-prod-audits"
      events = "arn:aws:sns:eu-west-1:111111111111:shop-prod-events"
      news   = "arn:aws:sns:eu-west-1:111111111111:shop-prod-news"
    }
  }

  assert {
    condition     = length(data.aws_iam_policy_document.this["queue"].statement) == 2 && length(one([for statement in data.aws_iam_policy_document.this["queue"].statement : one(statement.condition).values if statement.effect == "Allow"])) == 3
    error_message = "All declared topics may send."
  }
}

run "connection_secret" {
  command = plan

  variables {
    connection_secret_name = "shop/prod/orders"
    replica_region         = "eu-central-1"
  }

  assert {
    condition     = aws_secretsmanager_secret.connection[0].kms_key_id == var.kms_key_arn && one(aws_secretsmanager_secret.connection[0].replica).region == "eu-central-1"
    error_message = "The secret is encrypted with the environment's key and copied to the second region."
  }

  assert {
    condition     = toset(keys(jsondecode(aws_secretsmanager_secret_version.connection[0].secret_string))) == toset(["name", "url", "arn", "dead_letter_name"])
    error_message = "The secret holds what workloads read."
  }
}

run "fifo" {
  command = plan

  variables {
    fifo = true
  }

  assert {
    condition     = aws_sqs_queue.this.name == "shop-prod-orders.fifo" && aws_sqs_queue.dead_letters.fifo_queue
    error_message = "Both queues keep the order."
  }
}

run "unprotected" {
  command = plan

  variables {
    protect                = false
    connection_secret_name = "shop/dev/orders"
  }

  assert {
    condition     = length(terraform_data.keep) == 0 && aws_secretsmanager_secret.connection[0].recovery_window_in_days == 0
    error_message = "A development environment can be taken down and made again."
  }
}

run "refuses_a_wrong_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Shop_Orders"
  }
}

run "refuses_a_wrong_visibility" {
  command         = plan
  expect_failures = [var.visibility_seconds]

  variables {
    visibility_seconds = 50000
  }
}

run "refuses_a_wrong_count" {
  command         = plan
  expect_failures = [var.dead_letter_after]

  variables {
    dead_letter_after = 0
  }
}

run "refuses_a_wrong_retention" {
  command         = plan
  expect_failures = [var.retention_seconds]

  variables {
    retention_seconds = 10
  }
}
