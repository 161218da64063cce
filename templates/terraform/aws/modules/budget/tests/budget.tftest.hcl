mock_provider "aws" {
  override_during = plan

  mock_resource "aws_ce_anomaly_monitor" {
    defaults = { arn = "arn:aws:ce::111111111111:anomalymonitor/00000000-0000-0000-0000-000000000000" }
  }
}

variables {
  name        = "shop-prod"
  limit       = 6000
  emails      = ["shop@example.com"]
  topic_arn   = "arn:aws:sns:eu-west-1:111111111111:shop-prod-alarms"
  application = "shop"
  environment = "prod"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_budgets_budget.this.limit_amount == "6000" && aws_budgets_budget.this.limit_unit == "USD" && aws_budgets_budget.this.time_unit == "MONTHLY"
    error_message = "The limit is one of a month."
  }

  assert {
    condition     = toset([for told in aws_budgets_budget.this.notification : "${told.notification_type} ${told.threshold}"]) == toset(["ACTUAL 50", "ACTUAL 80", "ACTUAL 100", "FORECASTED 100"])
    error_message = "People are told at 50, 80 and 100 per cent, and of a forecast of 100."
  }

  assert {
    condition     = alltrue([for told in aws_budgets_budget.this.notification : contains(told.subscriber_sns_topic_arns, var.topic_arn)])
    error_message = "The topic hears of each."
  }

  assert {
    condition     = toset(one(aws_budgets_budget.this.cost_filter).values) == toset(["user:app$shop", "user:environment$prod"])
    error_message = "Only the cost of this environment counts."
  }

  assert {
    condition     = one(aws_ce_anomaly_subscription.this[0].subscriber).address == var.topic_arn
    error_message = "The topic hears of unusual cost."
  }

  assert {
    condition = toset([
      for part in jsondecode(aws_ce_anomaly_monitor.this[0].monitor_specification).And : "${part.Tags.Key} ${one(part.Tags.Values)}"
    ]) == toset(["app shop", "environment prod"])
    error_message = "Only the cost of this environment is looked at."
  }

  assert {
    condition = alltrue([
      for part in concat([jsondecode(aws_ce_anomaly_monitor.this[0].monitor_specification)], jsondecode(aws_ce_anomaly_monitor.this[0].monitor_specification).And) :
      toset(keys(part)) == toset(["And", "CostCategories", "Dimensions", "Not", "Or", "Tags"])
    ])
    error_message = "Every part is stated as the provider reads it back, so that no plan makes the monitor anew."
  }
}

run "member_of_an_organisation" {
  command = plan

  variables {
    anomaly_detection = false
  }

  assert {
    condition     = length(aws_ce_anomaly_monitor.this) == 0 && length(aws_ce_anomaly_subscription.this) == 0 && length(aws_budgets_budget.this.notification) == 4
    error_message = "The budget stands without a monitor."
  }
}

run "without_people" {
  command = plan

  variables {
    emails = []
  }

  assert {
    condition     = alltrue([for told in aws_budgets_budget.this.notification : length(told.subscriber_sns_topic_arns) == 1 && length(coalesce(told.subscriber_email_addresses, [])) == 0])
    error_message = "The topic alone hears of each."
  }
}

run "refuses_a_wrong_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Shop Prod"
  }
}

run "refuses_no_limit" {
  command         = plan
  expect_failures = [var.limit]

  variables {
    limit = 0
  }
}

run "refuses_a_wrong_currency" {
  command         = plan
  expect_failures = [var.currency]

  variables {
    currency = "dollars"
  }
}

run "refuses_a_wrong_address" {
  command         = plan
  expect_failures = [var.emails]

  variables {
    emails = ["shop"]
  }
}

run "refuses_a_wrong_anomaly" {
  command         = plan
  expect_failures = [var.anomaly_percent]

  variables {
    anomaly_percent = 0
  }
}
