package config

import (
	"fmt"
	"path/filepath"
	"unicode/utf8"
)

// maxFileSize is far more than the largest sensible configuration needs.
const maxFileSize = 16 << 20

// Load reads and validates a configuration file. Its error is of type
// [Problems] and tells everything that is wrong with the file at once. The
// files that the configuration names are not read: see [Config.CheckFiles].
func Load(file string) (*Config, error) {
	data, err := readConfigFile(file)
	if err != nil {
		return nil, Problems{err}
	}
	dir := filepath.Dir(file)
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	d := &decoder{dir: dir, orgLines: map[string]int{}, nameLines: map[string]int{}}
	root, p := parse(data)
	if p != nil {
		d.problems = append(d.problems, p)
	}
	c := &Config{File: file}
	if root != nil {
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

func readConfigFile(file string) ([]byte, error) {
	found, err := readFile(file, maxFileSize)
	if err != nil {
		return nil, &problem{file: file, text: fmt.Sprint(err), cause: err}
	}
	if !utf8.Valid(found.text) {
		return nil, &problem{file: file, text: "is not UTF-8: save it in that encoding"}
	}
	return found.text, nil
}
