variable "name" {
  type        = string
  description = "Name of the load balancer and its firewall, for example shop-prod."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", var.name)) && !startswith(var.name, "internal-")
    error_message = "The name has 2 to 32 lower-case letters, digits and hyphens, begins with a letter but not with internal-, and does not end with a hyphen."
  }
}

variable "load_balancer" {
  type        = bool
  description = "Whether a load balancer is made; false where a cluster's gateway brings its own and takes only the firewall."
  default     = true
  nullable    = false
}

variable "vpc_id" {
  type        = string
  description = "VPC of the load balancer; empty without one."
  default     = ""
  nullable    = false

  validation {
    condition     = !var.load_balancer || var.vpc_id != ""
    error_message = "A load balancer stands in a VPC."
  }
}

variable "subnet_ids" {
  type        = list(string)
  description = "Public subnets of the load balancer, one in each zone; empty without one."
  default     = []
  nullable    = false

  validation {
    condition     = !var.load_balancer || length(var.subnet_ids) >= 2
    error_message = "A load balancer needs public subnets in at least two zones."
  }
}

variable "certificate_arn" {
  type        = string
  description = "ARN of the certificate that is shown by default; empty without a load balancer."
  default     = ""
  nullable    = false

  validation {
    condition     = !var.load_balancer || startswith(var.certificate_arn, "arn:")
    error_message = "A load balancer shows a certificate."
  }
}

variable "additional_certificate_arns" {
  type        = map(string)
  description = "Further certificates for hosts of other zones, by a speaking name."
  default     = {}
  nullable    = false
}

variable "hosts" {
  type        = map(string)
  description = "Public names that lead here: name => id of its hosted zone."
  nullable    = false

  validation {
    condition     = length(var.hosts) >= 1
    error_message = "The way in has at least one public name."
  }

  validation {
    condition     = alltrue([for host in keys(var.hosts) : can(regex("^([*][.])?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z][a-z0-9-]{0,61}[a-z0-9]$", host))])
    error_message = "A name is a domain in lower case, without a dot at the end; its first label may be *."
  }
}

variable "log_bucket_name" {
  type        = string
  description = "Bucket in which the load balancer writes its access logs; empty without one."
  default     = ""
  nullable    = false

  validation {
    condition     = !var.load_balancer || var.log_bucket_name != ""
    error_message = "A load balancer writes down who asked for what."
  }
}

variable "waf" {
  type        = bool
  description = "Whether a web application firewall stands before it."
  default     = true
  nullable    = false
}

variable "rate_limit" {
  type        = number
  description = "How many requests one address may make in five minutes before it is refused."
  default     = 2000
  nullable    = false

  validation {
    condition     = var.rate_limit >= 10 && var.rate_limit <= 2000000000 && floor(var.rate_limit) == var.rate_limit
    error_message = "WAF counts from 10 requests in five minutes on."
  }
}

variable "refuse_anonymous" {
  type        = bool
  description = "Whether anonymising proxies and hosting providers are refused; off, since people behind a VPN are people."
  default     = false
  nullable    = false
}

variable "counted_rules" {
  type        = set(string)
  description = "Rules of the common set that only count what they find, such as SizeRestrictions_BODY, which refuses requests of more than 8 KiB, uploads among them."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for rule in var.counted_rules : can(regex("^[A-Za-z0-9_]+$", rule))])
    error_message = "A rule is named as AWS names it, for example SizeRestrictions_BODY."
  }
}

variable "failover" {
  type        = string
  description = "Which of two regions this is, primary or secondary; empty where there is one region or no load balancer."
  default     = ""
  nullable    = false

  validation {
    condition     = contains(["", "primary", "secondary"], var.failover)
    error_message = "The role is primary or secondary."
  }
}

variable "idle_timeout_seconds" {
  type        = number
  description = "After how many silent seconds a connection is closed."
  default     = 60
  nullable    = false

  validation {
    condition     = var.idle_timeout_seconds >= 1 && var.idle_timeout_seconds <= 4000
    error_message = "A connection is closed after 1 to 4000 silent seconds."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts the firewall's logs."
  nullable    = false
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
  description = "Whether the load balancer is protected from deletion."
  default     = true
  nullable    = false
}
