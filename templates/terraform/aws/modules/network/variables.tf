variable "name" {
  type        = string
  description = "Name prefix of the environment, for example shop-prod."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,48}[a-z0-9]$", var.name))
    error_message = "The name has 2 to 50 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "cidr" {
  type        = string
  description = "Addresses of the network, for example 10.0.0.0/16."
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 23, false)
    error_message = "The network is an IPv4 block from /16 to /23."
  }
}

variable "subnets" {
  type = map(object({
    public  = string
    private = string
    data    = string
  }))
  description = "Addresses of the three subnets of each zone, by the zone's name."
  nullable    = false

  validation {
    condition     = length(var.subnets) >= 2
    error_message = "The network spans at least two zones, or the loss of one is the loss of all."
  }

  validation {
    condition     = alltrue([for block in flatten([for zone in values(var.subnets) : values(zone)]) : can(cidrhost(block, 0))])
    error_message = "Each subnet is a block of addresses."
  }

  # The first address of the network that a subnet would belong to, were it of the network's size.
  validation {
    condition     = alltrue([for block in flatten([for zone in values(var.subnets) : values(zone)]) : try(cidrhost("${split("/", block)[0]}/${split("/", var.cidr)[1]}", 0) == cidrhost(var.cidr, 0), false)])
    error_message = "Each subnet lies within the network."
  }

  validation {
    condition     = length(distinct(flatten([for zone in values(var.subnets) : values(zone)]))) == 3 * length(var.subnets)
    error_message = "No two subnets have the same addresses."
  }
}

variable "single_nat_gateway" {
  type        = bool
  description = "Whether all zones leave through one gateway: cheaper, and cut off when its zone is lost."
  default     = false
  nullable    = false
}

variable "interface_endpoints" {
  type        = set(string)
  description = "Services of AWS that are reached without leaving the network, by their short names."
  default     = ["ecr.api", "ecr.dkr", "kms", "logs", "secretsmanager", "sts"]
  nullable    = false

  validation {
    condition     = alltrue([for service in var.interface_endpoints : can(regex("^[a-z0-9][a-z0-9.-]*[a-z0-9]$", service)) && !startswith(service, "com.") && !contains(["dynamodb", "s3"], service)])
    error_message = "A service is named by what follows the region, such as sqs; S3 and DynamoDB have gateways of their own."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "ARN of the environment's key, which encrypts the flow logs."
  nullable    = false
}

variable "audit_retention_days" {
  type        = number
  description = "How many days flow logs are kept."
  default     = 400
  nullable    = false

  validation {
    condition     = var.audit_retention_days >= 365
    error_message = "Flow logs are kept for a year or longer."
  }
}
