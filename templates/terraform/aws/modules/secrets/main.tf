# The environment's own key, and the secrets whose values people put there.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

  # Services that encrypt with the key in their own name, and what they may do with it.
  services = {
    logs = {
      principal = "logs.${local.region}.amazonaws.com"
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
      test      = "ArnLike"
      variable  = "kms:EncryptionContext:aws:logs:arn"
      values    = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*"]
    }
    deliveries = {
      principal = "delivery.logs.amazonaws.com"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      test      = "StringEquals"
      variable  = "aws:SourceAccount"
      values    = [local.account]
    }
    alarms = {
      principal = "cloudwatch.amazonaws.com"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      test      = "StringEquals"
      variable  = "aws:SourceAccount"
      values    = [local.account]
    }
    topics = {
      principal = "sns.amazonaws.com"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      test      = "StringEquals"
      variable  = "aws:SourceAccount"
      values    = [local.account]
    }
    budgets = {
      principal = "budgets.amazonaws.com"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      test      = "StringEquals"
      variable  = "aws:SourceAccount"
      values    = [local.account]
    }
    anomalies = {
      principal = "costalerts.amazonaws.com"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      test      = "StringEquals"
      variable  = "aws:SourceAccount"
      values    = [local.account]
    }
    content = {
      principal = "cloudfront.amazonaws.com"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      test      = "StringEquals"
      variable  = "aws:SourceAccount"
      values    = [local.account]
    }
    backups = {
      principal = "backup.amazonaws.com"
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
      test      = "StringEquals"
      variable  = "aws:SourceAccount"
      values    = [local.account]
    }
  }
}

resource "aws_kms_key" "this" {
  description             = "Data, logs and secrets of ${var.name}."
  enable_key_rotation     = true
  rotation_period_in_days = var.rotation_days
  deletion_window_in_days = 30

  # In the policy of a key the resource is the key itself, whatever it is called.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "AccountDecidesByIdentity"
          Effect    = "Allow"
          Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
          Action    = "kms:*"
          Resource  = "*"
        },
      ],
      [
        for name, service in local.services : {
          Sid       = title(name)
          Effect    = "Allow"
          Principal = { Service = service.principal }
          Action    = service.actions
          Resource  = "*"
          Condition = { (service.test) = { (service.variable) = service.values } }
        }
      ],
      # EventBridge names no source to a key; the policy of the topic it writes to does.
      [
        {
          Sid       = "Events"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource  = "*"
        },
      ],
      # Volumes and databases take a grant when they are made, which only this account's own services may give.
      [
        {
          Sid       = "GrantsForServicesOfThisAccount"
          Effect    = "Allow"
          Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
          Action    = "kms:CreateGrant"
          Resource  = "*"
          Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
        },
      ],
    )
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

# What was encrypted with a key is lost with it: its replacement or destruction would replace this.
resource "terraform_data" "keep" {
  count            = var.protect ? 1 : 0
  triggers_replace = [aws_kms_key.this.id]

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:its value comes from elsewhere and is put there by hand; the tag rotate-after-days says when the next is due
  for_each = var.secrets

  name                    = "${var.prefix}/${each.key}"
  description             = each.value.description
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = var.protect ? 30 : 0

  tags = each.value.rotate_days == null ? {} : { rotate-after-days = tostring(each.value.rotate_days) }

  dynamic "replica" {
    for_each = var.replica_region == null ? [] : [var.replica_region]

    content {
      region = replica.value
    }
  }
}
