package deploy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
)

// webhook receives Alertmanager's notifications.
type webhook struct {
	url string

	mu            sync.Mutex
	notifications []notification
}

// notification is one request of Alertmanager.
type notification struct {
	at       time.Time
	GroupKey string // receivers treat notifications of one group as one incident
	Alerts   []notified
}

// notified is an alert in a notification.
type notified struct {
	Status      string // firing or resolved
	Labels      map[string]string
	Annotations map[string]string
	receiver    string // the path of the webhook
	groupKey    string
}

func (n notified) String() string { return fmt.Sprintf("%s %v", n.Status, n.Labels) }

// matches reports whether n has this status and at least these labels.
func (n notified) matches(status string, labels map[string]string) bool {
	for name, value := range labels {
		if n.Labels[name] != value {
			return false
		}
	}
	return n.Status == status
}

func newWebhook(t *testing.T) *webhook {
	t.Helper()
	h := new(webhook)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := notification{at: time.Now()}
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			t.Errorf("notification: %v", err)
			return
		}
		for i := range n.Alerts {
			n.Alerts[i].receiver, n.Alerts[i].groupKey = r.URL.Path, n.GroupKey
			for name, text := range n.Alerts[i].Annotations {
				if text == "" || strings.Contains(text, "  ") || strings.Contains(text, "<no value>") {
					t.Errorf("%v: annotation %s is %q", n.Alerts[i], name, text)
				}
			}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.notifications = append(h.notifications, n)
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// since returns the notifications that arrived after begin and hold an alert of
// this status and these labels, and those alerts.
func (h *webhook) since(begin time.Time, status string, labels map[string]string) (arrived []time.Time, alerts []notified) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.notifications {
		found := false
		for _, a := range n.Alerts {
			if n.at.After(begin) && a.matches(status, labels) {
				alerts = append(alerts, a)
				found = true
			}
		}
		if found {
			arrived = append(arrived, n.at)
		}
	}
	return arrived, alerts
}

// await waits until a notification holds an alert of this status and these
// labels, and returns the first such alert and when it arrived.
func (h *webhook) await(t *testing.T, begin time.Time, status string, labels map[string]string) (time.Time, notified) {
	t.Helper()
	var at time.Time
	var alert notified
	realprogram.Await(t, 2*time.Minute, func() error {
		arrived, alerts := h.since(begin, status, labels)
		if len(alerts) == 0 {
			return fmt.Errorf("no notification of %s %v", status, labels)
		}
		at, alert = arrived[0], alerts[0]
		return nil
	})
	return at, alert
}
