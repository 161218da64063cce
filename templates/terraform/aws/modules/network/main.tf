# A VPC in several zones: public subnets for load balancers, private ones for workloads, data ones for stores.

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = {
    Name = var.name
  }
}

# Whoever forgets to choose a security group gets one that lets nothing through.
resource "aws_default_security_group" "this" {
  vpc_id  = aws_vpc.this.id
  ingress = []
  egress  = []

  tags = {
    Name = "${var.name}-default-closed"
  }
}

locals {
  subnets = merge([
    for zone, blocks in var.subnets : {
      for tier in ["public", "private", "data"] : "${tier}-${zone}" => { zone = zone, tier = tier, cidr = blocks[tier] }
    }
  ]...)
  zones = sort(keys(var.subnets))
  # One gateway for all zones, or one in each, known by its zone: who later asks for more keeps the one there is.
  gateways = var.single_nat_gateway ? toset([local.zones[0]]) : toset(local.zones)
  # Load balancers of a cluster find their subnets by these tags.
  roles = { public = "kubernetes.io/role/elb", private = "kubernetes.io/role/internal-elb" }
}

resource "aws_subnet" "this" {
  for_each = local.subnets

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.value.zone
  cidr_block              = each.value.cidr
  map_public_ip_on_launch = false

  tags = merge(
    { Name = "${var.name}-${each.key}", tier = each.value.tier },
    contains(keys(local.roles), each.value.tier) ? { (local.roles[each.value.tier]) = "1" } : {},
  )
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = {
    Name = var.name
  }
}

resource "aws_eip" "nat" {
  for_each = local.gateways

  domain = "vpc"

  tags = {
    Name = "${var.name}-nat-${each.key}"
  }
}

resource "aws_nat_gateway" "this" {
  for_each = local.gateways

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.this["public-${each.key}"].id

  tags = {
    Name = "${var.name}-${each.key}"
  }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = {
    Name = "${var.name}-public"
  }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table" "private" {
  for_each = var.subnets

  vpc_id = aws_vpc.this.id

  tags = {
    Name = "${var.name}-private-${each.key}"
  }
}

resource "aws_route" "nat" {
  for_each = var.subnets

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[var.single_nat_gateway ? local.zones[0] : each.key].id
}

# Stores have no way out to the Internet.
resource "aws_route_table" "data" {
  vpc_id = aws_vpc.this.id

  tags = {
    Name = "${var.name}-data"
  }
}

resource "aws_route_table_association" "this" {
  for_each = local.subnets

  subnet_id      = aws_subnet.this[each.key].id
  route_table_id = each.value.tier == "public" ? aws_route_table.public.id : each.value.tier == "data" ? aws_route_table.data.id : aws_route_table.private[each.value.zone].id
}
