// Package orgs prints the organizations that the credentials in a configuration can see, to
// find out which ones to configure.
//
// Its output contains no secrets, and only printable text from servers.
package orgs

import (
	"context"
	"errors"
	"fmt"
	"io"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/text"
	"opsmanager_exporter/config"
)

// Options configure [Run].
type Options struct {
	// File is the path of the configuration file.
	File string
	// JSON prints JSON instead of YAML.
	JSON bool
	// Stdout receives the organizations, Stderr the warnings and failures.
	Stdout, Stderr io.Writer
	// Exporter asks the Ops Managers. It must not have a configuration yet. The caller
	// closes it.
	Exporter *collector.Exporter
}

// Run asks the Ops Managers of a configuration once for all credentials and prints the
// organizations that can be seen, even if some lists could not be read. Its error is nil
// if all were.
func Run(ctx context.Context, o Options) error {
	cfg, err := config.NewFiles().Load(o.File)
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings() {
		fmt.Fprintf(o.Stderr, "warning: %s\n", text.Printable(w))
	}
	o.Exporter.Apply(cfg)
	all, ok := o.Exporter.Targets().Visible(ctx, nil)
	if !ok {
		return errors.New("interrupted")
	}
	for i := range all {
		for _, w := range all[i].Warnings {
			fmt.Fprintf(o.Stderr, "warning: Ops Manager %q: %s\n", all[i].OpsManager, w)
		}
	}
	show := yamlText
	if o.JSON {
		show = jsonText
	}
	if _, err := io.WriteString(o.Stdout, show(all)); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	fmt.Fprint(o.Stderr, failures(all))
	return unknown(all)
}

// unknown returns an error if some lists could not be read.
func unknown(all []collector.Visible) error {
	credentials, failed := 0, 0
	for i := range all {
		credentials += all[i].Credentials
		failed += len(all[i].Failures)
	}
	if failed > 0 {
		return fmt.Errorf("the organizations of %d of %s are unknown", failed, text.Count(credentials, "credential"))
	}
	return nil
}
