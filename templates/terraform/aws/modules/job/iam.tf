# Two roles: one with which ECS starts a run, one that the run itself has.

locals {
  # An image in ECR is named <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>.
  repository_arns = [
    for image in regexall("^(?P<account>[0-9]{12})\\.dkr\\.ecr\\.(?P<region>[a-z0-9-]+)\\.amazonaws\\.com(?:\\.cn)?/(?P<repository>[^:@]+)", var.image) :
    "arn:${data.aws_partition.current.partition}:ecr:${image.region}:${image.account}:repository/${image.repository}"
  ]

  readable_secret_arns = distinct(concat(
    [for arn in values(var.secrets) : join(":", slice(split(":", arn), 0, 7))],
    var.secret_arns,
    var.image_credentials_arn == null ? [] : [var.image_credentials_arn],
  ))

  trust_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:ecs:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:*" }
      }
    }]
  })

  write_log = {
    Sid      = "WriteLog"
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  pull_image = [for statement in [
    {
      # ecr:GetAuthorizationToken knows no resource.
      Sid      = "SignInToRegistry"
      Effect   = "Allow"
      Action   = ["ecr:GetAuthorizationToken"]
      Resource = ["*"]
    },
    {
      Sid    = "PullImage"
      Effect = "Allow"
      Action = concat(
        ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        var.image_is_cached ? ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"] : [],
      )
      Resource = local.repository_arns
    },
  ] : statement if length(local.repository_arns) > 0]

  read_secrets = [for statement in [
    {
      Sid      = "ReadSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = local.readable_secret_arns
    },
    {
      Sid       = "DecryptSecrets"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = [var.kms_key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${data.aws_region.current.id}.amazonaws.com" } }
    },
  ] : statement if length(local.readable_secret_arns) > 0]

  granted = [for name, grant in var.permissions : {
    Effect   = "Allow"
    Action   = grant.actions
    Resource = grant.resources
  }]
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  description        = "With it ECS starts the runs of ${var.name}: pulls the image, reads secrets, opens the log."
  assume_role_policy = local.trust_policy
}

resource "aws_iam_role_policy" "execution" {
  name = "start-runs"
  role = aws_iam_role.execution.id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.write_log], local.pull_image, local.read_secrets)
  })
}

resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  description        = "What a run of ${var.name} may do in AWS."
  assume_role_policy = local.trust_policy
}

resource "aws_iam_role_policy" "task" {
  count = length(var.permissions) > 0 ? 1 : 0

  name = "declared-uses"
  role = aws_iam_role.task.id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.granted
  })
}
