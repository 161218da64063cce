# A private certificate authority for Service Connect, and the role with which ECS draws certificates from it.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

resource "aws_acmpca_certificate_authority" "connect" {
  count = var.service_connect_tls ? 1 : 0

  type                            = "ROOT"
  usage_mode                      = "SHORT_LIVED_CERTIFICATE"
  key_storage_security_standard   = "FIPS_140_2_LEVEL_3_OR_HIGHER"
  permanent_deletion_time_in_days = var.protect ? 30 : 7

  certificate_authority_configuration {
    key_algorithm     = "EC_prime256v1"
    signing_algorithm = "SHA256WITHECDSA"

    subject {
      common_name = "${var.name} Service Connect"
    }
  }

  # Not a label: AWS lets ECS draw certificates only from an authority marked so.
  tags = {
    AmazonECSManaged = "true"
  }
}

resource "aws_acmpca_certificate" "connect" {
  count = var.service_connect_tls ? 1 : 0

  certificate_authority_arn   = aws_acmpca_certificate_authority.connect[0].arn
  certificate_signing_request = aws_acmpca_certificate_authority.connect[0].certificate_signing_request
  signing_algorithm           = "SHA256WITHECDSA"
  template_arn                = "arn:${data.aws_partition.current.partition}:acm-pca:::template/RootCACertificate/V1"

  validity {
    type  = "YEARS"
    value = "10"
  }
}

resource "aws_acmpca_certificate_authority_certificate" "connect" {
  count = var.service_connect_tls ? 1 : 0

  certificate_authority_arn = aws_acmpca_certificate_authority.connect[0].arn
  certificate               = aws_acmpca_certificate.connect[0].certificate
  certificate_chain         = aws_acmpca_certificate.connect[0].certificate_chain
}

# A replacement or a destroy of the authority would replace this, which Terraform refuses.
resource "terraform_data" "keep" {
  count = var.service_connect_tls && var.protect ? 1 : 0

  triggers_replace = [aws_acmpca_certificate_authority.connect[0].arn]

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_iam_role" "connect" {
  count = var.service_connect_tls ? 1 : 0

  name        = "${var.name}-connect"
  description = "With it ECS draws the certificates with which services of ${var.name} call each other."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs.amazonaws.com" }
      # Where ECS names the account it acts for, it must be this one.
      Condition = { StringEqualsIfExists = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "connect" {
  count = var.service_connect_tls ? 1 : 0

  role       = aws_iam_role.connect[0].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity"
}

resource "aws_iam_role_policy" "connect" {
  count = var.service_connect_tls ? 1 : 0

  name = "use-key"
  role = aws_iam_role.connect[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "EncryptCertificates"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair"]
      Resource = [var.kms_key_arn]
    }]
  })
}
