# Terraform's mocks know no ephemeral resources, so the provider is the real one, without credentials of any worth; a plan calls nothing.
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "111111111111" }
}

override_resource {
  target          = aws_db_instance.this
  override_during = plan
  values = {
    arn     = "arn:aws:rds:eu-west-1:111111111111:db:shop-prod-db"
    address = "shop-prod-db.abcdefghijkl.eu-west-1.rds.amazonaws.com"
    master_user_secret = [{
      kms_key_id    = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
      secret_arn    = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:rds!db-00000000-AbCdEf"
      secret_status = "active"
    }]
  }
}

override_resource {
  target          = aws_rds_cluster.this
  override_during = plan
  values = {
    arn             = "arn:aws:rds:eu-west-1:111111111111:cluster:shop-prod-db"
    endpoint        = "shop-prod-db.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com"
    reader_endpoint = "shop-prod-db.cluster-ro-abcdefghijkl.eu-west-1.rds.amazonaws.com"
    master_user_secret = [{
      kms_key_id    = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
      secret_arn    = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:rds!cluster-00000000-AbCdEf"
      secret_status = "active"
    }]
  }
}

override_resource {
  target          = aws_iam_role.monitoring
  override_during = plan
  values          = { arn = "arn:aws:iam::111111111111:role/shop-prod-db-monitoring" }
}

override_resource {
  target          = aws_security_group.this
  override_during = plan
  values          = { id = "sg-0dddddddddddddddd" }
}

override_resource {
  target          = aws_secretsmanager_secret.connection
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/db-AbCdEf" }
}

override_resource {
  target          = aws_secretsmanager_secret_version.connection
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/db-AbCdEf" }
}

variables {
  name                   = "shop-prod-db"
  engine                 = "postgres"
  engine_version         = "17"
  instance_class         = "db.m7g.large"
  vpc_id                 = "vpc-0aaaaaaaaaaaaaaaa"
  subnet_ids             = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb", "subnet-0cccccccccccccccc"]
  database_name          = "shop"
  connection_secret_name = "shop/prod/db"
  kms_key_arn            = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_db_instance.this[0].storage_encrypted && aws_db_instance.this[0].kms_key_id == var.kms_key_arn && aws_db_instance.this[0].performance_insights_kms_key_id == var.kms_key_arn
    error_message = "Data and insights are encrypted with the environment's key."
  }

  assert {
    condition     = !aws_db_instance.this[0].publicly_accessible && length(aws_vpc_security_group_ingress_rule.client) == 0
    error_message = "Nobody reaches the database who is not declared, and never from the internet."
  }

  assert {
    condition     = anytrue([for parameter in aws_db_parameter_group.this[0].parameter : parameter.name == "rds.force_ssl" && parameter.value == "1"]) && aws_db_parameter_group.this[0].family == "postgres17"
    error_message = "Plain connections are refused."
  }

  assert {
    condition     = aws_db_instance.this[0].backup_retention_period == 30 && !aws_db_instance.this[0].delete_automated_backups && aws_db_instance.this[0].copy_tags_to_snapshot
    error_message = "The database can be restored to any moment of 30 days, even after its deletion."
  }

  assert {
    condition     = aws_db_instance.this[0].deletion_protection && !aws_db_instance.this[0].skip_final_snapshot && length(terraform_data.keep) == 1
    error_message = "The database is protected from deletion, and leaves a last snapshot."
  }

  assert {
    condition     = aws_db_instance.this[0].multi_az && aws_db_instance.this[0].storage_type == "gp3" && aws_db_instance.this[0].max_allocated_storage == 40
    error_message = "A standby takes over, and storage grows."
  }

  assert {
    condition     = aws_db_instance.this[0].manage_master_user_password && aws_db_instance.this[0].master_user_secret_kms_key_id == var.kms_key_arn && aws_db_instance.this[0].iam_database_authentication_enabled
    error_message = "RDS keeps the password, and IAM may replace it."
  }

  assert {
    condition     = toset(keys(jsondecode(aws_secretsmanager_secret_version.connection.secret_string))) == toset(["host", "name", "port", "reader_host"])
    error_message = "The connection secret holds no password when RDS keeps it."
  }

  assert {
    condition     = aws_db_instance.this[0].monitoring_interval == 60 && alltrue([for group in aws_cloudwatch_log_group.this : group.kms_key_id == var.kms_key_arn]) && contains(aws_db_instance.this[0].enabled_cloudwatch_logs_exports, "postgresql")
    error_message = "The database is watched, and its logs are encrypted."
  }

  assert {
    condition     = output.master_secret_arn == "arn:aws:secretsmanager:eu-west-1:111111111111:secret:rds!db-00000000-AbCdEf"
    error_message = "Workloads are told where the managed password is."
  }

  assert {
    condition     = length(aws_rds_cluster.this) == 0 && length(aws_rds_cluster_instance.this) == 0
    error_message = "Aurora is made only on request."
  }
}

