# The zone of some public names, and a certificate for them that is proven by DNS.

resource "aws_route53_zone" "this" {
  #checkov:skip=CKV2_AWS_38:signing a zone needs a key in us-east-1 and a record at the parent, which its owner sets
  #checkov:skip=CKV2_AWS_39:query logs of a public zone need a log group in us-east-1
  count = var.create_zone ? 1 : 0

  name          = var.zone_name
  comment       = "Public names below ${var.zone_name}."
  force_destroy = false

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

# One record for each host; a wildcard and its own domain share theirs, so one may overwrite the other.
resource "aws_route53_record" "validation" {
  for_each = var.hosts

  zone_id         = local.zone_id
  name            = one([for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_name if option.domain_name == each.key])
  type            = one([for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_type if option.domain_name == each.key])
  records         = [for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_value if option.domain_name == each.key]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [for record in aws_route53_record.validation : record.fqdn]
}
