# What planlake.yaml says, as values: no provider and no account is needed to work them out.

terraform {
  required_version = ">= 1.9"
}

locals {
  file   = yamldecode(file("${var.configuration}/planlake.yaml"))
  source = trimsuffix(basename(try(local.file.source, "tascomi")), ".toml")

  environment = local.file.environments[var.environment]
  prefix      = try(local.environment.database_prefix, "")
  base        = "${local.prefix}${local.source}"
}

# ---------------------------------------------------------------- databases, places, secrets
locals {
  zones     = { raw = "raw-zone", refined = "refined-zone", trusted = "trusted-zone", operations = "operations" }
  databases = { for zone, ending in local.zones : zone => "${local.base}-${ending}" }

  # One place for all zones, or one for each; a zone that is not named lies where the refined one does.
  warehouses = {
    for zone in keys(local.zones) :
    zone => trimsuffix(try(local.environment.warehouse[zone], local.environment.warehouse.refined, local.environment.warehouse), "/")
  }
  lease   = try(trimsuffix(local.environment.lease, "/"), "")
  places  = distinct(compact(concat(values(local.warehouses), [local.lease])))
  inside  = { for place in local.places : place => replace(place, "/^s3[an]?:\\/\\//", "") } # BUCKET/FOLDER
  buckets = distinct([for path in values(local.inside) : split("/", path)[0]])
  folders = {
    for bucket in local.buckets :
    bucket => [for path in values(local.inside) : join("/", slice(split("/", "${path}/"), 1, length(split("/", "${path}/")))) if split("/", path)[0] == bucket]
  }

  said = concat(
    [for key in ["public_key", "private_key", "token"] : try(local.file.api[key], "")],
    [for key in ["slack", "teams", "webhook"] : try(local.file.notify[key], "")],
    [try(local.file.notify.email.password, ""), try(local.file.lineage.key, "")],
  )
  secrets = toset([for one in local.said : split("#", trimprefix(one, "aws-secret:"))[0] if startswith(coalesce(one, "-"), "aws-secret:")])
  topic   = try(coalesce(local.file.notify.sns), "")

  # AWS and webhooks by TLS, and what the file says of another port: the API's address, the server of mail.
  ports = toset(concat(["443"], [for one in [try(local.file.api.base_url, ""), try(local.file.notify.email.server, "")] : regex(":(\\d+)(?:/|$)", one)[0] if can(regex(":(\\d+)(?:/|$)", one))]))
}

# ---------------------------------------------------------------- when what runs
locals {
  tables = { for cadence in ["daily", "weekly"] : cadence => try([for table in local.file.tables[cadence] : table], []) }
  each = merge([
    for cadence, tables in local.tables :
    { for position, table in tables : table => { cadence = cadence, tables = [table], minutes = position * var.minutes_apart } }
  ]...)
  together = { for cadence, tables in local.tables : cadence => { cadence = cadence, tables = tables, minutes = 0 } if length(tables) > 0 }
  days     = { daily = "* * ?", weekly = "? * SUN,MON" } # on Monday what Sunday did not read; else nothing is due
  patience = { daily = 24 + 3, weekly = 6 * 24 + 3 }     # hours; a night in October has 25
  schedules = {
    for name, one in(var.schedule_per_table ? local.each : local.together) : name => {
      cadence = one.cadence
      tables  = one.tables
      command = concat(["run"], var.schedule_per_table ? one.tables : [], ["--cadence", one.cadence])
      cron = format(
        "cron(%d %d %s *)", one.minutes % 60, var.hours[one.cadence] + floor(one.minutes / 60), local.days[one.cadence],
      )
      missing_after_hours = local.patience[one.cadence]
      tags                = merge({ "planlake:cadence" = one.cadence }, var.schedule_per_table ? { "planlake:table" = name } : {})
    }
  }
}

# ---------------------------------------------------------------- who may do what
locals {
  template = jsondecode(replace(replace(file("${path.module}/policy.json"), "REGION", var.region), "ACCOUNT", var.account)).Statement
  telling = local.topic == "" ? [] : [
    { Sid = "RunTelling", Effect = "Allow", Action = ["sns:Publish"], Resource = [local.topic] }
  ]
  encryption = var.kms_key_arn == null ? [] : [
    { Sid = "ReadEncrypted", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [var.kms_key_arn] },
    { Sid = "RunEncrypted", Effect = "Allow", Action = ["kms:GenerateDataKey"], Resource = [var.kms_key_arn] },
  ]

  # For whom: which statements, which databases (previews included) and which files.
  whole = { names = ["${local.base}-*", "preview-*--${local.base}-*"], files = [for path in values(local.inside) : "${path}/*"] }
  grants = merge(
    {
      run          = merge({ groups = ["Read", "Run"] }, local.whole)
      housekeeping = merge({ groups = ["Read", "Run", "Housekeeping"] }, local.whole)
      read         = merge({ groups = ["Read"] }, local.whole)
    },
    {
      for zone, database in local.databases : "read-${zone}" => {
        groups = ["Read"]
        names  = [database]
        files  = ["${local.inside[local.warehouses[zone]]}/${database}/*"]
      }
    },
  )
  statements = {
    for name, grant in local.grants : name => [
      for one in concat(local.template, local.telling, local.encryption) : {
        Sid    = one.Sid
        Effect = one.Effect
        Action = one.Action
        Resource = distinct(flatten([
          for resource in one.Resource :
          strcontains(resource, "BUCKET/FOLDER/*") ? [for files in grant.files : replace(resource, "BUCKET/FOLDER/*", files)] :
          strcontains(resource, "BUCKET") ? [for bucket in local.buckets : replace(resource, "BUCKET", bucket)] :
          strcontains(resource, "*SOURCE-*") ? [for pattern in grant.names : replace(resource, "*SOURCE-*", pattern)] :
          strcontains(resource, ":SECRET-*") ? [for secret in local.secrets : replace(resource, "SECRET-*", "${secret}-??????")] :
          [resource]
        ]))
      } if anytrue([for group in grant.groups : startswith(one.Sid, group)]) && (one.Sid != "RunKeys" || length(local.secrets) > 0)
    ]
  }
}
