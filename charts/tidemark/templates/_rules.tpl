{{/* What the operator may do in each namespace that it serves: verbs that its code uses, and no others. */}}
{{- define "tidemark.rules" -}}
# The custom resources are read; what the operator has to say is in their status.
- apiGroups: [tidemark.dev]
  resources: [clusters, topics]
  verbs: [get, list, watch]
- apiGroups: [tidemark.dev]
  resources: [clusters/status, topics/status]
  verbs: [patch]
# The controller's state, by compare-and-swap. Kubernetes removes it, with the Cluster that owns it.
- apiGroups: [tidemark.dev]
  resources: [metadatashards]
  verbs: [get, list, create, update, patch]
# What a Cluster is made of, by server-side apply.
- apiGroups: [""]
  resources: [configmaps, secrets, serviceaccounts]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
# A Cluster with spec.monitoring has a PodMonitor of its own.
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [get, create, patch, delete]
# Brokers: seen, labelled with their ids, and replaced one at a time in a roll.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch, delete]
# Volumes: grown, given up by their uid, never made.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}
