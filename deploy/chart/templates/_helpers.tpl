{{/* Names and labels. */}}

{{- define "weir.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 50 characters: suffixes such as -controller still fit into a label. */}}
{{- define "weir.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "weir.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "weir.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Cluster-wide objects carry the namespace in their name, so that releases of two namespaces do not meet. */}}
{{- define "weir.clusterName" -}}
{{- printf "%s-%s" (include "weir.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* What selectors go by: must never change for an installed release. */}}
{{- define "weir.selectorLabels" -}}
app.kubernetes.io/name: {{ include "weir.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: proxy
{{- end -}}

{{/* All labels: (dict "root" $ "own" LABELS). What users add may replace all but what selectors go by. */}}
{{- define "weir.labels" -}}
{{- $fixed := include "weir.selectorLabels" .root | fromYaml -}}
{{- $usual := dict
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_")
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/part-of" "weir"
  "app.kubernetes.io/managed-by" .root.Release.Service
-}}
{{- toYaml (merge $fixed (.own | default dict) .root.Values.commonLabels $usual) -}}
{{- end -}}

{{/* Labels of pods: nothing that changes with the chart alone, or each upgrade would roll every proxy. */}}
{{- define "weir.podLabels" -}}
{{- $fixed := include "weir.selectorLabels" . | fromYaml -}}
{{- toYaml (merge $fixed .Values.podLabels .Values.commonLabels (dict "app.kubernetes.io/part-of" "weir")) -}}
{{- end -}}

{{/* `metadata:` of an object: (dict "root" $ "name" NAME), and if there are any "namespace", "labels", "annotations". */}}
{{- define "weir.metadata" -}}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "weir.labels" (dict "root" .root "own" .labels) | nindent 4 }}
  {{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "weir.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "weir.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "weir.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The controller runs when it has something to keep: "true" or nothing. */}}
{{/* A controller without target groups writes Ingress status and nothing else: proxies drain without it. */}}
{{- define "weir.hasGroups" -}}
{{- if .Values.controller.targetGroups -}}true{{- end -}}
{{- end -}}

{{- define "weir.publishes" -}}
{{- if or .Values.controller.publishService .Values.controller.publishStatusAddress -}}true{{- end -}}
{{- end -}}

{{- define "weir.hasController" -}}
{{- if or (include "weir.hasGroups" .) (include "weir.publishes" .) -}}true{{- end -}}
{{- end -}}

{{- define "weir.targetType" -}}
{{- default (ternary "ip" "instance" (eq .Values.network.mode "podIP")) .Values.loadBalancer.targetType -}}
{{- end -}}

{{- define "weir.showsStatus" -}}
{{- if and (include "weir.hasController" .) (ne .Values.controller.ingressStatus "off") -}}true{{- end -}}
{{- end -}}

{{- define "weir.hasGate" -}}
{{- if and (include "weir.hasGroups" .) .Values.controller.readinessGate -}}true{{- end -}}
{{- end -}}

{{- define "weir.labelsInLine" -}}
{{- $pairs := list -}}
{{- range $key, $value := include "weir.selectorLabels" . | fromYaml -}}
{{- $pairs = append $pairs (printf "%s=%s" $key $value) -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/* What monitors do to samples: with --metrics-like what its dashboards expect, then the user's. Empty for nothing. */}}
{{- define "weir.metricRelabelings" -}}
{{- $rules := list -}}
{{- if get .root.Values.proxy.options "metrics-like" -}}
{{- $rules = .root.Files.Get "files/nginx-relabelings.yaml" | fromYamlArray -}}
{{- end -}}
{{- with concat $rules .own -}}
{{- toYaml . -}}
{{- end -}}
{{- end -}}
