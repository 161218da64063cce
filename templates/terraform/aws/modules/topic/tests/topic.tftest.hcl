mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111111111111:shop-prod-events" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = {
      arn = "arn:aws:sqs:eu-west-1:111111111111:shop-prod-events-dead-letters"
      url = "https://sqs.eu-west-1.amazonaws.com/111111111111/shop-prod-events-dead-letters"
    }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/events-AbCdEf" }
  }
}

variables {
  name        = "shop-prod-events"
  kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == var.kms_key_arn && aws_sqs_queue.dead_letters.kms_master_key_id == var.kms_key_arn
    error_message = "Messages are encrypted with the environment's key."
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.topic.statement : statement.effect == "Deny" && anytrue([for condition in statement.condition : condition.variable == "aws:SecureTransport"])
    ])
    error_message = "Plain text is refused."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.topic.statement : statement.effect == "Deny" || alltrue([for principal in statement.principals : toset(principal.identifiers) == toset(["111111111111"])])
    ])
    error_message = "Only the account itself publishes and subscribes."
  }

  assert {
    condition     = length(aws_secretsmanager_secret.connection) == 0
    error_message = "Without a name there is no connection secret."
  }
}

run "one_subscriber" {
  command = plan

  variables {
    connection_secret_name = "shop/prod/events"
    subscriptions = {
      mailer = { protocol = "sqs", endpoint = "arn:aws:sqs:eu-west-1:111111111111:mails" }
    }
  }

  assert {
    condition     = jsondecode(aws_sns_topic_subscription.this["mailer"].redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead_letters.arn
    error_message = "What a subscriber does not take is set aside."
  }

  assert {
    condition     = toset(keys(jsondecode(aws_secretsmanager_secret_version.connection[0].secret_string))) == toset(["name", "url", "arn", "dead_letter_name"])
    error_message = "The secret holds what workloads read."
  }
}

# A first and a last subscriber leave the one between them at its address.
run "more_subscribers" {
  command = plan

  variables {
    subscriptions = {
      archive = { protocol = "firehose", endpoint = "arn:aws:firehose:eu-west-1:111111111111:deliverystream/archive", role_arn = "arn:aws:iam::111111111111:role/archive" }
      mailer  = { protocol = "sqs", endpoint = "arn:aws:sqs:eu-west-1:111111111111:mails" }
      stock   = { protocol = "lambda", endpoint = "arn:aws:lambda:eu-west-1:111111111111:function:stock" }
    }
  }

  assert {
    condition     = aws_sns_topic_subscription.this["mailer"].endpoint == "arn:aws:sqs:eu-west-1:111111111111:mails"
    error_message = "A neighbour does not move a subscriber."
  }

  assert {
    condition     = aws_sns_topic_subscription.this["mailer"].raw_message_delivery && !aws_sns_topic_subscription.this["stock"].raw_message_delivery
    error_message = "A queue gets the message as it was sent, a function in its envelope."
  }
}

run "fifo" {
  command = plan

  variables {
    fifo = true
  }

  assert {
    condition     = aws_sns_topic.this.name == "shop-prod-events.fifo" && aws_sqs_queue.dead_letters.fifo_queue
    error_message = "The order is kept in the dead letters too."
  }
}

run "refuses_a_wrong_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Shop_Events"
  }
}

run "refuses_a_wrong_protocol" {
  command         = plan
  expect_failures = [var.subscriptions]

  variables {
    subscriptions = { people = { protocol = "email", endpoint = "arn:aws:sns:eu-west-1:111111111111:people" } }
  }
}

run "refuses_a_wrong_endpoint" {
  command         = plan
  expect_failures = [var.subscriptions]

  variables {
    subscriptions = { mailer = { protocol = "sqs", endpoint = "mails" } }
  }
}

run "refuses_firehose_without_a_role" {
  command         = plan
  expect_failures = [var.subscriptions]

  variables {
    subscriptions = { archive = { protocol = "firehose", endpoint = "arn:aws:firehose:eu-west-1:111111111111:deliverystream/archive" } }
  }
}

run "refuses_a_function_in_order" {
  command         = plan
  expect_failures = [var.subscriptions]

  variables {
    fifo          = true
    subscriptions = { stock = { protocol = "lambda", endpoint = "arn:aws:lambda:eu-west-1:111111111111:function:stock" } }
  }
}
