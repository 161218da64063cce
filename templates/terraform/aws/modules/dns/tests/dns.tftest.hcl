mock_provider "aws" {
  override_during = plan

  mock_data "aws_route53_zone" {
    defaults = { zone_id = "Z0123456789ABCDEFGHIJ" }
  }

  mock_resource "aws_route53_zone" {
    defaults = { zone_id = "Z9876543210ABCDEFGHIJ", name_servers = ["ns-1.awsdns-01.org", "ns-2.awsdns-02.net"] }
  }

  mock_resource "aws_acm_certificate" {
    defaults = {
      arn = "arn:aws:acm:eu-west-1:111111111111:certificate/00000000-0000-0000-0000-000000000000"
      domain_validation_options = [
        {
          domain_name           = "shop.example.com"
          resource_record_name  = "_a.shop.example.com"
          resource_record_type  = "CNAME"
          resource_record_value = "_b.acm-validations.aws"
        },
        {
          domain_name           = "www.example.com"
          resource_record_name  = "_a.www.example.com"
          resource_record_type  = "CNAME"
          resource_record_value = "_c.acm-validations.aws"
        },
        {
          domain_name           = "example.com"
          resource_record_name  = "_a.example.com"
          resource_record_type  = "CNAME"
          resource_record_value = "_d.acm-validations.aws"
        },
        {
          domain_name           = "*.example.com"
          resource_record_name  = "_a.example.com"
          resource_record_type  = "CNAME"
          resource_record_value = "_d.acm-validations.aws"
        },
        {
          domain_name           = "a.example.com"
          resource_record_name  = "_a.a.example.com"
          resource_record_type  = "CNAME"
          resource_record_value = "_e.acm-validations.aws"
        },
      ]
    }
  }

  mock_resource "aws_acm_certificate_validation" {
    defaults = { certificate_arn = "arn:aws:acm:eu-west-1:111111111111:certificate/00000000-0000-0000-0000-000000000000" }
  }
}

variables {
  zone_name = "example.com"
  hosts     = ["shop.example.com"]
}

run "zone_that_exists" {
  command = plan

  assert {
    condition     = length(aws_route53_zone.this) == 0 && output.zone_id == "Z0123456789ABCDEFGHIJ"
    error_message = "A zone that exists is used and none is made."
  }

  assert {
    condition     = aws_acm_certificate.this.validation_method == "DNS" && aws_route53_record.validation["shop.example.com"].zone_id == output.zone_id
    error_message = "The certificate is proven by a record in the zone."
  }

  assert {
    condition     = output.certificate_arn == aws_acm_certificate_validation.this.certificate_arn && length(output.name_servers) == 0
    error_message = "The certificate is handed out once it is issued."
  }
}

run "new_zone" {
  command = plan

  variables {
    create_zone = true
  }

  assert {
    condition     = output.zone_id == "Z9876543210ABCDEFGHIJ" && length(output.name_servers) == 2
    error_message = "A new zone tells its name servers."
  }

  assert {
    condition     = length(terraform_data.keep) == 1 && !aws_route53_zone.this[0].force_destroy
    error_message = "A new zone is protected from deletion, and never goes with records in it."
  }
}

run "new_zone_without_protection" {
  command = plan

  variables {
    create_zone = true
    protect     = false
  }

  assert {
    condition     = length(terraform_data.keep) == 0
    error_message = "What is not protected can go."
  }
}

# A first and a last host leave the proof of the one between them at its address.
run "more_hosts" {
  command = plan

  variables {
    hosts = ["www.example.com", "shop.example.com", "a.example.com"]
  }

  assert {
    condition     = aws_acm_certificate.this.domain_name == "a.example.com" && toset(aws_acm_certificate.this.subject_alternative_names) == toset(["shop.example.com", "www.example.com"])
    error_message = "One certificate is for all names."
  }

  assert {
    condition     = toset(keys(aws_route53_record.validation)) == var.hosts && aws_route53_record.validation["shop.example.com"].records == toset(["_b.acm-validations.aws"])
    error_message = "Each name is proven by a record of its own, which a neighbour does not move."
  }
}

run "wildcard" {
  command = plan

  variables {
    hosts = ["*.example.com", "example.com"]
  }

  assert {
    condition     = length(aws_route53_record.validation) == 1 && aws_route53_record.validation["example.com"].name == "_a.example.com"
    error_message = "A wildcard is proven by the record of the name it stands under."
  }
}

run "refuses_a_wrong_zone" {
  command         = plan
  expect_failures = [var.zone_name]

  variables {
    zone_name = "Example.com."
  }
}

run "refuses_no_hosts" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = []
  }
}

run "refuses_a_foreign_host" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = ["shop.example.org"]
  }
}

run "refuses_many_hosts" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = [for number in range(11) : "a${number}.example.com"]
  }
}

run "refuses_a_wrong_host" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = ["SHOP..example.com"]
  }
}
