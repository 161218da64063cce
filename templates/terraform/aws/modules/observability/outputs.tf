output "topic_arn" {
  description = "ARN of the topic that hears alarms."
  value       = aws_sns_topic.alarms.arn
}

output "log_bucket_name" {
  description = "Name of the bucket of access logs; what depends on it waits for its policy."
  value       = aws_s3_bucket_policy.logs.bucket
}

output "log_bucket_arn" {
  description = "ARN of that bucket."
  value       = aws_s3_bucket.logs.arn
}

output "log_bucket_domain_name" {
  description = "Domain name of that bucket, by which CloudFront knows it."
  value       = aws_s3_bucket.logs.bucket_domain_name

  depends_on = [aws_s3_bucket_policy.logs]
}
