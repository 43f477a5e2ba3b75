{{- define "treadle.name" -}}
{{- if contains "treadle" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-treadle" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "treadle.account" -}}
{{ .Values.serviceAccount.name | default (include "treadle.name" .) }}
{{- end }}

{{- define "treadle.selector" -}}
app.kubernetes.io/name: treadle
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "treadle.testSelector" -}}
app.kubernetes.io/name: treadle
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end }}

{{- define "treadle.labels" -}}
{{ include "treadle.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "treadle.image" -}}
{{- with .Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* What the operator is told about its surroundings: connections.installation.Installation. */}}
{{- define "treadle.installation" -}}
id: {{ .Values.installation }}
images: {{- toYaml .Values.images | nindent 2 }}
connections: {{- toYaml .Values.connections | nindent 2 }}
namespaces: {{ toJson .Values.scope.namespaces }}
serviceAccounts: {{ toJson .Values.serviceAccounts }}
imagePolicy: {{ toJson .Values.imagePolicy }}
{{- if .Values.kinds.monitoring }}
monitoring: {labels: {{ toJson .Values.kinds.monitoringLabels }}, runbooks: {{ toJson .Values.metrics.alerts.runbooks }}}
{{- end }}
control: {privateKeyFile: /var/run/treadle/control/private.pem}
{{- end }}

{{/* Ports that the operator may reach anywhere: those of the values, and of the systems that it asks itself. Stores it never asks. */}}
{{- define "treadle.egressPorts" -}}
{{- $ports := list }}
{{- range .Values.networkPolicy.egressPorts }}{{ $ports = append $ports (int .) }}{{ end }}
{{- range $systems := list .Values.connections.mlflow .Values.connections.labelStudio }}
{{- range $systems }}
{{- $url := urlParse .url }}
{{- $ports = append $ports (regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (eq $url.scheme "http" | ternary 80 443) | int) }}
{{- end }}
{{- end }}
{{- range uniq $ports }}
- {port: {{ . }}, protocol: TCP}
{{- end }}
{{- end }}

{{- define "treadle.controlSecret" -}}
{{ .Values.control.existingSecret | default (printf "%s-control" (include "treadle.name" .)) }}
{{- end }}

{{/* Whether objects of the Prometheus operator are rendered: "true" or nothing. */}}
{{- define "treadle.monitoring" -}}
{{- $present := .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}
{{- if eq .Values.metrics.renderMode "alwaysRender" }}true
{{- else if $present }}true
{{- else if eq .Values.metrics.renderMode "failIfMissing" }}{{ fail "metrics.renderMode is failIfMissing, and the cluster has no monitoring.coreos.com/v1: install the Prometheus operator first" }}
{{- end }}
{{- end }}

{{/* What scanners are to know about an image by tag: a digest exists once a release is chosen, and tags of releases are never moved. */}}
{{- define "treadle.waivers" -}}
{{- if not .Values.image.digest }}
checkov.io/skip1: CKV_K8S_43=set image.digest to the digest of the release
{{- end }}
checkov.io/skip2: CKV_K8S_15=tags of releases are never moved, and a restart must not need the registry
{{- end }}

{{/* The pod's security, the same for the operator and the chart's test. */}}
{{- define "treadle.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "treadle.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* A token of an hour, mounted by projection only where it is needed. */}}
{{- define "treadle.tokenVolume" -}}
name: token
projected:
  defaultMode: 0440
  sources:
  - {serviceAccountToken: {path: token, expirationSeconds: 3607}}
  - {configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}}
  - {downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}}
{{- end }}
