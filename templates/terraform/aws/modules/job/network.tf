# What a run may reach. Nobody reaches a run, and name resolution in a VPC passes no security group.

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:A run carries the group while it lasts; the state machine or the caller hands it over at the start.
  name_prefix = "${var.name}-"
  description = "Runs of the job ${var.name}"
  vpc_id      = var.vpc_id

  tags = {
    Name = var.name
  }

  lifecycle {
    create_before_destroy = true
  }
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
