{{/*
How long a proxy may take to leave, and whether Kubernetes gives it that long.

  SIGTERM ── drain.seconds ──► finishing ── drain.finishSeconds ──► end ── 10 s ──► SIGKILL
*/}}

{{- define "weir.drainSeconds" -}}
{{- if kindIs "invalid" .Values.drain.seconds -}}
{{- ternary 165 45 (eq .Values.loadBalancer.type "nlb") -}}
{{- else -}}
{{- int64 .Values.drain.seconds -}}
{{- end -}}
{{- end -}}

{{- define "weir.graceSeconds" -}}
{{- $drain := int64 (include "weir.drainSeconds" .) -}}
{{- $finish := int64 .Values.drain.finishSeconds -}}
{{- $least := add $drain $finish 10 -}}
{{- $given := .Values.terminationGracePeriodSeconds -}}
{{- if kindIs "invalid" $given -}}
{{- $least -}}
{{- else if lt (int64 $given) $least -}}
{{- fail (printf "terminationGracePeriodSeconds is %d, but leaving takes up to drain.seconds %d + drain.finishSeconds %d + 10 to end = %d: requests would be cut. Raise it to %d or leave it out." (int64 $given) $drain $finish $least $least) -}}
{{- else -}}
{{- int64 $given -}}
{{- end -}}
{{- end -}}

{{/* The load balancer lets go within drain.seconds, or the proxy would leave while it is still sent requests. */}}
{{- define "weir.checkDrain" -}}
{{- if include "weir.hasGroups" . -}}
{{- $most := ternary 150 30 (eq .Values.loadBalancer.type "nlb") -}}
{{- with get .Values.controller.options "let-go-most-ms" -}}
{{- $most = divf . 1000 | ceil | int64 -}}
{{- end -}}
{{- $drain := int64 (include "weir.drainSeconds" .) -}}
{{- if lt $drain (int64 $most) -}}
{{- fail (printf "drain.seconds is %d, but the load balancer (loadBalancer.type %s) may send requests for %d s after deregistration. Raise it to %d or leave it out." $drain .Values.loadBalancer.type (int64 $most) (int64 $most)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
