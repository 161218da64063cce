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

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111111111111:shop-prod-alarms" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      id                 = "shop-prod-logs-111111111111"
      arn                = "arn:aws:s3:::shop-prod-logs-111111111111"
      bucket_domain_name = "shop-prod-logs-111111111111.s3.amazonaws.com"
    }
  }
}

variables {
  name        = "shop-prod"
  kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == var.kms_key_arn
    error_message = "What alarms say is encrypted with the environment's key."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.logs.block_public_acls && aws_s3_bucket_public_access_block.logs.block_public_policy && aws_s3_bucket_public_access_block.logs.ignore_public_acls && aws_s3_bucket_public_access_block.logs.restrict_public_buckets
    error_message = "Access logs are private."
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.logs.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "Without CloudFront nobody writes with an ACL."
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.logs.rule[0].expiration).days == 400
    error_message = "Access logs are kept for more than a year, and then go."
  }

  assert {
    condition = alltrue([
      for document in [data.aws_iam_policy_document.alarms, data.aws_iam_policy_document.logs] : anytrue([
        for statement in document.statement : statement.effect == "Deny" && anytrue([for condition in statement.condition : condition.variable == "aws:SecureTransport"])
      ])
    ])
    error_message = "Plain text is refused."
  }

  assert {
    condition = alltrue([
      for document in [data.aws_iam_policy_document.alarms, data.aws_iam_policy_document.logs] : alltrue([
        for statement in document.statement : statement.effect == "Deny" || anytrue([for condition in statement.condition : contains(["aws:SourceAccount", "aws:SourceArn"], condition.variable)])
      ])
    ])
    error_message = "Services write for this account alone."
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.logs.versioning_configuration).status == "Enabled" && one(one(aws_s3_bucket_server_side_encryption_configuration.logs.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Access logs are encrypted, and what is overwritten can be read for a week."
  }

  assert {
    condition     = length(terraform_data.keep) == 1 && !aws_s3_bucket.logs.force_destroy
    error_message = "Logs are protected from deletion."
  }
}

run "one_alarm" {
  command = plan

  variables {
    emails = ["shop@example.com"]
    alarms = {
      database-cpu = { description = "Short of CPU.", namespace = "AWS/RDS", metric_name = "CPUUtilization", dimensions = { DBInstanceIdentifier = "shop-prod-db" }, threshold = 80 }
    }
  }

  assert {
    condition     = contains(aws_cloudwatch_metric_alarm.this["database-cpu"].alarm_actions, aws_sns_topic.alarms.arn) && contains(aws_cloudwatch_metric_alarm.this["database-cpu"].ok_actions, aws_sns_topic.alarms.arn)
    error_message = "The topic hears the alarm and its end."
  }

  assert {
    condition     = aws_sns_topic_subscription.email["shop@example.com"].protocol == "email"
    error_message = "People are mailed."
  }
}

# A first and a last alarm leave the one between them at its address.
run "more_alarms" {
  command = plan

  variables {
    alarms = {
      a            = { description = "A.", namespace = "AWS/SQS", metric_name = "ApproximateAgeOfOldestMessage", dimensions = {}, threshold = 1 }
      database-cpu = { description = "Short of CPU.", namespace = "AWS/RDS", metric_name = "CPUUtilization", dimensions = {}, threshold = 80 }
      z            = { description = "Z.", namespace = "AWS/ApplicationELB", metric_name = "TargetResponseTime", dimensions = {}, threshold = 1, extended_statistic = "p99" }
    }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["database-cpu"].threshold == 80
    error_message = "A neighbour does not move an alarm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["z"].extended_statistic == "p99" && aws_cloudwatch_metric_alarm.this["z"].statistic == null
    error_message = "A percentile stands in place of a statistic."
  }
}

run "content_logs" {
  command = plan

  variables {
    content_logs = true
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.logs.rule).object_ownership == "BucketOwnerPreferred"
    error_message = "CloudFront may write its logs, which are then the bucket owner's."
  }
}

run "refuses_a_wrong_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Shop"
  }
}

run "refuses_a_wrong_address" {
  command         = plan
  expect_failures = [var.emails]

  variables {
    emails = ["shop"]
  }
}

run "refuses_a_wrong_severity" {
  command         = plan
  expect_failures = [var.alarms]

  variables {
    alarms = { a = { description = "A.", namespace = "AWS/RDS", metric_name = "CPUUtilization", dimensions = {}, threshold = 1, severity = "loud" } }
  }
}

run "refuses_a_wrong_treatment" {
  command         = plan
  expect_failures = [var.alarms]

  variables {
    alarms = { a = { description = "A.", namespace = "AWS/RDS", metric_name = "CPUUtilization", dimensions = {}, threshold = 1, missing = "fine" } }
  }
}

run "refuses_a_wrong_comparison" {
  command         = plan
  expect_failures = [var.alarms]

  variables {
    alarms = { a = { description = "A.", namespace = "AWS/RDS", metric_name = "CPUUtilization", dimensions = {}, threshold = 1, comparison = ">" } }
  }
}

run "refuses_a_wrong_period" {
  command         = plan
  expect_failures = [var.alarms]

  variables {
    alarms = { a = { description = "A.", namespace = "AWS/RDS", metric_name = "CPUUtilization", dimensions = {}, threshold = 1, period_seconds = 45 } }
  }
}

run "refuses_a_percentile_as_statistic" {
  command         = plan
  expect_failures = [var.alarms]

  variables {
    alarms = { a = { description = "A.", namespace = "AWS/RDS", metric_name = "CPUUtilization", dimensions = {}, threshold = 1, statistic = "p99" } }
  }
}

run "refuses_more_datapoints_than_periods" {
  command         = plan
  expect_failures = [var.alarms]

  variables {
    alarms = { a = { description = "A.", namespace = "AWS/RDS", metric_name = "CPUUtilization", dimensions = {}, threshold = 1, evaluation_periods = 3, datapoints = 4 } }
  }
}

run "refuses_no_period" {
  command         = plan
  expect_failures = [var.alarms]

  variables {
    alarms = { a = { description = "A.", namespace = "AWS/RDS", metric_name = "CPUUtilization", dimensions = {}, threshold = 1, evaluation_periods = 0 } }
  }
}

run "refuses_to_look_back_too_far" {
  command         = plan
  expect_failures = [var.alarms]

  variables {
    alarms = { a = { description = "A.", namespace = "AWS/RDS", metric_name = "CPUUtilization", dimensions = {}, threshold = 1, period_seconds = 1800, evaluation_periods = 49 } }
  }
}

run "unprotected" {
  command = plan

  variables {
    protect = false
  }

  assert {
    condition     = length(terraform_data.keep) == 0 && aws_s3_bucket.logs.force_destroy
    error_message = "A development environment can be taken down."
  }
}

run "refuses_short_retention" {
  command         = plan
  expect_failures = [var.audit_retention_days]

  variables {
    audit_retention_days = 90
  }
}
