output "state_bucket" {
  description = "Bucket of the state."
  value       = aws_s3_bucket.state.id
}

output "state_key_alias" {
  description = "Alias of the key of the state."
  value       = aws_kms_alias.state.name
}

output "plan_role_arn" {
  description = "Role as which the pipeline plans; null without a repository."
  value       = module.identity.plan_role_arn
}

output "apply_role_arn" {
  description = "Role as which the pipeline applies; null without a repository."
  value       = module.identity.apply_role_arn
}
