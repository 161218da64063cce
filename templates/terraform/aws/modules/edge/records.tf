# Under which names the way in is found, and which of two regions answers.

# A health check asks the load balancer by its own name, which no service listens to; whether targets answer, the alias knows.
resource "aws_lb_listener_rule" "health" {
  count = var.load_balancer && var.failover != "" ? 1 : 0

  listener_arn = aws_lb_listener.https[0].arn
  priority     = 50000

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "ok"
      status_code  = "200"
    }
  }

  condition {
    path_pattern {
      values = [local.health_path]
    }
  }
}

locals {
  health_path = "/.well-known/edge-health"
}

resource "aws_route53_health_check" "this" {
  count = var.load_balancer && var.failover != "" ? 1 : 0

  type              = "HTTPS"
  fqdn              = aws_lb.this[0].dns_name
  port              = 443
  resource_path     = local.health_path
  request_interval  = 30
  failure_threshold = 3
  enable_sni        = true

  tags = {
    Name = var.name
  }
}

resource "aws_route53_record" "this" {
  for_each = var.load_balancer ? var.hosts : {}

  zone_id         = each.value
  name            = each.key
  type            = "A"
  set_identifier  = var.failover == "" ? null : var.failover
  health_check_id = one(aws_route53_health_check.this[*].id)

  alias {
    name                   = aws_lb.this[0].dns_name
    zone_id                = aws_lb.this[0].zone_id
    evaluate_target_health = true
  }

  dynamic "failover_routing_policy" {
    for_each = var.failover == "" ? [] : [upper(var.failover)]

    content {
      type = failover_routing_policy.value
    }
  }
}
