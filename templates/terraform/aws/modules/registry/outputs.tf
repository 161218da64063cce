output "repository_urls" {
  description = "Address of each repository, without tag: name => address."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}

output "repository_arns" {
  description = "ARN of each repository: name => ARN."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.arn }
}

output "pull_through_urls" {
  description = "Address that stands for each cached registry: prefix => address."
  value       = { for prefix, rule in aws_ecr_pull_through_cache_rule.this : prefix => "${rule.registry_id}.dkr.ecr.${data.aws_region.current.id}.amazonaws.com/${prefix}" }
}
