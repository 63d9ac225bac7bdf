{{- define "tidemark.selectorLabels" -}}
app.kubernetes.io/name: tidemark-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "tidemark.labels" -}}
{{ include "tidemark.selectorLabels" . }}
app.kubernetes.io/part-of: tidemark
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "tidemark.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Names of what belongs to no namespace: two releases in two namespaces do not meet. */}}
{{- define "tidemark.clusterName" -}}
tidemark-operator-{{ .Release.Namespace }}
{{- end }}

{{/* The namespaces served, as a list in JSON; empty: all. */}}
{{- define "tidemark.watchNamespaces" -}}
{{ .Values.watchNamespaces | uniq | sortAlpha | toJson }}
{{- end }}

{{/* Node's heap in megabytes: the memory limit less what Node needs beside its heap. */}}
{{- define "tidemark.heapMegabytes" -}}
{{- $limit := dig "limits" "memory" "160Mi" .Values.resources | toString -}}
{{- $megabytes := 0 -}}
{{- if hasSuffix "Gi" $limit -}}
{{- $megabytes = mulf (trimSuffix "Gi" $limit | float64) 1024 | int -}}
{{- else if hasSuffix "Mi" $limit -}}
{{- $megabytes = trimSuffix "Mi" $limit | int -}}
{{- else -}}
{{- fail (printf "resources.limits.memory is %q: give it in Mi or Gi" $limit) -}}
{{- end -}}
{{- if lt $megabytes 144 -}}
{{- fail (printf "resources.limits.memory is %q: the operator needs 144Mi at least" $limit) -}}
{{- end -}}
{{- sub $megabytes 112 -}}
{{- end }}

{{/* The restricted profile. */}}
{{- define "tidemark.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "tidemark.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
