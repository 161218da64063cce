variable "name" {
  type        = string
  description = "Name prefix of the roles, for example shop-prod."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "workloads" {
  type = map(object({
    namespace       = string
    service_account = string
    permissions = map(object({
      actions   = list(string)
      resources = list(string)
    }))
  }))
  description = "Pods that act in AWS, by name: their namespace and service account, and what they may do, by a speaking name."
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.workloads) == 0 || var.cluster_name != ""
    error_message = "Pods need the name of their cluster."
  }

  validation {
    condition     = alltrue([for name in keys(var.workloads) : length("${var.name}-${name}") <= 64])
    error_message = "A role's name has at most 64 characters, the prefix included."
  }

  validation {
    condition = alltrue([
      for grant in flatten([for workload in values(var.workloads) : values(workload.permissions)]) : alltrue([for action in grant.actions : can(regex("^[a-z0-9-]+:[A-Z][A-Za-z0-9]*$", action))])
    ])
    error_message = "Each permission names its actions as service:Action, each in full; no wildcard is granted."
  }

  validation {
    condition = alltrue([
      for grant in flatten([for workload in values(var.workloads) : values(workload.permissions)]) : length(grant.resources) > 0 && !contains(grant.resources, "*")
    ])
    error_message = "Each permission names the ARNs it holds for; * is not granted."
  }
}

variable "cluster_name" {
  type        = string
  description = "Name of the EKS cluster in which the pods run; empty when there are none."
  default     = ""
  nullable    = false
}

variable "ci" {
  type = object({
    provider        = string
    plan_subjects   = list(string)
    apply_subjects  = list(string)
    create_provider = optional(bool, true)
    publish = optional(object({
      subjects        = list(string)
      repository_arns = list(string)
    }))
    host     = optional(string)
    audience = optional(string)
  })
  description = "The forge whose pipeline plans and applies (github or gitlab), and the exact subjects of its tokens; null makes no roles for a pipeline. create_provider is false where the account knows the forge already; publish makes a role that pushes images to some repositories of ECR and does nothing else; host and audience are those of a forge of one's own."
  default     = null

  validation {
    condition     = var.ci == null || try(contains(["github", "gitlab"], var.ci.provider), false)
    error_message = "The forge is github or gitlab."
  }

  validation {
    condition     = var.ci == null || try(length(var.ci.plan_subjects) > 0 && length(var.ci.apply_subjects) > 0 && alltrue([for subject in concat(var.ci.plan_subjects, var.ci.apply_subjects, try(var.ci.publish.subjects, [])) : !strcontains(subject, "*") && length(subject) > 5]), false)
    error_message = "Subjects are written out in full; a * would let other repositories or branches in."
  }

  validation {
    condition     = try(var.ci.publish, null) == null || try(length(var.ci.publish.subjects) > 0 && length(var.ci.publish.repository_arns) > 0 && !contains(var.ci.publish.repository_arns, "*"), false)
    error_message = "Publishing names its subjects and the ARNs of the repositories; * is not granted."
  }
}

variable "state_bucket_arn" {
  type        = string
  description = "ARN of the bucket of the Terraform state; empty without a pipeline."
  default     = ""
  nullable    = false

  validation {
    condition     = var.ci == null || startswith(var.state_bucket_arn, "arn:")
    error_message = "A pipeline needs the ARN of the state's bucket."
  }
}

variable "state_key_arn" {
  type        = string
  description = "ARN of the key of the Terraform state; empty without a pipeline."
  default     = ""
  nullable    = false

  validation {
    condition     = var.ci == null || startswith(var.state_key_arn, "arn:")
    error_message = "A pipeline needs the ARN of the state's key."
  }
}

variable "passed_services" {
  type        = set(string)
  description = "Services of AWS to which the pipeline may hand roles of the product."
  default = [
    "backup.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "ecs.amazonaws.com",
    "eks.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "pods.eks.amazonaws.com",
    "s3.amazonaws.com",
    "scheduler.amazonaws.com",
    "states.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
  ]
  nullable = false
}
