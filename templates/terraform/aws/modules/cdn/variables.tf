variable "name" {
  type        = string
  description = "Full name, for example shop-prod-pages; the site's bucket has the account's number behind it."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "hosts" {
  type        = map(string)
  description = "Public names of the site: name => id of its hosted zone; empty for the name that CloudFront gives."
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.hosts) <= 10
    error_message = "A site has at most ten public names; AWS allows more on request."
  }

  validation {
    condition     = alltrue([for host in keys(var.hosts) : can(regex("^([*][.])?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z][a-z0-9-]{0,61}[a-z0-9]$", host))])
    error_message = "A name is a domain in lower case, without a dot at the end; its first label may be *."
  }
}

variable "origin_bucket" {
  type = object({
    name        = string
    arn         = string
    domain_name = string
  })
  description = "Bucket whose files are handed out; null makes one for the site."
  default     = null
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts the site's bucket."
  nullable    = false
}

variable "log_bucket_domain_name" {
  type        = string
  description = "Domain name of the bucket of access logs, for example shop-prod-logs-111111111111.s3.amazonaws.com."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]*[a-z0-9][.]s3[.-]", var.log_bucket_domain_name))
    error_message = "The domain name is that of a bucket: its name, then .s3 and the rest."
  }
}

variable "fallback_path" {
  type        = string
  description = "File that answers for paths that are no files, such as /index.html of a single page; empty answers 404, and a folder with its index.html."
  default     = "/index.html"
  nullable    = false

  validation {
    condition     = var.fallback_path == "" || startswith(var.fallback_path, "/")
    error_message = "The file's path begins with a slash."
  }
}

variable "content_security_policy" {
  type        = string
  description = "What pages may load, as the header Content-Security-Policy says it."
  default     = "default-src 'self'; frame-ancestors 'none'; object-src 'none'"
  nullable    = false
}

variable "price_class" {
  type        = string
  description = "From where files are handed out: PriceClass_100 (Europe, North America), PriceClass_200 or PriceClass_All."
  default     = "PriceClass_100"
  nullable    = false

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "The price class is PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "countries" {
  type        = set(string)
  description = "Countries in which the site is seen, by their codes; empty for all."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for code in var.countries : can(regex("^[A-Z]{2}$", code))])
    error_message = "A country is a code of two capital letters."
  }
}

variable "rate_limit" {
  type        = number
  description = "How many files one address may ask for in five minutes before it is refused."
  default     = 10000
  nullable    = false

  validation {
    condition     = var.rate_limit >= 10 && var.rate_limit <= 2000000000 && floor(var.rate_limit) == var.rate_limit
    error_message = "WAF counts from 10 requests in five minutes on."
  }
}

variable "audit_retention_days" {
  type        = number
  description = "How many days the firewall's logs are kept."
  default     = 400
  nullable    = false

  validation {
    condition     = var.audit_retention_days >= 365
    error_message = "The firewall's logs are kept for a year or longer."
  }
}

variable "protect" {
  type        = bool
  description = "Whether the site's bucket and the key of the firewall's logs are protected from deletion; without it, the bucket goes with its files."
  default     = true
  nullable    = false
}
