provider "aws" {
  region              = var.region
  allowed_account_ids = var.account == "" ? null : [var.account]

  default_tags {
    tags = {
      app         = var.app
      environment = var.environment
      owner       = var.owner
      managed-by  = "groundplan"
    }
  }
}
