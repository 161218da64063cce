variable "name" {
  type        = string
  description = "Full name of the job, at most 50 characters, for example shop-prod-report."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "cluster_arn" {
  type        = string
  description = "ARN of the ECS cluster that runs the job."
  nullable    = false
}

variable "cluster_name" {
  type        = string
  description = "Name of that cluster, after which the log is named; null reads it from the ARN."
  default     = null
}

variable "image" {
  type        = string
  description = "Container image with a tag or, better, a digest; the tag latest is refused."
  nullable    = false

  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "The image names a digest or a tag other than latest, so that a task started tomorrow runs what was tested today."
  }
}

variable "image_credentials_arn" {
  type        = string
  description = "ARN of the secret that holds user name and password of a private registry other than ECR; null when none is needed."
  default     = null
}

variable "image_is_cached" {
  type        = bool
  description = "Whether the image comes through an ECR pull-through cache, which the execution role must then be allowed to fill."
  default     = false
  nullable    = false
}

variable "command" {
  type        = list(string)
  description = "Replaces the command of the image; null keeps it."
  default     = null
}

variable "entry_point" {
  type        = list(string)
  description = "Replaces the entry point of the image; null keeps it."
  default     = null
}

variable "cpu" {
  type        = number
  description = "CPU units of one task (1024 are one vCPU): a size Fargate offers."
  default     = 256
  nullable    = false

  validation {
    condition     = contains(keys(local.fargate_memory_mib), tostring(var.cpu))
    error_message = "Fargate offers 256, 512, 1024, 2048, 4096, 8192 or 16384 CPU units."
  }
}

variable "memory_mib" {
  type        = number
  description = "Memory of one task in MiB: a size Fargate offers for these CPU units."
  default     = 512
  nullable    = false

  validation {
    condition     = contains(lookup(local.fargate_memory_mib, tostring(var.cpu), [var.memory_mib]), var.memory_mib)
    error_message = "Fargate does not offer this memory for these CPU units; see the task sizes of Fargate."
  }
}

variable "cpu_architecture" {
  type        = string
  description = "Processor architecture of the image: ARM64 or X86_64."
  default     = "ARM64"
  nullable    = false

  validation {
    condition     = contains(["ARM64", "X86_64"], var.cpu_architecture)
    error_message = "The architecture is ARM64 or X86_64."
  }
}

variable "environment" {
  type        = map(string)
  description = "Environment variables that are no secrets, by name."
  default     = {}
  nullable    = false
}

variable "secrets" {
  type        = map(string)
  description = "Environment variables read from Secrets Manager when a task starts: name => ARN of the secret, or ARN:key:: for one key of its JSON."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for arn in values(var.secrets) : can(regex("^arn:[a-z-]+:secretsmanager:[^:]+:[^:]+:secret:[^:]+(:[^:]*:[^:]*:[^:]*)?$", arn))])
    error_message = "Each secret is the ARN of a Secrets Manager secret, alone or followed by :key::."
  }
}

variable "secret_arns" {
  type        = list(string)
  description = "Further secrets the execution role may read; those named in secrets are readable anyway."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.secret_arns : can(regex("^arn:[a-z-]+:secretsmanager:[^:]+:[^:]+:secret:[^:*]+", arn))])
    error_message = "Each entry is the ARN of one Secrets Manager secret."
  }
}

variable "permissions" {
  type = map(object({
    actions   = list(string)
    resources = list(string)
  }))
  description = "What the running task may do in AWS, by a speaking name."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for grant in values(var.permissions) : length(grant.actions) > 0 && alltrue([for action in grant.actions : can(regex("^[a-z0-9-]+:[A-Z][A-Za-z0-9]*$", action))])])
    error_message = "Each permission names its actions as service:Action, each in full; no wildcard is granted."
  }

  validation {
    condition     = alltrue([for grant in values(var.permissions) : length(grant.resources) > 0 && !contains(grant.resources, "*")])
    error_message = "Each permission names the ARNs it holds for; * is not granted."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts logs and secrets."
  nullable    = false
}

variable "vpc_id" {
  type        = string
  description = "VPC in which the tasks run."
  nullable    = false
}

variable "subnet_ids" {
  type        = list(string)
  description = "Private subnets for the tasks, one in each zone."
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "The tasks spread over at least two subnets, or the loss of a zone is the loss of the job."
  }
}

variable "egress" {
  type = map(object({
    description       = string
    port              = number
    protocol          = optional(string, "tcp")
    cidr              = optional(string)
    prefix_list_id    = optional(string)
    security_group_id = optional(string)
  }))
  description = "What a run may call besides the AWS endpoints and the resources that name them as a client: one target each."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for rule in values(var.egress) : length([for target in [rule.cidr, rule.prefix_list_id, rule.security_group_id] : target if target != null]) == 1])
    error_message = "Each egress rule has exactly one of cidr, prefix_list_id and security_group_id."
  }

  validation {
    condition     = alltrue([for rule in values(var.egress) : rule.port >= 1 && rule.port <= 65535 && contains(["tcp", "udp"], rule.protocol)])
    error_message = "Each egress rule has a port from 1 to 65535 and the protocol tcp or udp."
  }

  validation {
    condition     = alltrue([for rule in values(var.egress) : rule.cidr == null || can(cidrhost(rule.cidr, 0))])
    error_message = "A cidr is an IPv4 or IPv6 network, for example 192.0.2.0/24."
  }
}

