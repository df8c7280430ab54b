{{/* The two containers of the pod. */}}

{{- define "weir.probe" -}}
httpGet:
  path: {{ .path }}
  port: {{ .port }}
{{ toYaml .timing }}
{{- end -}}

{{- define "weir.commonContainer" -}}
image: {{ include "weir.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.containerSecurityContext | nindent 2 }}
{{- end -}}

{{/* Shared by both: the control socket and the configuration file. */}}
{{- define "weir.volumeMounts" -}}
{{- if include "weir.hasGroups" . }}
- name: run
  mountPath: /run/weir
{{- end }}
{{- if eq .Values.configAs "file" }}
- name: config
  mountPath: /etc/weir
  readOnly: true
{{- end }}
{{- end -}}

{{- define "weir.proxyContainer" -}}
{{- $mounts := include "weir.volumeMounts" . | trim -}}
name: proxy
{{ include "weir.commonContainer" . }}
command: [node, /app/proxy/main.js]
args:
  {{- include "weir.args" (dict "root" . "options" (include "weir.proxyOptions" .) "file" "proxy.yaml") | trim | nindent 2 }}
  {{- with .Values.proxy.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
env:
  - name: WEIR_NODE
    valueFrom:
      fieldRef:
        fieldPath: spec.nodeName
  {{- if get .Values.proxy.options "metrics-like" }}
  - name: WEIR_POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  - name: WEIR_POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  {{- end }}
  {{- with .Values.proxy.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.proxy.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: http
    containerPort: {{ .Values.network.port }}
    {{- if ne .Values.network.mode "podIP" }}
    hostPort: {{ .Values.network.port }}
    {{- end }}
    protocol: TCP
  {{- with .Values.network.tlsPort }}
  - name: https
    containerPort: {{ . }}
    {{- if ne $.Values.network.mode "podIP" }}
    hostPort: {{ . }}
    {{- end }}
    protocol: TCP
  {{- end }}
  - name: admin
    containerPort: {{ .Values.network.adminPort }}
    {{- if eq .Values.network.mode "hostNetwork" }}
    hostPort: {{ .Values.network.adminPort }}
    {{- end }}
    protocol: TCP
startupProbe:
  {{- include "weir.probe" (dict "path" "/healthz" "port" "admin" "timing" .Values.proxy.startupProbe) | nindent 2 }}
livenessProbe:
  {{- include "weir.probe" (dict "path" "/healthz" "port" "admin" "timing" .Values.proxy.livenessProbe) | nindent 2 }}
# Unready while it drains, as its health path on the data port says to the load balancer.
readinessProbe:
  {{- include "weir.probe" (dict "path" "/readyz" "port" "admin" "timing" .Values.proxy.readinessProbe) | nindent 2 }}
resources:
  {{- toYaml .Values.proxy.resources | nindent 2 }}
{{- if or $mounts .Values.proxy.extraVolumeMounts }}
volumeMounts:
  {{- with $mounts }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with .Values.proxy.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "weir.controllerContainer" -}}
name: controller
{{ include "weir.commonContainer" . }}
command: [node, /app/controller/main.js]
args:
  {{- include "weir.args" (dict "root" . "options" (include "weir.controllerOptions" .) "file" "controller.yaml") | trim | nindent 2 }}
  {{- with .Values.controller.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- if .Values.controller.nativeSidecar }}
restartPolicy: Always
{{- end }}
env:
  - name: WEIR_POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  {{- with .Values.controller.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.controller.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: controller
    containerPort: {{ .Values.network.controllerAdminPort }}
    {{- if eq .Values.network.mode "hostNetwork" }}
    hostPort: {{ .Values.network.controllerAdminPort }}
    {{- end }}
    protocol: TCP
# No readiness probe: a bad day of AWS must not take healthy proxies out of service.
livenessProbe:
  {{- include "weir.probe" (dict "path" "/healthz" "port" "controller" "timing" .Values.controller.livenessProbe) | nindent 2 }}
resources:
  {{- toYaml .Values.controller.resources | nindent 2 }}
{{- $mounts := include "weir.volumeMounts" . | trim }}
{{- if or $mounts .Values.controller.extraVolumeMounts }}
volumeMounts:
  {{- with $mounts }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with .Values.controller.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}
