package nearest

import "testing"

func TestOf(t *testing.T) {
	known := []string{"check", "demo", "healthcheck", "serve", "web.max-requests"}
	for s, want := range map[string]string{
		"chek": "check", "helthcheck": "healthcheck", "dmeo": "demo", "web.max-request": "web.max-requests",
		"check": "check", "metrics": "", "x": "", "": "", "a-very-long-word-that-nobody-meant": "",
	} {
		if got := Of(s, known); got != want {
			t.Errorf("%s: got %q, want %q", s, got, want)
		}
	}
}
