# Databases, buckets, secrets. What holds data is not destroyed by a plan.

resource "aws_glue_catalog_database" "zone" {
  for_each = module.derived.databases

  name         = each.key
  location_uri = each.value
  tags         = local.tags

  lifecycle {
    prevent_destroy = true
    ignore_changes  = [parameters] # planlake recover notes there which files it left out
  }
}

resource "aws_s3_bucket" "lake" {
  for_each = var.manage_buckets ? module.derived.buckets : {}

  bucket = each.key
  tags   = local.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "lake" {
  for_each = aws_s3_bucket.lake

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  for_each = aws_s3_bucket.lake

  bucket = each.value.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "lake" {
  for_each = aws_s3_bucket.lake

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

# Planlake deletes what no table refers to; here go only uploads that never ended, and versions of what was deleted.
resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  for_each = aws_s3_bucket.lake

  bucket     = each.value.id
  depends_on = [aws_s3_bucket_versioning.lake]

  dynamic "rule" {
    for_each = toset(module.derived.buckets[each.key])

    content {
      id     = "planlake ${rule.value}"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      abort_incomplete_multipart_upload {
        days_after_initiation = 7
      }

      noncurrent_version_expiration {
        noncurrent_days = var.keep_old_versions_days
      }

      expiration {
        expired_object_delete_marker = true
      }
    }
  }
}

resource "aws_s3_bucket_policy" "encrypted_on_the_way" {
  for_each = aws_s3_bucket.lake

  bucket     = each.value.id
  depends_on = [aws_s3_bucket_public_access_block.lake]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyByTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [each.value.arn, "${each.value.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_secretsmanager_secret" "key" {
  for_each = var.manage_secrets ? module.derived.secrets : []

  name        = each.key
  description = "Named in planlake.yaml; its value is put here by hand and is nowhere in Terraform."
  kms_key_id  = var.kms_key_arn
  tags        = local.tags
}
