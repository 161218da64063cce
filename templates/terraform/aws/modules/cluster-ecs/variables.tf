variable "name" {
  type        = string
  description = "Name of the cluster and of its Service Connect namespace, for example shop-prod."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "existing_cluster_name" {
  type        = string
  description = "Name of a cluster that exists: the module then looks it up, changes nothing in it, and makes the namespace alone; empty makes a cluster."
  default     = ""
  nullable    = false
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts the shells opened in tasks and what they leave in the log."
  nullable    = false
}

variable "audit_retention_days" {
  type        = number
  description = "Days the record of shells opened in tasks is kept: at least a year."
  default     = 400
  nullable    = false

  validation {
    condition     = contains([365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.audit_retention_days)
    error_message = "CloudWatch keeps an audit log for 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "encrypt_task_storage" {
  type        = bool
  description = "Whether the temporary storage of tasks is encrypted with the environment's key, whose policy must then let fargate.amazonaws.com use it for this cluster; otherwise a key of AWS encrypts it."
  default     = false
  nullable    = false
}

variable "service_connect_tls" {
  type        = bool
  description = "Whether calls between services are encrypted by Service Connect, which takes a private certificate authority."
  default     = false
  nullable    = false
}

variable "protect" {
  type        = bool
  description = "Whether the record of shells outlives the cluster, and Terraform refuses to destroy the certificate authority."
  default     = true
  nullable    = false
}
