# A backup is one only when it has been restored: once a month, by itself, and thrown away afterwards.

locals {
  testing = var.restore_testing && var.schedule != ""
  types   = toset([for type in ["RDS", "Aurora"] : type if contains(var.restore_test_types, type)])
}

resource "aws_backup_restore_testing_plan" "this" {
  count = local.testing ? 1 : 0

  name                         = replace(var.name, "-", "_")
  schedule_expression          = "cron(0 5 1 * ? *)"
  schedule_expression_timezone = "Etc/UTC"
  start_window_hours           = 8

  recovery_point_selection {
    algorithm             = "LATEST_WITHIN_WINDOW"
    include_vaults        = [aws_backup_vault.this.arn]
    recovery_point_types  = var.continuous ? ["CONTINUOUS", "SNAPSHOT"] : ["SNAPSHOT"]
    selection_window_days = 7
  }
}

resource "aws_backup_restore_testing_selection" "this" {
  for_each = local.testing ? local.types : toset([])

  name                       = lower(each.key)
  restore_testing_plan_name  = aws_backup_restore_testing_plan.this[0].name
  protected_resource_type    = each.key
  protected_resource_arns    = ["*"]
  restore_metadata_overrides = lookup(var.restore_metadata, each.key, null)
  iam_role_arn               = aws_iam_role.this.arn
  validation_window_hours    = 4
}
