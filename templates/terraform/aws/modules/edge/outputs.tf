output "listener_arn" {
  description = "ARN of the HTTPS listener, to which services add their rules; null without a load balancer."
  value       = one(aws_lb_listener.https[*].arn)
}

output "security_group_id" {
  description = "Id of the load balancer's security group; null without one."
  value       = one(aws_security_group.this[*].id)
}

output "load_balancer_arn" {
  description = "ARN of the load balancer; null without one."
  value       = one(aws_lb.this[*].arn)
}

output "load_balancer_arn_suffix" {
  description = "What its metrics know the load balancer by; null without one."
  value       = one(aws_lb.this[*].arn_suffix)
}

output "dns_name" {
  description = "Name that AWS gave the load balancer; null without one."
  value       = one(aws_lb.this[*].dns_name)
}

output "web_acl_arn" {
  description = "ARN of the firewall, for a gateway that brings its own load balancer; null without one."
  value       = one(aws_wafv2_web_acl.this[*].arn)
}
