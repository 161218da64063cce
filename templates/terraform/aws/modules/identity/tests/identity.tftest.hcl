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

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/mocked" }
  }

  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::111111111111:policy/mocked" }
  }

  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com" }
  }
}

variables {
  name = "shop-prod"
}

run "nobody" {
  command = plan

  assert {
    condition     = length(aws_iam_role.workload) == 0 && length(aws_iam_role.ci) == 0 && length(aws_iam_openid_connect_provider.this) == 0
    error_message = "Nobody is declared, so nobody acts."
  }
}

run "one_workload" {
  command = plan

  variables {
    cluster_name = "shop-prod"
    workloads = {
      api = {
        namespace       = "shop-prod"
        service_account = "api"
        permissions     = { orders = { actions = ["sqs:SendMessage"], resources = ["arn:aws:sqs:eu-west-1:111111111111:shop-prod-orders"] } }
      }
    }
  }

  assert {
    condition     = aws_eks_pod_identity_association.this["api"].namespace == "shop-prod" && aws_eks_pod_identity_association.this["api"].service_account == "api"
    error_message = "The role is bound to the service account."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.workload["api"].statement).actions == toset(["sqs:SendMessage"])
    error_message = "The role may do what is declared, and nothing else."
  }

  assert {
    condition = anytrue([
      for condition in one(data.aws_iam_policy_document.pod_trust.statement).condition : condition.variable == "aws:SourceArn" && contains(condition.values, "arn:aws:eks:eu-west-1:111111111111:cluster/shop-prod")
    ])
    error_message = "Only pods of this cluster take the role."
  }
}

# A first and a last workload leave the one between them at its address.
run "more_workloads" {
  command = plan

  variables {
    cluster_name = "shop-prod"
    workloads = {
      a   = { namespace = "shop-prod", service_account = "a", permissions = {} }
      api = { namespace = "shop-prod", service_account = "api", permissions = {} }
      z   = { namespace = "shop-prod", service_account = "z", permissions = {} }
    }
  }

  assert {
    condition     = aws_iam_role.workload["api"].name == "shop-prod-api" && length(aws_iam_role.workload) == 3
    error_message = "A neighbour does not move a role."
  }
}

run "github" {
  command = plan

  variables {
    ci = {
      provider       = "github"
      plan_subjects  = ["repo:acme/shop:pull_request"]
      apply_subjects = ["repo:acme/shop:environment:prod"]
    }
    state_bucket_arn = "arn:aws:s3:::shop-prod-terraform-state"
    state_key_arn    = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = aws_iam_openid_connect_provider.this[0].url == "https://token.actions.githubusercontent.com" && contains(aws_iam_openid_connect_provider.this[0].client_id_list, "sts.amazonaws.com")
    error_message = "GitHub's tokens are believed when they are meant for AWS."
  }

  assert {
    condition = alltrue([
      for role, document in data.aws_iam_policy_document.ci_trust : length([for condition in one(document.statement).condition : condition if condition.test == "StringEquals"]) == 2
    ])
    error_message = "Trust names the audience and the exact subject."
  }

  assert {
    condition     = aws_iam_role.ci["apply"].permissions_boundary == aws_iam_policy.boundary[0].arn
    error_message = "What applies cannot raise itself."
  }

  assert {
    condition     = anytrue([for statement in data.aws_iam_policy_document.plan_blind.statement : contains(statement.actions, "secretsmanager:GetSecretValue") && statement.effect == "Deny"])
    error_message = "What plans reads no secret."
  }

  assert {
    condition     = anytrue([for statement in data.aws_iam_policy_document.ci_state["plan"].statement : contains(statement.resources, "arn:aws:s3:::shop-prod-terraform-state/*.tflock") && contains(statement.actions, "s3:PutObject")])
    error_message = "What plans writes locks and no state."
  }
}

run "gitlab" {
  command = plan

  variables {
    ci = {
      provider        = "gitlab"
      plan_subjects   = ["project_path:acme/shop:ref_type:branch:ref:main"]
      apply_subjects  = ["project_path:acme/shop:ref_type:branch:ref:main"]
      create_provider = false
    }
    state_bucket_arn = "arn:aws:s3:::shop-prod-terraform-state"
    state_key_arn    = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.this) == 0 && anytrue([for principal in one(data.aws_iam_policy_document.ci_trust["plan"].statement).principals : contains(principal.identifiers, "arn:aws:iam::111111111111:oidc-provider/gitlab.com")])
    error_message = "A forge that the account knows is not made again."
  }
}

