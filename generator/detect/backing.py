"""Backing services: images of a compose file and client libraries -> the types of resources that a spec has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

IMAGES: Mapping[str, str] = {
    "postgres": "postgres", "postgresql": "postgres", "postgis": "postgres", "pgvector": "postgres",
    "timescaledb": "postgres", "timescaledb-ha": "postgres",
    "mysql": "mysql", "mysql-server": "mysql", "mariadb": "mysql", "percona": "mysql", "percona-server": "mysql",
    "mongo": "mongodb", "mongodb": "mongodb", "mongodb-community-server": "mongodb",
    "redis": "valkey", "valkey": "valkey", "keydb": "valkey", "redis-stack": "valkey", "redis-stack-server": "valkey",
    "elasticsearch": "search", "opensearch": "search",
    "minio": "bucket", "elasticmq": "queue", "elasticmq-native": "queue",
}  # fmt: skip
"""The last part of an image's name -> the resource type it stands for."""

UNTYPED: Mapping[str, str] = {
    "rabbitmq": "RabbitMQ", "kafka": "Kafka", "cp-kafka": "Kafka", "redpanda": "Kafka", "nats": "NATS",
    "memcached": "Memcached", "cassandra": "Cassandra", "clickhouse-server": "ClickHouse", "mssql": "SQL Server",
    "server": "SQL Server", "azure-sql-edge": "SQL Server", "cockroach": "CockroachDB", "neo4j": "Neo4j",
    "influxdb": "InfluxDB", "activemq": "ActiveMQ", "pulsar": "Pulsar", "zookeeper": "ZooKeeper",
    "cp-zookeeper": "ZooKeeper", "etcd": "etcd", "consul": "Consul", "vault": "Vault", "localstack": "LocalStack",
}  # fmt: skip
"""Backing services for which a spec has no type: they are said, and their addresses are secrets or left open."""

NAMES: Mapping[str, str] = {
    "postgres": "db", "mysql": "db", "mongodb": "db", "valkey": "cache", "search": "search", "bucket": "files",
    "queue": "tasks",
}  # fmt: skip
"""What a resource is called where nothing names it."""

LIBRARIES: Mapping[str, Mapping[str, str]] = {
    "node": {
        "pg": "postgres", "postgres": "postgres", "pg-promise": "postgres", "mysql": "mysql", "mysql2": "mysql",
        "mariadb": "mysql", "mongodb": "mongodb", "mongoose": "mongodb", "redis": "valkey", "ioredis": "valkey",
        "bullmq": "valkey", "bull": "valkey", "iovalkey": "valkey", "@elastic/elasticsearch": "search",
        "@opensearch-project/opensearch": "search", "@aws-sdk/client-s3": "bucket", "@aws-sdk/client-sqs": "queue",
    },
    "python": {
        "psycopg": "postgres", "psycopg2": "postgres", "psycopg2-binary": "postgres", "psycopg-binary": "postgres",
        "asyncpg": "postgres", "pg8000": "postgres", "mysqlclient": "mysql", "pymysql": "mysql", "aiomysql": "mysql",
        "mysql-connector-python": "mysql", "pymongo": "mongodb", "motor": "mongodb", "mongoengine": "mongodb",
        "redis": "valkey", "django-redis": "valkey", "valkey": "valkey", "elasticsearch": "search",
        "opensearch-py": "search",
    },
    "go": {
        "github.com/lib/pq": "postgres", "github.com/jackc/pgx": "postgres", "gorm.io/driver/postgres": "postgres",
        "github.com/go-sql-driver/mysql": "mysql", "gorm.io/driver/mysql": "mysql",
        "go.mongodb.org/mongo-driver": "mongodb", "github.com/redis/go-redis": "valkey",
        "github.com/go-redis/redis": "valkey", "github.com/gomodule/redigo": "valkey",
        "github.com/valkey-io/valkey-go": "valkey", "github.com/hibiken/asynq": "valkey",
        "github.com/elastic/go-elasticsearch": "search", "github.com/opensearch-project/opensearch-go": "search",
        "github.com/aws/aws-sdk-go-v2/service/s3": "bucket", "github.com/aws/aws-sdk-go-v2/service/sqs": "queue",
    },
    "java": {
        "postgresql": "postgres", "r2dbc-postgresql": "postgres", "quarkus-jdbc-postgresql": "postgres",
        "mysql-connector-j": "mysql", "mysql-connector-java": "mysql", "mariadb-java-client": "mysql",
        "quarkus-jdbc-mysql": "mysql", "spring-boot-starter-data-mongodb": "mongodb",
        "mongodb-driver-sync": "mongodb", "spring-boot-starter-data-redis": "valkey", "jedis": "valkey",
        "lettuce-core": "valkey", "spring-boot-starter-data-elasticsearch": "search",
    },
    "dotnet": {
        "Npgsql": "postgres", "Npgsql.EntityFrameworkCore.PostgreSQL": "postgres", "MySql.Data": "mysql",
        "MySqlConnector": "mysql", "Pomelo.EntityFrameworkCore.MySql": "mysql", "MongoDB.Driver": "mongodb",
        "StackExchange.Redis": "valkey", "Microsoft.Extensions.Caching.StackExchangeRedis": "valkey",
        "AWSSDK.S3": "bucket", "AWSSDK.SQS": "queue",
    },
    "rust": {
        "postgres": "postgres", "tokio-postgres": "postgres", "deadpool-postgres": "postgres", "mysql": "mysql",
        "mysql_async": "mysql", "mongodb": "mongodb", "redis": "valkey", "fred": "valkey",
        "deadpool-redis": "valkey", "aws-sdk-s3": "bucket", "aws-sdk-sqs": "queue", "opensearch": "search",
    },
    "ruby": {
        "pg": "postgres", "mysql2": "mysql", "trilogy": "mysql", "mongoid": "mongodb", "mongo": "mongodb",
        "redis": "valkey", "redis-rails": "valkey", "sidekiq": "valkey", "resque": "valkey", "searchkick": "search",
        "elasticsearch": "search", "aws-sdk-s3": "bucket", "aws-sdk-sqs": "queue",
    },
    "php": {
        "ext-pgsql": "postgres", "ext-pdo_pgsql": "postgres", "ext-mysqli": "mysql", "ext-pdo_mysql": "mysql",
        "ext-mongodb": "mongodb", "mongodb/mongodb": "mongodb", "mongodb/laravel-mongodb": "mongodb",
        "ext-redis": "valkey", "predis/predis": "valkey", "elasticsearch/elasticsearch": "search",
        "league/flysystem-aws-s3-v3": "bucket",
    },
    "static": {},
}  # fmt: skip
"""Client libraries by runtime, as they are named in manifests."""

