# A database in RDS: one instance with a standby in another zone, or, in aurora.tf, a cluster.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  postgres = var.engine == "postgres"
  aurora   = var.aurora ? "aurora-${local.postgres ? "postgresql" : "mysql"}" : null
  engine   = coalesce(local.aurora, var.engine)
  port     = coalesce(var.port, local.postgres ? 5432 : 3306)

  # A follower takes user, password, name and data from the database it follows.
  follower  = var.replicate_source_arn != null || var.global_cluster_id != null
  global    = var.global_cluster || var.global_cluster_id != null
  managed   = var.credentials == "managed" && !local.follower
  generated = var.credentials == "generated" && !local.follower

  # PostgreSQL counts its lines with one number, MySQL with two.
  numbers = split(".", var.engine_version)
  line    = local.postgres ? local.numbers[0] : join(".", slice(local.numbers, 0, 2))
  family  = "${local.engine}${local.line}"

  parameters = {
    postgres = {
      "rds.force_ssl"              = "1"
      "log_statement"              = "ddl"
      "log_min_duration_statement" = tostring(var.slow_statement_seconds * 1000)
      "log_lock_waits"             = "1"
    }
    mysql = {
      "require_secure_transport" = var.aurora ? "ON" : "1"
      "slow_query_log"           = "1"
      "long_query_time"          = tostring(var.slow_statement_seconds)
      "log_output"               = "FILE"
    }
  }[var.engine]

  logs = { postgres = ["postgresql"], mysql = ["error", "slowquery"] }[var.engine]

  # Small classes have no memory to spare for it: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Overview.Engines.html
  insights = local.postgres || !can(regex(var.aurora ? "^db\\.(t2|t3)\\." : "^db\\.(t2|t3|t4g)\\.(micro|small)$", var.instance_class))
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Data subnets of ${var.name}."
  subnet_ids  = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  count = var.aurora ? 0 : 1

  name        = "${var.name}-${replace(local.family, ".", "-")}"
  family      = local.family
  description = "Settings of ${var.name}: TLS only, slow statements logged."

  dynamic "parameter" {
    for_each = local.parameters

    content {
      name  = parameter.key
      value = parameter.value
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:logs of a database are kept as long as the application's; audit logs are kept elsewhere
  for_each = toset(local.logs)

  name              = "/aws/rds/${var.aurora ? "cluster" : "instance"}/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.protect
}

resource "aws_db_instance" "this" {
  count = var.aurora ? 0 : 1

  identifier     = var.name
  engine         = local.follower ? null : var.engine
  engine_version = local.follower ? null : var.engine_version
  instance_class = var.instance_class
  port           = local.port

  replicate_source_db = var.replicate_source_arn
  db_name             = local.follower ? null : var.database_name
  username            = local.follower ? null : var.username

  manage_master_user_password   = local.managed ? true : null
  master_user_secret_kms_key_id = local.managed ? var.kms_key_arn : null
  password_wo                   = local.generated ? one(ephemeral.aws_secretsmanager_random_password.this[*].random_password) : null
  password_wo_version           = local.generated ? var.password_version : null

  iam_database_authentication_enabled = true

  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.kms_key_arn
  allocated_storage     = local.follower ? null : var.storage_gib
  max_allocated_storage = coalesce(var.max_storage_gib, var.storage_gib * 2)

  multi_az               = var.multi_az
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false
  ca_cert_identifier     = "rds-ca-rsa2048-g1"
  parameter_group_name   = one(aws_db_parameter_group.this[*].name)

  backup_retention_period    = var.backup_retention_days
  backup_window              = var.backup_window
  maintenance_window         = var.maintenance_window
  copy_tags_to_snapshot      = true
  delete_automated_backups   = !var.protect
  auto_minor_version_upgrade = true
  deletion_protection        = var.protect

  # A replica has nothing of its own to keep, and RDS refuses a last snapshot of it.
  skip_final_snapshot       = local.follower || !var.protect
  final_snapshot_identifier = local.follower || !var.protect ? null : "${var.name}-final"

  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn
  performance_insights_enabled          = local.insights
  performance_insights_kms_key_id       = local.insights ? var.kms_key_arn : null
  performance_insights_retention_period = local.insights ? 7 : null
  enabled_cloudwatch_logs_exports       = local.logs

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy_attachment.monitoring]
}

# A destroy or replacement of the data would replace this, which Terraform refuses.
resource "terraform_data" "keep" {
  count            = var.protect ? 1 : 0
  triggers_replace = concat(aws_db_instance.this[*].resource_id, aws_rds_cluster.this[*].cluster_resource_id)

  lifecycle {
    prevent_destroy = true
  }
}
