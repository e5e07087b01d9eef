data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

module "derived" {
  source = "./derived"

  configuration      = var.configuration
  environment        = var.environment
  account            = local.account
  region             = local.region
  schedule_per_table = var.schedule_per_table
  hours              = var.hours
  minutes_apart      = var.minutes_apart
  kms_key_arn        = var.kms_key_arn
}

locals {
  account = data.aws_caller_identity.current.account_id
  region  = data.aws_region.current.region
  name    = "planlake-${var.environment}"
  tags    = merge({ "planlake:environment" = var.environment }, var.tags)
  image   = "${aws_ecr_repository.planlake.repository_url}:${var.planlake_version}-${substr(module.derived.configuration_sha256, 0, 12)}"
}
