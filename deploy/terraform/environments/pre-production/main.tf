# One environment of planlake.yaml. What both have in common is the module; what differs stands here.

terraform {
  required_version = ">= 1.9"

  backend "s3" {
    bucket       = "council-terraform"
    key          = "planlake/pre-production.tfstate"
    region       = "eu-west-2"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = "eu-west-2"
}

variable "vpc" {
  description = "The VPC that runs begin in."
  type        = string
}

variable "subnets" {
  description = "Its subnets."
  type        = list(string)
}

module "planlake" {
  source = "../.."

  configuration      = "${path.root}/../../../../configuration"
  environment        = "pre-production"
  planlake_version   = "0.1.0"
  vpc                = var.vpc
  subnets            = var.subnets
  schedule_per_table = false
  alarm_emails       = []
  manage_secrets     = false # production makes them; true in an account of its own
  tags               = { "cost-centre" = "planning" }
}

output "planlake" {
  description = "What was made."
  value       = module.planlake
}
