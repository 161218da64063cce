# A content network that hands out files: of a bucket of its own, or of one that exists.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  own    = var.origin_bucket == null
  bucket = local.own ? { name = aws_s3_bucket.site[0].id, arn = aws_s3_bucket.site[0].arn, domain_name = aws_s3_bucket.site[0].bucket_regional_domain_name } : var.origin_bucket
  named  = length(var.hosts) > 0
  hosts  = sort(keys(var.hosts))
  # Nobody can open a wildcard in a browser, so it is shown only where there is no other name.
  host = local.named ? concat([for host in local.hosts : host if !startswith(host, "*.")], local.hosts)[0] : aws_cloudfront_distribution.this.domain_name
}

resource "aws_cloudfront_origin_access_control" "this" {
  name                              = var.name
  description                       = "${var.name} reads its bucket by signed requests."
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_response_headers_policy" "this" {
  name    = var.name
  comment = "What browsers are told by ${var.name}."

  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 63072000
      include_subdomains         = true
      preload                    = true
      override                   = true
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = "strict-origin-when-cross-origin"
      override        = true
    }

    content_security_policy {
      content_security_policy = var.content_security_policy
      override                = false
    }
  }
}

# A bucket knows files, not folders: /help and /help/ are the file /help/index.html.
resource "aws_cloudfront_function" "index" {
  count = local.own && var.fallback_path == "" ? 1 : 0

  name    = "${var.name}-index"
  comment = "Finds the page of a folder of ${var.name}."
  runtime = "cloudfront-js-2.0"
  publish = true

  code = <<-JS
    function handler(event) {
      const request = event.request;
      const file = request.uri.slice(request.uri.lastIndexOf("/") + 1);
      if (file === "") {
        request.uri += "index.html";
      } else if (!file.includes(".")) {
        request.uri += "/index.html";
      }
      return request;
    }
  JS
}

# The optimised cache policy of AWS: compressed, by path alone.
data "aws_cloudfront_cache_policy" "optimized" {
  name = "Managed-CachingOptimized"
}

resource "aws_cloudfront_distribution" "this" {
  #checkov:skip=CKV_AWS_310:a bucket has no second origin unless it is replicated; a lost region is the bucket's to survive
  #checkov:skip=CKV_AWS_374:a product says where it may be seen, and by default that is everywhere
  #checkov:skip=CKV_AWS_174:under a name of its own the site speaks TLS 1.2 or newer; under CloudFront's name the oldest TLS is not ours to choose
  #checkov:skip=CKV2_AWS_47:it asks for the list of anonymous addresses, which refuses people behind a VPN; Log4j is refused by the known bad inputs
  enabled             = true
  comment             = var.name
  aliases             = local.hosts
  default_root_object = "index.html"
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = var.price_class
  web_acl_id          = aws_wafv2_web_acl.this.arn

  origin {
    origin_id                = "files"
    domain_name              = local.bucket.domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.this.id
  }

  default_cache_behavior {
    target_origin_id           = "files"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD", "OPTIONS"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = data.aws_cloudfront_cache_policy.optimized.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id

    dynamic "function_association" {
      for_each = aws_cloudfront_function.index[*].arn

      content {
        event_type   = "viewer-request"
        function_arn = function_association.value
      }
    }
  }

  # A single page knows its own paths, so what is no file is answered with the page. A bucket that may not be listed
  # says 403 instead of 404; our own may, so that what the firewall refuses stays refused.
  dynamic "custom_error_response" {
    for_each = var.fallback_path == "" ? toset([]) : local.own ? toset(["404"]) : toset(["403", "404"])

    content {
      error_code            = tonumber(custom_error_response.value)
      response_code         = 200
      response_page_path    = var.fallback_path
      error_caching_min_ttl = 10
    }
  }

  logging_config {
    bucket          = var.log_bucket_domain_name
    prefix          = "content/${var.name}/"
    include_cookies = false
  }

  restrictions {
    geo_restriction {
      restriction_type = length(var.countries) == 0 ? "none" : "whitelist"
      locations        = var.countries
    }
  }

  # Under a name of CloudFront's own the oldest TLS is CloudFront's to choose.
  viewer_certificate {
    cloudfront_default_certificate = local.named ? null : true
    acm_certificate_arn            = one(aws_acm_certificate_validation.this[*].certificate_arn)
    minimum_protocol_version       = local.named ? "TLSv1.2_2021" : "TLSv1"
    ssl_support_method             = local.named ? "sni-only" : null
  }
}

resource "aws_route53_record" "this" {
  for_each = var.hosts

  zone_id = each.value
  name    = each.key
  type    = "A"

  alias {
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
    evaluate_target_health = false
  }
}

resource "aws_route53_record" "ipv6" {
  for_each = var.hosts

  zone_id = each.value
  name    = each.key
  type    = "AAAA"

  alias {
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
    evaluate_target_health = false
  }
}
