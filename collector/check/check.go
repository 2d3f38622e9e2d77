// Package check tells an operator whether a configuration works: what is wrong
// with it and with the files that it names and, online, whether the status of
// each organization can be read and what to do where it cannot.
//
// Its output contains no secrets and, of what servers send, only printable text.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/text"
	"opsmanager_exporter/config"
)

// Options say what to check and where to print.
type Options struct {
	// File is the name of the configuration file.
	File string
	// Online polls every organization once.
	Online bool
	// JSON prints the result of the polls as JSON instead of a table; it requires
	// Online.
	JSON bool
	// Stdout receives the result, Stderr warnings and progress.
	Stdout, Stderr io.Writer
	// Terminal says that Stderr is a terminal, where progress may be shown.
	Terminal bool
	// Exporter polls. It must not have a configuration yet; it gets one if Online
	// is set. The caller closes it.
	Exporter *collector.Exporter
}

var errInterrupted = errors.New("interrupted")

// Run validates the configuration and everything that it names, and polls if
// asked to. It prints what it finds. Its error has one line for each problem, up
// to the 1,000 after which a configuration file is not read on; it is nil if all
// files can be used and, online, every status was read, be it NOT_SYNCED.
func Run(ctx context.Context, o Options) error {
	if o.JSON && !o.Online {
		return errors.New("--output=json requires --online")
	}
	files := config.NewFiles()
	cfg, err := files.Load(o.File)
	if err != nil {
		return everyProblem(err, o.Stderr)
	}
	warnings := cfg.Warnings()
	for _, w := range warnings {
		fmt.Fprintf(o.Stderr, "warning: %s\n", text.Printable(w))
	}
	problems := cfg.CheckFiles()
	if len(problems) == 0 && !o.JSON {
		result := summary(files, cfg, len(warnings))
		if o.Online {
			result += "\n" // the table follows
		}
		problems = append(problems, writeTo(o.Stdout, result))
	}
	if o.Online {
		err := online(ctx, o, cfg)
		if errors.Is(err, errInterrupted) {
			return err
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// everyProblem returns an error with one line for each problem of a configuration
// file, unlike that of [config.Load].
func everyProblem(err error, stderr io.Writer) error {
	problems, ok := errors.AsType[config.Problems](err)
	if !ok {
		return err
	}
	if problems.Truncated() {
		fmt.Fprintf(stderr, "warning: stopped after %d problems; there may be more\n", len(problems))
	}
	return errors.Join(problems...)
}

// online polls every organization once and prints the results.
func online(ctx context.Context, o Options, cfg *config.Config) error {
	o.Exporter.Apply(cfg)
	targets := o.Exporter.Targets()
	stop := func() {}
	if o.Terminal {
		stop = showProgress(o.Stderr, len(targets.Orgs()))
	}
	_, ok := targets.Poll(ctx, nil)
	stop()
	if !ok {
		return errInterrupted
	}

	var findings []finding
	for _, org := range o.Exporter.Snapshot().Orgs {
		findings = append(findings, finding(org))
	}
	show := tableText
	if o.JSON {
		show = jsonText
	}
	if err := writeTo(o.Stdout, show(findings)); err != nil {
		return err
	}
	unknown := 0
	for i := range findings {
		if findings[i].reason() != "" {
			unknown++
		}
	}
	if unknown > 0 {
		return fmt.Errorf("the status of %d of %s is unknown", unknown, text.Count(len(findings), "organization"))
	}
	return nil
}

func writeTo(w io.Writer, result string) error {
	if _, err := io.WriteString(w, result); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
