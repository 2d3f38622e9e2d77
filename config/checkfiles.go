package config

import (
	"slices"
	"sync"
)

// CheckFiles reads all key and certificate files, each on its own and then together
// with related files. It returns an error for each file that cannot be used,
// including those that do not respond within ten seconds. These errors do not make a
// configuration invalid: the files may be created later.
func (c *Config) CheckFiles() []error {
	f := c.reader()
	var checks []func() []error
	for _, k := range c.keys() {
		checks = append(checks, func() []error { return f.checkKey(k.Credentials) })
	}
	for _, m := range c.OpsManagers {
		checks = append(checks, func() []error { return f.checkTLS(m.TLS) })
	}
	return unique(together(checks), error.Error)
}

func (f *Files) checkKey(c *Credentials) []error {
	var all []error
	for _, half := range []*Credentials{{Kind: c.Kind, Public: c.Public}, {Kind: c.Kind, Private: c.Private}} {
		if _, err := f.ReadKey(half); err != nil {
			all = append(all, err)
		}
	}
	if len(all) > 0 {
		return all
	}
	if _, err := f.ReadKey(c); err != nil {
		all = append(all, err)
	}
	return all
}

func (f *Files) checkTLS(t TLS) []error {
	var all []error
	for _, s := range t.sources() {
		if _, err := within(f, []source{s}, s.read); err != nil {
			all = append(all, err)
		}
	}
	if len(all) > 0 {
		return all
	}
	if _, err := f.ReadTLS(t); err != nil {
		all = append(all, err)
	}
	return all
}

// reader returns the Files to read the files of c with.
func (c *Config) reader() *Files {
	if c.files == nil {
		return NewFiles()
	}
	return c.files
}

// together calls all functions concurrently and returns their results in order.
func together[T any](functions []func() []T) []T {
	results := make([][]T, len(functions))
	var wg sync.WaitGroup
	for i, f := range functions {
		wg.Go(func() { results[i] = f() })
	}
	wg.Wait()
	return slices.Concat(results...)
}

// unique removes items whose key has occurred before. It modifies items.
func unique[T any](items []T, key func(T) string) []T {
	seen := map[string]bool{}
	return slices.DeleteFunc(items, func(item T) bool {
		k := key(item)
		defer func() { seen[k] = true }()
		return seen[k]
	})
}
