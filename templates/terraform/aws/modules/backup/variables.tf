variable "name" {
  type        = string
  description = "Name of the vault and its plan, for example shop-prod."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key in this region, which encrypts the backups."
  nullable    = false
}

variable "schedule" {
  type        = string
  description = "When backups are made, as cron(…) of AWS Backup; empty for a vault that only takes copies."
  default     = ""
  nullable    = false

  validation {
    condition     = var.schedule == "" || can(regex("^(cron|rate)\\(.+\\)$", var.schedule))
    error_message = "The schedule is cron(…) or rate(…)."
  }

  validation {
    condition     = var.schedule == "" || length(var.resource_arns) > 0
    error_message = "A schedule needs something to back up."
  }
}

variable "resource_arns" {
  type        = map(string)
  description = "What is backed up: name => ARN."
  default     = {}
  nullable    = false
}

variable "continuous" {
  type        = bool
  description = "Whether every moment can be restored, not only those of the schedule; such backups are kept for at most 35 days."
  default     = false
  nullable    = false

  validation {
    condition     = !var.continuous || var.keep_days <= 35
    error_message = "Continuous backups are kept for at most 35 days."
  }
}

variable "keep_days" {
  type        = number
  description = "How many days a backup is kept."
  default     = 30
  nullable    = false

  validation {
    condition     = var.keep_days >= 1
    error_message = "A backup is kept for a day or longer."
  }
}

variable "copy" {
  type = object({
    vault_arn = string
    keep_days = number
  })
  description = "Vault in another region that gets a copy of each backup, and how many days it is kept there; null copies nothing."
  default     = null

  validation {
    condition     = var.copy == null || try(var.copy.keep_days >= 1, false)
    error_message = "A copy is kept for a day or longer."
  }
}

variable "database_backups" {
  type        = map(string)
  description = "Databases of another region whose automated backups are copied into this one: name => ARN."
  default     = {}
  nullable    = false
}

variable "lock_min_days" {
  type        = number
  description = "For how many days nobody can delete a backup; where backups are kept for fewer days, for as many as those."
  default     = 7
  nullable    = false

  validation {
    condition     = var.lock_min_days >= 1
    error_message = "A lock holds for a day or longer."
  }
}

variable "lock_max_days" {
  type        = number
  description = "For how many days a backup may be kept at most; where backups are kept for more days, for as many as those."
  default     = 2555
  nullable    = false

  validation {
    condition     = var.lock_max_days >= var.lock_min_days
    error_message = "The longest time is not shorter than the shortest."
  }
}

variable "changeable_for_days" {
  type        = number
  description = "After how many days the lock becomes final even for administrators (three or more); null leaves it theirs to lift."
  default     = null

  validation {
    condition     = var.changeable_for_days == null || try(var.changeable_for_days >= 3, false)
    error_message = "A lock becomes final after three days or later."
  }
}

variable "restore_testing" {
  type        = bool
  description = "Whether a backup is restored every month to see that it can be."
  default     = true
  nullable    = false
}

variable "restore_test_types" {
  type        = set(string)
  description = "What is restored for that: RDS and Aurora; a bucket has no place to be restored to by itself."
  default     = ["RDS"]
  nullable    = false

  validation {
    condition     = alltrue([for type in var.restore_test_types : contains(["Aurora", "RDS"], type)])
    error_message = "Restores are tested for RDS and Aurora."
  }
}

# https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-inferred-metadata.html
variable "restore_metadata" {
  type        = map(map(string))
  description = "Where and how it is restored, by type, for example RDS => { dbSubnetGroupName = ... }; what is left out AWS Backup chooses, such as the default VPC, without which a test fails."
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.restore_metadata), var.restore_test_types)) == 0
    error_message = "Only for a type that is tested can be said how it is restored."
  }
}

variable "topic_arn" {
  type        = string
  description = "ARN of the topic that hears of failures; empty for a vault that only takes copies."
  default     = ""
  nullable    = false

  validation {
    condition     = var.schedule == "" || var.topic_arn != ""
    error_message = "Where backups are made, somebody hears of those that fail."
  }
}

variable "protect" {
  type        = bool
  description = "Whether the vault is locked and protected from deletion."
  default     = true
  nullable    = false
}
