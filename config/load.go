package config

import (
	"errors"
	"path/filepath"
	"unicode/utf8"
)

// maxFileSize is far more than the largest sensible configuration needs.
const maxFileSize = 8 << 20

var errNotUTF8 = errors.New("is not UTF-8: save it with that encoding")

// Load is [Files.Load] for a program that loads a configuration only once.
func Load(file string) (*Config, error) { return NewFiles().Load(file) }

// Load reads and validates a configuration file. Its error is of type [Problems]:
// all problems of the file in line order, or the reason why it cannot be read, such
// as a file system that does not respond within ten seconds. Load does not read the
// files that the configuration names: see [Config.CheckFiles].
func (f *Files) Load(file string) (*Config, error) {
	type input struct {
		text []byte
		dir  string // base of relative file names
	}
	s := source{path: file, limit: maxFileSize}
	in, err := within(f, []source{s}, func() (input, error) {
		found, err := s.read()
		if err != nil {
			return input{}, err
		}
		dir := filepath.Dir(file)
		if abs, err := filepath.Abs(dir); err == nil {
			dir = abs
		}
		return input{text: found.text, dir: dir}, nil
	})
	if err != nil {
		return nil, Problems{err}
	}
	if !utf8.Valid(in.text) {
		return nil, Problems{s.wrap(errNotUTF8)}
	}
	c := &Config{File: file, files: f}
	d := &decoder{dir: in.dir, orgLines: map[string]int{}, nameLines: map[string]int{}}
	root, p := parse(in.text)
	if p != nil {
		d.problems = append(d.problems, p)
	} else {
		c.OpsManagers = d.document(root)
	}
	if len(d.problems) == 0 {
		return c, nil
	}
	for _, p := range d.problems {
		p.file = file
	}
	return nil, sortByLine(d.problems)
}
