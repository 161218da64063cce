mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
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
          domain_name           = "example.com"
          resource_record_name  = "_a.example.com"
          resource_record_type  = "CNAME"
          resource_record_value = "_c.acm-validations.aws"
        },
        {
          domain_name           = "*.example.com"
          resource_record_name  = "_a.example.com"
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

  mock_resource "aws_kms_key" {
    defaults = {
      key_id = "00000000-0000-0000-0000-000000000000"
      arn    = "arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000"
    }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:111111111111:log-group:aws-waf-logs-shop-prod-pages-content" }
  }

  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:us-east-1:111111111111:global/webacl/shop-prod-pages-content/00000000-0000-0000-0000-000000000000" }
  }
}

variables {
  name                   = "shop-prod-pages"
  hosts                  = { "www.example.com" = "Z0123456789ABCDEFGHIJ" }
  kms_key_arn            = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  log_bucket_domain_name = "shop-prod-logs-111111111111.s3.amazonaws.com"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_cloudfront_distribution.this.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" && aws_cloudfront_distribution.this.default_cache_behavior[0].viewer_protocol_policy == "redirect-to-https"
    error_message = "The site is handed out over TLS only."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.site[0].block_public_acls,
      aws_s3_bucket_public_access_block.site[0].block_public_policy,
      aws_s3_bucket_public_access_block.site[0].ignore_public_acls,
      aws_s3_bucket_public_access_block.site[0].restrict_public_buckets,
    ])
    error_message = "The bucket cannot be made public."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.site[0].rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn && aws_s3_bucket_versioning.site[0].versioning_configuration[0].status == "Enabled"
    error_message = "Files are encrypted with the environment's key and can be brought back."
  }

  assert {
    condition     = !aws_s3_bucket.site[0].force_destroy && length(terraform_data.keep) == 1 && length(terraform_data.keep[0].triggers_replace) == 2
    error_message = "The bucket and the key are protected from deletion."
  }

  assert {
    condition     = aws_s3_bucket_logging.site[0].target_bucket == "shop-prod-logs-111111111111" && aws_cloudfront_distribution.this.logging_config[0].bucket == var.log_bucket_domain_name
    error_message = "Who put a file and who read one is written down."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.site[0].statement : alltrue([
        for condition in statement.condition : condition.variable == "aws:SourceArn" && condition.values == tolist(["arn:aws:cloudfront::111111111111:distribution/E0123456789ABC"])
      ]) && length(statement.condition) == 1 if statement.effect == "Allow"
    ])
    error_message = "Only this distribution reads the files."
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.site[0].statement : [for condition in statement.condition : condition.variable] if statement.effect == "Deny"
    ])) == toset(["aws:SecureTransport", "s3:TlsVersion"])
    error_message = "Plain text and old TLS are refused."
  }

  assert {
    condition     = aws_cloudfront_distribution.this.web_acl_id == aws_wafv2_web_acl.this.arn && toset([for rule in aws_wafv2_web_acl.this.rule : rule.name]) == toset(["common", "known-bad", "reputation", "rate"])
    error_message = "A firewall with the rules of AWS and a limit stands before the site."
  }

  assert {
    condition     = aws_cloudwatch_log_group.firewall.kms_key_id == aws_kms_key.firewall.arn && aws_cloudwatch_log_group.firewall.retention_in_days == 400 && length(aws_wafv2_web_acl_logging_configuration.this.redacted_fields) == 2
    error_message = "What the firewall saw is kept for more than a year, encrypted, without what lets people in."
  }

  assert {
    condition     = aws_kms_key.firewall.enable_key_rotation && jsondecode(aws_kms_key.firewall.policy).Statement[1].Condition.ArnEquals["kms:EncryptionContext:aws:logs:arn"] == "arn:aws:logs:us-east-1:111111111111:log-group:aws-waf-logs-shop-prod-pages-content"
    error_message = "The key of the firewall's logs rotates and is for these logs alone."
  }

  assert {
    condition     = toset([for answer in aws_cloudfront_distribution.this.custom_error_response : answer.error_code]) == toset([404]) && length(aws_cloudfront_function.index) == 0
    error_message = "A single page answers for its own paths, not for what the firewall refuses."
  }

  assert {
    condition     = aws_route53_record.this["www.example.com"].type == "A" && aws_route53_record.ipv6["www.example.com"].type == "AAAA" && output.url == "https://www.example.com"
    error_message = "The public name leads here, by IPv4 and IPv6."
  }

  assert {
    condition     = aws_cloudfront_response_headers_policy.this.security_headers_config[0].strict_transport_security[0].access_control_max_age_sec >= 31536000 && aws_cloudfront_response_headers_policy.this.security_headers_config[0].frame_options[0].frame_option == "DENY"
    error_message = "Browsers keep to TLS and show the site in no frame of others."
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
  }

  assert {
    condition     = length(aws_s3_bucket.site) == 0 && length(aws_s3_bucket_policy.site) == 0 && output.bucket_name == "shop-prod-uploads-111111111111"
    error_message = "A bucket that exists is used as it is."
  }

  assert {
    condition     = toset([for answer in aws_cloudfront_distribution.this.custom_error_response : answer.error_code]) == toset([403, 404])
    error_message = "A bucket that may not be listed says 403 for what is not there."
  }
}

