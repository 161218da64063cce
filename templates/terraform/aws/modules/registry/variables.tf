variable "name" {
  type        = string
  description = "Prefix of the names this module gives, for example shop-prod."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "repositories" {
  type        = set(string)
  description = "Names of the image repositories, for example shop/web; empty when there are only caches."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.repositories : can(regex("^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*$", name)) && length(name) >= 2 && length(name) <= 256])
    error_message = "A repository name has 2 to 256 lower-case letters and digits, in parts joined by one of . _ - and /."
  }
}

variable "cache_repository" {
  type        = string
  description = "Name of a repository for the caches of builds, whose tags may move; null makes none."
  default     = null

  validation {
    condition     = var.cache_repository == null || can(regex("^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*$", var.cache_repository))
    error_message = "A repository name has lower-case letters and digits, in parts joined by one of . _ - and /."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts the images."
  nullable    = false
}

variable "reader_account_ids" {
  type        = set(string)
  description = "Other AWS accounts that may pull the images, for example that of another environment."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.reader_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "An account id has twelve digits."
  }
}

variable "keep_images" {
  type        = number
  description = "Newest images kept in each repository; a rollback reaches no further."
  default     = 30
  nullable    = false

  validation {
    condition     = var.keep_images >= 2 && floor(var.keep_images) == var.keep_images
    error_message = "At least two images are kept, the one that runs and the one before it."
  }
}

variable "untagged_days" {
  type        = number
  description = "Days after which an image without a tag goes."
  default     = 7
  nullable    = false

  validation {
    condition     = var.untagged_days >= 1 && floor(var.untagged_days) == var.untagged_days
    error_message = "An image without a tag is kept for at least one whole day."
  }
}

variable "replica_region" {
  type        = string
  description = "Region into which every image is copied as it is pushed; null copies nothing. Its repositories are made by this module called there."
  default     = null

  validation {
    condition     = var.replica_region == null || (can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.replica_region)) && var.replica_region != data.aws_region.current.id)
    error_message = "The replica region is named like eu-central-1 and is not the region of the registry itself."
  }
}

variable "pull_through" {
  type        = map(string)
  description = "Public registries cached here: prefix of the cached repositories => host, one of those that need no credential."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for host in values(var.pull_through) : contains(["public.ecr.aws", "quay.io", "registry.k8s.io"], host)])
    error_message = "Without a credential ECR caches public.ecr.aws, quay.io and registry.k8s.io."
  }

  validation {
    condition     = alltrue([for prefix in keys(var.pull_through) : can(regex("^[a-z0-9]+([._-][a-z0-9]+)*$", prefix)) && length(prefix) >= 2 && length(prefix) <= 30])
    error_message = "A prefix has 2 to 30 lower-case letters and digits, joined by one of . _ -."
  }
}

variable "manage_registry" {
  type        = bool
  description = "Whether this call owns what holds for the whole registry of account and region: scanning and replication. One call may; a second one would undo it."
  default     = true
  nullable    = false
}

variable "enhanced_scanning" {
  type        = bool
  description = "Whether Amazon Inspector scans, language packages included and again whenever it learns of a weakness; otherwise ECR scans the system packages at each push."
  default     = false
  nullable    = false
}

variable "protect" {
  type        = bool
  description = "Whether ECR refuses to delete a repository that holds images."
  default     = true
  nullable    = false
}
