variable "app" {
  type        = string
  description = "Name of the product, for example shop."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.app))
    error_message = "The name has 2 to 31 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "environment" {
  type        = string
  description = "Name of the environment, for example prod."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.environment))
    error_message = "The name has 1 to 31 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "owner" {
  type        = string
  description = "Team that owns the product."
  nullable    = false
}

variable "region" {
  type        = string
  description = "Region of the environment and its state."
  nullable    = false
}

variable "account" {
  type        = string
  description = "Account of the environment; empty leaves it to the credentials of the run."
  default     = ""
  nullable    = false
}

variable "state_bucket" {
  type        = string
  description = "Name of the bucket of the state."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "ci_provider" {
  type        = string
  description = "Forge of the pipeline: github or gitlab."
  default     = "github"
  nullable    = false

  validation {
    condition     = contains(["github", "gitlab"], var.ci_provider)
    error_message = "The forge is github or gitlab."
  }
}

variable "repository" {
  type        = string
  description = "Repository whose pipeline plans and applies, for example acme/shop; empty makes no roles for a pipeline."
  default     = ""
  nullable    = false

  validation {
    condition     = var.repository == "" || can(regex("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$", var.repository))
    error_message = "The repository is written as owner/name."
  }
}

variable "branch" {
  type        = string
  description = "Branch that is applied."
  default     = "main"
  nullable    = false
}

variable "create_ci_provider" {
  type        = bool
  description = "Whether the account learns to believe the forge here; false where it does already."
  default     = true
  nullable    = false
}

variable "publishes" {
  type        = bool
  description = "Whether the product's images are pushed to the registry of this account."
  default     = false
  nullable    = false
}
