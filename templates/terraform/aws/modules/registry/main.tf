# Image repositories, and what holds for the registry they are in.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  retention = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Images without a tag go after ${var.untagged_days} days"
        action       = { type = "expire" }
        selection = {
          tagStatus   = "untagged"
          countType   = "sinceImagePushed"
          countUnit   = "days"
          countNumber = var.untagged_days
        }
      },
      {
        rulePriority = 2
        description  = "The newest ${var.keep_images} images with a tag stay"
        action       = { type = "expire" }
        # The parts of an image for several platforms have no tag; counted as well, they would leave few releases.
        selection = {
          tagStatus      = "tagged"
          tagPatternList = ["*"]
          countType      = "imageCountMoreThan"
          countNumber    = var.keep_images
        }
      },
    ]
  })
}

resource "aws_ecr_repository" "this" {
  for_each = var.repositories

  name                 = each.key
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.protect

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.kms_key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy     = local.retention
}

# What builds keep for the next build. Its tags move, so it is no place for images.
resource "aws_ecr_repository" "cache" {
  #checkov:skip=CKV_AWS_51:the cache of a build is written anew by each build; nothing is run from it
  count = var.cache_repository == null ? 0 : 1

  name                 = var.cache_repository
  image_tag_mutability = "MUTABLE"
  force_delete         = true

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.kms_key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "cache" {
  count = var.cache_repository == null ? 0 : 1

  repository = aws_ecr_repository.cache[0].name
  policy     = jsonencode({ rules = [jsondecode(local.retention).rules[0]] })
}

resource "aws_ecr_repository_policy" "readers" {
  for_each = { for name, repository in aws_ecr_repository.this : name => repository if length(var.reader_account_ids) > 0 }

  repository = each.value.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PullFromOtherAccounts"
      Effect    = "Allow"
      Principal = { AWS = [for id in var.reader_account_ids : "arn:${data.aws_partition.current.partition}:iam::${id}:root"] }
      Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    }]
  })
}

resource "aws_ecr_registry_scanning_configuration" "this" {
  count = var.manage_registry ? 1 : 0

  scan_type = var.enhanced_scanning ? "ENHANCED" : "BASIC"

  rule {
    scan_frequency = var.enhanced_scanning ? "CONTINUOUS_SCAN" : "SCAN_ON_PUSH"

    repository_filter {
      filter      = "*"
      filter_type = "WILDCARD"
    }
  }
}

# Without a filter ECR would copy everything, caches included: no repositories, no replication.
resource "aws_ecr_replication_configuration" "this" {
  count = var.manage_registry && var.replica_region != null && length(var.repositories) > 0 ? 1 : 0

  replication_configuration {
    rule {
      destination {
        region      = var.replica_region
        registry_id = data.aws_caller_identity.current.account_id
      }

      dynamic "repository_filter" {
        for_each = var.repositories

        content {
          filter      = repository_filter.value
          filter_type = "PREFIX_MATCH"
        }
      }
    }
  }
}
