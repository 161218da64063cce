output "host" {
  description = "Name of the node that takes writes."
  value       = local.host
}

output "reader_host" {
  description = "Name under which replicas answer reads."
  value       = aws_elasticache_replication_group.this.reader_endpoint_address
}

output "port" {
  description = "Port of the cache."
  value       = local.port
}

output "url" {
  description = "Address of the cache for clients of Redis; TLS, without a password."
  value       = local.url
}

output "username" {
  description = "Name of the user that clients are."
  value       = local.user
}

output "arn" {
  description = "ARN of the cache."
  value       = aws_elasticache_replication_group.this.arn
}

output "replication_group_id" {
  description = "Id of the replication group, by which its metrics are found."
  value       = aws_elasticache_replication_group.this.id
}

output "security_group_id" {
  description = "Id of the cache's security group."
  value       = aws_security_group.this.id
}

output "user_arn" {
  description = "ARN of the user that IAM lets clients be; null without IAM authentication."
  value       = one(aws_elasticache_user.application[*].arn)
}

output "connection_secret_arn" {
  description = "ARN of the connection secret; null when none is written."
  value       = one(aws_secretsmanager_secret.connection[*].arn)
}
