# What workloads must know of the cache, under a name they know beforehand. No password is in it.

locals {
  host = aws_elasticache_replication_group.this.primary_endpoint_address
  user = var.authentication == "iam" ? "${local.short}-app" : "default"
  url  = "rediss://${local.host}:${local.port}/0"
}

resource "aws_secretsmanager_secret" "connection" {
  #checkov:skip=CKV2_AWS_57:it holds an address, which nothing can rotate
  count = var.connection_secret_name == null ? 0 : 1

  name                    = var.connection_secret_name
  description             = "Address of the cache ${var.name}."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.protect ? 30 : 0

  dynamic "replica" {
    for_each = var.replica_region == null ? [] : [var.replica_region]

    content {
      region = replica.value
    }
  }
}

resource "aws_secretsmanager_secret_version" "connection" {
  count = var.connection_secret_name == null ? 0 : 1

  secret_id = aws_secretsmanager_secret.connection[0].id
  secret_string = jsonencode({
    host     = local.host
    port     = tostring(local.port)
    username = local.user
    url      = local.url
  })
}
