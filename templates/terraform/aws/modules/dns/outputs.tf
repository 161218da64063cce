output "zone_id" {
  description = "Id of the hosted zone."
  value       = local.zone_id
}

output "certificate_arn" {
  description = "ARN of the certificate, known when it is issued."
  value       = aws_acm_certificate_validation.this.certificate_arn
}

output "name_servers" {
  description = "Name servers that the parent of a new zone must name; empty for a zone that existed."
  value       = flatten(aws_route53_zone.this[*].name_servers)
}
