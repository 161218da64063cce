# What workloads must know of the database. A generated password goes from memory to the database and to this secret, and never to the state.

locals {
  host        = coalesce(one(aws_db_instance.this[*].address), one(aws_rds_cluster.this[*].endpoint))
  reader_host = coalesce(one(aws_db_instance.this[*].address), one(aws_rds_cluster.this[*].reader_endpoint))
  with_secret = var.credentials == "generated"

  place = {
    host        = local.host
    port        = tostring(local.port)
    name        = var.database_name
    reader_host = local.reader_host
  }

  # The source's secret is copied here under the same ARN but for the region.
  source_secret = var.source_connection_secret_arn == null ? null : join(":", [
    for place, part in split(":", var.source_connection_secret_arn) : place == 3 ? data.aws_region.current.name : part
  ])
  password = local.generated ? one(ephemeral.aws_secretsmanager_random_password.this[*].random_password) : try(
    jsondecode(one(ephemeral.aws_secretsmanager_secret_version.source[*].secret_string))["password"], null
  )
}

# Unknown until it is made, and again for each version: a plan that needs no password asks for none, and a follower reads after its source has written.
resource "terraform_data" "password" {
  count = local.with_secret ? 1 : 0

  input            = local.source_secret
  triggers_replace = [var.password_version]
}

# Without punctuation it stands in an address as it is.
ephemeral "aws_secretsmanager_random_password" "this" {
  count = local.generated ? 1 : 0

  password_length            = length(terraform_data.password[0].id) > 0 ? 40 : null
  exclude_punctuation        = true
  require_each_included_type = true
}

ephemeral "aws_secretsmanager_secret_version" "source" {
  count = local.follower && local.with_secret ? 1 : 0

  secret_id = terraform_data.password[0].output
}

resource "aws_secretsmanager_secret" "connection" {
  #checkov:skip=CKV2_AWS_57:a managed password is rotated by RDS in its own secret; a generated one by raising password_version
  name                    = var.connection_secret_name
  description             = "Connection to the database ${var.name}."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.protect ? 30 : 0

  dynamic "replica" {
    for_each = var.replica_region == null ? [] : [var.replica_region]

    content {
      region = replica.value
    }
  }
}

# One version for the database's password and for this secret, so that both change in the same run.
resource "aws_secretsmanager_secret_version" "connection" {
  secret_id     = aws_secretsmanager_secret.connection.id
  secret_string = local.with_secret ? null : jsonencode(local.place)

  secret_string_wo = local.with_secret ? jsonencode(merge(local.place, {
    username = var.username
    password = local.password
    url      = "${local.postgres ? "postgresql" : "mysql"}://${var.username}:${local.password}@${local.host}:${local.port}/${var.database_name}${local.postgres ? "?sslmode=require" : ""}"
  })) : null
  secret_string_wo_version = local.with_secret ? var.password_version : null
}
