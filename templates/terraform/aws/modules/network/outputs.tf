output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Addresses of the network."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Ids of the public subnets, in the order of the zones' names."
  value       = [for zone in local.zones : aws_subnet.this["public-${zone}"].id]
}

output "private_subnet_ids" {
  description = "Ids of the private subnets, in the order of the zones' names."
  value       = [for zone in local.zones : aws_subnet.this["private-${zone}"].id]
}

output "data_subnet_ids" {
  description = "Ids of the data subnets, in the order of the zones' names."
  value       = [for zone in local.zones : aws_subnet.this["data-${zone}"].id]
}

output "endpoint_security_group_id" {
  description = "Id of the security group of the interface endpoints."
  value       = aws_security_group.endpoints.id
}

output "s3_prefix_list_id" {
  description = "Id of the list of S3's addresses in this region."
  value       = aws_vpc_endpoint.gateway["s3"].prefix_list_id
}

output "dynamodb_prefix_list_id" {
  description = "Id of the list of DynamoDB's addresses in this region."
  value       = aws_vpc_endpoint.gateway["dynamodb"].prefix_list_id
}

output "nat_public_ips" {
  description = "Addresses under which workloads appear outside, by zone."
  value       = { for zone, address in aws_eip.nat : zone => address.public_ip }
}
