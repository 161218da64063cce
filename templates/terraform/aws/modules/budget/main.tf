# What an environment may cost in a month, who hears of it, and who hears of what is unusual.

locals {
  thresholds = {
    half     = { percent = 50, type = "ACTUAL" }
    most     = { percent = 80, type = "ACTUAL" }
    all      = { percent = 100, type = "ACTUAL" }
    forecast = { percent = 100, type = "FORECASTED" }
  }

  nothing = { And = null, CostCategories = null, Dimensions = null, Not = null, Or = null, Tags = null }
}

resource "aws_budgets_budget" "this" {
  name         = var.name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.limit)
  limit_unit   = var.currency

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:app$%s", var.application), format("user:environment$%s", var.environment)]
  }

  dynamic "notification" {
    for_each = local.thresholds

    content {
      comparison_operator        = "GREATER_THAN"
      notification_type          = notification.value.type
      threshold                  = notification.value.percent
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = var.emails
      subscriber_sns_topic_arns  = [var.topic_arn]
    }
  }
}

# An account whose bill another one pays cannot have a monitor of tags.
resource "aws_ce_anomaly_monitor" "this" {
  count = var.anomaly_detection ? 1 : 0

  name         = var.name
  monitor_type = "CUSTOM"

  # The provider reads every part back, absent ones as null; one left out here would look like a change,
  # and a changed monitor is made anew and forgets what is usual.
  monitor_specification = jsonencode(merge(local.nothing, {
    And = [
      for key, value in { app = var.application, environment = var.environment } :
      merge(local.nothing, { Tags = { Key = key, MatchOptions = null, Values = [value] } })
    ]
  }))
}

resource "aws_ce_anomaly_subscription" "this" {
  count = var.anomaly_detection ? 1 : 0

  name             = var.name
  frequency        = "IMMEDIATE"
  monitor_arn_list = [aws_ce_anomaly_monitor.this[0].arn]

  # An immediate subscription reaches a topic only, which mails people.
  subscriber {
    type    = "SNS"
    address = var.topic_arn
  }

  threshold_expression {
    dimension {
      key           = "ANOMALY_TOTAL_IMPACT_PERCENTAGE"
      match_options = ["GREATER_THAN_OR_EQUAL"]
      values        = [tostring(var.anomaly_percent)]
    }
  }
}
