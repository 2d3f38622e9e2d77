package flags

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// NewApplication returns an application whose --help and --version exit with status
// 0, or 1 if writing to stdout fails.
func NewApplication(name, help string, stdout, stderr io.Writer) *kingpin.Application {
	// kingpin panics if it cannot write.
	var usage bytes.Buffer
	app := kingpin.New(name, help).UsageWriter(&usage).ErrorWriter(stderr).Terminate(func(status int) {
		if _, err := usage.WriteTo(stdout); err != nil {
			fmt.Fprintf(stderr, "%s: write the help: %v\n", name, err)
			status = 1
		}
		os.Exit(status)
	})
	app.UsageTemplate(strings.NewReplacer(
		"<command> [<args> ...]", "[<command>]",
		`{{.Context.SelectedCommand}}{{template "FormatUsage" .Context.SelectedCommand}}`,
		"{{.Context.SelectedCommand}} [<flags>]\n\n{{.Context.SelectedCommand.Help|Wrap 0}}",
	).Replace(kingpin.DefaultUsageTemplate))
	app.UsageFuncs(manualFuncs())
	app.HelpFlag.Short('h')
	return app
}

// Selected reports whether args run the command or request help on it.
func Selected(app *kingpin.Application, args []string, command *kingpin.CmdClause) bool {
	context, _ := app.ParseContext(args) // Parse reports the error
	if context == nil || context.SelectedCommand == nil {
		return false
	}
	return context.SelectedCommand == command ||
		context.SelectedCommand == app.HelpCommand && slices.Contains(args, command.FullCommand())
}

// HideAllBut hides the flags that a command does not use from its help.
func HideAllBut(app *kingpin.Application, used ...string) {
	used = append(used, "help", "version")
	for _, flag := range app.Model().Flags {
		if !slices.Contains(used, flag.Name) {
			app.GetFlag(flag.Name).Hidden()
		}
	}
}
