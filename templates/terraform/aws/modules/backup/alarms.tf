# A backup, copy or restore that failed is told at once.

locals {
  failures = var.schedule == "" ? {} : {
    backup  = { detail = "Backup Job State Change", field = "state", states = ["ABORTED", "EXPIRED", "FAILED"] }
    copy    = { detail = "Copy Job State Change", field = "state", states = ["FAILED"] }
    restore = { detail = "Restore Job State Change", field = "status", states = ["ABORTED", "FAILED"] }
  }
}

resource "aws_cloudwatch_event_rule" "failed" {
  for_each = local.failures

  name        = "${var.name}-${each.key}-failed"
  description = "A ${each.key} of ${var.name} failed."

  event_pattern = jsonencode({
    source        = ["aws.backup"]
    "detail-type" = [each.value.detail]
    detail        = { (each.value.field) = each.value.states }
  })
}

resource "aws_cloudwatch_event_target" "failed" {
  for_each = local.failures

  rule = aws_cloudwatch_event_rule.failed[each.key].name
  arn  = var.topic_arn
}
