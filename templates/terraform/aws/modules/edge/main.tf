# The way in from the Internet: a load balancer that speaks TLS only.

resource "aws_lb" "this" {
  count = var.load_balancer ? 1 : 0

  name                       = var.name
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = var.subnet_ids
  security_groups            = [aws_security_group.this[0].id]
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "defensive"
  enable_deletion_protection = var.protect
  enable_http2               = true
  idle_timeout               = var.idle_timeout_seconds
  preserve_host_header       = true
  xff_header_processing_mode = "append"

  access_logs {
    bucket  = var.log_bucket_name
    prefix  = "load-balancer/${var.name}"
    enabled = true
  }

  connection_logs {
    bucket  = var.log_bucket_name
    prefix  = "load-balancer-connections/${var.name}"
    enabled = true
  }
}

resource "aws_lb_listener" "https" {
  count = var.load_balancer ? 1 : 0

  load_balancer_arn = aws_lb.this[0].arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  # What no service asks for is not there.
  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "not found"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_certificate" "this" {
  for_each = var.load_balancer ? var.additional_certificate_arns : {}

  listener_arn    = aws_lb_listener.https[0].arn
  certificate_arn = each.value
}

# Plain requests are sent to where they should have gone.
resource "aws_lb_listener" "redirect" {
  count = var.load_balancer ? 1 : 0

  load_balancer_arn = aws_lb.this[0].arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_security_group" "this" {
  count = var.load_balancer ? 1 : 0

  name        = "${var.name}-edge"
  description = "Load balancer ${var.name}: HTTPS from anywhere, plain HTTP only to be redirected"
  vpc_id      = var.vpc_id

  tags = {
    Name = "${var.name}-edge"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  count = var.load_balancer ? 1 : 0

  security_group_id = aws_security_group.this[0].id
  description       = "HTTPS from anywhere"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "redirect" {
  #checkov:skip=CKV_AWS_260:port 80 is open only so that the listener can send plain requests to HTTPS
  count = var.load_balancer ? 1 : 0

  security_group_id = aws_security_group.this[0].id
  description       = "Plain HTTP from anywhere, to be redirected"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}
