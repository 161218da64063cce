mock_provider "aws" {
  override_during = plan

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

run "defaults" {
  command = plan

  assert {
    condition     = alltrue([for subnet in aws_subnet.this : !subnet.map_public_ip_on_launch]) && length(aws_subnet.this) == 9
    error_message = "Three zones have three subnets each, and none gives out public addresses."
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_route.nat) == 3
    error_message = "Each zone leaves through a gateway of its own."
  }

  assert {
    condition     = length(aws_default_security_group.this.ingress) == 0 && length(aws_default_security_group.this.egress) == 0
    error_message = "The default security group lets nothing through."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints.cidr_ipv4 == var.cidr && aws_vpc_security_group_ingress_rule.endpoints.from_port == 443 && aws_vpc_security_group_ingress_rule.endpoints.to_port == 443
    error_message = "Endpoints hear HTTPS from within the network, and nothing else."
  }

  assert {
    condition     = toset(flatten([for statement in data.aws_iam_policy_document.flow_trust.statement : [for condition in statement.condition : condition.variable]])) == toset(["aws:SourceAccount", "aws:SourceArn"])
    error_message = "Flow logs take their role only for this account."
  }

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.flow.retention_in_days == 400
    error_message = "All traffic is logged, encrypted, for more than a year."
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["ecr.api", "ecr.dkr", "kms", "logs", "secretsmanager", "sts"]) && toset(keys(aws_vpc_endpoint.gateway)) == toset(["dynamodb", "s3"])
    error_message = "AWS is reached without leaving the network."
  }
}

run "one_gateway" {
  command = plan

  variables {
    single_nat_gateway = true
  }

  assert {
    condition     = toset(keys(aws_nat_gateway.this)) == toset(["eu-west-1a"]) && length(aws_route.nat) == 3
    error_message = "All zones leave through the first one's gateway."
  }
}

run "refuses_one_zone" {
  command         = plan
  expect_failures = [var.subnets]

  variables {
    subnets = { eu-west-1a = { public = "10.0.192.0/21", private = "10.0.0.0/18", data = "10.0.224.0/21" } }
  }
}

run "refuses_a_wrong_subnet" {
  command         = plan
  expect_failures = [var.subnets]

  variables {
    subnets = {
      eu-west-1a = { public = "10.0.192.0/21", private = "10.0.0.0/18", data = "10.0.224.0/21" }
      eu-west-1b = { public = "here", private = "10.0.64.0/18", data = "10.0.232.0/21" }
    }
  }
}

run "refuses_a_subnet_outside" {
  command         = plan
  expect_failures = [var.subnets]

  variables {
    subnets = {
      eu-west-1a = { public = "10.0.192.0/21", private = "10.0.0.0/18", data = "10.0.224.0/21" }
      eu-west-1b = { public = "10.1.200.0/21", private = "10.0.64.0/18", data = "10.0.232.0/21" }
    }
  }
}

run "refuses_the_same_subnet_twice" {
  command         = plan
  expect_failures = [var.subnets]

  variables {
    subnets = {
      eu-west-1a = { public = "10.0.192.0/21", private = "10.0.0.0/18", data = "10.0.224.0/21" }
      eu-west-1b = { public = "10.0.200.0/21", private = "10.0.0.0/18", data = "10.0.232.0/21" }
    }
  }
}

run "refuses_wrong_values" {
  command         = plan
  expect_failures = [var.name, var.interface_endpoints, var.audit_retention_days]

  variables {
    name                 = "Shop"
    interface_endpoints  = ["com.amazonaws.eu-west-1.sqs"]
    audit_retention_days = 30
  }
}

run "refuses_a_small_network" {
  command         = plan
  expect_failures = [var.cidr, var.interface_endpoints]

  variables {
    cidr                = "10.0.0.0/26"
    interface_endpoints = ["s3"]
    subnets = {
      eu-west-1a = { public = "10.0.0.0/29", private = "10.0.0.8/29", data = "10.0.0.16/29" }
      eu-west-1b = { public = "10.0.0.24/29", private = "10.0.0.32/29", data = "10.0.0.40/29" }
    }
  }
}