run "folders" {
  command = plan

  variables {
    fallback_path = ""
  }

  assert {
    condition     = length(aws_cloudfront_distribution.this.custom_error_response) == 0 && aws_cloudfront_function.index[0].publish && one(aws_cloudfront_distribution.this.default_cache_behavior[0].function_association).event_type == "viewer-request"
    error_message = "A folder is answered with its page, and what is not there is not there."
  }
}

run "without_a_name" {
  command = plan

  variables {
    hosts = {}
  }

  assert {
    condition     = aws_cloudfront_distribution.this.viewer_certificate[0].cloudfront_default_certificate && length(aws_acm_certificate.this) == 0 && length(aws_route53_record.this) == 0
    error_message = "Under CloudFront's own name there is no certificate and no record."
  }

  assert {
    condition     = output.url == "https://d0123456789abc.cloudfront.net" && output.host == "d0123456789abc.cloudfront.net"
    error_message = "The site is known by CloudFront's name."
  }
}

# A first and a last name leave the one between them at its address.
run "more_names" {
  command = plan

  variables {
    hosts = {
      "*.example.com"   = "Z0123456789ABCDEFGHIJ"
      "example.com"     = "Z0123456789ABCDEFGHIJ"
      "www.example.com" = "Z0123456789ABCDEFGHIJ"
      "z.example.org"   = "Z9876543210ABCDEFGHIJ"
    }
  }

  assert {
    condition     = aws_route53_record.this["www.example.com"].zone_id == "Z0123456789ABCDEFGHIJ" && length(aws_route53_record.this) == 4
    error_message = "A neighbour does not move a name."
  }

  assert {
    condition     = aws_route53_record.validation["www.example.com"].name == "_a.www.example.com" && aws_route53_record.validation["z.example.org"].zone_id == "Z9876543210ABCDEFGHIJ" && aws_route53_record.validation["example.com"].records == toset(["_c.acm-validations.aws"]) && length(aws_route53_record.validation) == 3
    error_message = "Each name is proven in its own zone, a wildcard by the record of the name it stands under."
  }

  assert {
    condition     = output.host == "example.com"
    error_message = "A wildcard is no address."
  }
}

run "without_protection" {
  command = plan

  variables {
    protect = false
  }

  assert {
    condition     = aws_s3_bucket.site[0].force_destroy && length(terraform_data.keep) == 0
    error_message = "What is not protected can go."
  }
}

run "refuses_a_wrong_host" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = { "WWW.example.com." = "Z0123456789ABCDEFGHIJ" }
  }
}

run "refuses_wrong_values" {
  command = plan
  expect_failures = [
    var.name, var.hosts, var.log_bucket_domain_name, var.fallback_path, var.price_class, var.countries, var.rate_limit, var.audit_retention_days,
  ]

  variables {
    name                   = "Shop"
    hosts                  = { for number in range(11) : "a${number}.example.com" => "Z0123456789ABCDEFGHIJ" }
    log_bucket_domain_name = "logs"
    fallback_path          = "index.html"
    price_class            = "cheap"
    countries              = ["Germany"]
    rate_limit             = 5
    audit_retention_days   = 30
  }
}
