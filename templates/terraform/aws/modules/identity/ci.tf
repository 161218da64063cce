# As whom a pipeline plans and applies: by a token of its forge, without any stored key.

locals {
  ci_host = var.ci == null ? "" : coalesce(var.ci.host, { github = "token.actions.githubusercontent.com", gitlab = "gitlab.com" }[var.ci.provider])
  ci_url  = "https://${local.ci_host}"
  # GitHub's tokens are for AWS, GitLab's for the address that the job names: by default the forge's own.
  ci_audience = var.ci == null ? "" : coalesce(var.ci.audience, var.ci.provider == "github" ? "sts.amazonaws.com" : local.ci_url)
  ci_arn      = var.ci == null ? "" : var.ci.create_provider ? aws_iam_openid_connect_provider.this[0].arn : "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.ci_host}"
  ci_subjects = var.ci == null ? {} : { plan = var.ci.plan_subjects, apply = var.ci.apply_subjects }
  # Publishing images needs neither the state nor the right to change anything else.
  ci_publishes = try(var.ci.publish, null) != null
  ci_roles     = merge(local.ci_subjects, local.ci_publishes ? { publish = var.ci.publish.subjects } : {})
  ci_purposes = {
    plan    = "The pipeline reads what is there and plans."
    apply   = "The pipeline applies a plan that was approved."
    publish = "The pipeline pushes images."
  }
}

# AWS checks the forge by its public certificate authority, so no thumbprint is given.
resource "aws_iam_openid_connect_provider" "this" {
  count = try(var.ci.create_provider, false) ? 1 : 0

  url            = local.ci_url
  client_id_list = [local.ci_audience]
}

data "aws_iam_policy_document" "ci_trust" {
  for_each = local.ci_roles

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.ci_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.ci_host}:aud"
      values   = [local.ci_audience]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.ci_host}:sub"
      values   = each.value
    }
  }
}

resource "aws_iam_role" "ci" {
  for_each = local.ci_roles

  name                 = "${var.name}-${each.key}"
  description          = local.ci_purposes[each.key]
  assume_role_policy   = data.aws_iam_policy_document.ci_trust[each.key].json
  max_session_duration = 3600
  permissions_boundary = each.key == "apply" ? aws_iam_policy.boundary[0].arn : null
}

# State: both read it, lock it by a file beside it, and only apply writes it.
data "aws_iam_policy_document" "ci_state" {
  for_each = local.ci_subjects

  statement {
    sid       = "FindState"
    actions   = ["s3:ListBucket"]
    resources = [var.state_bucket_arn]
  }

  statement {
    sid       = "ReadState"
    actions   = ["s3:GetObject"]
    resources = ["${var.state_bucket_arn}/*"]
  }

  statement {
    sid       = each.key == "plan" ? "LockState" : "WriteState"
    actions   = ["s3:DeleteObject", "s3:PutObject"]
    resources = ["${var.state_bucket_arn}/${each.key == "plan" ? "*.tflock" : "*"}"]
  }

  statement {
    sid       = "UseStateKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.state_key_arn]
  }
}

resource "aws_iam_role_policy" "ci_state" {
  for_each = local.ci_subjects

  name   = "state"
  role   = aws_iam_role.ci[each.key].id
  policy = data.aws_iam_policy_document.ci_state[each.key].json
}

resource "aws_iam_role_policy_attachment" "plan" {
  count = var.ci == null ? 0 : 1

  role       = aws_iam_role.ci["plan"].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/ReadOnlyAccess"
}

# Reading everything must not mean reading secrets and data.
data "aws_iam_policy_document" "plan_blind" {
  statement {
    sid    = "NoSecretsNoData"
    effect = "Deny"
    actions = [
      "dynamodb:GetItem",
      "dynamodb:Query",
      "dynamodb:Scan",
      "secretsmanager:GetSecretValue",
      "sqs:ReceiveMessage",
      "ssm:GetParameter",
      "ssm:GetParameters",
      "ssm:GetParametersByPath",
    ]
    resources = ["*"] # a refusal is for all resources
  }

  statement {
    sid           = "NoObjectsButState"
    effect        = "Deny"
    actions       = ["s3:GetObject", "s3:GetObjectVersion"]
    not_resources = ["${var.state_bucket_arn}/*"]
  }
}

resource "aws_iam_role_policy" "plan_blind" {
  count = var.ci == null ? 0 : 1

  name   = "blind"
  role   = aws_iam_role.ci["plan"].id
  policy = data.aws_iam_policy_document.plan_blind.json
}

