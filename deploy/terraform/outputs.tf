output "dns_name" {
  description = "Point the DNS names of your Ingresses here."
  value       = aws_lb.edge.dns_name
}

output "target_group_arn" {
  description = "controller.targetGroups of the chart."
  value       = aws_lb_target_group.weir.arn
}

output "install" {
  description = "The command that installs Weir for this target group."
  value       = <<-EOT
    helm install weir deploy/chart --namespace ${var.namespace} --create-namespace \
      --set image.repository=YOUR_REGISTRY/weir \
      --set loadBalancer.targetType=${var.target_type} \
      --set network.port=${var.port} \
      --set 'proxy.options.trusted-proxies={${join(",", [for subnet in data.aws_subnet.edge : subnet.cidr_block])}}' \
      --set 'controller.targetGroups={${aws_lb_target_group.weir.arn}}'
  EOT
}
