{{/* Values that are right one by one and wrong together. Each message says what to do. */}}

{{- define "weir.check" -}}
{{- $v := .Values -}}
{{- include "weir.checkDrain" . -}}
{{- $isSidecar := and (include "weir.hasController" .) $v.controller.nativeSidecar -}}
{{- if and $isSidecar (semverCompare "<1.29.0-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "controller.nativeSidecar needs Kubernetes 1.29, this is %s: set it to false." .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- $hasHostPorts := ne $v.network.mode "podIP" -}}
{{- if and (eq (include "weir.targetType" .) "instance") (not $hasHostPorts) -}}
{{- fail "loadBalancer.targetType instance needs a port of the node: set network.mode to hostPort or hostNetwork, or use ip targets." -}}
{{- end -}}
{{- $surges := not (has (toString $v.updateStrategy.maxSurge) (list "0" "0%")) -}}
{{- if and $surges $hasHostPorts -}}
{{- fail (printf "updateStrategy.maxSurge needs network.mode podIP: with %s two proxies on a node want the same port." $v.network.mode) -}}
{{- end -}}
{{- $isAway := not (has (toString $v.updateStrategy.maxUnavailable) (list "0" "0%")) -}}
{{- if and $surges $isAway -}}
{{- fail "updateStrategy.maxSurge and updateStrategy.maxUnavailable exclude each other: set one of them to 0." -}}
{{- end -}}
{{- if not (or $surges $isAway) -}}
{{- fail "updateStrategy.maxUnavailable 0 without maxSurge would never roll out anything: set one of them to 1." -}}
{{- end -}}
{{- if and $v.networkPolicy.enabled (eq $v.network.mode "hostNetwork") -}}
{{- fail "networkPolicy.enabled has no effect on network.mode hostNetwork: switch it off and use the nodes' security group." -}}
{{- end -}}
{{- if and $v.watchNamespace (include "weir.showsStatus" .) -}}
{{- fail "watchNamespace needs controller.ingressStatus off: the controller writes the status of Ingresses in all namespaces." -}}
{{- end -}}
{{- if and $v.controller.publishService $v.controller.publishStatusAddress -}}
{{- fail "controller.publishService and controller.publishStatusAddress exclude each other: set one of them." -}}
{{- end -}}
{{- if and (include "weir.publishes" .) (ne $v.controller.ingressStatus "auto") -}}
{{- fail (printf "controller.publishService and controller.publishStatusAddress need controller.ingressStatus auto, but it is %s: set it to auto, or drop them." $v.controller.ingressStatus) -}}
{{- end -}}
{{- $secrets := $v.proxy.secrets -}}
{{- if and (eq $secrets.access "namespaces") (not $secrets.namespaces) -}}
{{- fail "proxy.secrets.access namespaces needs proxy.secrets.namespaces: the namespaces of the Ingresses that name Secrets." -}}
{{- end -}}
{{- if and $secrets.namespaces (ne $secrets.access "namespaces") -}}
{{- fail (printf "proxy.secrets.namespaces has no effect with proxy.secrets.access %s: set it to namespaces, or empty the list." $secrets.access) -}}
{{- end -}}
{{- if and $secrets.names (eq $secrets.access "none") -}}
{{- fail "proxy.secrets.names has no effect with proxy.secrets.access none: set it to namespaces or cluster, or empty the list." -}}
{{- end -}}
{{- if and $v.watchNamespace (eq $secrets.access "cluster") -}}
{{- fail (printf "watchNamespace needs no proxy.secrets.access cluster: set it to namespaces, with %s in proxy.secrets.namespaces." $v.watchNamespace) -}}
{{- end -}}
{{- if and (include "weir.hasGate" .) (get $v.controller.options "dry-run") -}}
{{- fail "controller.options.dry-run needs controller.readinessGate false: nobody would open the gate, and no proxy became ready." -}}
{{- end -}}
{{- $ports := list (int $v.network.port) (int $v.network.adminPort) (int $v.network.controllerAdminPort) -}}
{{- if $v.network.tlsPort -}}
{{- $ports = append $ports (int $v.network.tlsPort) -}}
{{- end -}}
{{- if ne (len ($ports | uniq)) (len $ports) -}}
{{- fail "network.port, network.tlsPort, network.adminPort and network.controllerAdminPort must be different ports." -}}
{{- end -}}
{{- if eq $v.loadBalancer.tls "proxy" -}}
{{- if not $v.network.tlsPort -}}
{{- fail "loadBalancer.tls proxy needs network.tlsPort: the port of the proxies that speaks TLS, such as 9443." -}}
{{- end -}}
{{- if ne $v.loadBalancer.type "nlb" -}}
{{- fail "loadBalancer.tls proxy needs loadBalancer.type nlb: an ALB ends TLS itself." -}}
{{- end -}}
{{- end -}}
{{- if and (get $v.proxy.options "default-certificate") (not $v.network.tlsPort) -}}
{{- fail "proxy.options.default-certificate has no effect without network.tlsPort: set it to a port such as 9443, or drop the option." -}}
{{- end -}}
{{- if or (hasPrefix "127." $v.network.listenHost) (eq $v.network.listenHost "[::1]") -}}
{{- fail "network.listenHost is a loopback address: neither the load balancer nor the kubelet would reach the proxy." -}}
{{- end -}}
{{- $mode := get $v.proxy.options "proxy-protocol" | default "off" -}}
{{- if and (ne $mode "off") (not (get $v.proxy.options "proxy-protocol-from")) -}}
{{- fail "proxy.options.proxy-protocol needs proxy.options.proxy-protocol-from with the networks of the load balancer, since anybody else could forge client addresses." -}}
{{- end -}}
{{- end -}}
