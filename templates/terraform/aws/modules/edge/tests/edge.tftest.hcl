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

# A first and a last name leave the one between them at its address.
run "more_names" {
  command = plan

  variables {
    hosts = {
      "a.example.com"    = "Z0123456789ABCDEFGHIJ"
      "shop.example.com" = "Z0123456789ABCDEFGHIJ"
      "z.example.org"    = "Z9876543210ABCDEFGHIJ"
    }
    additional_certificate_arns = { other = "arn:aws:acm:eu-west-1:111111111111:certificate/11111111-0000-0000-0000-000000000000" }
  }

  assert {
    condition     = aws_route53_record.this["shop.example.com"].zone_id == "Z0123456789ABCDEFGHIJ" && aws_route53_record.this["z.example.org"].zone_id == "Z9876543210ABCDEFGHIJ"
    error_message = "A neighbour does not move a name, and each stands in its own zone."
  }

  assert {
    condition     = length(aws_lb_listener_certificate.this) == 1
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

run "refuses_a_long_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "a-name-that-is-too-long-for-a-load-balancer"
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

run "refuses_no_names" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = {}
  }
}

run "refuses_a_low_limit" {
  command         = plan
  expect_failures = [var.rate_limit]

  variables {
    rate_limit = 5
  }
}

run "refuses_a_wrong_role" {
  command         = plan
  expect_failures = [var.failover]

  variables {
    failover = "spare"
  }
}

run "refuses_a_wrong_timeout" {
  command         = plan
  expect_failures = [var.idle_timeout_seconds]

  variables {
    idle_timeout_seconds = 0
  }
}

run "refuses_short_retention" {
  command         = plan
  expect_failures = [var.audit_retention_days]

  variables {
    audit_retention_days = 30
  }
}
