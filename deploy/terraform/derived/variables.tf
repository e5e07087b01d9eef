variable "configuration" {
  description = "The folder of planlake.yaml, from which all else is derived."
  type        = string
}

variable "environment" {
  description = "The environment of planlake.yaml that is deployed; its catalog is glue, its warehouse lies on S3."
  type        = string
}

variable "account" {
  description = "The number of the AWS account."
  type        = string
}

variable "region" {
  description = "The AWS region, such as eu-west-2."
  type        = string
}

variable "schedule_per_table" {
  description = "One run for each table, with its cost and its alarm, instead of one for each cadence."
  type        = bool
  default     = false
}

variable "hours" {
  description = "The hours in London, by cadence, at which runs begin. Not 1: it comes twice in October, and not at all on one night of March."
  type        = object({ daily = optional(number, 3), weekly = optional(number, 5) })
  default     = {}

  validation {
    condition     = alltrue([for hour in values(var.hours) : hour >= 0 && hour <= 23 && hour != 1 && floor(hour) == hour])
    error_message = "An hour is a whole number from 0 to 23, and not 1."
  }
}

variable "minutes_apart" {
  description = "Between the begins of two tables' runs, where each has its own; one at a time writes the lake."
  type        = number
  default     = 5
}

variable "kms_key_arn" {
  description = "A key of your own for the buckets and secrets; none for those of AWS."
  type        = string
  default     = null
}
