output "databases" {
  description = "The databases of Glue, by zone, and where each lies."
  value       = { for zone, name in local.databases : name => "${local.warehouses[zone]}/${name}" }

  precondition {
    condition     = try(local.environment.catalog.type, "sql") == "glue" && alltrue([for place in local.places : can(regex("^s3[an]?://[^/]", place))])
    error_message = "The environment ${var.environment} of planlake.yaml needs catalog: {type: glue} and a warehouse on S3."
  }
}

output "buckets" {
  description = "The buckets, and the folders of each that are Planlake's."
  value       = local.folders
}

output "secrets" {
  description = "The names of the secrets that planlake.yaml refers to; their values are nowhere in Terraform."
  value       = local.secrets
}

output "topic" {
  description = "The topic of SNS that runs tell of themselves; empty for none."
  value       = local.topic
}

output "ports" {
  description = "The ports that runs go out to."
  value       = local.ports
}

output "schedules" {
  description = "What runs when: the command, its hour in London, the tags of its cost, and after how many hours it is missed."
  value       = local.schedules

  precondition {
    condition     = length(local.schedules) > 0
    error_message = "No table is configured, so there is nothing to run: planlake add TABLE."
  }

  precondition {
    condition     = alltrue([for one in values(local.schedules) : can(regex("^cron\\(\\d+ (0|[2-9]|1\\d|2[0-3]) ", one.cron))])
    error_message = "Runs would begin after midnight, or from 01:00 to 01:59, which is not an hour of every night: choose other hours or minutes_apart."
  }
}

output "policies" {
  description = "The policies, by who they are for: run, housekeeping, read, and read-ZONE."
  value       = { for name, statements in local.statements : name => jsonencode({ Version = "2012-10-17", Statement = statements }) }
}

output "configuration_sha256" {
  description = "One hash of all files of the configuration, as deploy/configuration-hash prints it; the image is called by it."
  value       = sha256(join("", [for name in sort(fileset(var.configuration, "**")) : "${filesha256("${var.configuration}/${name}")}  ./${name}\n"]))
}
