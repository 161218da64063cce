output "distribution_id" {
  description = "Id of the distribution, by which a pipeline makes new files seen."
  value       = aws_cloudfront_distribution.this.id
}

output "reader_arn" {
  description = "ARN of the distribution, which the policy of an existing bucket must let read."
  value       = aws_cloudfront_distribution.this.arn
}

output "domain_name" {
  description = "Name that CloudFront gave the site."
  value       = aws_cloudfront_distribution.this.domain_name
}

output "host" {
  description = "First public name of the site; CloudFront's where it has none."
  value       = local.host
}

output "url" {
  description = "Address of the site."
  value       = "https://${local.host}"
}

output "bucket_name" {
  description = "Bucket into which a pipeline puts the files."
  value       = local.bucket.name
}

output "web_acl_arn" {
  description = "ARN of the firewall, in us-east-1."
  value       = aws_wafv2_web_acl.this.arn
}
