# CloudFront takes its certificate from us-east-1, wherever the product is. Its own name needs none.

resource "aws_acm_certificate" "this" {
  count    = local.named ? 1 : 0
  provider = aws.us_east_1

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
  proofs = { for host, zone in var.hosts : trimprefix(host, "*.") => zone... }
}

# Another certificate for the same name, such as a load balancer's, has the same record.
resource "aws_route53_record" "validation" {
  for_each = local.proofs

  zone_id         = each.value[0]
  name            = one(distinct([for option in aws_acm_certificate.this[0].domain_validation_options : option.resource_record_name if trimprefix(option.domain_name, "*.") == each.key]))
  type            = one(distinct([for option in aws_acm_certificate.this[0].domain_validation_options : option.resource_record_type if trimprefix(option.domain_name, "*.") == each.key]))
  records         = distinct([for option in aws_acm_certificate.this[0].domain_validation_options : option.resource_record_value if trimprefix(option.domain_name, "*.") == each.key])
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  count    = local.named ? 1 : 0
  provider = aws.us_east_1

  certificate_arn         = aws_acm_certificate.this[0].arn
  validation_record_fqdns = [for record in aws_route53_record.validation : record.fqdn]
}
