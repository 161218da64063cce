# The way from the load balancer to the tasks, and the alarm that undoes a bad deployment.

locals {
  # A target group is replaced when its port or protocol changes, and the replacement lives beside the original for a while: the name follows them.
  target_group_hash = substr(sha1(jsonencode([var.name, var.port, var.protocol])), 0, 6)

  health_path = coalesce(var.health_path, var.protocol == "grpc" ? "/grpc.health.v1.Health/Check" : "/health")
}

resource "aws_lb_target_group" "this" {
  #checkov:skip=CKV_AWS_378:TLS ends at the load balancer; behind it requests stay in private subnets, from one security group to the other.
  count = var.load_balancer == null ? 0 : 1

  name                 = "${substr(var.name, 0, 25)}-${local.target_group_hash}"
  vpc_id               = var.vpc_id
  target_type          = "ip"
  port                 = var.port
  protocol             = "HTTP"
  protocol_version     = var.protocol == "grpc" ? "GRPC" : "HTTP1"
  deregistration_delay = var.deregistration_seconds

  health_check {
    path                = local.health_path
    matcher             = var.protocol == "grpc" ? "0" : "200-299"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener_rule" "this" {
  count = var.load_balancer == null ? 0 : 1

  listener_arn = var.load_balancer.listener_arn
  priority     = var.load_balancer.priority

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[0].arn
  }

  condition {
    host_header {
      values = var.load_balancer.hosts
    }
  }

  dynamic "condition" {
    for_each = length(var.load_balancer.path_patterns) > 0 ? [var.load_balancer.path_patterns] : []

    content {
      path_pattern {
        values = condition.value
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "deployment" {
  count = var.load_balancer == null ? 0 : 1

  alarm_name          = "${var.name}-deployment-errors"
  alarm_description   = "More than ${var.deployment_error_percent} % of the requests to ${var.name} fail: a running deployment is undone."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.deployment_error_percent
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "share"
    label       = "Failed requests in percent"
    expression  = "100 * FILL(failed, 0) / requests"
    return_data = true
  }

  metric_query {
    id = "failed"

    metric {
      namespace   = "AWS/ApplicationELB"
      metric_name = "HTTPCode_Target_5XX_Count"
      stat        = "Sum"
      period      = 60

      dimensions = {
        LoadBalancer = var.load_balancer.arn_suffix
        TargetGroup  = aws_lb_target_group.this[0].arn_suffix
      }
    }
  }

  metric_query {
    id = "requests"

    metric {
      namespace   = "AWS/ApplicationELB"
      metric_name = "RequestCount"
      stat        = "Sum"
      period      = 60

      dimensions = {
        LoadBalancer = var.load_balancer.arn_suffix
        TargetGroup  = aws_lb_target_group.this[0].arn_suffix
      }
    }
  }
}
