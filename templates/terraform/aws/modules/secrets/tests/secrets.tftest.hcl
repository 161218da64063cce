mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }

  mock_resource "aws_kms_key" {
    defaults = {
      arn    = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
      key_id = "00000000-0000-0000-0000-000000000000"
    }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/stripe-key-AbCdEf" }
  }
}

variables {
  name = "shop-prod"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "The key is renewed, and can be saved for 30 days after its deletion."
  }

  assert {
    condition     = length(terraform_data.keep) == 1
    error_message = "The key is protected from deletion."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.this.policy).Statement : contains(keys(statement), "Condition") || statement.Sid == "Events" || try(statement.Principal.AWS == "arn:aws:iam::111111111111:root", false)
    ])
    error_message = "Services use the key for this account only."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.this.policy).Statement : try(statement.Principal != "*", true)
    ])
    error_message = "The key is not for everybody."
  }

  assert {
    condition     = length(aws_secretsmanager_secret.this) == 0
    error_message = "Nothing is declared, so there is no secret."
  }
}

run "one_secret" {
  command = plan

  variables {
    prefix         = "shop/prod"
    secrets        = { stripe-key = { description = "Key of the payment provider", rotate_days = 90 } }
    replica_region = "eu-central-1"
  }

  assert {
    condition     = aws_secretsmanager_secret.this["stripe-key"].name == "shop/prod/stripe-key" && aws_secretsmanager_secret.this["stripe-key"].kms_key_id == aws_kms_key.this.arn
    error_message = "The secret has the name workloads know, and is encrypted with the key."
  }

  assert {
    condition     = one(aws_secretsmanager_secret.this["stripe-key"].replica).region == "eu-central-1" && aws_secretsmanager_secret.this["stripe-key"].tags["rotate-after-days"] == "90"
    error_message = "The secret is copied, and says when its value is to be changed."
  }
}

# A first and a last secret leave the one between them at its address.
run "more_secrets" {
  command = plan

  variables {
    prefix = "shop/prod"
    secrets = {
      a-token    = { description = "First" }
      stripe-key = { description = "Key of the payment provider" }
      z-token    = { description = "Last" }
    }
  }

  assert {
    condition     = aws_secretsmanager_secret.this["stripe-key"].name == "shop/prod/stripe-key" && length(aws_secretsmanager_secret.this) == 3
    error_message = "A neighbour does not move a secret."
  }
}

run "unprotected" {
  command = plan

  variables {
    prefix  = "shop/dev"
    secrets = { token = { description = "A token" } }
    protect = false
  }

  assert {
    condition     = length(terraform_data.keep) == 0 && aws_secretsmanager_secret.this["token"].recovery_window_in_days == 0
    error_message = "A development environment can be taken down and made again."
  }
}

run "refuses_a_wrong_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Shop"
  }
}

run "refuses_a_wrong_prefix" {
  command         = plan
  expect_failures = [var.prefix]

  variables {
    prefix = "/Shop"
  }
}

run "refuses_secrets_without_a_prefix" {
  command         = plan
  expect_failures = [var.secrets]

  variables {
    secrets = { token = { description = "A token" } }
  }
}

run "refuses_a_wrong_rotation" {
  command         = plan
  expect_failures = [var.secrets]

  variables {
    prefix  = "shop/prod"
    secrets = { token = { description = "A token", rotate_days = 0 } }
  }
}

run "refuses_a_wrong_renewal" {
  command         = plan
  expect_failures = [var.rotation_days]

  variables {
    rotation_days = 30
  }
}
