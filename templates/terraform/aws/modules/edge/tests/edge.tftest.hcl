mock_provider "aws" {
  override_during = plan

  mock_resource "aws_lb" {
    defaults = {
      arn        = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:loadbalancer/app/shop-prod/0123456789abcdef"
      arn_suffix = "app/shop-prod/0123456789abcdef"
      dns_name   = "shop-prod-1.eu-west-1.elb.amazonaws.com"
      zone_id    = "Z32O12XQLNTSW2"
    }
  }

  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/shop-prod/0123456789abcdef/0123456789abcdef" }
  }

  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/shop-prod/00000000-0000-0000-0000-000000000000" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111111111111:log-group:aws-waf-logs-shop-prod" }
  }

  mock_resource "aws_route53_health_check" {
    defaults = { id = "00000000-0000-0000-0000-000000000000" }
  }
}

variables {
  name            = "shop-prod"
  vpc_id          = "vpc-0aaaaaaaaaaaaaaaa"
  subnet_ids      = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]
  certificate_arn = "arn:aws:acm:eu-west-1:111111111111:certificate/00000000-0000-0000-0000-000000000000"
  hosts           = { "shop.example.com" = "Z0123456789ABCDEFGHIJ" }
  log_bucket_name = "shop-prod-logs-111111111111"
  kms_key_arn     = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_lb.this[0].drop_invalid_header_fields && aws_lb.this[0].desync_mitigation_mode == "defensive" && aws_lb.this[0].enable_deletion_protection
    error_message = "The load balancer drops what is no header, is on its guard, and is protected from deletion."
  }

  assert {
    condition     = aws_lb_listener.https[0].protocol == "HTTPS" && aws_lb_listener.https[0].ssl_policy == "ELBSecurityPolicy-TLS13-1-2-2021-06" && aws_lb_listener.redirect[0].default_action[0].type == "redirect"
    error_message = "Requests are answered over TLS, and plain ones are sent there."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.https[0].from_port == 443 && aws_vpc_security_group_ingress_rule.https[0].to_port == 443 && aws_vpc_security_group_ingress_rule.redirect[0].from_port == 80 && aws_vpc_security_group_ingress_rule.redirect[0].to_port == 80
    error_message = "Anybody may call ports 443 and 80, and no other."
  }

  assert {
    condition     = aws_lb_listener.https[0].default_action[0].fixed_response[0].status_code == "404" && aws_lb_listener.redirect[0].default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "What no service asks for is not there, and a plain request is asked to come again by TLS."
  }

  assert {
    condition = alltrue([
      for rule in aws_wafv2_web_acl.this[0].rule : length(rule.override_action[0].none) == 1 && length(rule.statement[0].managed_rule_group_statement[0].rule_action_override) == 0 if rule.name != "rate"
    ])
    error_message = "The rules of AWS refuse, they do not only count."
  }

  assert {
    condition     = one([for rule in aws_wafv2_web_acl.this[0].rule : rule.statement[0].rate_based_statement[0].limit if rule.name == "rate"]) == 2000
    error_message = "One address may make 2000 requests in five minutes."
  }

  assert {
    condition     = one(aws_lb.this[0].access_logs).enabled && one(aws_lb.this[0].connection_logs).enabled
    error_message = "Every request is written down."
  }

  assert {
    condition     = toset([for rule in aws_wafv2_web_acl.this[0].rule : rule.name]) == toset(["common", "known-bad", "reputation", "rate"]) && length(aws_wafv2_web_acl_association.this) == 1
    error_message = "The firewall stands before it with the rules of AWS and a limit."
  }

  assert {
    condition     = aws_cloudwatch_log_group.waf[0].retention_in_days == 400 && aws_cloudwatch_log_group.waf[0].kms_key_id == var.kms_key_arn && length(aws_wafv2_web_acl_logging_configuration.this[0].redacted_fields) == 2
    error_message = "What the firewall saw is kept for more than a year, without what lets people in."
  }

  assert {
    condition     = aws_route53_record.this["shop.example.com"].type == "A" && length(aws_route53_health_check.this) == 0
    error_message = "The public name leads here."
  }
}

run "failover" {
  command = plan

  variables {
    failover = "primary"
  }

  assert {
    condition     = aws_route53_record.this["shop.example.com"].failover_routing_policy[0].type == "PRIMARY" && aws_route53_record.this["shop.example.com"].set_identifier == "primary" && aws_route53_record.this["shop.example.com"].health_check_id == aws_route53_health_check.this[0].id
    error_message = "A health check decides which region answers."
  }

  assert {
    condition     = aws_route53_health_check.this[0].request_interval * aws_route53_health_check.this[0].failure_threshold == 90
    error_message = "A lost region is seen within a minute and a half."
  }
}

