# Aurora: a cluster whose storage lies in three zones, with a writer and readers; a global cluster carries it to other regions.

resource "aws_rds_cluster_parameter_group" "this" {
  count = var.aurora ? 1 : 0

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

resource "aws_rds_cluster" "this" {
  #checkov:skip=CKV2_AWS_8:the module backup selects the cluster by its ARN, from outside this module
  count = var.aurora ? 1 : 0

  cluster_identifier        = var.name
  engine                    = local.engine
  engine_version            = var.engine_version
  port                      = local.port
  global_cluster_identifier = var.global_cluster_id

  database_name   = local.follower ? null : var.database_name
  master_username = local.follower ? null : var.username

  manage_master_user_password   = local.managed ? true : null
  master_user_secret_kms_key_id = local.managed ? var.kms_key_arn : null
  master_password_wo            = local.generated ? one(ephemeral.aws_secretsmanager_random_password.this[*].random_password) : null
  master_password_wo_version    = local.generated ? var.password_version : null

  iam_database_authentication_enabled = true

  storage_encrypted = true
  kms_key_id        = var.kms_key_arn
  backtrack_window  = local.postgres || local.global ? null : 86400

  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [aws_security_group.this.id]
  db_cluster_parameter_group_name = one(aws_rds_cluster_parameter_group.this[*].name)

  backup_retention_period         = var.backup_retention_days
  preferred_backup_window         = var.backup_window
  preferred_maintenance_window    = var.maintenance_window
  copy_tags_to_snapshot           = true
  delete_automated_backups        = !var.protect
  deletion_protection             = var.protect
  skip_final_snapshot             = !var.protect
  final_snapshot_identifier       = var.protect ? "${var.name}-final" : null
  enabled_cloudwatch_logs_exports = local.logs

  lifecycle {
    # The first cluster of a global one is joined to it from there.
    ignore_changes = [global_cluster_identifier]
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_rds_cluster_instance" "this" {
  for_each = var.aurora ? toset([for number in range(1, var.reader_count + 2) : tostring(number)]) : toset([])

  identifier         = "${var.name}-${each.key}"
  cluster_identifier = one(aws_rds_cluster.this[*].id)
  engine             = local.engine
  instance_class     = var.instance_class

  db_subnet_group_name         = aws_db_subnet_group.this.name
  publicly_accessible          = false
  ca_cert_identifier           = "rds-ca-rsa2048-g1"
  auto_minor_version_upgrade   = true
  copy_tags_to_snapshot        = true
  preferred_maintenance_window = var.maintenance_window

  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn
  performance_insights_enabled          = local.insights
  performance_insights_kms_key_id       = local.insights ? var.kms_key_arn : null
  performance_insights_retention_period = local.insights ? 7 : null

  depends_on = [aws_iam_role_policy_attachment.monitoring]
}

resource "aws_rds_global_cluster" "this" {
  count = var.aurora && var.global_cluster ? 1 : 0

  global_cluster_identifier    = "${var.name}-global"
  source_db_cluster_identifier = one(aws_rds_cluster.this[*].arn)
  deletion_protection          = var.protect

  # The clusters leave it before it goes; they keep their data.
  force_destroy = true
}
