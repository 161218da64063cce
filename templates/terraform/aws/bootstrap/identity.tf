# As whom the pipeline plans and applies; without a repository there is no pipeline.

locals {
  github = {
    plan    = ["repo:${var.repository}:pull_request", "repo:${var.repository}:ref:refs/heads/${var.branch}"]
    apply   = ["repo:${var.repository}:environment:${var.environment}"]
    publish = ["repo:${var.repository}:ref:refs/heads/${var.branch}"]
  }
  gitlab = {
    plan    = ["project_path:${var.repository}:ref_type:branch:ref:${var.branch}"]
    apply   = ["project_path:${var.repository}:ref_type:branch:ref:${var.branch}"]
    publish = ["project_path:${var.repository}:ref_type:branch:ref:${var.branch}"]
  }
  subjects = var.ci_provider == "github" ? local.github : local.gitlab
}

module "identity" {
  source = "../modules/identity"

  name             = local.name
  state_bucket_arn = aws_s3_bucket.state.arn
  state_key_arn    = aws_kms_key.state.arn

  ci = var.repository == "" ? null : {
    provider        = var.ci_provider
    plan_subjects   = local.subjects.plan
    apply_subjects  = local.subjects.apply
    create_provider = var.create_ci_provider
    publish = !var.publishes ? null : {
      subjects        = local.subjects.publish
      repository_arns = ["arn:${local.partition}:ecr:${var.region}:${local.account}:repository/${var.app}-*"]
    }
  }
}
