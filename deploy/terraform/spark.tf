# The engine spark as a job of Glue, for those who have one; docs/deploy/glue.md says what it does.

resource "aws_iam_role" "spark" {
  count = var.spark == null ? 0 : 1

  name               = "${local.name}-spark"
  description        = "What a run of Planlake on Glue may do"
  assume_role_policy = data.aws_iam_policy_document.assumed["glue"].json
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "spark" {
  count = length(aws_iam_role.spark)

  role       = aws_iam_role.spark[0].name
  policy_arn = aws_iam_policy.lake["run"].arn
}

data "aws_iam_policy_document" "spark" {
  count = length(aws_iam_role.spark)

  statement {
    sid       = "Program"
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::${trimprefix(var.spark.folder, "s3://")}/*"]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:aws:logs:${local.region}:${local.account}:log-group:/aws-glue/*"]
  }
}

resource "aws_iam_role_policy" "spark" {
  count = length(aws_iam_role.spark)

  name   = "spark"
  role   = aws_iam_role.spark[0].id
  policy = data.aws_iam_policy_document.spark[0].json
}

resource "aws_glue_job" "spark" {
  count = length(aws_iam_role.spark)

  name              = local.name
  description       = "Planlake with the engine spark"
  role_arn          = aws_iam_role.spark[0].arn
  glue_version      = "5.1"
  worker_type       = var.spark.worker
  number_of_workers = var.spark.workers
  timeout           = 240
  max_retries       = 0
  tags              = local.tags

  command {
    name            = "glueetl"
    python_version  = "3"
    script_location = "${var.spark.folder}/job.py"
  }

  execution_property {
    max_concurrent_runs = 1
  }

  default_arguments = {
    "--additional-python-modules" = "${var.spark.folder}/${var.spark.wheel},boto3,pandas"
    "--extra-files"               = "${var.spark.folder}/planlake.yaml"
    "--config"                    = "planlake.yaml"
    "--env"                       = var.environment
  }
}
