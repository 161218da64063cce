variable "zone_name" {
  type        = string
  description = "Domain of the hosted zone, for example example.com."
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$", var.zone_name))
    error_message = "The zone is a domain in lower case, without a dot at the end."
  }
}

variable "create_zone" {
  type        = bool
  description = "Whether the zone is made here; by default it exists and is looked up."
  default     = false
  nullable    = false
}

variable "hosts" {
  type        = set(string)
  description = "Names the certificate is for; a first label of * stands for all names of one level."
  nullable    = false

  validation {
    condition     = length(var.hosts) >= 1 && length(var.hosts) <= 10
    error_message = "A certificate is for one to ten names; AWS allows more on request."
  }

  validation {
    condition     = alltrue([for host in var.hosts : host == var.zone_name || endswith(host, ".${var.zone_name}")])
    error_message = "Each host lies in the zone, or its record could not be written."
  }

  validation {
    condition     = alltrue([for host in var.hosts : can(regex("^([*][.])?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z][a-z0-9-]{0,61}[a-z0-9]$", host))])
    error_message = "A host is a domain in lower case, without a dot at the end; its first label may be *."
  }
}

variable "protect" {
  type        = bool
  description = "Whether a zone that is made here is protected from deletion."
  default     = true
  nullable    = false
}
