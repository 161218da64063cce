output "service_name" {
  description = "Name of the service in its cluster."
  value       = aws_ecs_service.this.name
}

output "service_arn" {
  description = "ARN of the service."
  value       = aws_ecs_service.this.id
}

output "host" {
  description = "Host name by which other services of the namespace call this one; null without a port."
  value       = var.port == null ? null : local.discovery_name
}

output "security_group_id" {
  description = "Security group of the tasks: what lets them in names it as a client."
  value       = aws_security_group.this.id
}

output "target_group_arn" {
  description = "ARN of the target group; null without a load balancer."
  value       = one(aws_lb_target_group.this[*].arn)
}

output "target_group_arn_suffix" {
  description = "Name of the target group in metrics; null without a load balancer."
  value       = one(aws_lb_target_group.this[*].arn_suffix)
}

output "task_role_arn" {
  description = "ARN of the role the running tasks have."
  value       = aws_iam_role.task.arn
}

output "task_role_name" {
  description = "Name of that role."
  value       = aws_iam_role.task.name
}

output "execution_role_arn" {
  description = "ARN of the role with which ECS starts the tasks."
  value       = aws_iam_role.execution.arn
}

output "task_definition_arn" {
  description = "ARN of the task definition, with its revision."
  value       = aws_ecs_task_definition.this.arn
}

output "log_group_name" {
  description = "Log group of the tasks."
  value       = aws_cloudwatch_log_group.this.name
}

output "deployment_alarm_name" {
  description = "Alarm on failed requests that undoes a deployment; null without a load balancer."
  value       = one(aws_cloudwatch_metric_alarm.deployment[*].alarm_name)
}
