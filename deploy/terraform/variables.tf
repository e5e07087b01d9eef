variable "configuration" {
  description = "The folder of planlake.yaml: tables, cadences, places and names of secrets are read from it."
  type        = string
}

variable "environment" {
  description = "Which environment of planlake.yaml this is."
  type        = string
}

variable "planlake_version" {
  description = "The version of Planlake in the image."
  type        = string
}

variable "subnets" {
  description = "The subnets that runs begin in; they need a way to the API and to AWS (a NAT gateway, or endpoints and a proxy)."
  type        = list(string)
}

variable "vpc" {
  description = "The VPC of these subnets."
  type        = string
}

variable "schedule_per_table" {
  description = "One run for each table, with its cost and its alarm, instead of one for each cadence."
  type        = bool
  default     = false
}

variable "hours" {
  description = "The hours in London at which runs begin, by cadence."
  type        = object({ daily = optional(number, 3), weekly = optional(number, 5) })
  default     = {}
}

variable "minutes_apart" {
  description = "Between the begins of two tables' runs, where each has its own."
  type        = number
  default     = 5
}

variable "cpu" {
  description = "Units of CPU of a run, 1024 to a core."
  type        = number
  default     = 1024
}

variable "memory" {
  description = "Megabytes of memory of a run."
  type        = number
  default     = 4096
}

variable "manage_buckets" {
  description = "Whether the buckets are made here; false where they are there already or belong to another environment's deployment."
  type        = bool
  default     = true
}

variable "manage_secrets" {
  description = "Whether the secrets are made here, by name and without a value; false where they are there already."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "A key of your own for buckets, secrets, logs, images and alarms; its policy has to let those services of AWS use it."
  type        = string
  default     = null
}

variable "keep_old_versions_days" {
  description = "For how long S3 keeps what was deleted or replaced. What planlake forget erases is gone after that."
  type        = number
  default     = 30
}

variable "keep_logs_days" {
  description = "For how long logs are kept."
  type        = number
  default     = 400
}

variable "alarm_emails" {
  description = "Who is told of failed and missing runs; each confirms a message first."
  type        = set(string)
  default     = []
}

variable "spark" {
  description = "The Glue job of the engine spark: where its script, its wheel and planlake.yaml lie on S3, all in one folder."
  type = object({
    folder  = string # s3://BUCKET/FOLDER
    wheel   = string # planlake-0.1.0-py3-none-any.whl
    worker  = optional(string, "G.1X")
    workers = optional(number, 4)
  })
  default = null
}

variable "tags" {
  description = "Tags of everything, beside those of the environment, cadence and table."
  type        = map(string)
  default     = {}
}
