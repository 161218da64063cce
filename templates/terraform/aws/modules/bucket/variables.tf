variable "name" {
  type        = string
  description = "Full name of the bucket, for example shop-prod-uploads; the account's number is put behind it."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "versioned" {
  type        = bool
  description = "Whether changed and deleted objects can be brought back."
  default     = true
  nullable    = false
}

variable "expire_days" {
  type        = number
  description = "After how many days objects are deleted; null keeps them."
  default     = null

  validation {
    condition     = var.expire_days == null ? true : var.expire_days >= 1 && floor(var.expire_days) == var.expire_days
    error_message = "Objects are deleted after a whole number of days, 1 or more."
  }
}

variable "noncurrent_days" {
  type        = number
  description = "How many days a changed or deleted object can be brought back."
  default     = 90
  nullable    = false

  validation {
    condition     = var.noncurrent_days >= 1 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "Old versions are kept for a whole number of days, 1 or more."
  }
}

variable "log_bucket_name" {
  type        = string
  description = "Bucket in the same region that takes the access logs."
  nullable    = false
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts objects and the connection secret."
  nullable    = false
}

variable "replication" {
  type = object({
    bucket_arn  = string
    kms_key_arn = string
  })
  description = "Bucket in another region that gets a copy of each object, and the key of that region; null copies nothing."
  default     = null

  validation {
    condition     = var.replication == null || var.versioned
    error_message = "S3 copies only from a bucket that keeps versions."
  }
}

variable "distributions" {
  type        = map(string)
  description = "Distributions of CloudFront that may read all objects: name => ARN."
  default     = {}
  nullable    = false
}

variable "connection_secret_name" {
  type        = string
  description = "Name of the secret that tells workloads the name and address, for example shop/prod/uploads; null writes none."
  default     = null
}

variable "replica_region" {
  type        = string
  description = "Second region to which the connection secret is copied; null copies it nowhere."
  default     = null
}

variable "protect" {
  type        = bool
  description = "Whether the bucket is protected from deletion; without it, it goes with all its objects."
  default     = true
  nullable    = false
}
