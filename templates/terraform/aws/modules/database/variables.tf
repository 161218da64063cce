variable "name" {
  type        = string
  description = "Full name of the database, for example shop-prod-db."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "The name has 2 to 50 lower-case letters, digits and single hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "engine" {
  type        = string
  description = "Engine: postgres or mysql."
  nullable    = false

  validation {
    condition     = contains(["postgres", "mysql"], var.engine)
    error_message = "The engine is postgres or mysql."
  }
}

variable "engine_version" {
  type        = string
  description = "Line or exact version of the engine, for example 17 or 17.5 of PostgreSQL and 8.4 of MySQL; within a line RDS takes minor upgrades itself."
  nullable    = false

  validation {
    condition     = can(regex(var.engine == "mysql" ? "^[0-9]+\\.[0-9]+(\\.|$)" : "^[0-9]+(\\.[0-9]+)?$", var.engine_version))
    error_message = "The version of PostgreSQL is a line as 17 or a version as 17.5, that of MySQL has at least two numbers, as 8.4."
  }
}

variable "aurora" {
  type        = bool
  description = "Whether it is a cluster of Aurora, whose storage grows by itself."
  default     = false
  nullable    = false
}

variable "instance_class" {
  type        = string
  description = "Class of the instances, for example db.m7g.large."
  nullable    = false

  validation {
    condition     = startswith(var.instance_class, "db.")
    error_message = "A class of RDS begins with db."
  }
}

variable "storage_gib" {
  type        = number
  description = "Storage to begin with, in GiB; Aurora needs none to be named."
  default     = 20
  nullable    = false

  validation {
    condition     = var.storage_gib >= 20 && var.storage_gib <= 65536
    error_message = "An instance has 20 to 65536 GiB of storage."
  }
}

variable "max_storage_gib" {
  type        = number
  description = "How far storage grows by itself, in GiB; null lets it double."
  default     = null

  validation {
    condition     = var.max_storage_gib == null ? true : var.max_storage_gib >= var.storage_gib * 1.1
    error_message = "Storage grows to at least a tenth more than it begins with."
  }
}

variable "multi_az" {
  type        = bool
  description = "Whether a standby in another zone takes over by itself; Aurora has readers for that."
  default     = true
  nullable    = false
}

variable "reader_count" {
  type        = number
  description = "Readers of an Aurora cluster, one of which takes over when the writer fails."
  default     = 1
  nullable    = false

  validation {
    condition     = var.reader_count >= 0 && var.reader_count <= 15 && floor(var.reader_count) == var.reader_count
    error_message = "A cluster has 0 to 15 readers."
  }
}

variable "replicate_source_arn" {
  type        = string
  description = "ARN of the instance in another region that this one follows; null makes a database of its own."
  default     = null

  validation {
    condition     = var.replicate_source_arn == null || !var.aurora
    error_message = "Aurora is carried to another region by a global cluster: give global_cluster_id instead."
  }

  validation {
    condition     = var.replicate_source_arn == null || var.credentials == "generated"
    error_message = "RDS makes no replica of a database whose password it manages: both have generated credentials."
  }
}

variable "global_cluster" {
  type        = bool
  description = "Whether clusters of other regions may follow this Aurora cluster."
  default     = false
  nullable    = false

  validation {
    condition     = !var.global_cluster || (var.aurora && var.credentials == "generated" && var.global_cluster_id == null)
    error_message = "A global cluster is made for the first cluster of Aurora, and needs generated credentials, since RDS manages no password there."
  }
}

variable "global_cluster_id" {
  type        = string
  description = "Global cluster that this Aurora cluster follows from another region; null makes a database of its own."
  default     = null

  validation {
    condition     = var.global_cluster_id == null || (var.aurora && var.credentials == "generated")
    error_message = "A global cluster is one of Aurora, and needs generated credentials, since RDS manages no password there."
  }
}

variable "source_connection_secret_arn" {
  type        = string
  description = "ARN of the connection secret of the database that this one follows; its copy in this region gives the password. Null unless it follows one."
  default     = null

  validation {
    condition     = (var.source_connection_secret_arn != null) == (var.replicate_source_arn != null || var.global_cluster_id != null)
    error_message = "A database that follows another needs that one's connection secret, and only such a one does."
  }
}

