output "kms_key_arn" {
  description = "ARN of the environment's key."
  value       = aws_kms_key.this.arn
}

output "kms_key_id" {
  description = "Id of that key."
  value       = aws_kms_key.this.key_id
}

output "secret_arns" {
  description = "ARNs of the secrets by name."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
}
