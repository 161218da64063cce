# Public registries cached in ours: pulls survive their outages and limits, and need no way to the internet.

resource "aws_ecr_pull_through_cache_rule" "this" {
  for_each = var.pull_through

  ecr_repository_prefix = each.key
  upstream_registry_url = each.value
}

# The repositories of a cache are made by ECR at the first pull, after this template.
resource "aws_ecr_repository_creation_template" "this" {
  for_each = var.pull_through

  prefix          = each.key
  description     = "Repositories that cache ${each.value}"
  applied_for     = ["PULL_THROUGH_CACHE"]
  custom_role_arn = aws_iam_role.cache[0].arn

  # The cache follows the tags of its source; who must have one image names its digest.
  image_tag_mutability = "MUTABLE"
  lifecycle_policy     = local.retention

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.kms_key_arn
  }
}

resource "aws_iam_role" "cache" {
  count = length(var.pull_through) > 0 ? 1 : 0

  name        = "${var.name}-image-cache"
  description = "With it ECR makes the repositories of its caches and encrypts them."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecr.amazonaws.com" }
      # Where ECR names the account it acts for, it must be this one.
      Condition = { StringEqualsIfExists = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "cache" {
  count = length(var.pull_through) > 0 ? 1 : 0

  name = "make-repositories"
  role = aws_iam_role.cache[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "MakeRepositories"
        Effect   = "Allow"
        Action   = ["ecr:CreateRepository", "ecr:TagResource"]
        Resource = [for prefix in keys(var.pull_through) : "arn:${data.aws_partition.current.partition}:ecr:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:repository/${prefix}/*"]
      },
      {
        Sid      = "EncryptRepositories"
        Effect   = "Allow"
        Action   = ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"]
        Resource = [var.kms_key_arn]
      },
    ]
  })
}
