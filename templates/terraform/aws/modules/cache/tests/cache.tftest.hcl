mock_provider "aws" {
  override_during = plan

  mock_resource "aws_elasticache_replication_group" {
    defaults = {
      arn                      = "arn:aws:elasticache:eu-west-1:111111111111:replicationgroup:shop-prod-cache"
      primary_endpoint_address = "master.shop-prod-cache.abcdef.euw1.cache.amazonaws.com"
      reader_endpoint_address  = "replica.shop-prod-cache.abcdef.euw1.cache.amazonaws.com"
    }
  }

  mock_resource "aws_security_group" {
    defaults = { id = "sg-0cccccccccccccccc" }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/prod/cache-AbCdEf" }
  }
}

variables {
  name           = "shop-prod-cache"
  engine_version = "8.1"
  node_type      = "cache.t4g.small"
  vpc_id         = "vpc-0aaaaaaaaaaaaaaaa"
  subnet_ids     = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb", "subnet-0cccccccccccccccc"]
  kms_key_arn    = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.at_rest_encryption_enabled && aws_elasticache_replication_group.this.kms_key_id == var.kms_key_arn
    error_message = "The cache is encrypted at rest with the environment's key."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && aws_elasticache_replication_group.this.transit_encryption_mode == "required"
    error_message = "Plain connections are refused."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.multi_az_enabled && aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.num_cache_clusters == 2
    error_message = "A replica in another zone takes over."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.snapshot_retention_limit == 7
    error_message = "Snapshots are kept for a week."
  }

  assert {
    condition     = strcontains(aws_elasticache_user.default.access_string, "-@admin") && strcontains(aws_elasticache_user.default.access_string, "-@dangerous")
    error_message = "Clients may not administer the cache."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.client) == 0
    error_message = "Nobody reaches the cache who is not declared."
  }
}

run "one_client" {
  command = plan

  variables {
    clients                = { web = "sg-0aaaaaaaaaaaaaaaa" }
    connection_secret_name = "shop/prod/cache"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.client["web"].referenced_security_group_id == "sg-0aaaaaaaaaaaaaaaa" && aws_vpc_security_group_egress_rule.client["web"].security_group_id == "sg-0aaaaaaaaaaaaaaaa"
    error_message = "Both sides of the way are open, from group to group."
  }

  assert {
    condition     = jsondecode(aws_secretsmanager_secret_version.connection[0].secret_string).url == "rediss://master.shop-prod-cache.abcdef.euw1.cache.amazonaws.com:6379/0"
    error_message = "Workloads are told the address, with TLS."
  }
}

# A first and a last client leave the one between them at its address.
run "more_clients" {
  command = plan

  variables {
    clients = { api = "sg-0aaaaaaaaaaaaaaab", web = "sg-0aaaaaaaaaaaaaaaa", worker = "sg-0aaaaaaaaaaaaaaac" }
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.client["web"].referenced_security_group_id == "sg-0aaaaaaaaaaaaaaaa"
    error_message = "A neighbour does not move a client."
  }
}

run "iam" {
  command = plan

  variables {
    authentication = "iam"
  }

  assert {
    condition     = startswith(aws_elasticache_user.default.access_string, "off") && one(aws_elasticache_user.application[0].authentication_mode).type == "iam"
    error_message = "The user that everybody knows is shut out."
  }
}

run "long_name" {
  command = plan

  variables {
    name           = "shop-production-of-long-named-sessions-1"
    authentication = "iam"
  }

  assert {
    condition     = length(aws_elasticache_user.default.user_id) <= 40 && startswith(aws_elasticache_user.default.user_id, "shop-production-of-long") && output.username == aws_elasticache_user.application[0].user_name
    error_message = "Names of users are cut to what ElastiCache takes, and stay unlike others."
  }
}

run "one_node" {
  command = plan

  variables {
    replicas = 0
    protect  = false
  }

  assert {
    condition     = !aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.final_snapshot_identifier == null
    error_message = "A development environment may have one node, and be taken down."
  }
}

run "refuses_a_wrong_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "shop--cache"
  }
}

run "refuses_another_engine" {
  command         = plan
  expect_failures = [var.engine_version]

  variables {
    engine_version = "6.2"
  }
}

run "refuses_a_wrong_node" {
  command         = plan
  expect_failures = [var.node_type]

  variables {
    node_type = "db.t4g.small"
  }
}

run "refuses_too_many_replicas" {
  command         = plan
  expect_failures = [var.replicas]

  variables {
    replicas = 6
  }
}

run "refuses_a_wrong_policy" {
  command         = plan
  expect_failures = [var.eviction]

  variables {
    eviction = "lru"
  }
}

run "refuses_passwords" {
  command         = plan
  expect_failures = [var.authentication]

  variables {
    authentication = "password"
  }
}

run "refuses_one_zone" {
  command         = plan
  expect_failures = [var.subnet_ids]

  variables {
    subnet_ids = ["subnet-0aaaaaaaaaaaaaaaa"]
  }
}

run "refuses_wrong_retention" {
  command         = plan
  expect_failures = [var.snapshot_retention_days]

  variables {
    snapshot_retention_days = 36
  }
}

run "refuses_a_wrong_snapshot_window" {
  command         = plan
  expect_failures = [var.snapshot_window]

  variables {
    snapshot_window = "night"
  }
}

run "refuses_a_wrong_maintenance_window" {
  command         = plan
  expect_failures = [var.maintenance_window]

  variables {
    maintenance_window = "sunday"
  }
}
