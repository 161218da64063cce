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

  mock_resource "aws_backup_vault" {
    defaults = { arn = "arn:aws:backup:eu-west-1:111111111111:backup-vault:shop-prod" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/shop-prod-backup" }
  }
}

variables {
  name        = "shop-prod"
  kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "vault_alone" {
  command = plan

  assert {
    condition     = aws_backup_vault.this.kms_key_arn == var.kms_key_arn && !aws_backup_vault.this.force_destroy
    error_message = "Backups are encrypted with the environment's key, and not deleted with their vault."
  }

  assert {
    condition     = aws_backup_vault_lock_configuration.this[0].min_retention_days == 7 && length(terraform_data.keep) == 1
    error_message = "Nobody deletes a backup of the last week, or the vault."
  }

  assert {
    condition     = length(aws_backup_plan.this) == 0 && length(aws_backup_restore_testing_plan.this) == 0 && length(aws_cloudwatch_event_rule.failed) == 0
    error_message = "A vault that only takes copies has no plan."
  }
}

run "plan" {
  command = plan

  variables {
    schedule      = "cron(0 3 * * ? *)"
    resource_arns = { db = "arn:aws:rds:eu-west-1:111111111111:db:shop-prod-db" }
    copy          = { vault_arn = "arn:aws:backup:eu-central-1:111111111111:backup-vault:shop-prod-dr", keep_days = 35 }
    topic_arn     = "arn:aws:sns:eu-west-1:111111111111:shop-prod-alarms"
  }

  assert {
    condition     = one(one(aws_backup_plan.this[0].rule).lifecycle).delete_after == 30 && one(one(aws_backup_plan.this[0].rule).copy_action).destination_vault_arn == var.copy.vault_arn
    error_message = "Backups are kept for 30 days and copied to the second region."
  }

  assert {
    condition     = contains(aws_backup_selection.this[0].resources, "arn:aws:rds:eu-west-1:111111111111:db:shop-prod-db")
    error_message = "What is declared is backed up."
  }

  assert {
    condition     = aws_backup_restore_testing_plan.this[0].schedule_expression == "cron(0 5 1 * ? *)" && toset(keys(aws_backup_restore_testing_selection.this)) == toset(["RDS"])
    error_message = "Once a month a database is restored."
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_event_target.failed)) == toset(["backup", "copy", "restore"])
    error_message = "Each kind of failure is told."
  }
}

# A first and a last database leave the one between them at its address.
run "copies_of_databases" {
  command = plan

  variables {
    database_backups = {
      a  = "arn:aws:rds:eu-west-1:111111111111:db:a"
      db = "arn:aws:rds:eu-west-1:111111111111:db:shop-prod-db"
      z  = "arn:aws:rds:eu-west-1:111111111111:db:z"
    }
  }

  assert {
    condition     = aws_db_instance_automated_backups_replication.this["db"].source_db_instance_arn == "arn:aws:rds:eu-west-1:111111111111:db:shop-prod-db"
    error_message = "A neighbour does not move a copy."
  }
}

# A first and a last store add themselves, and change nothing of the one between them.
run "more_stores" {
  command = plan

  variables {
    schedule  = "cron(0 3 * * ? *)"
    topic_arn = "arn:aws:sns:eu-west-1:111111111111:shop-prod-alarms"
    resource_arns = {
      a  = "arn:aws:s3:::shop-prod-a-111111111111"
      db = "arn:aws:rds:eu-west-1:111111111111:db:shop-prod-db"
      z  = "arn:aws:s3:::shop-prod-z-111111111111"
    }
  }

  assert {
    condition     = length(aws_backup_selection.this) == 1 && toset(aws_backup_selection.this[0].resources) == toset(values(var.resource_arns))
    error_message = "One selection holds all of them."
  }
}

run "restored_where_it_is_said" {
  command = plan

  variables {
    schedule           = "cron(0 3 * * ? *)"
    topic_arn          = "arn:aws:sns:eu-west-1:111111111111:shop-prod-alarms"
    resource_arns      = { db = "arn:aws:rds:eu-west-1:111111111111:db:shop-prod-db" }
    restore_test_types = ["Aurora", "RDS"]
    restore_metadata   = { RDS = { dbSubnetGroupName = "shop-prod-db" } }
  }

  assert {
    condition     = aws_backup_restore_testing_selection.this["RDS"].restore_metadata_overrides == tomap({ dbSubnetGroupName = "shop-prod-db" })
    error_message = "A database is restored into the subnets that are named."
  }

  assert {
    condition     = toset(keys(aws_backup_restore_testing_selection.this)) == toset(["Aurora", "RDS"])
    error_message = "What nothing is said of is tested nonetheless."
  }
}

