output "cluster_arn" {
  description = "ARN of the cluster."
  value       = var.existing_cluster_name == "" ? aws_ecs_cluster.this[0].arn : data.aws_ecs_cluster.existing[0].arn
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = var.existing_cluster_name == "" ? aws_ecs_cluster.this[0].name : data.aws_ecs_cluster.existing[0].cluster_name
}

output "namespace_arn" {
  description = "ARN of the Service Connect namespace."
  value       = aws_service_discovery_http_namespace.this.arn
}

output "namespace_name" {
  description = "Name of the Service Connect namespace."
  value       = aws_service_discovery_http_namespace.this.name
}

output "exec_log_group_arn" {
  description = "ARN of the log group that records the shells opened in tasks; null for an existing cluster."
  value       = one(aws_cloudwatch_log_group.exec[*].arn)
}

output "connect_tls" {
  description = "Certificate authority and role for the connect_tls input of a service; null without service_connect_tls."
  value = var.service_connect_tls ? {
    authority_arn = aws_acmpca_certificate_authority_certificate.connect[0].certificate_authority_arn
    role_arn      = aws_iam_role.connect[0].arn
  } : null
}
