# The files of the site, private: only the content network reads them.

resource "aws_s3_bucket" "site" {
  #checkov:skip=CKV_AWS_144:the files of a site are made again from its source
  #checkov:skip=CKV2_AWS_62:nobody waits for a file of the site
  count = local.own ? 1 : 0

  bucket        = "${var.name}-${data.aws_caller_identity.current.account_id}"
  force_destroy = !var.protect
}

resource "aws_s3_bucket_public_access_block" "site" {
  count = local.own ? 1 : 0

  bucket                  = aws_s3_bucket.site[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "site" {
  count = local.own ? 1 : 0

  bucket = aws_s3_bucket.site[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "site" {
  count = local.own ? 1 : 0

  bucket = aws_s3_bucket.site[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "site" {
  count = local.own ? 1 : 0

  bucket = aws_s3_bucket.site[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "site" {
  count = local.own ? 1 : 0

  bucket = aws_s3_bucket.site[0].id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.site]
}

# Who put or changed a file; who read one is in the content network's own log.
resource "aws_s3_bucket_logging" "site" {
  count = local.own ? 1 : 0

  bucket        = aws_s3_bucket.site[0].id
  target_bucket = regex("^(.+)[.]s3[.-]", var.log_bucket_domain_name)[0]
  target_prefix = "s3/${aws_s3_bucket.site[0].id}/"
}

data "aws_iam_policy_document" "site" {
  count = local.own ? 1 : 0

  statement {
    sid       = "ContentNetworkReads"
    effect    = "Allow"
    actions   = ["s3:GetObject"]
    resources = ["${local.bucket.arn}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudfront.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudfront_distribution.this.arn]
    }
  }

  # With this a file that is not there is 404, not 403; queries are not passed on, so nobody outside sees the list.
  statement {
    sid       = "ContentNetworkLists"
    effect    = "Allow"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudfront.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudfront_distribution.this.arn]
    }
  }

  statement {
    sid       = "RefusePlainText"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket.arn, "${local.bucket.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "RefuseOldTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket.arn, "${local.bucket.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "NumericLessThan"
      variable = "s3:TlsVersion"
      values   = ["1.2"]
    }
  }
}

# A bucket that exists keeps its own policy, which must let the content network in: see the output reader_arn.
resource "aws_s3_bucket_policy" "site" {
  count = local.own ? 1 : 0

  bucket = local.bucket.name
  policy = data.aws_iam_policy_document.site[0].json

  # S3 refuses two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.site]
}

# A destroy or replacement of the files or of the key would replace this, which Terraform refuses.
resource "terraform_data" "keep" {
  count            = var.protect ? 1 : 0
  triggers_replace = concat(aws_s3_bucket.site[*].id, [aws_kms_key.firewall.id])

  lifecycle {
    prevent_destroy = true
  }
}
