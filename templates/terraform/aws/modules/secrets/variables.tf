variable "name" {
  type        = string
  description = "Name prefix of the environment, for example shop-prod."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "prefix" {
  type        = string
  description = "What the names of the secrets begin with, for example shop/prod."
  default     = ""
  nullable    = false

  validation {
    condition     = var.prefix == "" || can(regex("^[a-z][a-z0-9/_-]*[a-z0-9]$", var.prefix))
    error_message = "The prefix has lower-case letters, digits, slashes and hyphens."
  }
}

variable "secrets" {
  type = map(object({
    description = string
    rotate_days = optional(number)
  }))
  description = "Secrets to be made, by name: what each is for, and after how many days its value is to be changed. Values are put there by hand, never here."
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.secrets) == 0 || var.prefix != ""
    error_message = "Secrets need a prefix, or those of two environments would have one name."
  }

  validation {
    condition     = alltrue([for secret in values(var.secrets) : secret.rotate_days == null || try(secret.rotate_days >= 1, false)])
    error_message = "A value is changed after one day or more."
  }
}

variable "rotation_days" {
  type        = number
  description = "After how many days the key's material is renewed; what is encrypted stays readable."
  default     = 365
  nullable    = false

  validation {
    condition     = var.rotation_days >= 90 && var.rotation_days <= 2560
    error_message = "KMS renews keys every 90 to 2560 days."
  }
}

variable "replica_region" {
  type        = string
  description = "Second region to which the secrets are copied; null copies them nowhere."
  default     = null
}

variable "protect" {
  type        = bool
  description = "Whether the key and the secrets are protected from deletion."
  default     = true
  nullable    = false
}
