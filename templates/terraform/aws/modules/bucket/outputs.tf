output "name" {
  description = "Name of the bucket, with the account's number at its end."
  value       = aws_s3_bucket.this.bucket
}

output "region" {
  description = "Region of the bucket."
  value       = aws_s3_bucket.this.region
}

# Known only when the bucket keeps versions, without which S3 copies nothing into it.
output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
  depends_on  = [aws_s3_bucket_versioning.this]
}

output "endpoint" {
  description = "Address of S3 in the bucket's region."
  value       = local.endpoint
}

output "domain_name" {
  description = "Name under which a distribution of CloudFront fetches objects."
  value       = aws_s3_bucket.this.bucket_regional_domain_name
}

output "connection_secret_arn" {
  description = "ARN of the connection secret; null when none is written."
  value       = one(aws_secretsmanager_secret.connection[*].arn)
}
