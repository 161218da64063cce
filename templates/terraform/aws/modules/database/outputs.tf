output "host" {
  description = "Name of the instance that takes writes."
  value       = local.host
}

output "reader_host" {
  description = "Name under which Aurora's readers answer; that of the instance where there are none."
  value       = local.reader_host
}

output "port" {
  description = "Port of the database."
  value       = local.port
}

output "name" {
  description = "Name of the database in the server."
  value       = var.database_name
}

output "identifier" {
  description = "Identifier of the instance or cluster, by which its metrics are found."
  value       = coalesce(one(aws_db_instance.this[*].identifier), one(aws_rds_cluster.this[*].cluster_identifier))
}

output "resource_id" {
  description = "Immutable id, which permissions to connect with IAM name."
  value       = coalesce(one(aws_db_instance.this[*].resource_id), one(aws_rds_cluster.this[*].cluster_resource_id))
}

# What join gives is never null, which a replica must know before there is an ARN.
output "arn" {
  description = "ARN of the instance or cluster."
  value       = join("", concat(aws_db_instance.this[*].arn, aws_rds_cluster.this[*].arn))
}

output "global_cluster_id" {
  description = "Identifier of the global cluster that clusters of other regions join; null without one."
  value       = length(aws_rds_global_cluster.this) == 0 ? null : join("", aws_rds_global_cluster.this[*].id)
}

output "security_group_id" {
  description = "Id of the database's security group."
  value       = aws_security_group.this.id
}

# Known only when the secret has its value, which a replica reads.
output "connection_secret_arn" {
  description = "ARN of the connection secret."
  value       = aws_secretsmanager_secret_version.connection.arn
}

output "master_secret_arn" {
  description = "ARN of the secret in which RDS keeps and rotates the managed password; null when it is generated."
  value       = local.managed ? one(flatten([aws_db_instance.this[*].master_user_secret, aws_rds_cluster.this[*].master_user_secret])).secret_arn : null
}
