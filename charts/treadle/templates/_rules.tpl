{{/* The operator's rights on workloads and on our kinds; the table of docs/security. One list, bound cluster-wide or per namespace. */}}
{{- define "treadle.rules" -}}
- apiGroups: [treadle.dev]
  resources: [annotationprojects, trainingruns, modeldeployments]
  verbs: [get, list, watch]
- apiGroups: [treadle.dev]
  resources: [annotationprojects]
  verbs: [patch]
- apiGroups: [treadle.dev]
  resources: [trainingruns]
  verbs: [create, delete]
- apiGroups: [treadle.dev]
  resources: [annotationprojects/status, trainingruns/status, modeldeployments/status]
  verbs: [patch]
- apiGroups: [treadle.dev]
  resources: [annotationprojects/finalizers, trainingruns/finalizers, modeldeployments/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [create, list]
{{- if .Values.kinds.jobSet }}
- apiGroups: [jobset.x-k8s.io]
  resources: [jobsets]
  verbs: [get, list, watch, create, delete]
{{- end }}
{{- if .Values.kinds.kueue }}
- apiGroups: [kueue.x-k8s.io]
  resources: [workloads]
  verbs: [get, list, watch]
{{- end }}
{{- if .Values.kinds.horizontalPodAutoscaler }}
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- if .Values.kinds.httpRoute }}
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- if .Values.kinds.monitoring }}
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors, prometheusrules]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- end }}
