output "task_definition_arn" {
  description = "ARN of the task definition, with its revision."
  value       = aws_ecs_task_definition.this.arn
}

output "security_group_id" {
  description = "Security group of the runs: what lets them in names it as a client."
  value       = aws_security_group.this.id
}

output "task_role_arn" {
  description = "ARN of the role a run has."
  value       = aws_iam_role.task.arn
}

output "task_role_name" {
  description = "Name of that role."
  value       = aws_iam_role.task.name
}

output "execution_role_arn" {
  description = "ARN of the role with which ECS starts a run."
  value       = aws_iam_role.execution.arn
}

output "log_group_name" {
  description = "Log group of the runs."
  value       = aws_cloudwatch_log_group.this.name
}

output "schedule_arn" {
  description = "ARN of the schedule; null without one."
  value       = one(aws_scheduler_schedule.this[*].arn)
}

output "state_machine_arn" {
  description = "ARN of the state machine, the dimension of its metrics ExecutionsFailed and ExecutionsSucceeded; null without a schedule."
  value       = one(aws_sfn_state_machine.this[*].arn)
}

output "dead_letter_name" {
  description = "Name of the queue that holds failed runs; null without a schedule."
  value       = one(aws_sqs_queue.dead_letters[*].name)
}
