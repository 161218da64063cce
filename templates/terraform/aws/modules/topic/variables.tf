variable "name" {
  type        = string
  description = "Full name of the topic, for example shop-prod-events; a FIFO topic gets its suffix here."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "fifo" {
  type        = bool
  description = "Whether messages of a group keep their order and arrive once; only FIFO queues can subscribe then."
  default     = false
  nullable    = false
}

variable "subscriptions" {
  type = map(object({
    protocol      = string
    endpoint      = string
    raw           = optional(bool, true)
    filter_policy = optional(string)
    role_arn      = optional(string)
  }))
  description = "Who gets the messages, by a speaking name: the protocol sqs, lambda or firehose and the ARN of the subscriber, the message as it was sent (raw; functions never get it so), a filter in JSON, and the role with which SNS writes to firehose."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for entry in values(var.subscriptions) : contains(["sqs", "lambda", "firehose"], entry.protocol)])
    error_message = "The protocol is sqs, lambda or firehose; people are told by alarms, not by a topic of the product."
  }

  validation {
    condition     = alltrue([for entry in values(var.subscriptions) : startswith(entry.endpoint, "arn:")])
    error_message = "The endpoint is the ARN of the subscriber."
  }

  validation {
    condition     = alltrue([for entry in values(var.subscriptions) : (entry.protocol == "firehose") == (entry.role_arn != null)])
    error_message = "A subscription of firehose, and only of firehose, has a role_arn."
  }

  validation {
    condition     = !var.fifo || alltrue([for entry in values(var.subscriptions) : entry.protocol == "sqs"])
    error_message = "Only queues subscribe to a FIFO topic."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts messages and the connection secret."
  nullable    = false
}

variable "connection_secret_name" {
  type        = string
  description = "Name of the secret that tells workloads the name and ARN, for example shop/prod/events; null writes none."
  default     = null
}

variable "replica_region" {
  type        = string
  description = "Second region to which the connection secret is copied; null copies it nowhere."
  default     = null
}

variable "protect" {
  type        = bool
  description = "Whether the connection secret can be recovered for 30 days after its deletion."
  default     = true
  nullable    = false
}
