variable "name" {
  type        = string
  description = "Name prefix of the environment, for example shop-prod."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,43}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 45 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts what alarms say."
  nullable    = false
}

variable "emails" {
  type        = set(string)
  description = "Addresses that are mailed each alarm, once they have confirmed."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "Each entry is a mail address."
  }
}

variable "alarms" {
  type = map(object({
    description        = string
    namespace          = string
    metric_name        = string
    dimensions         = map(string)
    statistic          = optional(string, "Average")
    extended_statistic = optional(string)
    comparison         = optional(string, "GreaterThanThreshold")
    threshold          = number
    period_seconds     = optional(number, 300)
    evaluation_periods = optional(number, 3)
    datapoints         = optional(number)
    missing            = optional(string, "missing")
    severity           = optional(string, "ticket")
  }))
  description = "Alarms by name: which metric of CloudWatch, what of it, how long, and how urgent (page, ticket or info)."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : contains(["page", "ticket", "info"], alarm.severity)])
    error_message = "The severity is page, ticket or info."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : contains(["breaching", "ignore", "missing", "notBreaching"], alarm.missing)])
    error_message = "Missing data is breaching, notBreaching, missing or ignore."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : contains(["GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanOrEqualToThreshold", "LessThanThreshold"], alarm.comparison)])
    error_message = "The comparison is one of CloudWatch, such as GreaterThanThreshold."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : contains([10, 30], alarm.period_seconds) || alarm.period_seconds % 60 == 0])
    error_message = "A period is 10, 30 or a multiple of 60 seconds."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : contains(["Average", "Maximum", "Minimum", "SampleCount", "Sum"], alarm.statistic)])
    error_message = "The statistic is Average, Maximum, Minimum, SampleCount or Sum; percentiles are an extended_statistic, such as p99."
  }

  validation {
    condition = alltrue([
      for alarm in values(var.alarms) : alarm.evaluation_periods >= 1 && coalesce(alarm.datapoints, 1) >= 1 && coalesce(alarm.datapoints, 1) <= alarm.evaluation_periods
    ])
    error_message = "An alarm looks at one period or more, and at most at as many datapoints as it has periods."
  }

  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
  validation {
    condition = alltrue([
      for alarm in values(var.alarms) : alarm.period_seconds * alarm.evaluation_periods <= (alarm.period_seconds < 3600 ? 86400 : 604800)
    ])
    error_message = "An alarm looks back a day at most, or a week where a period is an hour or longer."
  }
}

variable "audit_retention_days" {
  type        = number
  description = "How many days access logs are kept."
  default     = 400
  nullable    = false

  validation {
    condition     = var.audit_retention_days >= 365
    error_message = "Access logs are kept for a year or longer."
  }
}

variable "content_logs" {
  type        = bool
  description = "Whether CloudFront writes its standard logs here, which needs an ACL on the bucket."
  default     = false
  nullable    = false
}

variable "protect" {
  type        = bool
  description = "Whether the logs are protected from deletion."
  default     = true
  nullable    = false
}
