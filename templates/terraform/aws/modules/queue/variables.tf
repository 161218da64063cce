variable "name" {
  type        = string
  description = "Full name of the queue, for example shop-prod-orders; a FIFO queue gets its suffix here."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "fifo" {
  type        = bool
  description = "Whether messages of a group keep their order and arrive once."
  default     = false
  nullable    = false
}

variable "content_based_deduplication" {
  type        = bool
  description = "Whether a FIFO queue takes the hash of a message for its deduplication id; without it senders give one."
  default     = true
  nullable    = false
}

variable "visibility_seconds" {
  type        = number
  description = "How long a received message stays hidden from other receivers, in seconds; longer than handling it takes."
  default     = 120
  nullable    = false

  validation {
    condition     = var.visibility_seconds >= 0 && var.visibility_seconds <= 43200
    error_message = "A message may stay hidden for 0 to 43200 seconds (12 hours)."
  }
}

variable "dead_letter_after" {
  type        = number
  description = "How often a message is received before it is set aside as a dead letter."
  default     = 5
  nullable    = false

  validation {
    condition     = var.dead_letter_after >= 1 && var.dead_letter_after <= 1000
    error_message = "A message is set aside after 1 to 1000 receives."
  }
}

variable "retention_seconds" {
  type        = number
  description = "How long an unread message is kept, in seconds."
  default     = 345600
  nullable    = false

  validation {
    condition     = var.retention_seconds >= 60 && var.retention_seconds <= 1209600
    error_message = "Messages are kept for 60 to 1209600 seconds (14 days)."
  }
}

variable "topics" {
  type        = map(string)
  description = "Topics of SNS that may send to the queue: name => ARN."
  default     = {}
  nullable    = false
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts messages and the connection secret."
  nullable    = false
}

variable "connection_secret_name" {
  type        = string
  description = "Name of the secret that tells workloads the name and address, for example shop/prod/orders; null writes none."
  default     = null
}

variable "replica_region" {
  type        = string
  description = "Second region to which the connection secret is copied; null copies it nowhere."
  default     = null
}

variable "protect" {
  type        = bool
  description = "Whether the queue and its messages are protected from deletion."
  default     = true
  nullable    = false
}
