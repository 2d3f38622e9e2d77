// Package check tells an operator whether a configuration works: what is wrong
// with it and with the files that it names, and, online, whether each
// organization gives its status and what to do where one does not.
//
// What it prints holds no secret and, of what comes from a server, only
// printable text.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/config"
)

// Options say what to check and where to print.
type Options struct {
	// File is the configuration file.
	File string
	// Online polls every organization once.
	Online bool
	// JSON prints the result of the polls as JSON in place of a table; it needs
	// Online.
	JSON bool
	// Stdout takes the result, Stderr warnings and progress.
	Stdout, Stderr io.Writer
	// Terminal says that Stderr is a terminal, where progress may be shown.
	Terminal bool
	// Exporter polls. It must have no configuration yet, is given one if Online
	// is set, and stays the caller's to close.
	Exporter *collector.Exporter
}

var errInterrupted = errors.New("interrupted")

// Run validates the configuration and everything that it names, and polls where
// that is asked for. It prints what it found. Its error has one line for each
// problem; it is nil if all files can be used and, online, every organization
// gave a status, NOT_SYNCED included.
func Run(ctx context.Context, o Options) error {
	if o.JSON && !o.Online {
		return errors.New("--output=json needs --online")
	}
	cfg, err := config.Load(o.File)
	if err != nil {
		return err // one line for each problem, with the file's name
	}
	for _, w := range cfg.Warnings() {
		fmt.Fprintf(o.Stderr, "warning: %s\n", printable(w))
	}
	problems := cfg.CheckFiles()
	if len(problems) == 0 && !o.JSON {
		text := summary(cfg)
		if o.Online {
			text += "\n" // the table follows
		}
		problems = append(problems, writeTo(o.Stdout, text))
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

// online polls every organization once and prints what each of them gave.
func online(ctx context.Context, o Options, cfg *config.Config) error {
	o.Exporter.Apply(cfg)
	targets := targetsOf(cfg)
	stop := func() {}
	if o.Terminal {
		stop = showProgress(o.Stderr, len(targets))
	}
	results, ok := o.Exporter.Targets().Poll(ctx, nil)
	stop()
	if !ok {
		return errInterrupted
	}

	findings := findingsOf(targets, results.Orgs, time.Now())
	show := tableText
	if o.JSON {
		show = jsonText
	}
	if err := writeTo(o.Stdout, show(findings)); err != nil {
		return err
	}
	unknown := 0
	for i := range findings {
		if findings[i].reason != "" {
			unknown++
		}
	}
	if unknown > 0 {
		return fmt.Errorf("%d of %s gave no status", unknown, count(len(findings), "organization"))
	}
	return nil
}

func writeTo(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
