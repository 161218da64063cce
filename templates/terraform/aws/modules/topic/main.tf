# A topic, its subscriptions, and the queue in which messages end that no subscriber took.

data "aws_caller_identity" "current" {}

locals {
  suffix = var.fifo ? ".fifo" : ""
}

resource "aws_sns_topic" "this" {
  name                        = "${var.name}${local.suffix}"
  fifo_topic                  = var.fifo
  content_based_deduplication = var.fifo ? true : null
  kms_master_key_id           = var.kms_key_arn
  signature_version           = 2
  tracing_config              = var.fifo ? null : "Active"
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "ThisAccountPublishesAndSubscribes"
    effect    = "Allow"
    actions   = ["sns:GetTopicAttributes", "sns:Publish", "sns:Subscribe"]
    resources = [aws_sns_topic.this.arn]

    principals {
      type        = "AWS"
      identifiers = [data.aws_caller_identity.current.account_id]
    }
  }

  statement {
    sid       = "RefusePlainText"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sns_topic_policy" "this" {
  arn    = aws_sns_topic.this.arn
  policy = data.aws_iam_policy_document.topic.json
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters${local.suffix}"
  fifo_queue                = var.fifo
  message_retention_seconds = 1209600
  kms_master_key_id         = var.kms_key_arn

  kms_data_key_reuse_period_seconds = 3600
}

data "aws_iam_policy_document" "dead_letters" {
  statement {
    sid       = "TopicSetsMessagesAside"
    effect    = "Allow"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letters.arn]

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_sns_topic.this.arn]
    }
  }

  statement {
    sid       = "RefusePlainText"
    effect    = "Deny"
    actions   = ["sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letters.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  policy    = data.aws_iam_policy_document.dead_letters.json
}

resource "aws_sns_topic_subscription" "this" {
  for_each = var.subscriptions

  topic_arn             = aws_sns_topic.this.arn
  protocol              = each.value.protocol
  endpoint              = each.value.endpoint
  subscription_role_arn = each.value.role_arn
  raw_message_delivery  = each.value.raw && each.value.protocol != "lambda"
  filter_policy         = each.value.filter_policy

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
  })
}