run "mysql" {
  command = plan

  variables {
    engine         = "mysql"
    engine_version = "8.4"
    instance_class = "db.t4g.small"
  }

  assert {
    condition     = anytrue([for parameter in aws_db_parameter_group.this[0].parameter : parameter.name == "require_secure_transport" && parameter.value == "1"]) && aws_db_parameter_group.this[0].family == "mysql8.4"
    error_message = "Plain connections are refused."
  }

  assert {
    condition     = output.port == 3306 && !aws_db_instance.this[0].performance_insights_enabled
    error_message = "MySQL has its own port, and its smallest classes no insights."
  }
}

run "generated" {
  command = plan

  variables {
    credentials      = "generated"
    password_version = 3
    replica_region   = "eu-central-1"
  }

  assert {
    condition     = aws_db_instance.this[0].password_wo_version == 3 && aws_secretsmanager_secret_version.connection.secret_string_wo_version == 3
    error_message = "Database and secret take the password of the same run."
  }

  assert {
    condition     = aws_db_instance.this[0].password == null && aws_db_instance.this[0].manage_master_user_password == null
    error_message = "No password stands in the state."
  }

  assert {
    condition     = one(aws_secretsmanager_secret.connection.replica).region == "eu-central-1" && output.master_secret_arn == null
    error_message = "The secret is copied to the second region."
  }
}

run "replica" {
  command = plan

  variables {
    credentials                  = "generated"
    replicate_source_arn         = "arn:aws:rds:eu-central-1:111111111111:db:shop-prod-db"
    source_connection_secret_arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:shop/prod/db-AbCdEf"
  }

  assert {
    condition     = aws_db_instance.this[0].replicate_source_db == var.replicate_source_arn && aws_db_instance.this[0].kms_key_id == var.kms_key_arn && aws_db_instance.this[0].storage_encrypted
    error_message = "The replica follows its source, encrypted with the key of its own region."
  }

  assert {
    condition     = aws_db_instance.this[0].skip_final_snapshot && aws_db_instance.this[0].deletion_protection && aws_db_instance.this[0].backup_retention_period == 30
    error_message = "The replica is protected and backed up; RDS makes no last snapshot of it."
  }

  assert {
    condition     = local.source_secret == "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/db-AbCdEf" && length(aws_db_instance.this[0].parameter_group_name) > 0
    error_message = "The password is read from the copy in its own region."
  }
}

run "aurora" {
  command = plan

  variables {
    aurora         = true
    engine_version = "17.5"
  }

  assert {
    condition     = aws_rds_cluster.this[0].storage_encrypted && aws_rds_cluster.this[0].kms_key_id == var.kms_key_arn && aws_rds_cluster.this[0].deletion_protection && aws_rds_cluster.this[0].backup_retention_period == 30
    error_message = "The cluster is encrypted, protected and backed up."
  }

  assert {
    condition     = toset(keys(aws_rds_cluster_instance.this)) == toset(["1", "2"]) && alltrue([for instance in aws_rds_cluster_instance.this : !instance.publicly_accessible && instance.performance_insights_enabled])
    error_message = "A reader stands by, and none is public."
  }

  assert {
    condition     = aws_rds_cluster_parameter_group.this[0].family == "aurora-postgresql17" && anytrue([for parameter in aws_rds_cluster_parameter_group.this[0].parameter : parameter.name == "rds.force_ssl" && parameter.value == "1"])
    error_message = "Plain connections are refused."
  }

  assert {
    condition     = length(aws_db_instance.this) == 0 && output.reader_host != output.host
    error_message = "Reads have a name of their own."
  }
}

run "aurora_global" {
  command = plan

  variables {
    aurora         = true
    engine         = "mysql"
    engine_version = "8.0"
    credentials    = "generated"
    global_cluster = true
  }

  assert {
    condition     = aws_rds_global_cluster.this[0].deletion_protection && aws_rds_cluster.this[0].master_password == null && aws_rds_cluster.this[0].master_password_wo_version == 1
    error_message = "The global cluster is protected, and no password stands in the state."
  }
}

