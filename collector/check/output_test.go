package check

import (
	"errors"
	"fmt"
	"io"
	"testing"
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
