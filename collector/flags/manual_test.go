package flags

import (
	"bytes"
	"testing"
)

// The manual page has all commands and flags but those that are hidden, and nothing in
// their texts is taken for roff.
func TestManualPage(t *testing.T) {
	const help = "Exports it. For \\all of us.\n\nExamples:\n\n  exporter --config.file=it's.yml\n  exporter check"
	var out bytes.Buffer
	app := NewApplication("exporter", help, &out, &out).UsageWriter(&out)
	app.Flag("config.file", "Path `to` the file. .yml is usual. A longer sentence has to be broken somewhere, and that is before its line is too long.").Default("it.yml").String()
	app.Flag("secret", "Hidden.").Hidden().Bool()
	app.Command("serve", "Serve.").Default()
	app.Command("check", "'Check'.").Flag("online", ".Also poll.").Bool()
	context, err := app.ParseContext(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.UsageForContextWithTemplate(context, 2, ManualPage); err != nil {
		t.Fatal(err)
	}
	const want = `.TH EXPORTER 1 "" "exporter " "User Commands"
.SH NAME
exporter \-
Exports it
.SH SYNOPSIS
.B exporter
[\fIcommand\fR] [\fIflags\fR]
.SH DESCRIPTION
Exports it.
For \eall of us.
.PP
Examples:
.PP
.EX
  exporter \-\-config.file=it\(aqs.yml
  exporter check
.EE
.SH COMMANDS
.TP
\fBhelp\fR [<command>]
Show help.
.TP
\fBserve\fR
Serve.
.TP
\fBcheck\fR
\(aqCheck\(aq.
.RS
.TP
\fB\-\-online\fR
\&.Also poll.
.RE
.SH OPTIONS
.TP
\fB\-h\fR, \fB\-\-help\fR
Show context\-sensitive help (also try \-\-help\-long and \-\-help\-man).
.TP
\fB\-\-config.file\fR=\fI"it.yml"\fR
Path \(gato\(ga the file. .yml is usual.
A longer sentence has to be broken somewhere, and that is before its line is
too long.
.SH FILES
`
	got, _, _ := bytes.Cut(out.Bytes(), []byte("The packages contain:\n"))
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
