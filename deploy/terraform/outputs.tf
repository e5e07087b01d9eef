output "image" {
  description = "The image that runs: push it under this name."
  value       = local.image
}

output "policies" {
  description = "The policies to give to people, by what they do."
  value       = { for name, policy in aws_iam_policy.lake : name => policy.arn }
}

output "schedules" {
  description = "What runs when."
  value       = module.derived.schedules
}

output "alarms" {
  description = "The topic that hears of failed and missing runs."
  value       = aws_sns_topic.alarms.arn
}
