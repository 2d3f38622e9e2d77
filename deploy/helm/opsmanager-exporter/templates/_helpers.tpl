{{- define "opsmanager-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* A release can have dots in its name, a Service cannot. */}}
{{- define "opsmanager-exporter.fullname" -}}
{{- $name := include "opsmanager-exporter.name" . }}
{{- $release := .Release.Name | replace "." "-" }}
{{- .Values.fullnameOverride | default (contains $name $release | ternary $release (printf "%s-%s" $release $name)) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Must not change: the selector of a Deployment is immutable. */}}
{{- define "opsmanager-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "opsmanager-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "opsmanager-exporter.ownLabels" -}}
{{ include "opsmanager-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The labels of an object. The argument is a list of the root context and additional labels; those of the chart take precedence. */}}
{{- define "opsmanager-exporter.labels" -}}
{{- $root := index . 0 }}
{{- toYaml (merge (include "opsmanager-exporter.ownLabels" $root | fromYaml) (index . 1 | default dict) $root.Values.commonLabels) }}
{{- end }}

{{/*
The metadata of an object. The argument is a list of the root context, a mapping with the namespace, labels and annotations of
the object, and optionally its name.
*/}}
{{- define "opsmanager-exporter.metadata" -}}
{{- $root := index . 0 }}
{{- $object := index . 1 -}}
name: {{ rest (rest .) | first | default (include "opsmanager-exporter.fullname" $root) }}
namespace: {{ $object.namespace | default $root.Release.Namespace }}
labels:
  {{- include "opsmanager-exporter.labels" (list $root $object.labels) | nindent 2 }}
{{- with $object.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The fields that are set. The argument is a list of a mapping and names of its keys. */}}
{{- define "opsmanager-exporter.fields" -}}
{{- $from := first . }}
{{- $fields := dict }}
{{- range $name := rest . }}
{{- with get $from $name }}
{{- $_ := set $fields $name . }}
{{- end }}
{{- end }}
{{- with $fields }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "opsmanager-exporter.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "opsmanager-exporter.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "opsmanager-exporter.image" -}}
{{- with (.Values.global).imageRegistry | default .Values.image.registry }}{{ . }}/{{ end }}
{{- .Values.image.repository }}
{{- with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* What the exporter's pod and the pod of "helm test" have in common. */}}
{{- define "opsmanager-exporter.pod" -}}
serviceAccountName: {{ include "opsmanager-exporter.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with include "opsmanager-exporter.fields" (list .Values "imagePullSecrets" "priorityClassName" "hostAliases" "dnsPolicy" "dnsConfig" "nodeSelector" "tolerations") }}
{{ . }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end }}

{{/* The same for their containers. */}}
{{- define "opsmanager-exporter.container" -}}
image: {{ include "opsmanager-exporter.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}

{{/* The address of the exporter in the cluster. */}}
{{- define "opsmanager-exporter.address" -}}
{{- printf "%s.%s.svc:%v" (include "opsmanager-exporter.fullname" .) .Release.Namespace .Values.service.port }}
{{- end }}

{{/* The value of a flag in extraArgs. The argument is a list of the root context and the flag. */}}
{{- define "opsmanager-exporter.flag" -}}
{{- $flag := printf "%s=" (index . 1) }}
{{- range (index . 0).Values.extraArgs }}
{{- if hasPrefix $flag . }}{{ trimPrefix $flag . }}{{ end }}
{{- end }}
{{- end }}

{{- define "opsmanager-exporter.externalPath" -}}
{{- (include "opsmanager-exporter.flag" (list . "--web.external-url") | urlParse).path }}
{{- end }}

{{/* The prefix of every path: --web.route-prefix, or the path of --web.external-url. */}}
{{- define "opsmanager-exporter.prefix" -}}
{{- with include "opsmanager-exporter.flag" (list . "--web.route-prefix") | default (include "opsmanager-exporter.externalPath" .) | trimAll "/" }}/{{ . }}{{ end }}
{{- end }}

{{/* The path of the status page for the Ingress: a proxy that removes a prefix has that of --web.external-url. */}}
{{- define "opsmanager-exporter.ingressPath" -}}
{{- .Values.ingress.path | default (include "opsmanager-exporter.externalPath" . | default (include "opsmanager-exporter.prefix" .) | trimSuffix "/" | printf "%s/") }}
{{- end }}

{{/* The address of the status page, if it is known. */}}
{{- define "opsmanager-exporter.statusPage" -}}
{{- if .Values.prometheusRule.links.statusPage }}
{{- .Values.prometheusRule.links.statusPage }}
{{- else if .Values.ingress.enabled }}
{{- printf "http%s://%s%s" (.Values.ingress.tls | empty | ternary "" "s") (first (required "ingress.hosts: is missing: list the host names" .Values.ingress.hosts)) (include "opsmanager-exporter.ingressPath" . | trimSuffix "/") }}
{{- end }}
{{- end }}

{{/* A probe, with the prefix and the scheme. Another handler replaces the default httpGet, which Helm merges into it. */}}
{{- define "opsmanager-exporter.probe" -}}
{{- $root := index . 0 }}
{{- $probe := deepCopy (index . 1) }}
{{- if or $probe.exec $probe.tcpSocket $probe.grpc }}
{{- $probe = omit $probe "httpGet" }}
{{- else if $probe.httpGet }}
{{- $_ := set $probe.httpGet "path" (printf "%s%s" (include "opsmanager-exporter.prefix" $root) $probe.httpGet.path) }}
{{- $_ := set $probe.httpGet "scheme" ($probe.httpGet.scheme | default (upper $root.Values.service.scheme)) }}
{{- end }}
{{- toYaml $probe }}
{{- end }}

{{/* Fails if values do not fit together. */}}
{{- define "opsmanager-exporter.check" -}}
{{- $replaced := dict "--config.file" "config or configSecret" "--web.listen-address" "service.targetPort" "--web.systemd-socket" "service.targetPort" }}
{{- range $i, $arg := .Values.extraArgs }}
{{- with get $replaced (splitList "=" $arg | first) }}
{{- fail (printf "extraArgs[%d]: the chart sets %s: set %s instead" $i (splitList "=" $arg | first) .) }}
{{- end }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}
{{- fail "serviceMonitor and podMonitor are enabled, which would scrape the exporter twice: enable one of them" }}
{{- end }}
{{- $names := list }}
{{- range .Values.secrets }}
{{- $names = append $names .name }}
{{- end }}
{{- if ne (len $names) (len (uniq $names)) }}
{{- fail "secrets: a Secret is listed twice: list each once" }}
{{- end }}
{{- if not .Values.configSecret.name }}
{{- include "opsmanager-exporter.checkFiles" (list .Values.config.ops_managers $names) }}
{{- end }}
{{- end }}

{{/* Fails if a file below /secrets/ is not in a listed Secret. The argument is a list of the Ops Managers and the Secrets' names. */}}
{{- define "opsmanager-exporter.checkFiles" -}}
{{- $names := index . 1 }}
{{- range $i, $manager := index . 0 }}
{{- $blocks := pick $manager "api_key" "service_account" "tls_config" }}
{{- range $j, $org := $manager.orgs }}
{{- range $key, $block := pick $org "api_key" "service_account" }}
{{- $_ := set $blocks (printf "orgs[%d].%s" $j $key) $block }}
{{- end }}
{{- end }}
{{- range $where, $block := $blocks }}
{{- range $key, $path := $block }}
{{- if and (hasSuffix "_file" $key) (hasPrefix "/secrets/" $path) }}
{{- $name := index (splitList "/" $path) 2 }}
{{- if not (has $name $names) }}
{{- fail (printf "config.ops_managers[%d].%s.%s: %s is in the Secret %q, which is not listed in secrets: add it" $i $where $key $path $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
