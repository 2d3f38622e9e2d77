{{- define "opsmanager-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "opsmanager-exporter.fullname" -}}
{{- $name := include "opsmanager-exporter.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
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
{{- toYaml (merge (include "opsmanager-exporter.ownLabels" $root | fromYaml) (index . 1) $root.Values.commonLabels) }}
{{- end }}

{{- define "opsmanager-exporter.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "opsmanager-exporter.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "opsmanager-exporter.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* The address of the exporter in the cluster. */}}
{{- define "opsmanager-exporter.address" -}}
{{- printf "%s.%s.svc:%v" (include "opsmanager-exporter.fullname" .) .Release.Namespace .Values.service.port }}
{{- end }}

{{/* The prefix of every path: --web.route-prefix, or the path of --web.external-url. */}}
{{- define "opsmanager-exporter.prefix" -}}
{{- $prefix := "" }}
{{- range .Values.extraArgs }}
{{- if hasPrefix "--web.external-url=" . }}
{{- $prefix = (urlParse (trimPrefix "--web.external-url=" .)).path }}
{{- end }}
{{- end }}
{{- range .Values.extraArgs }}
{{- if hasPrefix "--web.route-prefix=" . }}
{{- $prefix = trimPrefix "--web.route-prefix=" . }}
{{- end }}
{{- end }}
{{- with trimAll "/" $prefix }}/{{ . }}{{ end }}
{{- end }}

{{/* A probe, with the prefix added to its path. */}}
{{- define "opsmanager-exporter.probe" -}}
{{- $probe := deepCopy (index . 1) }}
{{- if $probe.httpGet }}
{{- $_ := set $probe.httpGet "path" (printf "%s%s" (include "opsmanager-exporter.prefix" (index . 0)) $probe.httpGet.path) }}
{{- end }}
{{- toYaml $probe }}
{{- end }}

{{/* Fails if a file below /secrets/ is not in a listed Secret. */}}
{{- define "opsmanager-exporter.checkFiles" -}}
{{- $names := list }}
{{- range .Values.secrets }}
{{- $names = append $names .name }}
{{- end }}
{{- if ne (len $names) (len (uniq $names)) }}
{{- fail "secrets: a Secret is listed twice: list each once" }}
{{- end }}
{{- range $i, $manager := .Values.config.ops_managers }}
{{- $blocks := list (list "api_key" $manager.api_key) (list "tls_config" $manager.tls_config) }}
{{- range $j, $org := $manager.orgs }}
{{- $blocks = append $blocks (list (printf "orgs[%d].api_key" $j) $org.api_key) }}
{{- end }}
{{- range $block := $blocks }}
{{- range $key, $path := index $block 1 }}
{{- if and (hasSuffix "_file" $key) (hasPrefix "/secrets/" $path) }}
{{- $name := index (splitList "/" $path) 2 }}
{{- if not (has $name $names) }}
{{- fail (printf "config.ops_managers[%d].%s.%s: %s is in the Secret %q, which is not listed in secrets: add it" $i (index $block 0) $key $path $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
