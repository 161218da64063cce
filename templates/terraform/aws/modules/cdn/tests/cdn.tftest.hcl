mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_cloudfront_distribution" {
    defaults = {
      arn         = "arn:aws:cloudfront::111111111111:distribution/E0123456789ABC"
      domain_name = "d0123456789abc.cloudfront.net"
    }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      id                          = "shop-prod-pages-111111111111"
      arn                         = "arn:aws:s3:::shop-prod-pages-111111111111"
      bucket_regional_domain_name = "shop-prod-pages-111111111111.s3.eu-west-1.amazonaws.com"
    }
  }
}

mock_provider "aws" {
  alias           = "us_east_1"
  override_during = plan

  mock_resource "aws_acm_certificate" {
    defaults = {
      arn = "arn:aws:acm:us-east-1:111111111111:certificate/00000000-0000-0000-0000-000000000000"
      domain_validation_options = [
        {
          domain_name           = "www.example.com"
          resource_record_name  = "_a.www.example.com"
          resource_record_type  = "CNAME"
          resource_record_value = "_b.acm-validations.aws"
        },
        {
          domain_name           = "a.example.com"
          resource_record_name  = "_a.a.example.com"
          resource_record_type  = "CNAME"
          resource_record_value = "_c.acm-validations.aws"
        },
        {
          domain_name           = "z.example.org"
          resource_record_name  = "_a.z.example.org"
          resource_record_type  = "CNAME"
          resource_record_value = "_d.acm-validations.aws"
        },
      ]
    }
  }

  mock_resource "aws_acm_certificate_validation" {
    defaults = { certificate_arn = "arn:aws:acm:us-east-1:111111111111:certificate/00000000-0000-0000-0000-000000000000" }
  }

  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:us-east-1:111111111111:global/webacl/shop-prod-pages-content/00000000-0000-0000-0000-000000000000" }
  }
}

variables {
  name        = "shop-prod-pages"
  hosts       = { "www.example.com" = "Z0123456789ABCDEFGHIJ" }
  kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_cloudfront_distribution.this.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" && aws_cloudfront_distribution.this.default_cache_behavior[0].viewer_protocol_policy == "redirect-to-https"
    error_message = "The site is handed out over TLS only."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.site[0].restrict_public_buckets && one(aws_s3_bucket_server_side_encryption_configuration.site[0].rule).bucket_key_enabled
    error_message = "The files are private and encrypted."
  }

  assert {
    condition     = aws_cloudfront_distribution.this.web_acl_id == aws_wafv2_web_acl.this.arn
    error_message = "A firewall stands before the site."
  }

  assert {
    condition     = toset([for answer in aws_cloudfront_distribution.this.custom_error_response : answer.error_code]) == toset([403, 404])
    error_message = "A single page answers for its own paths."
  }

  assert {
    condition     = anytrue([for statement in data.aws_iam_policy_document.site.statement : statement.effect == "Allow" && anytrue([for condition in statement.condition : contains(condition.values, "arn:aws:cloudfront::111111111111:distribution/E0123456789ABC")])])
    error_message = "Only this distribution reads the files."
  }
}

run "bucket_that_exists" {
  command = plan

  variables {
    origin_bucket = {
      name        = "shop-prod-uploads-111111111111"
      arn         = "arn:aws:s3:::shop-prod-uploads-111111111111"
      domain_name = "shop-prod-uploads-111111111111.s3.eu-west-1.amazonaws.com"
    }
    fallback_path          = ""
    log_bucket_domain_name = "shop-prod-logs-111111111111.s3.amazonaws.com"
  }

  assert {
    condition     = length(aws_s3_bucket.site) == 0 && output.bucket_name == "shop-prod-uploads-111111111111" && length(aws_cloudfront_distribution.this.custom_error_response) == 0
    error_message = "A bucket that exists is used, and what is not there is not there."
  }

  assert {
    condition     = aws_cloudfront_distribution.this.logging_config[0].bucket == "shop-prod-logs-111111111111.s3.amazonaws.com"
    error_message = "Who asked for what is written down."
  }
}

# A first and a last name leave the one between them at its address.
run "more_names" {
  command = plan

  variables {
    hosts = {
      "a.example.com"   = "Z0123456789ABCDEFGHIJ"
      "www.example.com" = "Z0123456789ABCDEFGHIJ"
      "z.example.org"   = "Z9876543210ABCDEFGHIJ"
    }
  }

  assert {
    condition     = aws_route53_record.this["www.example.com"].zone_id == "Z0123456789ABCDEFGHIJ" && length(aws_route53_record.this) == 3
    error_message = "A neighbour does not move a name."
  }
}

run "refuses_a_wrong_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Shop"
  }
}

run "refuses_no_names" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = {}
  }
}

run "refuses_a_wrong_fallback" {
  command         = plan
  expect_failures = [var.fallback_path]

  variables {
    fallback_path = "index.html"
  }
}

run "refuses_a_wrong_class" {
  command         = plan
  expect_failures = [var.price_class]

  variables {
    price_class = "cheap"
  }
}

run "refuses_a_wrong_country" {
  command         = plan
  expect_failures = [var.countries]

  variables {
    countries = ["Germany"]
  }
}
