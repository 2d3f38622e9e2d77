package check

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"opsmanager_exporter/collector/text"
)

// showProgress writes a progress line every second, overwriting the previous one,
// until stop is called, which erases it. It writes nothing in the first second.
func showProgress(w io.Writer, organizations int) (stop func()) {
	quit := make(chan struct{})
	begun := time.Now()
	var shown sync.WaitGroup
	shown.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		width := 0
		for {
			select {
			case <-ticker.C:
				line := fmt.Sprintf("polling %s, %.0f s", text.Count(organizations, "organization"), time.Since(begun).Seconds())
				width = len(line)
				fmt.Fprintf(w, "\r%s", line)
			case <-quit:
				if width > 0 {
					fmt.Fprintf(w, "\r%s\r", strings.Repeat(" ", width))
				}
				return
			}
		}
	})
	return func() {
		close(quit)
		shown.Wait()
	}
}
