package listener

import (
	"bytes"
	"log"
	"log/slog"
	"slices"
)

// newErrorLog returns a logger for http.Server. Most of its messages are about client
// behavior, such as port scans and health checks, and are logged at debug level.
func newErrorLog(logger *slog.Logger) *log.Logger { return log.New(errorLog{logger}, "", 0) }

type errorLog struct{ logger *slog.Logger }

// Write implements io.Writer.
func (e errorLog) Write(line []byte) (int, error) {
	begins := func(beginnings ...string) bool {
		return slices.ContainsFunc(beginnings, func(b string) bool { return bytes.HasPrefix(line, []byte(b)) })
	}
	log := e.logger.Debug
	switch {
	case begins("http: panic serving", "http2: panic serving"):
		log = e.logger.Error
	case begins("http: Accept error", "http: superfluous", "http: invalid Content-Length", "http: WriteHeader called with both"):
		log = e.logger.Warn
	}
	log("The HTTP server reported a problem", "message", string(bytes.TrimSpace(line)))
	return len(line), nil
}
