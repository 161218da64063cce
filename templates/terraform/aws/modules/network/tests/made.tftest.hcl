mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111111111111:log-group:/aws/vpc/shop-prod/flow" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/shop-prod-flow-logs" }
  }
}

variables {
  name        = "shop-prod"
  cidr        = "10.0.0.0/16"
  kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"

  subnets = {
    eu-west-1a = { public = "10.0.192.0/21", private = "10.0.0.0/18", data = "10.0.224.0/21" }
    eu-west-1b = { public = "10.0.200.0/21", private = "10.0.64.0/18", data = "10.0.232.0/21" }
    eu-west-1c = { public = "10.0.208.0/21", private = "10.0.128.0/18", data = "10.0.240.0/21" }
  }
}

# Only what is made has ids to compare, so this is a pretended apply.
run "routes" {
  command = apply

  assert {
    condition     = alltrue([for route in concat([aws_route.internet], values(aws_route.nat)) : route.route_table_id != aws_route_table.data.id]) && alltrue([for zone, route in aws_route.nat : route.nat_gateway_id == aws_nat_gateway.this[zone].id])
    error_message = "Stores have no way out, and workloads that of their own zone, which nobody outside can call."
  }

  assert {
    condition = alltrue([
      for name, link in aws_route_table_association.this : link.route_table_id == (
        startswith(name, "public-") ? aws_route_table.public.id : startswith(name, "data-") ? aws_route_table.data.id : aws_route_table.private[trimprefix(name, "private-")].id
      )
    ])
    error_message = "Each subnet goes by the routes of its tier, a private one by those of its zone."
  }

  assert {
    condition     = length(output.public_subnet_ids) == 3 && output.private_subnet_ids[1] == aws_subnet.this["private-eu-west-1b"].id && output.data_subnet_ids[2] == aws_subnet.this["data-eu-west-1c"].id
    error_message = "Subnets are handed out in the order of the zones."
  }

  assert {
    condition     = alltrue([for zone, gateway in aws_nat_gateway.this : gateway.subnet_id == aws_subnet.this["public-${zone}"].id && output.nat_public_ips[zone] == aws_eip.nat[zone].public_ip])
    error_message = "Each gateway stands in the public subnet of its zone, and its address is told."
  }
}

run "routes_by_one_gateway" {
  command = plan

  variables {
    single_nat_gateway = true
  }

  assert {
    condition     = alltrue([for route in values(aws_route.nat) : route.nat_gateway_id == aws_nat_gateway.this["eu-west-1a"].id])
    error_message = "The gateway that is left is one that was there, and all zones leave by it."
  }
}

# A first and a last zone leave those between them at their addresses.
run "more_zones" {
  command = plan

  variables {
    subnets = {
      eu-west-1  = { public = "10.0.216.0/22", private = "10.0.248.0/22", data = "10.0.252.0/22" }
      eu-west-1a = { public = "10.0.192.0/21", private = "10.0.0.0/18", data = "10.0.224.0/21" }
      eu-west-1b = { public = "10.0.200.0/21", private = "10.0.64.0/18", data = "10.0.232.0/21" }
      eu-west-1c = { public = "10.0.208.0/21", private = "10.0.128.0/18", data = "10.0.240.0/21" }
      eu-west-1d = { public = "10.0.220.0/23", private = "10.0.222.0/24", data = "10.0.223.0/24" }
    }
    interface_endpoints = ["aps-workspaces", "ecr.api", "ecr.dkr", "kms", "logs", "secretsmanager", "sts", "xray"]
  }

  assert {
    condition     = aws_subnet.this["private-eu-west-1b"].cidr_block == "10.0.64.0/18" && length(aws_subnet.this) == 15
    error_message = "A neighbour does not move a subnet."
  }

  assert {
    condition     = length(setsubtract(run.routes.public_subnet_ids, output.public_subnet_ids)) == 0 && length(setsubtract(run.routes.data_subnet_ids, output.data_subnet_ids)) == 0
    error_message = "All subnets that were made stay."
  }

  assert {
    condition     = alltrue([for zone, address in run.routes.nat_public_ips : output.nat_public_ips[zone] == address])
    error_message = "A neighbour does not change the addresses under which workloads appear outside."
  }
}