run "aurora_follower" {
  command = plan

  variables {
    aurora                       = true
    credentials                  = "generated"
    global_cluster_id            = "shop-prod-db-global"
    source_connection_secret_arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:shop/prod/db-AbCdEf"
  }

  assert {
    condition     = aws_rds_cluster.this[0].global_cluster_identifier == "shop-prod-db-global" && aws_rds_cluster.this[0].master_password_wo_version == null
    error_message = "A follower takes its users from the first cluster."
  }
}

run "one_client" {
  command = plan

  variables {
    clients = { web = "sg-0aaaaaaaaaaaaaaaa" }
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.client["web"].referenced_security_group_id == "sg-0aaaaaaaaaaaaaaaa" && aws_vpc_security_group_egress_rule.client["web"].security_group_id == "sg-0aaaaaaaaaaaaaaaa"
    error_message = "Both sides of the way are open, from group to group."
  }
}

# A first and a last client leave the one between them at its address.
run "more_clients" {
  command = plan

  variables {
    clients = { api = "sg-0aaaaaaaaaaaaaaab", web = "sg-0aaaaaaaaaaaaaaaa", worker = "sg-0aaaaaaaaaaaaaaac" }
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_ingress_rule.client)) == toset(["api", "web", "worker"]) && aws_vpc_security_group_ingress_rule.client["web"].referenced_security_group_id == "sg-0aaaaaaaaaaaaaaaa"
    error_message = "A neighbour does not move a client."
  }
}

run "unprotected" {
  command = plan

  variables {
    protect = false
  }

  assert {
    condition     = length(terraform_data.keep) == 0 && !aws_db_instance.this[0].deletion_protection && aws_db_instance.this[0].skip_final_snapshot && aws_secretsmanager_secret.connection.recovery_window_in_days == 0
    error_message = "A development environment can be taken down and made again."
  }
}

# Each of these is refused by itself; Terraform names all of them in one run.
run "refuses_wrong_values" {
  command         = plan
  expect_failures = [var.name, var.instance_class, var.storage_gib, var.reader_count, var.subnet_ids, var.port, var.database_name, var.username, var.password_version, var.backup_retention_days, var.backup_window, var.maintenance_window, var.slow_statement_seconds]

  variables {
    name                   = "shop--db"
    instance_class         = "cache.t4g.small"
    storage_gib            = 5
    reader_count           = 16
    subnet_ids             = ["subnet-0aaaaaaaaaaaaaaaa"]
    port                   = 80
    database_name          = "shop-db"
    username               = "rdsadmin"
    password_version       = 0
    backup_retention_days  = 36
    backup_window          = "night"
    maintenance_window     = "sunday"
    slow_statement_seconds = 0
  }
}

run "refuses_another_engine" {
  command         = plan
  expect_failures = [var.engine]

  variables {
    engine = "oracle"
  }
}

run "refuses_a_wrong_version" {
  command         = plan
  expect_failures = [var.engine_version]

  variables {
    engine_version = "latest"
  }
}

run "refuses_storage_that_cannot_grow" {
  command         = plan
  expect_failures = [var.max_storage_gib]

  variables {
    max_storage_gib = 20
  }
}

run "refuses_an_aurora_replica" {
  command         = plan
  expect_failures = [var.replicate_source_arn]

  variables {
    aurora                       = true
    credentials                  = "generated"
    replicate_source_arn         = "arn:aws:rds:eu-central-1:111111111111:cluster:shop-prod-db"
    source_connection_secret_arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:shop/prod/db-AbCdEf"
  }
}

run "refuses_a_replica_with_managed_password" {
  command         = plan
  expect_failures = [var.replicate_source_arn]

  variables {
    replicate_source_arn         = "arn:aws:rds:eu-central-1:111111111111:db:shop-prod-db"
    source_connection_secret_arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:shop/prod/db-AbCdEf"
  }
}

run "refuses_a_global_cluster_without_aurora" {
  command         = plan
  expect_failures = [var.global_cluster]

  variables {
    credentials    = "generated"
    global_cluster = true
  }
}

run "refuses_to_follow_without_aurora" {
  command         = plan
  expect_failures = [var.global_cluster_id]

  variables {
    credentials                  = "generated"
    global_cluster_id            = "shop-prod-db-global"
    source_connection_secret_arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:shop/prod/db-AbCdEf"
  }
}

run "refuses_a_replica_without_password" {
  command         = plan
  expect_failures = [var.source_connection_secret_arn]

  variables {
    credentials          = "generated"
    replicate_source_arn = "arn:aws:rds:eu-central-1:111111111111:db:shop-prod-db"
  }
}

run "refuses_other_credentials" {
  command         = plan
  expect_failures = [var.credentials]

  variables {
    credentials = "shared"
  }
}
