# One ALB for the whole cluster, and the target group that Weir keeps pointed at its proxies.
# Terraform never registers targets: nodes and pods come and go more often than it runs.

data "aws_subnet" "edge" {
  for_each = toset(var.subnet_ids)
  id       = each.value
}

resource "aws_lb" "edge" {
  name               = var.name
  load_balancer_type = "application"
  security_groups    = [aws_security_group.edge.id]
  subnets            = var.subnet_ids
  # Below the 75 s after which Weir closes an idle connection: the load balancer closes first, so that it never
  # sends a request into a connection that is just being closed.
  idle_timeout = 60
  # Requests that two parsers could read in two ways never reach the cluster.
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "defensive"
}

resource "aws_lb_target_group" "weir" {
  name        = var.name
  vpc_id      = var.vpc_id
  target_type = var.target_type
  protocol    = "HTTP"
  port        = var.port
  # Requests in flight when a proxy leaves may take this long; Weir finishes them (drain.finishSeconds).
  deregistration_delay = 60
  # Slow requests on one node do not pile up there.
  load_balancing_algorithm_type = "least_outstanding_requests"

  health_check {
    path                = "/kube-system/healthz"
    matcher             = "200"
    interval            = 5
    timeout             = 3
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.edge.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.weir.arn
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.edge.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"
    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_security_group" "edge" {
  name        = "${var.name}-lb"
  description = "Load balancer in front of Weir"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = {
    for pair in setproduct(var.allowed_cidrs, [80, 443]) : "${pair[0]}-${pair[1]}" => { cidr = pair[0], port = pair[1] }
  }

  security_group_id = aws_security_group.edge.id
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "to_proxies" {
  security_group_id            = aws_security_group.edge.id
  referenced_security_group_id = var.node_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
}

resource "aws_vpc_security_group_ingress_rule" "proxies_from_lb" {
  security_group_id            = var.node_security_group_id
  referenced_security_group_id = aws_security_group.edge.id
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
}