variable "vpc_id" {
  type        = string
  description = "VPC of the database."
  nullable    = false
}

variable "subnet_ids" {
  type        = list(string)
  description = "Data subnets, one in each zone."
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A database needs subnets in at least two zones."
  }
}

variable "clients" {
  type        = map(string)
  description = "Who reaches the database: name => id of the security group."
  default     = {}
  nullable    = false
}

variable "port" {
  type        = number
  description = "Port of the database; null takes 5432 for PostgreSQL and 3306 for MySQL."
  default     = null

  validation {
    condition     = var.port == null ? true : var.port >= 1150 && var.port <= 65535
    error_message = "RDS listens on a port from 1150 to 65535."
  }
}

variable "database_name" {
  type        = string
  description = "Name of the database made in the server."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_name))
    error_message = "The database's name has at most 63 lower-case letters, digits and underscores, and begins with a letter."
  }
}

variable "username" {
  type        = string
  description = "Name of the master user."
  default     = "app"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,15}$", var.username)) && !contains(["admin", "rdsadmin", "rdsrepladmin"], var.username)
    error_message = "The user's name has at most 16 lower-case letters, digits and underscores, begins with a letter, and is not one that RDS keeps for itself."
  }
}

variable "credentials" {
  type        = string
  description = "Who makes the password: managed (RDS, which rotates it in a secret of its own) or generated (Terraform, into the connection secret, for workloads that need an address with the password)."
  default     = "managed"
  nullable    = false

  validation {
    condition     = contains(["managed", "generated"], var.credentials)
    error_message = "The credentials are managed or generated."
  }
}

variable "password_version" {
  type        = number
  description = "Raise it to generate a new password, which goes to the database and to the connection secret in the same run; a follower's is raised after its source's."
  default     = 1
  nullable    = false

  validation {
    condition     = var.password_version >= 1 && floor(var.password_version) == var.password_version
    error_message = "The version of the password is a whole number from 1."
  }
}

variable "connection_secret_name" {
  type        = string
  description = "Name of the secret that tells workloads how to connect, for example shop/prod/db."
  nullable    = false
}

variable "replica_region" {
  type        = string
  description = "Second region to which the connection secret is copied; null copies it nowhere."
  default     = null
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key in this region, which encrypts data, backups, insights, logs and secrets."
  nullable    = false
}

variable "backup_retention_days" {
  type        = number
  description = "How many days back the database can be restored to any moment."
  default     = 30
  nullable    = false

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "Backups are kept for 1 to 35 days."
  }
}

variable "backup_window" {
  type        = string
  description = "Hours in UTC in which the daily backup is made, for example 01:00-02:00; outside the maintenance window."
  default     = "01:00-02:00"
  nullable    = false

  validation {
    condition     = can(regex("^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$", var.backup_window))
    error_message = "The window is written as 01:00-02:00."
  }
}

variable "maintenance_window" {
  type        = string
  description = "Weekly hours in UTC for maintenance and minor upgrades, for example sun:03:00-sun:05:00."
  default     = "sun:03:00-sun:05:00"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{3}:[0-2][0-9]:[0-5][0-9]-[a-z]{3}:[0-2][0-9]:[0-5][0-9]$", var.maintenance_window))
    error_message = "The window is written as sun:03:00-sun:05:00."
  }
}

variable "slow_statement_seconds" {
  type        = number
  description = "From how many seconds on a statement is logged as slow."
  default     = 1
  nullable    = false

  validation {
    condition     = var.slow_statement_seconds >= 0.1 && var.slow_statement_seconds <= 600
    error_message = "A statement is slow from 0.1 to 600 seconds on."
  }
}

variable "log_retention_days" {
  type        = number
  description = "How many days the engine's logs are kept."
  default     = 30
  nullable    = false
}

variable "protect" {
  type        = bool
  description = "Whether the database is protected from deletion, and a last snapshot is made should it go."
  default     = true
  nullable    = false
}
