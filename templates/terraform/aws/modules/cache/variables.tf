variable "name" {
  type        = string
  description = "Full name of the cache, for example shop-prod-cache."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "The name has 2 to 40 lower-case letters, digits and single hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "engine_version" {
  type        = string
  description = "Version of Valkey, for example 8.1."
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+$", var.engine_version)) && tonumber(split(".", var.engine_version)[0]) >= 7
    error_message = "The version is one of Valkey, 7.2 or newer, as two numbers."
  }
}

variable "node_type" {
  type        = string
  description = "Node type, for example cache.t4g.small; its memory is the size of the cache."
  nullable    = false

  validation {
    condition     = startswith(var.node_type, "cache.")
    error_message = "A node type begins with cache."
  }
}

variable "replicas" {
  type        = number
  description = "Replicas in other zones; with one or more, one of them takes over by itself."
  default     = 1
  nullable    = false

  validation {
    condition     = var.replicas >= 0 && var.replicas <= 5
    error_message = "A cache has 0 to 5 replicas."
  }
}

variable "eviction" {
  type        = string
  description = "What goes when memory is full, as Valkey's maxmemory-policy."
  default     = "volatile-lru"
  nullable    = false

  validation {
    condition     = contains(["allkeys-lfu", "allkeys-lru", "allkeys-random", "noeviction", "volatile-lfu", "volatile-lru", "volatile-random", "volatile-ttl"], var.eviction)
    error_message = "Valkey has no such maxmemory-policy."
  }
}

variable "authentication" {
  type        = string
  description = "How clients prove who they are: network (only declared security groups reach it, no password) or iam (short-lived tokens of IAM)."
  default     = "network"
  nullable    = false

  validation {
    condition     = contains(["network", "iam"], var.authentication)
    error_message = "The authentication is network or iam."
  }
}

variable "vpc_id" {
  type        = string
  description = "VPC of the cache."
  nullable    = false
}

variable "subnet_ids" {
  type        = list(string)
  description = "Data subnets, one in each zone."
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A cache needs subnets in at least two zones."
  }
}

variable "clients" {
  type        = map(string)
  description = "Who reaches the cache: name => id of the security group."
  default     = {}
  nullable    = false
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts the cache, its logs and the connection secret."
  nullable    = false
}

variable "snapshot_retention_days" {
  type        = number
  description = "How many days a daily snapshot is kept; 0 makes none."
  default     = 7
  nullable    = false

  validation {
    condition     = var.snapshot_retention_days >= 0 && var.snapshot_retention_days <= 35
    error_message = "Snapshots are kept for 0 to 35 days."
  }
}

variable "snapshot_window" {
  type        = string
  description = "Hours in UTC in which the daily snapshot is made, for example 01:00-02:00."
  default     = "01:00-02:00"
  nullable    = false

  validation {
    condition     = can(regex("^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$", var.snapshot_window))
    error_message = "The window is written as 01:00-02:00."
  }
}

variable "maintenance_window" {
  type        = string
  description = "Weekly hours in UTC for maintenance, for example sun:03:00-sun:05:00."
  default     = "sun:03:00-sun:05:00"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{3}:[0-2][0-9]:[0-5][0-9]-[a-z]{3}:[0-2][0-9]:[0-5][0-9]$", var.maintenance_window))
    error_message = "The window is written as sun:03:00-sun:05:00."
  }
}

variable "log_retention_days" {
  type        = number
  description = "How many days the engine's logs are kept."
  default     = 30
  nullable    = false
}

variable "connection_secret_name" {
  type        = string
  description = "Name of the secret that tells workloads the address, for example shop/prod/cache; null writes none."
  default     = null
}

variable "replica_region" {
  type        = string
  description = "Second region to which the connection secret is copied; null copies it nowhere."
  default     = null
}

variable "protect" {
  type        = bool
  description = "Whether a last snapshot is made before the cache is deleted."
  default     = true
  nullable    = false
}
