# Logs, and who is told of a run that failed or never was. ECS says how each run ended; no log is searched for words.

resource "aws_cloudwatch_log_group" "runs" {
  name              = "/planlake/${var.environment}/runs"
  retention_in_days = var.keep_logs_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

resource "aws_cloudwatch_log_group" "ends" {
  name              = "/aws/events/${local.name}"
  retention_in_days = var.keep_logs_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

data "aws_iam_policy_document" "ends" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.ends.arn}:*"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com", "delivery.logs.amazonaws.com"]
    }
  }
}

resource "aws_cloudwatch_log_resource_policy" "ends" {
  policy_name     = local.name
  policy_document = data.aws_iam_policy_document.ends.json
}

resource "aws_sns_topic" "alarms" {
  name              = "${local.name}-alarms"
  kms_master_key_id = var.kms_key_arn
  tags              = local.tags
}

# EventBridge gives no context that a condition could look at, so its statement has none.
data "aws_iam_policy_document" "alarms" {
  statement {
    sid       = "Events"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }

  statement {
    sid       = "Alarms"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = data.aws_iam_policy_document.alarms.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.alarm_emails

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

# Failed: it ended with anything but 0, or could not begin.
resource "aws_cloudwatch_event_rule" "failed" {
  name        = "${local.name}-failed"
  description = "A run of Planlake failed, or could not begin"
  tags        = local.tags

  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = {
      clusterArn = [aws_ecs_cluster.planlake.arn]
      lastStatus = ["STOPPED"]
      "$or" = [
        { containers = { exitCode = [{ anything-but = [0] }] } },
        { stopCode = ["TaskFailedToStart"] },
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "failed" {
  rule = aws_cloudwatch_event_rule.failed.name
  arn  = aws_sns_topic.alarms.arn

  input_transformer {
    input_paths = {
      group  = "$.detail.group"
      status = "$.detail.containers[0].exitCode"
      reason = "$.detail.stoppedReason"
      task   = "$.detail.taskArn"
    }
    input_template = "\"<group> did not end well. Exit status: <status>. <reason>. Its log: ${aws_cloudwatch_log_group.runs.name}, task <task>\""
  }
}

# Missing: no run of this schedule ended at all, well or with tables that need a look, since the one before it.
resource "aws_cloudwatch_event_rule" "ran" {
  for_each = module.derived.schedules

  name        = "${local.name}-ran-${substr(sha256(each.key), 0, 8)}"
  description = "A run of Planlake came to its end: ${each.key}"
  tags        = merge(local.tags, each.value.tags)

  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = {
      clusterArn = [aws_ecs_cluster.planlake.arn]
      lastStatus = ["STOPPED"]
      group      = ["${local.name}:${each.key}"]
      containers = { exitCode = [0, 1] }
    }
  })
}

resource "aws_cloudwatch_event_target" "ran" {
  for_each = aws_cloudwatch_event_rule.ran

  rule = each.value.name
  arn  = aws_cloudwatch_log_group.ends.arn
}

resource "aws_cloudwatch_metric_alarm" "missing" {
  for_each = module.derived.schedules

  alarm_name          = "${local.name}-missing-${each.key}"
  alarm_description   = substr("No run of ${each.key} ended in ${each.value.missing_after_hours} hours. Tables: ${join(", ", each.value.tables)}", 0, 1024)
  namespace           = "AWS/Events"
  metric_name         = "Invocations"
  dimensions          = { RuleName = aws_cloudwatch_event_rule.ran[each.key].name }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = each.value.missing_after_hours
  datapoints_to_alarm = each.value.missing_after_hours
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = merge(local.tags, each.value.tags)
}
