# What the controller may do: deploy/iam/target-group.json, narrowed to this one target group, by EKS Pod Identity
# (the cluster needs the add-on eks-pod-identity-agent).

locals {
  any_group = "arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/*"
}

resource "aws_iam_role" "weir" {
  name = "${var.name}-weir"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
    }]
  })
}

resource "aws_iam_role_policy" "weir" {
  name   = "target-group"
  role   = aws_iam_role.weir.id
  policy = replace(file("${path.module}/../iam/target-group.json"), local.any_group, aws_lb_target_group.weir.arn)
}

resource "aws_eks_pod_identity_association" "weir" {
  cluster_name    = var.cluster_name
  namespace       = var.namespace
  service_account = var.service_account
  role_arn        = aws_iam_role.weir.arn
}
