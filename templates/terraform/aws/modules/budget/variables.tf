variable "name" {
  type        = string
  description = "Name of the budget, for example shop-prod."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "limit" {
  type        = number
  description = "What a month may cost, in the currency."
  nullable    = false

  validation {
    condition     = var.limit > 0
    error_message = "The limit is more than nothing."
  }
}

variable "currency" {
  type        = string
  description = "Currency of the limit: the one in which AWS bills the account, USD for most."
  default     = "USD"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Z]{3}$", var.currency))
    error_message = "The currency is a code of three capital letters, such as USD."
  }
}

variable "emails" {
  type        = list(string)
  description = "Addresses that are told at 50, 80 and 100 per cent, and when 100 per cent are forecast."
  default     = []
  nullable    = false

  validation {
    condition     = length(var.emails) <= 10 && alltrue([for address in var.emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "A budget tells at most ten mail addresses."
  }
}

variable "topic_arn" {
  type        = string
  description = "ARN of the topic that hears of the budget and of unusual cost."
  nullable    = false
}

variable "application" {
  type        = string
  description = "Value of the tag app, by which cost is counted; activate the tags app and environment as cost allocation tags."
  nullable    = false
}

variable "environment" {
  type        = string
  description = "Value of the tag environment, by which cost is counted."
  nullable    = false
}

variable "anomaly_detection" {
  type        = bool
  description = "Whether unusual cost is looked for; only an account that pays its own bill can do so by tags, a member of an organisation cannot."
  default     = true
  nullable    = false
}

variable "anomaly_percent" {
  type        = number
  description = "From how many per cent above the expected on an anomaly is reported."
  default     = 20
  nullable    = false

  validation {
    condition     = var.anomaly_percent >= 1
    error_message = "An anomaly is at least one per cent above the expected."
  }
}
