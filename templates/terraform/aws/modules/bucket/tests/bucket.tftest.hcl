mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_partition" {
    defaults = { dns_suffix = "amazonaws.com" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      arn                         = "arn:aws:s3:::shop-prod-uploads-111111111111"
      region                      = "eu-west-1"
      bucket_regional_domain_name = "shop-prod-uploads-111111111111.s3.eu-west-1.amazonaws.com"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/shop-prod-uploads-replication" }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/uploads-AbCdEf" }
  }
}

variables {
  name            = "shop-prod-uploads"
  log_bucket_name = "shop-prod-logs-111111111111"
  kms_key_arn     = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "defaults" {
  command = plan

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn && one(aws_s3_bucket_server_side_encryption_configuration.this.rule).bucket_key_enabled
    error_message = "Objects are encrypted with the environment's key, by way of a bucket key."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "The bucket cannot be made public."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Changed and deleted objects can be brought back."
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.this.statement : [for condition in statement.condition : condition.variable] if statement.effect == "Deny"
    ])) == toset(["aws:SecureTransport", "s3:TlsVersion"])
    error_message = "Plain text and old TLS are refused."
  }

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.this.statement : statement.effect == "Deny"])
    error_message = "Nobody outside the account is let in."
  }

  assert {
    condition     = aws_s3_bucket_logging.this.target_bucket == var.log_bucket_name
    error_message = "Each access is logged."
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this.rule) == 1 && aws_s3_bucket_lifecycle_configuration.this.rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 7 && aws_s3_bucket_lifecycle_configuration.this.rule[0].noncurrent_version_expiration[0].noncurrent_days == 90
    error_message = "Broken uploads go after a week and old versions after 90 days, objects never."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy && length(terraform_data.keep) == 1 && aws_s3_bucket.this.bucket == "shop-prod-uploads-111111111111"
    error_message = "The bucket is protected from deletion, and its name is the account's own."
  }

  assert {
    condition     = length(aws_s3_bucket_replication_configuration.this) == 0 && length(aws_iam_role.replication) == 0 && length(aws_secretsmanager_secret.connection) == 0
    error_message = "Nothing is made that was not asked for."
  }
}

run "expiring" {
  command = plan

  variables {
    expire_days = 365
  }

  assert {
    condition     = one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.expiration[0].days if rule.id == "expire"]) == 365
    error_message = "Objects go after a year."
  }
}

run "replicated" {
  command = plan

  variables {
    replication = {
      bucket_arn  = "arn:aws:s3:::shop-prod-uploads-dr-111111111111"
      kms_key_arn = "arn:aws:kms:eu-central-1:111111111111:key/11111111-1111-1111-1111-111111111111"
    }
  }

  assert {
    condition     = aws_s3_bucket_replication_configuration.this[0].rule[0].destination[0].encryption_configuration[0].replica_kms_key_id == var.replication.kms_key_arn && aws_s3_bucket_replication_configuration.this[0].rule[0].delete_marker_replication[0].status == "Enabled"
    error_message = "Copies are encrypted with the key of their region, and deletions are copied."
  }

  assert {
    condition     = toset(flatten([for statement in data.aws_iam_policy_document.replication_trust.statement : [for condition in statement.condition : condition.variable]])) == toset(["aws:SourceAccount", "aws:SourceArn"])
    error_message = "S3 takes the role only for this bucket."
  }

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.replication[0].statement : !contains(statement.resources, "*") && alltrue([for action in statement.actions : !endswith(action, "*")])])
    error_message = "The role may do only what copying takes."
  }
}

run "connection_secret" {
  command = plan

  variables {
    connection_secret_name = "shop/prod/uploads"
    replica_region         = "eu-central-1"
  }

  assert {
    condition     = aws_secretsmanager_secret.connection[0].kms_key_id == var.kms_key_arn && one(aws_secretsmanager_secret.connection[0].replica).region == "eu-central-1"
    error_message = "The secret is encrypted with the environment's key and copied to the second region."
  }

  assert {
    condition     = toset(keys(jsondecode(aws_secretsmanager_secret_version.connection[0].secret_string))) == toset(["arn", "endpoint", "name", "region"]) && output.endpoint == "https://s3.eu-west-1.amazonaws.com"
    error_message = "The secret holds what workloads read."
  }
}

run "one_distribution" {
  command = plan

  variables {
    distributions = { site = "arn:aws:cloudfront::111111111111:distribution/E1AAAAAAAAAAAA" }
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.this.statement : statement.effect == "Deny" || (
        toset(statement.actions) == toset(["s3:GetObject"]) && toset(one(statement.condition).values) == toset(["arn:aws:cloudfront::111111111111:distribution/E1AAAAAAAAAAAA"])
      )
    ]) && length(data.aws_iam_policy_document.this.statement) == 3
    error_message = "That distribution may read, and nothing else."
  }
}

# A first and a last distribution change the one policy in place.
run "more_distributions" {
  command = plan

  variables {
    distributions = {
      assets = "arn:aws:cloudfront::111111111111:distribution/E1BBBBBBBBBBBB"
      site   = "arn:aws:cloudfront::111111111111:distribution/E1AAAAAAAAAAAA"
      static = "arn:aws:cloudfront::111111111111:distribution/E1CCCCCCCCCCCC"
    }
  }

  assert {
    condition     = length(data.aws_iam_policy_document.this.statement) == 3 && length(one([for statement in data.aws_iam_policy_document.this.statement : one(statement.condition).values if statement.effect == "Allow"])) == 3
    error_message = "All declared distributions may read."
  }
}

run "unprotected" {
  command = plan

  variables {
    protect                = false
    versioned              = false
    connection_secret_name = "shop/dev/uploads"
  }

  assert {
    condition     = aws_s3_bucket.this.force_destroy && length(terraform_data.keep) == 0 && aws_secretsmanager_secret.connection[0].recovery_window_in_days == 0 && aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Suspended"
    error_message = "A development environment can be taken down and made again."
  }
}

run "refuses_wrong_values" {
  command         = plan
  expect_failures = [var.name, var.expire_days, var.noncurrent_days]

  variables {
    name            = "Shop_Uploads"
    expire_days     = 0
    noncurrent_days = 0
  }
}

run "refuses_copies_without_versions" {
  command         = plan
  expect_failures = [var.replication]

  variables {
    versioned = false
    replication = {
      bucket_arn  = "arn:aws:s3:::shop-prod-uploads-dr-111111111111"
      kms_key_arn = "arn:aws:kms:eu-central-1:111111111111:key/11111111-1111-1111-1111-111111111111"
    }
  }
}
