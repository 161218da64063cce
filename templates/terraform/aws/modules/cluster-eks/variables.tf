variable "name" {
  type        = string
  description = "Name of the cluster, for example shop-prod."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "kubernetes_version" {
  type        = string
  description = "Version of Kubernetes, for example 1.36."
  nullable    = false

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version))
    error_message = "The version is one of Kubernetes, such as 1.36."
  }
}

variable "subnet_ids" {
  type        = list(string)
  description = "Private subnets for nodes and pods, one in each zone."
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A cluster needs subnets in at least two zones."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts Kubernetes secrets, disks and logs."
  nullable    = false
}

variable "public_endpoint_cidrs" {
  type        = list(string)
  description = "Networks that may reach the cluster's endpoint from outside; empty for none, so that it is private."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for block in var.public_endpoint_cidrs : can(cidrhost(block, 0)) && !endswith(block, "/0")])
    error_message = "Each entry is a network, and not the whole Internet."
  }
}

variable "access_entries" {
  type = map(object({
    principal_arn = string
    policy        = optional(string, "AmazonEKSViewPolicy")
    namespaces    = optional(list(string), [])
  }))
  description = "Who may use the cluster, by a name of your own: an IAM role, one of EKS's access policies, and the namespaces it holds for (none for all)."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for entry in values(var.access_entries) : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/", entry.principal_arn))])
    error_message = "Each principal is the ARN of an IAM role or user."
  }

  validation {
    condition     = alltrue([for entry in values(var.access_entries) : can(regex("^AmazonEKS[A-Za-z]+Policy$", entry.policy))])
    error_message = "Each policy is one of EKS's access policies, such as AmazonEKSViewPolicy."
  }
}

variable "addons" {
  type        = map(string)
  description = "Add-ons by name, each with its full version, such as v1.2.3-eksbuild.1."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for version in values(var.addons) : can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+-eksbuild\\.[0-9]+$", version))])
    error_message = "Each add-on is pinned to a full version."
  }
}

variable "node_groups" {
  type = map(object({
    instance_types = list(string)
    ami_type       = optional(string, "BOTTLEROCKET_ARM_64")
    min            = optional(number, 2)
    max            = optional(number, 10)
    disk_gib       = optional(number, 50)
    spot           = optional(bool, false)
    labels         = optional(map(string), {})
  }))
  description = "Node groups of your own choice, by name; without any the cluster runs in Auto Mode and chooses its nodes."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for group in values(var.node_groups) : group.min >= 0 && group.max >= max(group.min, 1)])
    error_message = "A group has at most as many nodes as its maximum, which is one or more."
  }
}

variable "audit_retention_days" {
  type        = number
  description = "How many days the logs of the control plane are kept."
  default     = 400
  nullable    = false

  validation {
    condition     = var.audit_retention_days >= 365
    error_message = "Logs of the control plane are kept for a year or longer."
  }
}

variable "protect" {
  type        = bool
  description = "Whether the cluster is protected from deletion."
  default     = true
  nullable    = false
}
