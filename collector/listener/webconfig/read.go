package webconfig

import "opsmanager_exporter/config"

// maxSize is the maximum size of a file, in bytes, more than any configuration or
// certificate chain needs.
const maxSize = 1 << 20

// readFile reads a whole regular file. Its error does not name the file.
func readFile(path string) ([]byte, error) { return config.ReadFile(path, maxSize) }
