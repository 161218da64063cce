output "vault_arn" {
  description = "ARN of the vault."
  value       = aws_backup_vault.this.arn
}

output "vault_name" {
  description = "Name of the vault."
  value       = aws_backup_vault.this.name
}

output "plan_id" {
  description = "Id of the plan; null for a vault that only takes copies."
  value       = one(aws_backup_plan.this[*].id)
}
