variable "name" {
  description = "Name of the load balancer, its target group, security group and role."
  type        = string
  default     = "edge"
  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,27}$", var.name))
    error_message = "At most 28 letters, digits and hyphens: AWS allows 32 for a target group."
  }
}

variable "cluster_name" {
  description = "The EKS cluster."
  type        = string
}

variable "namespace" {
  description = "Namespace that Weir is installed in."
  type        = string
  default     = "edge"
}

variable "service_account" {
  description = "Name of Weir's ServiceAccount."
  type        = string
  default     = "weir"
}

variable "vpc_id" {
  description = "VPC of the cluster."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets for the load balancer, at least two zones."
  type        = list(string)
  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "An ALB needs subnets in at least two zones."
  }
}

variable "node_security_group_id" {
  description = "Security group of the nodes (and, with the VPC CNI, of the pods): it is opened for the load balancer."
  type        = string
}

variable "certificate_arn" {
  description = "ACM certificate of the HTTPS listener."
  type        = string
}

variable "target_type" {
  description = "instance (network.mode hostPort or hostNetwork) or ip (any network.mode)."
  type        = string
  default     = "instance"
  validation {
    condition     = contains(["instance", "ip"], var.target_type)
    error_message = "Either instance or ip."
  }
}

variable "allowed_cidrs" {
  description = "Networks that may use the load balancer."
  type        = list(string)
  default     = ["0.0.0.0/0"]
}

variable "port" {
  description = "Weir's data port (network.port of the chart)."
  type        = number
  default     = 9999
}
