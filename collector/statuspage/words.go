package statuspage

import (
	"fmt"
	"time"
)

// moment is a time as the page shows it.
type moment struct {
	Ago     string // relative
	Clock   string // absolute
	Machine string // for the datetime attribute
}

// momentOf returns t as a moment, or nil if t is zero.

func momentOf(t, now time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &moment{
		Ago:     ago(now.Sub(t)),
		Clock:   t.Format("2006-01-02 15:04:05 UTC"),
		Machine: t.Format(time.RFC3339),
	}
}

// ago formats an age in its largest unit. It is negative if the clock was set back.
func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d days ago", d/(24*time.Hour))
}

// took formats a duration.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d/time.Millisecond)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
