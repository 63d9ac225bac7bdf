{{/* What the operator may do in each namespace that it serves. */}}
{{- define "tidemark.rules" -}}
# The custom resources: read, and the annotations taken off that asked for something.
- apiGroups: [tidemark.dev]
  resources: [clusters, topics]
  verbs: [get, list, watch, patch]
- apiGroups: [tidemark.dev]
  resources: [clusters/status, topics/status]
  verbs: [get, patch]
# The controller's state, by compare-and-swap.
- apiGroups: [tidemark.dev]
  resources: [metadatashards]
  verbs: [get, list, watch, create, update, patch, delete]
# What a Cluster is made of, by server-side apply.
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services, configmaps, secrets, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
# Brokers: seen, labelled, and replaced one at a time in a roll.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch, delete]
# Volumes: grown, given up by their uid, never made.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
# A Cluster with spec.monitoring has a PodMonitor of its own.
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
