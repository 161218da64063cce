# What workloads must know of the bucket, under a name they know beforehand. No secret is in it.

resource "aws_secretsmanager_secret" "connection" {
  #checkov:skip=CKV2_AWS_57:it holds a name and an address, which nothing can rotate
  count = var.connection_secret_name == null ? 0 : 1

  name                    = var.connection_secret_name
  description             = "Name and address of the bucket ${local.bucket}."
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
    name     = aws_s3_bucket.this.bucket
    region   = aws_s3_bucket.this.region
    arn      = aws_s3_bucket.this.arn
    endpoint = local.endpoint
  })
}
