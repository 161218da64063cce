# A vault whose backups nobody can shorten, a plan that fills it, and a monthly proof that they can be restored.

data "aws_caller_identity" "current" {}

resource "aws_backup_vault" "this" {
  name          = var.name
  kms_key_arn   = var.kms_key_arn
  force_destroy = false
}

# Without a grace period the lock is one of governance: administrators may lift it, workloads and pipelines may not.
# A job whose backup were kept for shorter or longer than the lock allows would fail, so the lock gives way.
resource "aws_backup_vault_lock_configuration" "this" {
  count = var.protect ? 1 : 0

  backup_vault_name   = aws_backup_vault.this.name
  min_retention_days  = min(var.lock_min_days, var.keep_days)
  max_retention_days  = max(var.lock_max_days, var.keep_days)
  changeable_for_days = var.changeable_for_days
}

# Backups are lost with their vault: its replacement or destruction would replace this, which Terraform refuses.
resource "terraform_data" "keep" {
  count            = var.protect ? 1 : 0
  triggers_replace = [aws_backup_vault.this.id]

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_backup_plan" "this" {
  count = var.schedule == "" ? 0 : 1

  name = var.name

  rule {
    rule_name                = "regular"
    target_vault_name        = aws_backup_vault.this.name
    schedule                 = var.schedule
    start_window             = 60
    completion_window        = 360
    enable_continuous_backup = var.continuous

    lifecycle {
      delete_after = var.keep_days
    }

    dynamic "copy_action" {
      for_each = var.copy == null ? [] : [var.copy]

      content {
        destination_vault_arn = copy_action.value.vault_arn

        lifecycle {
          delete_after = copy_action.value.keep_days
        }
      }
    }
  }
}

resource "aws_backup_selection" "this" {
  count = var.schedule == "" ? 0 : 1

  name         = "declared"
  plan_id      = aws_backup_plan.this[0].id
  iam_role_arn = aws_iam_role.this.arn
  resources    = [for name in sort(keys(var.resource_arns)) : var.resource_arns[name]]
}

# Automated backups of databases in another region, copied into this one as they arise.
resource "aws_db_instance_automated_backups_replication" "this" {
  for_each = var.database_backups

  source_db_instance_arn = each.value
  kms_key_id             = var.kms_key_arn
  retention_period       = min(var.keep_days, 35)
}
