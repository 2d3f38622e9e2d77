package flags

import (
	"strings"
	"text/template"
	"unicode"

	"github.com/prometheus/common/version"
)

// ManualPage is the template of the manual page that --help-man prints, for
// kingpin.ManPageTemplate. It needs an application made by [NewApplication].
const ManualPage = `
{{- define "Flags"}}{{range .Flags}}{{if not .Hidden}}.TP
\fB{{if .Short}}\-{{.Short|Char}}\fR, \fB{{end}}{{printf "--%s" .Name|Roff}}\fR{{if not .IsBoolFlag}}=\fI{{.FormatPlaceHolder|Roff}}\fR{{end}}
{{.Help|Roff}}
{{end}}{{end}}{{end -}}
.TH {{.App.Name|Upper}} 1 "{{BuildDate}}" "{{.App.Name}} {{Version}}" "User Commands"
.SH NAME
{{.App.Name}} \-
{{.App.Help|Summary|Roff}}
.SH SYNOPSIS
.B {{.App.Name}}
[\fIcommand\fR] [\fIflags\fR]
.SH DESCRIPTION
{{.App.Help|Roff}}
.SH COMMANDS
{{range .App.FlattenedCommands}}{{if not .Hidden}}.TP
\fB{{.FullCommand|Roff}}\fR{{if .Args}} {{.ArgSummary|Roff}}{{end}}
{{.Help|Roff}}
{{if .Flags}}.RS
{{template "Flags" .}}.RE
{{end}}{{end}}{{end -}}
.SH OPTIONS
{{template "Flags" .App -}}
.SH FILES
The packages contain:
.TP
.I /etc/opsmanager_exporter/opsmanager.yml
The configuration of the service.
.TP
.I /etc/default/opsmanager_exporter
Its flags.
.TP
.I /usr/share/doc/opsmanager\-exporter/config/README.md
All settings of the configuration.
.SH SIGNALS
.TP
.B SIGHUP
Reload the configuration.
If it has a problem, the previous one stays in use.
.TP
.BR SIGTERM ", " SIGINT
Stop.
.SH EXIT STATUS
0 on success and after
.B SIGTERM
or
.BR SIGINT ,
otherwise 1.
`

// manualFuncs returns the functions that [ManualPage] uses.
func manualFuncs() template.FuncMap {
	return template.FuncMap{
		"Roff":    roff,
		"Upper":   strings.ToUpper,
		"Version": func() string { return version.Version },
		// The date in a time such as 2006-01-02T15:04:05Z.
		"BuildDate": func() string { date, _, _ := strings.Cut(version.BuildDate, "T"); return date },
		// The first sentence, without its full stop.
		"Summary": func(help string) string {
			first, _, _ := strings.Cut(help, "\n")
			first, _, _ = strings.Cut(first, ". ")
			return strings.TrimSuffix(first, ".")
		},
	}
}

// roff returns text as the source of a manual page. Blank lines separate paragraphs,
// and those that are indented are examples.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(strings.TrimSpace(text))
	var paragraphs []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if strings.HasPrefix(paragraph, " ") {
			paragraph = ".EX\n" + paragraph + "\n.EE"
		} else {
			paragraph = fill(paragraph)
		}
		paragraphs = append(paragraphs, paragraph)
	}
	return strings.Join(paragraphs, "\n.PP\n")
}

// fill breaks lines after sentences, as is customary in roff, and before column 80.
func fill(text string) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		sentence := strings.HasSuffix(line, ".") && unicode.IsUpper(rune(word[0]))
		switch {
		case line == "":
			line = word
		case sentence || len(line)+1+len(word) >= 80:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	lines = append(lines, line)
	for i, line := range lines {
		if strings.HasPrefix(line, ".") { // it would be a request
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