resource "aws_iam_role_policy_attachment" "apply" {
  count = var.ci == null ? 0 : 1

  role       = aws_iam_role.ci["apply"].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/PowerUserAccess"
}

data "aws_iam_policy_document" "publish" {
  count = local.ci_publishes ? 1 : 0

  statement {
    sid       = "SignInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # this action knows no resource
  }

  statement {
    sid = "PushImages"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = var.ci.publish.repository_arns
  }
}

resource "aws_iam_role_policy" "publish" {
  count = local.ci_publishes ? 1 : 0

  name   = "publish"
  role   = aws_iam_role.ci["publish"].id
  policy = data.aws_iam_policy_document.publish[0].json
}

# Power users make no identities; the pipeline makes those of this product, inside the boundary.
data "aws_iam_policy_document" "apply_identities" {
  statement {
    sid = "IdentitiesOfThisProduct"
    actions = [
      "iam:AttachRolePolicy",
      "iam:CreateRole",
      "iam:DeleteRole",
      "iam:DeleteRolePolicy",
      "iam:DetachRolePolicy",
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole",
      "iam:ListRolePolicies",
      "iam:PutRolePolicy",
      "iam:TagRole",
      "iam:UntagRole",
      "iam:UpdateAssumeRolePolicy",
      "iam:UpdateRole",
      "iam:UpdateRoleDescription",
    ]
    resources = ["arn:${local.partition}:iam::${local.account}:role/${var.name}-*"]
  }

  statement {
    sid       = "HandRolesToServices"
    actions   = ["iam:PassRole"]
    resources = ["arn:${local.partition}:iam::${local.account}:role/${var.name}-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = sort(tolist(var.passed_services))
    }
  }

  statement {
    sid       = "RolesOfServices"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["arn:${local.partition}:iam::${local.account}:role/aws-service-role/*"]
  }
}

resource "aws_iam_role_policy" "apply_identities" {
  count = var.ci == null ? 0 : 1

  name   = "identities"
  role   = aws_iam_role.ci["apply"].id
  policy = data.aws_iam_policy_document.apply_identities.json
}

# Whatever else is attached to it, the pipeline can do no more than this: not raise itself, not touch billing or people.
data "aws_iam_policy_document" "boundary" {
  #checkov:skip=CKV_AWS_107:a boundary grants nothing by itself, it only limits what other policies grant
  #checkov:skip=CKV_AWS_108:a boundary grants nothing by itself, it only limits what other policies grant
  #checkov:skip=CKV_AWS_109:a boundary grants nothing by itself, it only limits what other policies grant
  #checkov:skip=CKV_AWS_110:a boundary grants nothing by itself, it only limits what other policies grant
  #checkov:skip=CKV_AWS_111:a boundary grants nothing by itself, it only limits what other policies grant
  #checkov:skip=CKV_AWS_356:a boundary grants nothing by itself, it only limits what other policies grant
  statement {
    sid         = "EverythingButThePayer"
    effect      = "Allow"
    not_actions = ["account:*", "aws-portal:*", "organizations:*"]
    resources   = ["*"] # a boundary grants nothing by itself
  }

  statement {
    sid    = "NoPeople"
    effect = "Deny"
    actions = [
      "iam:AddUserToGroup",
      "iam:CreateAccessKey",
      "iam:CreateLoginProfile",
      "iam:CreateUser",
      "iam:DeleteRolePermissionsBoundary",
      "iam:PutUserPolicy",
      "iam:UpdateAccountPasswordPolicy",
    ]
    resources = ["*"] # a refusal is for all resources
  }

  statement {
    sid    = "NotItself"
    effect = "Deny"
    actions = [
      "iam:AttachRolePolicy",
      "iam:DeleteRole",
      "iam:DeleteRolePolicy",
      "iam:DetachRolePolicy",
      "iam:PutRolePermissionsBoundary",
      "iam:PutRolePolicy",
      "iam:UpdateAssumeRolePolicy",
    ]
    resources = [
      "arn:${local.partition}:iam::${local.account}:role/${var.name}-apply",
      "arn:${local.partition}:iam::${local.account}:role/${var.name}-plan",
      "arn:${local.partition}:iam::${local.account}:role/${var.name}-publish",
    ]
  }
}

resource "aws_iam_policy" "boundary" {
  count = var.ci == null ? 0 : 1

  name        = "${var.name}-apply-boundary"
  description = "The most the pipeline of ${var.name} can do."
  policy      = data.aws_iam_policy_document.boundary.json
}