run "kept_for_a_short_time" {
  command = plan

  variables {
    keep_days = 3
  }

  assert {
    condition     = aws_backup_vault_lock_configuration.this[0].min_retention_days == 3 && aws_backup_vault_lock_configuration.this[0].max_retention_days == 2555
    error_message = "The lock holds for as long as a backup is kept."
  }
}

run "kept_for_ten_years" {
  command = plan

  variables {
    keep_days = 3653
  }

  assert {
    condition     = aws_backup_vault_lock_configuration.this[0].min_retention_days == 7 && aws_backup_vault_lock_configuration.this[0].max_retention_days == 3653
    error_message = "The lock allows what is kept."
  }
}

run "every_moment" {
  command = plan

  variables {
    schedule      = "cron(0 3 * * ? *)"
    topic_arn     = "arn:aws:sns:eu-west-1:111111111111:shop-prod-alarms"
    resource_arns = { db = "arn:aws:rds:eu-west-1:111111111111:db:shop-prod-db" }
    continuous    = true
  }

  assert {
    condition     = one(aws_backup_plan.this[0].rule).enable_continuous_backup && contains(one(aws_backup_restore_testing_plan.this[0].recovery_point_selection).recovery_point_types, "CONTINUOUS")
    error_message = "Every moment can be restored, and that is tried too."
  }
}

run "unprotected" {
  command = plan

  variables {
    protect = false
  }

  assert {
    condition     = length(aws_backup_vault_lock_configuration.this) == 0 && length(terraform_data.keep) == 0
    error_message = "A development environment can be taken down."
  }
}

run "refuses_a_wrong_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Shop"
  }
}

run "refuses_a_wrong_schedule" {
  command         = plan
  expect_failures = [var.schedule]

  variables {
    schedule      = "nightly"
    resource_arns = { db = "arn:aws:rds:eu-west-1:111111111111:db:shop-prod-db" }
    topic_arn     = "arn:aws:sns:eu-west-1:111111111111:shop-prod-alarms"
  }
}

run "refuses_nothing_to_back_up" {
  command         = plan
  expect_failures = [var.schedule]

  variables {
    schedule  = "cron(0 3 * * ? *)"
    topic_arn = "arn:aws:sns:eu-west-1:111111111111:shop-prod-alarms"
  }
}

run "refuses_to_fail_in_silence" {
  command         = plan
  expect_failures = [var.topic_arn]

  variables {
    schedule      = "cron(0 3 * * ? *)"
    resource_arns = { db = "arn:aws:rds:eu-west-1:111111111111:db:shop-prod-db" }
  }
}

run "refuses_long_continuous_backups" {
  command         = plan
  expect_failures = [var.continuous]

  variables {
    continuous = true
    keep_days  = 60
  }
}

run "refuses_to_keep_nothing" {
  command         = plan
  expect_failures = [var.keep_days]

  variables {
    keep_days = 0
  }
}

run "refuses_a_copy_for_no_time" {
  command         = plan
  expect_failures = [var.copy]

  variables {
    copy = { vault_arn = "arn:aws:backup:eu-central-1:111111111111:backup-vault:shop-prod-dr", keep_days = 0 }
  }
}

run "refuses_to_say_how_what_is_not_tested_is_restored" {
  command         = plan
  expect_failures = [var.restore_metadata]

  variables {
    restore_metadata = { Aurora = { dbSubnetGroupName = "shop-prod-db" } }
  }
}

run "refuses_no_lock" {
  command         = plan
  expect_failures = [var.lock_min_days]

  variables {
    lock_min_days = 0
  }
}

run "refuses_a_short_maximum" {
  command         = plan
  expect_failures = [var.lock_max_days]

  variables {
    lock_max_days = 3
  }
}

run "refuses_a_short_grace" {
  command         = plan
  expect_failures = [var.changeable_for_days]

  variables {
    changeable_for_days = 1
  }
}

run "refuses_to_test_buckets" {
  command         = plan
  expect_failures = [var.restore_test_types]

  variables {
    restore_test_types = ["S3"]
  }
}
