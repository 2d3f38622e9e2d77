package check

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
)

// failing accepts left bytes and then fails, like a closed pipe.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("broken pipe")
	}
	return len(p), nil
}

func TestOutputThatFails(t *testing.T) {
	file := configuration(t, manager("om", "https://om.example.net", 1))
	err := Run(t.Context(), Options{File: file, Stdout: new(failing), Stderr: io.Discard})
	if fmt.Sprint(err) != "write the result: broken pipe" {
		t.Errorf("got %v", err)
	}
}

// Nobody has to read the numbers beside the JSON.
func TestNumbersThatNobodyReads(t *testing.T) {
	s := simulate(t, simulator.Options{}, nil)
	file := configuration(t, manager("om", s.URL(), 1))
	exporter := collector.NewExporter(slog.New(slog.DiscardHandler), "test")
	defer exporter.Close()
	if err := Run(t.Context(), Options{File: file, Online: true, JSON: true, Stdout: io.Discard, Stderr: new(failing), Exporter: exporter}); err != nil {
		t.Error(err)
	}
}
