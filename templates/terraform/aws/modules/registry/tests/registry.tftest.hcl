mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/shop-prod-image-cache" }
  }

  mock_resource "aws_ecr_pull_through_cache_rule" {
    defaults = { registry_id = "111111111111" }
  }
}

variables {
  name         = "shop-prod"
  repositories = ["shop/web"]
  kms_key_arn  = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "defaults_are_safe" {
  command = plan

  assert {
    condition     = aws_ecr_repository.this["shop/web"].image_tag_mutability == "IMMUTABLE"
    error_message = "A tag stays what it was."
  }

  assert {
    condition     = one(aws_ecr_repository.this["shop/web"].image_scanning_configuration).scan_on_push
    error_message = "Images are scanned as they arrive."
  }

  assert {
    condition     = one(aws_ecr_repository.this["shop/web"].encryption_configuration).encryption_type == "KMS" && one(aws_ecr_repository.this["shop/web"].encryption_configuration).kms_key == var.kms_key_arn
    error_message = "Images are encrypted with the environment's key."
  }

  assert {
    condition     = !aws_ecr_repository.this["shop/web"].force_delete
    error_message = "A repository with images is not deleted."
  }

  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.this["shop/web"].policy).rules : rule.selection.countNumber] == [7, 30]
    error_message = "Images without a tag go after 7 days, and the newest 30 stay."
  }

  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this["shop/web"].policy).rules[1].selection.tagStatus == "tagged" && jsondecode(aws_ecr_lifecycle_policy.this["shop/web"].policy).rules[1].selection.tagPatternList == ["*"]
    error_message = "Releases are counted, not the parts of them that have no tag."
  }

  assert {
    condition     = aws_ecr_registry_scanning_configuration.this[0].scan_type == "BASIC" && one(aws_ecr_registry_scanning_configuration.this[0].rule).scan_frequency == "SCAN_ON_PUSH"
    error_message = "The whole registry is scanned at each push."
  }

  assert {
    condition     = length(aws_ecr_replication_configuration.this) + length(aws_ecr_pull_through_cache_rule.this) + length(aws_iam_role.cache) + length(aws_ecr_repository_policy.readers) == 0
    error_message = "Nothing is copied, cached or opened to others unless asked for."
  }
}

# A first and a last item re-address nothing.
run "more_repositories" {
  command = plan

  variables {
    repositories = ["shop/api", "shop/web", "shop/worker"]
  }

  assert {
    condition     = keys(aws_ecr_repository.this) == ["shop/api", "shop/web", "shop/worker"] && aws_ecr_repository.this["shop/web"].name == "shop/web" && aws_ecr_lifecycle_policy.this["shop/web"].repository == "shop/web"
    error_message = "The repository of web keeps its address."
  }

  assert {
    condition     = keys(output.repository_urls) == ["shop/api", "shop/web", "shop/worker"] && keys(output.repository_arns) == keys(output.repository_urls)
    error_message = "Each repository has its address and ARN among the outputs."
  }
}

run "cache_of_builds" {
  command = plan

  variables {
    cache_repository = "shop-buildcache"
  }

  assert {
    condition     = aws_ecr_repository.cache[0].image_tag_mutability == "MUTABLE" && aws_ecr_repository.this["shop/web"].image_tag_mutability == "IMMUTABLE"
    error_message = "Only the tags of caches move."
  }

  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.cache[0].policy).rules : rule.selection.tagStatus] == ["untagged"]
    error_message = "Caches that were replaced go by themselves."
  }
}

run "replica_and_enhanced_scanning" {
  command = plan

  variables {
    repositories      = ["shop/api", "shop/web"]
    replica_region    = "eu-central-1"
    enhanced_scanning = true
  }

  assert {
    condition     = one(one(one(aws_ecr_replication_configuration.this[0].replication_configuration).rule).destination).region == "eu-central-1" && one(one(one(aws_ecr_replication_configuration.this[0].replication_configuration).rule).destination).registry_id == "111111111111"
    error_message = "Images are copied to the second region of the same account."
  }

  assert {
    condition     = [for filter in one(one(aws_ecr_replication_configuration.this[0].replication_configuration).rule).repository_filter : filter.filter] == ["shop/api", "shop/web"]
    error_message = "Only our own repositories are copied."
  }

  assert {
    condition     = aws_ecr_registry_scanning_configuration.this[0].scan_type == "ENHANCED" && one(aws_ecr_registry_scanning_configuration.this[0].rule).scan_frequency == "CONTINUOUS_SCAN"
    error_message = "Inspector scans again and again."
  }
}

run "readers_in_other_accounts" {
  command = plan

  variables {
    repositories       = ["shop/api", "shop/web"]
    reader_account_ids = ["222222222222", "333333333333"]
  }

  assert {
    condition     = keys(aws_ecr_repository_policy.readers) == ["shop/api", "shop/web"] && one(jsondecode(aws_ecr_repository_policy.readers["shop/web"].policy).Statement).Principal.AWS == ["arn:aws:iam::222222222222:root", "arn:aws:iam::333333333333:root"]
    error_message = "The named accounts pull from each repository."
  }

  assert {
    condition     = one(jsondecode(aws_ecr_repository_policy.readers["shop/web"].policy).Statement).Action == ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    error_message = "They pull and do nothing else."
  }
}

run "shared_account" {
  command = plan

  variables {
    replica_region  = "eu-central-1"
    manage_registry = false
  }

  assert {
    condition     = length(aws_ecr_registry_scanning_configuration.this) + length(aws_ecr_replication_configuration.this) == 0
    error_message = "Settings of the whole registry are left to their owner."
  }
}

run "caches" {
  command = plan

  variables {
    repositories   = []
    replica_region = "eu-central-1"
    pull_through = {
      k8s  = "registry.k8s.io"
      quay = "quay.io"
    }
  }

  assert {
    condition     = keys(aws_ecr_pull_through_cache_rule.this) == ["k8s", "quay"] && one(aws_ecr_repository_creation_template.this["quay"].encryption_configuration).kms_key == var.kms_key_arn
    error_message = "Cached images are encrypted with the environment's key, too."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.cache[0].policy).Statement[0].Resource == ["arn:aws:ecr:eu-west-1:111111111111:repository/k8s/*", "arn:aws:ecr:eu-west-1:111111111111:repository/quay/*"]
    error_message = "ECR makes repositories of the caches and no others."
  }

  assert {
    condition     = output.pull_through_urls["k8s"] == "111111111111.dkr.ecr.eu-west-1.amazonaws.com/k8s"
    error_message = "A cached registry is reached under its prefix."
  }

  assert {
    condition     = length(aws_ecr_repository.this) + length(aws_ecr_replication_configuration.this) == 0
    error_message = "Caches are not copied to the second region."
  }
}

run "refuses_bad_values" {
  command = plan

  variables {
    name               = "Shop"
    repositories       = ["Shop/Web"]
    reader_account_ids = ["shop"]
    keep_images        = 1
    untagged_days      = 0
    replica_region     = "eu-west-1"
    pull_through       = { hub = "registry-1.docker.io" }
  }

  expect_failures = [
    var.name,
    var.repositories,
    var.reader_account_ids,
    var.keep_images,
    var.untagged_days,
    var.replica_region,
    var.pull_through,
  ]
}

run "refuses_bad_prefix" {
  command = plan

  variables {
    pull_through = { "K8S/" = "registry.k8s.io" }
  }

  expect_failures = [var.pull_through]
}