variable "endpoints" {
  type        = bool
  description = "Whether the VPC has endpoints for the AWS services a task needs; without them the egress to these services must be listed."
  default     = true
  nullable    = false
}

variable "endpoint_security_group_id" {
  type        = string
  description = "Security group of the interface endpoints (ECR, logs, secrets)."
  default     = null

  validation {
    condition     = !var.endpoints || var.endpoint_security_group_id != null
    error_message = "With endpoints the security group of the interface endpoints is needed."
  }
}

variable "s3_prefix_list_id" {
  type        = string
  description = "Prefix list of S3, from which the layers of an ECR image come."
  default     = null

  validation {
    condition     = !var.endpoints || var.s3_prefix_list_id != null
    error_message = "With endpoints the prefix list of S3 is needed."
  }
}

variable "schedule" {
  type = object({
    expression = string
    time_zone  = optional(string, "UTC")
  })
  description = "When the job runs: a cron(...) or rate(...) expression of EventBridge Scheduler and a time zone; null makes a task that only others start, such as a migration in CI."
  default     = null

  validation {
    condition     = var.schedule == null || can(regex("^(cron\\(([^ ()]+ ){5}[^ ()]+\\)|rate\\([1-9][0-9]* (minute|hour|day)s?\\))$", var.schedule.expression))
    error_message = "The expression is cron(...) with six fields or rate(...), for example cron(15 3 * * ? *)."
  }

  validation {
    condition     = var.schedule == null || can(regex("^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$", var.schedule.time_zone))
    error_message = "The time zone is a name of the IANA list, for example Europe/Berlin."
  }
}

variable "deadline_seconds" {
  type        = number
  description = "Seconds one attempt may take; what runs longer is stopped and counts as failed."
  default     = 3600
  nullable    = false

  validation {
    condition     = var.deadline_seconds >= 1 && var.deadline_seconds <= 604800 && floor(var.deadline_seconds) == var.deadline_seconds
    error_message = "An attempt may take from one second to seven days."
  }
}

variable "retries" {
  type        = number
  description = "Further attempts after one that failed; one that ran into its deadline is not repeated."
  default     = 2
  nullable    = false

  validation {
    condition     = var.retries >= 0 && var.retries <= 10 && floor(var.retries) == var.retries
    error_message = "A failed run is repeated at most 10 times."
  }
}

variable "retry_seconds" {
  type        = number
  description = "Seconds before the first further attempt; each one waits twice as long as the one before."
  default     = 30
  nullable    = false

  validation {
    condition     = var.retry_seconds >= 1 && var.retry_seconds <= 3600 && floor(var.retry_seconds) == var.retry_seconds
    error_message = "The first further attempt waits between 1 and 3600 seconds."
  }
}

variable "spot" {
  type        = bool
  description = "Whether runs take Fargate Spot, which AWS may take back with two minutes' notice; the run is then retried."
  default     = false
  nullable    = false
}

variable "user" {
  type        = string
  description = "User and group the container runs as, as numbers; 0 is refused."
  default     = "10001:10001"
  nullable    = false

  validation {
    condition     = can(regex("^[1-9][0-9]*(:[1-9][0-9]*)?$", var.user))
    error_message = "The user is a number other than 0, with or without a group: 10001:10001."
  }
}

variable "writable_paths" {
  type        = set(string)
  description = "Directories the container may write to, each an empty file system in memory; all else is read-only."
  default     = ["/tmp"]
  nullable    = false

  validation {
    condition     = alltrue([for path in var.writable_paths : can(regex("^/.*[^/]$", path))])
    error_message = "A writable path is absolute, is not / and has no slash at its end."
  }
}

variable "writable_mib" {
  type        = number
  description = "Size of each writable directory in MiB; what is written counts as memory of the task."
  default     = 64
  nullable    = false

  validation {
    condition     = var.writable_mib >= 1 && var.writable_mib * length(var.writable_paths) < var.memory_mib
    error_message = "All writable directories together are smaller than the memory of the task."
  }
}

variable "stop_timeout_seconds" {
  type        = number
  description = "Seconds a container has between the polite and the hard stop."
  default     = 30
  nullable    = false

  validation {
    condition     = var.stop_timeout_seconds >= 2 && var.stop_timeout_seconds <= 120
    error_message = "Fargate waits between 2 and 120 seconds."
  }
}

variable "log_retention_days" {
  type        = number
  description = "Days the logs of the job and of its schedule are kept."
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "protect" {
  type        = bool
  description = "Whether the logs outlive the job when the job is destroyed."
  default     = true
  nullable    = false
}
