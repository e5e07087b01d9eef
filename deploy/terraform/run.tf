# The image, the task, and when it begins.

resource "aws_ecr_repository" "planlake" {
  name                 = local.name
  image_tag_mutability = "IMMUTABLE"
  tags                 = local.tags

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = var.kms_key_arn == null ? "AES256" : "KMS"
    kms_key         = var.kms_key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "planlake" {
  repository = aws_ecr_repository.planlake.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "the last 30 images, to go back to"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 30 }
      action       = { type = "expire" }
    }]
  })
}

resource "aws_ecs_cluster" "planlake" {
  name = local.name
  tags = local.tags

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "run" {
  family                   = local.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  task_role_arn            = aws_iam_role.run.arn
  execution_role_arn       = aws_iam_role.start.arn
  tags                     = local.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  volume {
    name = "work" # of the task's own disk, 20 GB; gone with it
  }

  container_definitions = jsonencode([{
    name                   = "planlake"
    image                  = local.image
    essential              = true
    command                = ["run"]
    user                   = "10001:10001"
    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    mountPoints            = [{ sourceVolume = "work", containerPath = "/work", readOnly = false }]
    stopTimeout            = 120
    environment = [
      { name = "PLANLAKE_ENV", value = var.environment },
      { name = "PLANLAKE_LEASE_WAIT_SECONDS", value = "7200" }, # another table's run may be under way
    ]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.runs.name
        "awslogs-region"        = local.region
        "awslogs-stream-prefix" = "run"
      }
    }
  }])
}

resource "aws_security_group" "run" {
  name        = local.name
  description = "Runs of Planlake ask the API and AWS; nobody asks them"
  vpc_id      = var.vpc
  tags        = local.tags
}

resource "aws_vpc_security_group_egress_rule" "out" {
  for_each = module.derived.ports

  security_group_id = aws_security_group.run.id
  description       = "The API, AWS and whoever is told"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.value)
  to_port           = tonumber(each.value)
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_scheduler_schedule_group" "planlake" {
  name = local.name
  tags = local.tags
}

resource "aws_scheduler_schedule" "run" {
  for_each = module.derived.schedules

  name                         = each.key
  description                  = "Planlake, ${var.environment}: ${join(" ", each.value.command)}"
  group_name                   = aws_scheduler_schedule_group.planlake.name
  schedule_expression          = each.value.cron
  schedule_expression_timezone = "Europe/London"
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_ecs_cluster.planlake.arn
    role_arn = aws_iam_role.schedule.arn
    input    = jsonencode({ containerOverrides = [{ name = "planlake", command = each.value.command }] })

    ecs_parameters {
      task_definition_arn     = aws_ecs_task_definition.run.arn
      launch_type             = "FARGATE"
      group                   = "${local.name}:${each.key}"
      enable_ecs_managed_tags = true
      tags                    = merge(local.tags, each.value.tags) # who looks at the bill finds each table by them

      network_configuration {
        subnets          = var.subnets
        security_groups  = [aws_security_group.run.id]
        assign_public_ip = false
      }
    }

    retry_policy {
      maximum_retry_attempts       = 3
      maximum_event_age_in_seconds = 3600
    }
  }
}
