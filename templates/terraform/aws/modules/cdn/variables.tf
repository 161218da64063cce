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
  description = "Public names of the site: name => id of its hosted zone."
  nullable    = false

  validation {
    condition     = length(var.hosts) >= 1 && length(var.hosts) <= 10
    error_message = "A site has one to ten public names."
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
  description = "Domain name of the bucket of access logs; empty writes none."
  default     = ""
  nullable    = false
}

variable "fallback_path" {
  type        = string
  description = "File that answers for paths that are no files, such as /index.html of a single page; empty answers 404."
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

variable "protect" {
  type        = bool
  description = "Whether the bucket of the site is kept when it holds files."
  default     = true
  nullable    = false
}
