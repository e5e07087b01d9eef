# Who may do what with the lake: policies for people and for the run, derived from policy.json, zone by zone.

resource "aws_iam_policy" "lake" {
  for_each = module.derived.policies

  name        = "${local.name}-${each.key}"
  description = "Planlake, ${var.environment}: ${each.key}"
  policy      = each.value
  tags        = local.tags
}

data "aws_iam_policy_document" "assumed" {
  for_each = toset(["ecs-tasks", "scheduler", "glue"])

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }

    dynamic "condition" {
      for_each = each.key == "glue" ? [] : [local.account] # Glue does not say for whom

      content {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [condition.value]
      }
    }
  }
}

resource "aws_iam_role" "run" {
  name               = "${local.name}-run"
  description        = "What a run of Planlake may do with the lake"
  assume_role_policy = data.aws_iam_policy_document.assumed["ecs-tasks"].json
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "run" {
  role       = aws_iam_role.run.name
  policy_arn = aws_iam_policy.lake["run"].arn
}

# Fargate fetches the image and writes the log with a role of its own.
resource "aws_iam_role" "start" {
  name               = "${local.name}-start"
  description        = "Fetches the image of Planlake and writes its log"
  assume_role_policy = data.aws_iam_policy_document.assumed["ecs-tasks"].json
  tags               = local.tags
}

data "aws_iam_policy_document" "start" {
  statement {
    sid       = "SignIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # it has no other
  }

  statement {
    sid       = "Image"
    actions   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [aws_ecr_repository.planlake.arn]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.runs.arn}:*"]
  }
}

resource "aws_iam_role_policy" "start" {
  name   = "start"
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.start.json
}

resource "aws_iam_role" "schedule" {
  name               = "${local.name}-schedule"
  description        = "Begins runs of Planlake"
  assume_role_policy = data.aws_iam_policy_document.assumed["scheduler"].json
  tags               = local.tags
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "Begin"
    actions   = ["ecs:RunTask"]
    resources = ["${aws_ecs_task_definition.run.arn_without_revision}:*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.planlake.arn]
    }
  }

  statement {
    sid       = "Tag"
    actions   = ["ecs:TagResource"]
    resources = ["arn:aws:ecs:${local.region}:${local.account}:task/${aws_ecs_cluster.planlake.name}/*"]

    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RunTask"]
    }
  }

  statement {
    sid       = "Roles"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.run.arn, aws_iam_role.start.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      sid       = "Key" # what a schedule begins is encrypted with it
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "schedule" {
  name   = "schedule"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule.json
}
