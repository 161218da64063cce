output "name" {
  description = "Name of the queue."
  value       = aws_sqs_queue.this.name
}

output "url" {
  description = "Address of the queue."
  value       = aws_sqs_queue.this.url
}

output "arn" {
  description = "ARN of the queue."
  value       = aws_sqs_queue.this.arn
}

output "dead_letter_name" {
  description = "Name of the queue in which failed messages are set aside."
  value       = aws_sqs_queue.dead_letters.name
}

output "dead_letter_arn" {
  description = "ARN of that queue."
  value       = aws_sqs_queue.dead_letters.arn
}

output "connection_secret_arn" {
  description = "ARN of the connection secret; null when none is written."
  value       = one(aws_secretsmanager_secret.connection[*].arn)
}
