# A Valkey cache: reached over TLS by declared clients only, as a user that may not administer it.

locals {
  port  = 6379
  major = split(".", var.engine_version)[0]

  # The id of a user has at most 40 characters, of which "-default" takes eight.
  short = length(var.name) <= 32 ? var.name : "${trimsuffix(substr(var.name, 0, 23), "-")}-${substr(sha256(var.name), 0, 8)}"

  # A password of a user would stand in the state: no provider of ours takes one without keeping it.
  commands = "on ~* &* +@all -@admin -@dangerous +info"
}

resource "aws_elasticache_subnet_group" "this" {
  name        = var.name
  description = "Data subnets of ${var.name}."
  subnet_ids  = var.subnet_ids
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.name}-valkey${local.major}"
  family      = "valkey${local.major}"
  description = "Settings of ${var.name}."

  parameter {
    name  = "maxmemory-policy"
    value = var.eviction
  }

  lifecycle {
    create_before_destroy = true
  }
}

# Every cache has a user of this name. It is the clients' own, or shut out where IAM tells who they are.
resource "aws_elasticache_user" "default" {
  user_id       = "${local.short}-default"
  user_name     = "default"
  engine        = "valkey"
  access_string = var.authentication == "network" ? local.commands : "off ~* -@all"

  authentication_mode {
    type = "no-password-required"
  }
}

resource "aws_elasticache_user" "application" {
  count = var.authentication == "iam" ? 1 : 0

  # With IAM both names are the same: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
  user_id       = "${local.short}-app"
  user_name     = "${local.short}-app"
  engine        = "valkey"
  access_string = local.commands

  authentication_mode {
    type = "iam"
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.name
  engine        = "valkey"
  user_ids      = concat([aws_elasticache_user.default.user_id], aws_elasticache_user.application[*].user_id)
}

resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV2_AWS_50:a second zone takes over whenever there is a replica, which is the default; a caller may choose one node
  replication_group_id = var.name
  description          = "Cache ${var.name}."
  engine               = "valkey"
  engine_version       = var.engine_version
  node_type            = var.node_type
  port                 = local.port
  num_cache_clusters   = var.replicas + 1

  automatic_failover_enabled = var.replicas > 0
  multi_az_enabled           = var.replicas > 0

  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  user_group_ids             = [aws_elasticache_user_group.this.user_group_id]

  subnet_group_name    = aws_elasticache_subnet_group.this.name
  security_group_ids   = [aws_security_group.this.id]
  parameter_group_name = aws_elasticache_parameter_group.this.name

  snapshot_retention_limit   = var.snapshot_retention_days
  snapshot_window            = var.snapshot_window
  maintenance_window         = var.maintenance_window
  auto_minor_version_upgrade = true
  final_snapshot_identifier  = var.protect ? "${var.name}-final" : null

  log_delivery_configuration {
    destination      = aws_cloudwatch_log_group.this["engine-log"].name
    destination_type = "cloudwatch-logs"
    log_format       = "json"
    log_type         = "engine-log"
  }

  log_delivery_configuration {
    destination      = aws_cloudwatch_log_group.this["slow-log"].name
    destination_type = "cloudwatch-logs"
    log_format       = "json"
    log_type         = "slow-log"
  }
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:logs of a cache are kept as long as the application's; audit logs are kept elsewhere
  for_each = toset(["engine-log", "slow-log"])

  name              = "/aws/elasticache/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