run "refuses_a_wrong_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Shop"
  }
}

run "refuses_pods_without_a_cluster" {
  command         = plan
  expect_failures = [var.workloads]

  variables {
    workloads = { api = { namespace = "shop-prod", service_account = "api", permissions = {} } }
  }
}

run "refuses_wildcard_actions" {
  command         = plan
  expect_failures = [var.workloads]

  variables {
    cluster_name = "shop-prod"
    workloads    = { api = { namespace = "shop-prod", service_account = "api", permissions = { all = { actions = ["sqs:*"], resources = ["arn:aws:sqs:eu-west-1:111111111111:q"] } } } }
  }
}

run "refuses_wildcard_resources" {
  command         = plan
  expect_failures = [var.workloads]

  variables {
    cluster_name = "shop-prod"
    workloads    = { api = { namespace = "shop-prod", service_account = "api", permissions = { all = { actions = ["sqs:SendMessage"], resources = ["*"] } } } }
  }
}

run "refuses_long_names" {
  command         = plan
  expect_failures = [var.workloads]

  variables {
    cluster_name = "shop-prod"
    workloads    = { a-workload-whose-name-is-far-too-long-for-a-role-of-this-account = { namespace = "shop-prod", service_account = "api", permissions = {} } }
  }
}

run "refuses_another_forge" {
  command         = plan
  expect_failures = [var.ci]

  variables {
    ci               = { provider = "bitbucket", plan_subjects = ["repo:acme/shop:pull_request"], apply_subjects = ["repo:acme/shop:environment:prod"] }
    state_bucket_arn = "arn:aws:s3:::b"
    state_key_arn    = "arn:aws:kms:eu-west-1:111111111111:key/0"
  }
}

run "refuses_wildcard_subjects" {
  command         = plan
  expect_failures = [var.ci]

  variables {
    ci               = { provider = "github", plan_subjects = ["repo:acme/*"], apply_subjects = ["repo:acme/shop:environment:prod"] }
    state_bucket_arn = "arn:aws:s3:::b"
    state_key_arn    = "arn:aws:kms:eu-west-1:111111111111:key/0"
  }
}

run "refuses_a_pipeline_without_state" {
  command         = plan
  expect_failures = [var.state_bucket_arn, var.state_key_arn]

  variables {
    ci = { provider = "github", plan_subjects = ["repo:acme/shop:pull_request"], apply_subjects = ["repo:acme/shop:environment:prod"] }
  }
}

run "publishing" {
  command = plan

  variables {
    ci = {
      provider       = "github"
      plan_subjects  = ["repo:acme/shop:pull_request"]
      apply_subjects = ["repo:acme/shop:environment:prod"]
      publish = {
        subjects        = ["repo:acme/shop:ref:refs/heads/main"]
        repository_arns = ["arn:aws:ecr:eu-west-1:111111111111:repository/shop-*"]
      }
    }
    state_bucket_arn = "arn:aws:s3:::shop-prod-terraform-state"
    state_key_arn    = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = aws_iam_role.ci["publish"].name == "shop-prod-publish" && !contains(keys(aws_iam_role_policy.ci_state), "publish")
    error_message = "Whoever pushes images does not see the state."
  }

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.publish[0].statement : alltrue([for action in statement.actions : startswith(action, "ecr:") && !strcontains(action, "Delete")])])
    error_message = "Publishing adds images and takes none away."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.publish[0].statement : statement.resources if statement.sid == "PushImages"][0] == toset(["arn:aws:ecr:eu-west-1:111111111111:repository/shop-*"])
    error_message = "Images are pushed to the repositories of the product."
  }
}

run "refuses_publishing_everywhere" {
  command = plan

  variables {
    ci = {
      provider       = "github"
      plan_subjects  = ["repo:acme/shop:pull_request"]
      apply_subjects = ["repo:acme/shop:environment:prod"]
      publish        = { subjects = ["repo:acme/shop:ref:refs/heads/main"], repository_arns = ["*"] }
    }
    state_bucket_arn = "arn:aws:s3:::shop-prod-terraform-state"
    state_key_arn    = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  }

  expect_failures = [var.ci]
}
