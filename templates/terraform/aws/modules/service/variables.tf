variable "name" {
  type        = string
  description = "Full name of the service, at most 32 characters, for example shop-prod-web."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 32 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "cluster_arn" {
  type        = string
  description = "ARN of the ECS cluster that runs the service."
  nullable    = false
}

variable "cluster_name" {
  type        = string
  description = "Name of that cluster; autoscaling and metrics know it by name."
  nullable    = false
}

variable "namespace_arn" {
  type        = string
  description = "ARN of the Service Connect namespace in which services find each other."
  nullable    = false
}

variable "discovery_name" {
  type        = string
  description = "Host name by which the other services of the namespace call this one; null takes the name."
  default     = null

  validation {
    condition     = var.discovery_name == null || can(regex("^[a-z][a-z0-9-]{0,61}[a-z0-9]$", var.discovery_name))
    error_message = "The discovery name has 2 to 63 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "connect_tls" {
  type = object({
    authority_arn = string
    role_arn      = string
  })
  description = "Private certificate authority and role with which Service Connect encrypts calls to this service; null leaves them plain inside the VPC."
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

variable "port" {
  type        = number
  description = "Port the container listens on; null for a worker, which listens nowhere."
  default     = null

  validation {
    condition     = var.port == null || (coalesce(var.port, 1) >= 1 && coalesce(var.port, 1) <= 65535)
    error_message = "A port is a number from 1 to 65535."
  }
}

variable "protocol" {
  type        = string
  description = "What is spoken on the port: http, grpc or tcp."
  default     = "http"
  nullable    = false

  validation {
    condition     = contains(["http", "grpc", "tcp"], var.protocol)
    error_message = "The protocol is http, grpc or tcp."
  }
}

variable "metrics_port" {
  type        = number
  description = "Port on which metrics are scraped; null when there is none or when it is the port itself."
  default     = null

  validation {
    condition     = var.metrics_port == null || (coalesce(var.metrics_port, 1) >= 1 && coalesce(var.metrics_port, 1) <= 65535 && var.metrics_port != var.port)
    error_message = "The metrics port is a number from 1 to 65535 other than the port."
  }
}

variable "cpu" {
  type        = number
  description = "CPU units of one task (1024 are one vCPU): a size Fargate offers. The Service Connect proxy takes its share of it."
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
    error_message = "The tasks spread over at least two subnets, or the loss of a zone is the loss of the service."
  }
}

variable "callers" {
  type        = map(string)
  description = "Services that may call the port: name => id of their security group."
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.callers) == 0 || var.port != null
    error_message = "A service without a port cannot be called."
  }
}

variable "metrics_callers" {
  type        = map(string)
  description = "Scrapers that may read the metrics port: name => id of their security group."
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.metrics_callers) == 0 || var.metrics_port != null
    error_message = "A service without a metrics port cannot be scraped there."
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
  description = "What the tasks may call besides the AWS endpoints and the resources that name them as a client: one target each."
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

variable "load_balancer" {
  type = object({
    listener_arn      = string
    security_group_id = string
    priority          = number
    hosts             = set(string)
    path_patterns     = optional(set(string), [])
    arn_suffix        = string
  })
  description = "Listener of the load balancer, its security group and ARN suffix, and the hosts and paths that lead here (no path: all of them); null keeps the service private."
  default     = null

  validation {
    condition     = var.load_balancer == null || (var.port != null && var.protocol != "tcp")
    error_message = "A service behind the load balancer has a port and speaks http or grpc."
  }

  validation {
    condition     = var.load_balancer == null || try(length(var.load_balancer.hosts) >= 1 && length(var.load_balancer.hosts) + length(var.load_balancer.path_patterns) <= 5, false)
    error_message = "A listener rule takes at least one host and at most five values, the paths included."
  }

  validation {
    condition     = var.load_balancer == null || try(var.load_balancer.priority >= 1 && var.load_balancer.priority <= 50000, false)
    error_message = "The priority of a listener rule is a number from 1 to 50000."
  }
}

variable "health_path" {
  type        = string
  description = "Path the load balancer asks to learn whether a task can serve; null asks /health, or the health service of gRPC."
  default     = null

  validation {
    condition     = var.health_path == null || startswith(coalesce(var.health_path, "/"), "/")
    error_message = "The health path begins with a slash."
  }
}

variable "health_command" {
  type        = list(string)
  description = "Command inside the container that proves it alive; null when the image has no program for it."
  default     = null
}

