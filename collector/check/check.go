// Package check checks whether a configuration works: it validates the
// configuration and the files that it refers to and, online, checks whether the
// status of each organization can be read and how to fix each failure.
//
// Its output contains no secrets, and only printable text from servers.
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

// Options configure a check.
type Options struct {
	// File is the path of the configuration file.
	File string
	// Online polls every organization once, and asks for those that are not configured.
	Online bool
	// JSON prints the results of the polls as JSON instead of a table. It requires
	// Online.
	JSON bool
	// Stdout receives the results, Stderr the warnings and progress and, with JSON,
	// the numbers of organizations that are not configured.
	Stdout, Stderr io.Writer
	// Terminal reports whether Stderr is a terminal, on which progress is shown.
	Terminal bool
	// Exporter polls. It must not have a configuration yet; Run applies one if
	// Online is set. The caller closes it.
	Exporter *collector.Exporter
}

var errInterrupted = errors.New("interrupted")

// Run validates the configuration and the files that it refers to, polls if Online
// is set, and prints the results. Its error has one line for each problem; parsing
// of the configuration file stops after 1,000. It is nil if all files can be used
// and, online, every status was read, including NOT_SYNCED. A list of organizations
// that cannot be read is no problem: credentials may be allowed less than that.
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

// everyProblem returns an error with one line for each problem in a configuration
// file, unlike the error of [config.Load], which lists only the first ones.
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
	lines, ok := unconfigured(ctx, targets, findings)
	if !ok {
		return errInterrupted
	}
	if o.JSON {
		fmt.Fprint(o.Stderr, lines) // like warnings, it is no result
	} else if err := writeTo(o.Stdout, "\n"+lines); err != nil {
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
