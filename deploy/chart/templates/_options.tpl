{{/*
The options of both programs: those of the chart, then those of the user (which cannot name the same, by the schema).
As YAML, read back by fromYaml.
*/}}

{{- define "weir.classOptions" -}}
ingress-class:
  {{- $names := concat (list .Values.ingressClass.name) .Values.ingressClass.additionalNames -}}
  {{- $values := concat (list .Values.ingressClass.controllerValue) .Values.ingressClass.additionalControllerValues -}}
  {{- if eq .Values.like "ingress-nginx" -}}
  {{- $names = append $names "nginx" | uniq -}}
  {{- $values = append $values "k8s.io/ingress-nginx" | uniq -}}
  {{- else if eq .Values.like "skipper" -}}
  {{- $names = append $names "skipper" | uniq -}}
  {{- end -}}
  {{- toYaml $names | nindent 2 }}
controller-class:
  {{- toYaml $values | nindent 2 }}
{{- if .Values.ingressClass.watchWithoutClass }}
watch-ingress-without-class: true
{{- end }}
{{- end -}}

{{- define "weir.proxyOptions" -}}
listen: {{ printf "%s:%d" .Values.network.listenHost (int .Values.network.port) | quote }}
{{- with .Values.network.tlsPort }}
listen-tls: {{ printf "%s:%d" $.Values.network.listenHost (int .) | quote }}
{{- end }}
admin: {{ printf "%s:%d" .Values.network.listenHost (int .Values.network.adminPort) | quote }}
drain-seconds: {{ include "weir.drainSeconds" . }}
finish-seconds: {{ .Values.drain.finishSeconds }}
{{- with .Values.watchNamespace }}
namespace: {{ . | quote }}
{{- end }}
{{- if include "weir.hasGroups" . }}
control-socket: /run/weir/control.sock
{{- end }}
{{- with .Values.like }}
like: {{ . }}
{{- end }}
{{- with .Values.configMap }}
config-map: {{ . | quote }}
{{- end }}
{{ include "weir.classOptions" . }}
{{- with .Values.proxy.options }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "weir.controllerOptions" -}}
{{- if include "weir.hasGroups" . -}}
target-group:
  {{- toYaml .Values.controller.targetGroups | nindent 2 }}
target-port: {{ eq .Values.loadBalancer.tls "proxy" | ternary .Values.network.tlsPort .Values.network.port }}
proxy-selector: {{ include "weir.labelsInLine" . | quote }}
proxy-admin-port: {{ .Values.network.adminPort }}
control-socket: /run/weir/control.sock
drain-seconds: {{ include "weir.drainSeconds" . }}
{{- end }}
admin: {{ printf "%s:%d" .Values.network.listenHost (int .Values.network.controllerAdminPort) | quote }}
lease-name: {{ include "weir.fullname" . }}-controller
ingress-status: {{ .Values.controller.ingressStatus | quote }}
{{- with .Values.configMap }}
config-map: {{ . | quote }}
{{- end }}
{{- with .Values.controller.publishService }}
publish-service: {{ . | quote }}
{{- end }}
{{- with .Values.controller.publishStatusAddress }}
publish-status-address:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{ include "weir.classOptions" . }}
{{- with .Values.controller.options }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* One option's value as text. YAML numbers arrive as floats, which would print as 1e+06. */}}
{{- define "weir.optionText" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if kindIs "float64" . -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* A list of flags: (dict "root" $ "options" YAML "file" NAME). Those with the names of target groups come first. */}}
{{- define "weir.args" -}}
{{- $options := fromYaml .options -}}
{{- if eq .root.Values.configAs "file" }}
- --config=/etc/weir/{{ .file }}
{{- else }}
{{- with get $options "target-group" }}
- {{ printf "--target-group=%s" (join "," .) | quote }}
{{- end }}
{{- range $key, $value := omit $options "target-group" }}
- {{ printf "--%s=%s" $key (include "weir.optionText" $value) | quote }}
{{- end }}
{{- end }}
{{- end -}}
