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

// NewApplication returns a command line whose --help and --version exit with 0,
// or with 1 if stdout cannot be written to.
func NewApplication(name, help string, stdout, stderr io.Writer) *kingpin.Application {
	// kingpin would panic if it could not write.
	var usage bytes.Buffer
	app := kingpin.New(name, help).UsageWriter(&usage).ErrorWriter(stderr).Terminate(func(status int) {
		if _, err := usage.WriteTo(stdout); err != nil {
			fmt.Fprintf(stderr, "%s: write the help: %v\n", name, err)
			status = 1
		}
		os.Exit(status)
	})
	app.UsageTemplate(strings.ReplaceAll(kingpin.DefaultUsageTemplate, "<command> [<args> ...]", "[<command>]"))
	app.HelpFlag.Short('h')
	return app
}

// Selected reports whether a command is the one that the command line asks for,
// or for help on.
func Selected(app *kingpin.Application, args []string, command *kingpin.CmdClause) bool {
	context, _ := app.ParseContext(args) // whose error Parse explains
	if context == nil || context.SelectedCommand == nil {
		return false
	}
	return context.SelectedCommand == command ||
		context.SelectedCommand == app.HelpCommand && slices.Contains(args, command.FullCommand())
}
