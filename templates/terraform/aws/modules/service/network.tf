# Who may reach the tasks, and what they may reach. Name resolution in a VPC passes no security group.

resource "aws_security_group" "this" {
  name_prefix = "${var.name}-"
  description = "Tasks of the service ${var.name}"
  vpc_id      = var.vpc_id

  tags = {
    Name = var.name
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  count = var.load_balancer == null ? 0 : 1

  security_group_id            = aws_security_group.this.id
  description                  = "Requests from the load balancer"
  referenced_security_group_id = var.load_balancer.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
}

resource "aws_vpc_security_group_egress_rule" "load_balancer" {
  count = var.load_balancer == null ? 0 : 1

  security_group_id            = var.load_balancer.security_group_id
  description                  = "Requests to ${var.name}"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
}

resource "aws_vpc_security_group_ingress_rule" "caller" {
  for_each = var.callers

  security_group_id            = aws_security_group.this.id
  description                  = "Calls from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.connect_port
  to_port                      = local.connect_port
}

resource "aws_vpc_security_group_egress_rule" "caller" {
  for_each = var.callers

  security_group_id            = each.value
  description                  = "Calls to ${var.name}"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = local.connect_port
  to_port                      = local.connect_port
}

resource "aws_vpc_security_group_ingress_rule" "metrics" {
  for_each = var.metrics_callers

  security_group_id            = aws_security_group.this.id
  description                  = "Scrapes by ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = var.metrics_port
  to_port                      = var.metrics_port
}

resource "aws_vpc_security_group_egress_rule" "metrics" {
  for_each = var.metrics_callers

  security_group_id            = each.value
  description                  = "Scrapes of ${var.name}"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = var.metrics_port
  to_port                      = var.metrics_port
}

resource "aws_vpc_security_group_egress_rule" "endpoints" {
  count = var.endpoints ? 1 : 0

  security_group_id            = aws_security_group.this.id
  description                  = "AWS services through their endpoints"
  referenced_security_group_id = var.endpoint_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  count = var.endpoints ? 1 : 0

  security_group_id = aws_security_group.this.id
  description       = "S3, from which image layers come"
  prefix_list_id    = var.s3_prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = var.egress

  security_group_id            = aws_security_group.this.id
  description                  = each.value.description
  cidr_ipv4                    = can(cidrnetmask(each.value.cidr)) ? each.value.cidr : null
  cidr_ipv6                    = can(cidrnetmask(each.value.cidr)) ? null : each.value.cidr
  prefix_list_id               = each.value.prefix_list_id
  referenced_security_group_id = each.value.security_group_id
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.port
  to_port                      = each.value.port
}