BROKERS: Mapping[str, str] = {
    "amqplib": "RabbitMQ", "amqp-connection-manager": "RabbitMQ", "pika": "RabbitMQ", "aio-pika": "RabbitMQ",
    "github.com/rabbitmq/amqp091-go": "RabbitMQ", "github.com/streadway/amqp": "RabbitMQ", "lapin": "RabbitMQ",
    "spring-boot-starter-amqp": "RabbitMQ", "amqp-client": "RabbitMQ", "RabbitMQ.Client": "RabbitMQ",
    "MassTransit.RabbitMQ": "RabbitMQ", "bunny": "RabbitMQ", "php-amqplib/php-amqplib": "RabbitMQ",
    "ext-amqp": "RabbitMQ", "kafkajs": "Kafka", "node-rdkafka": "Kafka", "aiokafka": "Kafka",
    "confluent-kafka": "Kafka", "kafka-python": "Kafka", "github.com/segmentio/kafka-go": "Kafka",
    "github.com/IBM/sarama": "Kafka", "github.com/Shopify/sarama": "Kafka",
    "github.com/confluentinc/confluent-kafka-go": "Kafka", "spring-kafka": "Kafka", "kafka-clients": "Kafka",
    "Confluent.Kafka": "Kafka", "rdkafka": "Kafka", "ruby-kafka": "Kafka", "karafka": "Kafka", "ext-rdkafka": "Kafka",
    "nats": "NATS", "nats-py": "NATS", "github.com/nats-io/nats.go": "NATS", "async-nats": "NATS",
}  # fmt: skip
"""Client libraries of what a spec has no type for; a name means the same in every language that has it."""

SAME_ENGINE = frozenset({"postgres", "postgresql", "mysql", "mysql-server", "mongo", "mongodb", "valkey"})
"""Images whose version is one of the resource's own engine."""


@dataclass(frozen=True, slots=True)
class Image:
    """A reference of an image in its parts: the last word of its name, and its tag."""

    name: str
    tag: str

    @property
    def type(self) -> str:
        return IMAGES.get(self.name, "")

    @property
    def untyped(self) -> str:
        return UNTYPED.get(self.name, "")

    @property
    def version(self) -> str:
        """The line of the engine that the tag names: major, and minor where an engine's lines have one."""
        match = re.match(r"v?(\d+)(?:\.(\d+))?", self.tag)
        if match is None or self.name not in SAME_ENGINE:
            return ""
        two = (self.type == "postgres" and match[1] == "9") or (
            self.type in {"mysql", "mongodb", "valkey"} and match[2] is not None
        )
        return f"{match[1]}.{match[2]}" if two else match[1]


def image(reference: str) -> Image:
    """`docker.io/library/postgres:17-alpine@sha256:…` is postgres with the tag 17-alpine."""
    name, _, tag = reference.partition("@")[0].rpartition("/")[2].partition(":")
    return Image(name.lower(), tag)
