# Who reaches the cache: each client from its own security group, and nobody else.

resource "aws_security_group" "this" {
  name        = "${var.name}-cache"
  description = "Cache ${var.name}: reached by its declared clients only"
  vpc_id      = var.vpc_id

  tags = {
    Name = "${var.name}-cache"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = var.clients

  security_group_id            = aws_security_group.this.id
  description                  = "Valkey from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

resource "aws_vpc_security_group_egress_rule" "client" {
  for_each = var.clients

  security_group_id            = each.value
  description                  = "${each.key} to the cache ${var.name}"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}
