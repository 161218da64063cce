output "name" {
  description = "Name of the topic."
  value       = aws_sns_topic.this.name
}

output "arn" {
  description = "ARN of the topic."
  value       = aws_sns_topic.this.arn
}

output "url" {
  description = "What publishers address the topic by, which is its ARN."
  value       = aws_sns_topic.this.arn
}

output "dead_letter_name" {
  description = "Name of the queue in which messages end that no subscriber took."
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