variable "startup_seconds" {
  type        = number
  description = "Seconds a task may take to start before a failed health check counts."
  default     = 150
  nullable    = false

  validation {
    condition     = var.startup_seconds >= 0 && var.startup_seconds <= 7200
    error_message = "The start may take from 0 to 7200 seconds."
  }
}

variable "min" {
  type        = number
  description = "Least number of tasks, and the number to begin with."
  default     = 2
  nullable    = false

  validation {
    condition     = var.min >= 1 && floor(var.min) == var.min
    error_message = "At least one task runs; target tracking cannot wake a service from zero."
  }
}

variable "max" {
  type        = number
  description = "Largest number of tasks."
  default     = 10
  nullable    = false

  validation {
    condition     = var.max >= var.min && var.max <= 5000 && floor(var.max) == var.max
    error_message = "The largest number of tasks is not below the least, and at most 5000."
  }
}

variable "cpu_target" {
  type        = number
  description = "Average CPU use in percent that scaling holds."
  default     = 70
  nullable    = false

  validation {
    condition     = var.cpu_target >= 10 && var.cpu_target <= 95
    error_message = "The CPU target lies between 10 and 95 percent."
  }
}

variable "memory_target" {
  type        = number
  description = "Average memory use in percent that scaling holds; null scales by CPU alone."
  default     = null

  validation {
    condition     = var.memory_target == null || (coalesce(var.memory_target, 10) >= 10 && coalesce(var.memory_target, 10) <= 95)
    error_message = "The memory target lies between 10 and 95 percent."
  }
}

variable "requests_per_second" {
  type        = number
  description = "Requests a second that one task shall serve; null does not scale by requests."
  default     = null

  validation {
    condition     = var.requests_per_second == null || (var.load_balancer != null && coalesce(var.requests_per_second, 1) > 0)
    error_message = "Only a service behind the load balancer scales by requests, and by a number above 0."
  }
}

variable "queue" {
  type = object({
    name        = string
    per_replica = number
  })
  description = "SQS queue the service works off, and the waiting messages one task shall have; null does not scale by a queue. Needs Container Insights on the cluster."
  default     = null

  validation {
    condition     = var.queue == null || try(var.queue.per_replica > 0, false)
    error_message = "A task works off at least one message."
  }
}

variable "scale_out_cooldown_seconds" {
  type        = number
  description = "Seconds between two steps up."
  default     = 60
  nullable    = false
}

variable "scale_in_cooldown_seconds" {
  type        = number
  description = "Seconds between two steps down."
  default     = 300
  nullable    = false
}

variable "spot" {
  type        = bool
  description = "Whether tasks beyond on_demand_tasks run mostly on Fargate Spot, which AWS may take back with two minutes' notice."
  default     = false
  nullable    = false
}

variable "on_demand_tasks" {
  type        = number
  description = "Tasks that never run on Spot; null takes min."
  default     = null

  validation {
    condition     = var.on_demand_tasks == null || (coalesce(var.on_demand_tasks, 0) >= 0 && coalesce(var.on_demand_tasks, 0) <= var.max)
    error_message = "The tasks outside Spot are at least 0 and at most max."
  }
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

variable "deregistration_seconds" {
  type        = number
  description = "Seconds the load balancer lets open requests finish on a task that goes."
  default     = 30
  nullable    = false

  validation {
    condition     = var.deregistration_seconds >= 0 && var.deregistration_seconds <= 3600
    error_message = "The load balancer waits between 0 and 3600 seconds."
  }
}

variable "execute_command" {
  type        = bool
  description = "Whether people may open a shell in a running task; off in production."
  default     = false
  nullable    = false
}

variable "execute_command_log_group_arn" {
  type        = string
  description = "ARN of the log group in which the cluster records these shells; null when it records none."
  default     = null
}

variable "log_retention_days" {
  type        = number
  description = "Days the application log is kept."
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "protect" {
  type        = bool
  description = "Whether the log outlives the service when the service is destroyed."
  default     = true
  nullable    = false
}

variable "alarm_names" {
  type        = list(string)
  description = "CloudWatch alarms that, besides the module's own, undo a deployment when they go off."
  default     = []
  nullable    = false
}

variable "deployment_error_percent" {
  type        = number
  description = "Share of failed requests in percent at which a deployment behind the load balancer is undone."
  default     = 5
  nullable    = false

  validation {
    condition     = var.deployment_error_percent > 0 && var.deployment_error_percent <= 100
    error_message = "The share lies above 0 and at most at 100 percent."
  }
}

variable "wait_for_steady_state" {
  type        = bool
  description = "Whether apply ends only when the new tasks run. Off by default: a first apply precedes the values of the declared secrets."
  default     = false
  nullable    = false
}