run "failover_of_the_second_region" {
  command = plan

  variables {
    failover = "secondary"
  }

  assert {
    condition     = aws_route53_record.this["shop.example.com"].failover_routing_policy[0].type == "SECONDARY" && aws_route53_record.this["shop.example.com"].alias[0].evaluate_target_health
    error_message = "The second region answers when the first does not, and only with targets that do."
  }
}

run "uploads" {
  command = plan

  variables {
    counted_rules    = ["SizeRestrictions_BODY"]
    refuse_anonymous = true
  }

  assert {
    condition     = one(one([for rule in aws_wafv2_web_acl.this[0].rule : rule.statement[0].managed_rule_group_statement[0].rule_action_override if rule.name == "common"])).name == "SizeRestrictions_BODY"
    error_message = "A rule that stands in the way of uploads can be left to count."
  }

  assert {
    condition     = contains([for rule in aws_wafv2_web_acl.this[0].rule : rule.name], "anonymous")
    error_message = "Anonymous addresses are refused on request."
  }
}

# A first and a last name leave the one between them at its address.
run "more_names" {
  command = plan

  variables {
    hosts = {
      "a.example.com"    = "Z0123456789ABCDEFGHIJ"
      "shop.example.com" = "Z0123456789ABCDEFGHIJ"
      "z.example.org"    = "Z9876543210ABCDEFGHIJ"
    }
    additional_certificate_arns = {
      a     = "arn:aws:acm:eu-west-1:111111111111:certificate/22222222-0000-0000-0000-000000000000"
      other = "arn:aws:acm:eu-west-1:111111111111:certificate/11111111-0000-0000-0000-000000000000"
      z     = "arn:aws:acm:eu-west-1:111111111111:certificate/33333333-0000-0000-0000-000000000000"
    }
  }

  assert {
    condition     = aws_route53_record.this["shop.example.com"].zone_id == "Z0123456789ABCDEFGHIJ" && aws_route53_record.this["z.example.org"].zone_id == "Z9876543210ABCDEFGHIJ"
    error_message = "A neighbour does not move a name, and each stands in its own zone."
  }

  assert {
    condition     = length(aws_lb_listener_certificate.this) == 3 && aws_lb_listener_certificate.this["other"].certificate_arn == "arn:aws:acm:eu-west-1:111111111111:certificate/11111111-0000-0000-0000-000000000000"
    error_message = "Names of another zone have a certificate of their own."
  }
}

run "firewall_alone" {
  command = plan

  variables {
    load_balancer   = false
    vpc_id          = ""
    subnet_ids      = []
    certificate_arn = ""
    log_bucket_name = ""
  }

  assert {
    condition     = length(aws_lb.this) == 0 && length(aws_security_group.this) == 0 && length(aws_wafv2_web_acl.this) == 1 && length(aws_wafv2_web_acl_association.this) == 0
    error_message = "A cluster's gateway takes the firewall alone."
  }
}

run "without_firewall" {
  command = plan

  variables {
    waf = false
  }

  assert {
    condition     = length(aws_wafv2_web_acl.this) == 0 && output.web_acl_arn == null
    error_message = "Without a firewall nothing is made for it."
  }
}

run "refuses_wrong_values" {
  command         = plan
  expect_failures = [var.name, var.hosts, var.rate_limit, var.counted_rules, var.failover, var.idle_timeout_seconds, var.audit_retention_days]

  variables {
    name                 = "a-name-that-is-too-long-for-a-load-balancer"
    hosts                = {}
    rate_limit           = 5
    counted_rules        = ["a rule"]
    failover             = "spare"
    idle_timeout_seconds = 0
    audit_retention_days = 30
  }
}

run "refuses_other_wrong_values" {
  command         = plan
  expect_failures = [var.name, var.hosts, var.rate_limit, var.idle_timeout_seconds]

  variables {
    name                 = "internal-shop"
    hosts                = { "Shop.example.com" = "Z0123456789ABCDEFGHIJ" }
    rate_limit           = 10.5
    idle_timeout_seconds = 4001
  }
}

run "refuses_nowhere" {
  command         = plan
  expect_failures = [var.vpc_id, var.subnet_ids, var.certificate_arn, var.log_bucket_name]

  variables {
    vpc_id          = ""
    subnet_ids      = []
    certificate_arn = ""
    log_bucket_name = ""
  }
}
