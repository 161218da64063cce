# The zone of some public names, and a certificate for them that is proven by DNS.

resource "aws_route53_zone" "this" {
  #checkov:skip=CKV2_AWS_38:signing a zone needs a key in us-east-1 and a record at the parent, which its owner sets
  #checkov:skip=CKV2_AWS_39:query logs of a public zone need a log group and a key in us-east-1
  count = var.create_zone ? 1 : 0

  name          = var.zone_name
  comment       = "Public names below ${var.zone_name}."
  force_destroy = false
}

# A new zone has other name servers than the parent names: its replacement or destruction would replace this.
resource "terraform_data" "keep" {
  count            = var.create_zone && var.protect ? 1 : 0
  triggers_replace = aws_route53_zone.this[*].zone_id

  lifecycle {
    prevent_destroy = true
  }
}

data "aws_route53_zone" "this" {
  count = var.create_zone ? 0 : 1

  name         = var.zone_name
  private_zone = false
}

locals {
  zone_id = var.create_zone ? aws_route53_zone.this[0].zone_id : data.aws_route53_zone.this[0].zone_id
  hosts   = sort(tolist(var.hosts))
}

resource "aws_acm_certificate" "this" {
  domain_name               = local.hosts[0]
  subject_alternative_names = slice(local.hosts, 1, length(local.hosts))
  validation_method         = "DNS"
  key_algorithm             = "EC_prime256v1"

  options {
    certificate_transparency_logging_preference = "ENABLED"
  }

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # A wildcard and the name it stands under are proven by the same record.
  proofs = toset([for host in var.hosts : trimprefix(host, "*.")])
}

# Another certificate for the same name, such as that of a second region, has the same record.
resource "aws_route53_record" "validation" {
  for_each = local.proofs

  zone_id         = local.zone_id
  name            = one(distinct([for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_name if trimprefix(option.domain_name, "*.") == each.key]))
  type            = one(distinct([for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_type if trimprefix(option.domain_name, "*.") == each.key]))
  records         = distinct([for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_value if trimprefix(option.domain_name, "*.") == each.key])
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [for record in aws_route53_record.validation : record.fqdn]
}
