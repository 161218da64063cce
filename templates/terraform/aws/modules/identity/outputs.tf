output "role_arns" {
  description = "ARNs of the pods' roles, by workload."
  value       = { for name, role in aws_iam_role.workload : name => role.arn }
}

output "plan_role_arn" {
  description = "ARN of the role that plans; null without a pipeline."
  value       = try(aws_iam_role.ci["plan"].arn, null)
}

output "apply_role_arn" {
  description = "ARN of the role that applies; null without a pipeline."
  value       = try(aws_iam_role.ci["apply"].arn, null)
}
