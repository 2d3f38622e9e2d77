package speed_test

import (
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"
)

// looped is the task of the bare loop: read every organization of an Ops Manager once, with
// one key for all.
type looped struct {
	Orgs            int
	URL, CA         string
	Public, Private string
}

// round makes a loop read every organization once, and returns the duration.
func round(b *testing.B, loop *worker, o *opsManager) time.Duration {
	b.Helper()
	public, private := o.key(0)
	begun := time.Now()
	ask[struct{}](b, loop, looped{o.Orgs, o.URL, o.CA, public, private})
	return time.Since(begun)
}

// loop runs in the worker process: the minimum that Go must do to read migration links. It
// reuses connections and nonces and reads the status, without deadlines, error handling or
// metrics.
func loop(in io.Reader, out io.Writer) error {
	var client *http.Client
	var session session
	return answer(in, out, func(l looped) (any, error) {
		if client == nil {
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM([]byte(l.CA))
			client = &http.Client{Transport: &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
				MaxConnsPerHost: concurrency, MaxIdleConnsPerHost: concurrency,
			}}
		}
		session.key = l
		next := make(chan int)
		failures := make(chan error, concurrency)
		var workers sync.WaitGroup
		for range concurrency {
			workers.Go(func() {
				for i := range next {
					if err := session.read(client, i); err != nil {
						failures <- err
						return
					}
				}
			})
		}
		for i := range l.Orgs {
			select {
			case next <- i:
			case err := <-failures:
				return nil, err
			}
		}
		close(next)
		workers.Wait()
		select {
		case err := <-failures:
			return nil, err
		default:
			return struct{}{}, nil
		}
	})
}

// session is the digest state of the loop's key.
type session struct {
	key looped

	mu        sync.Mutex
	challenge *digest.Challenge
	ha1       string // RFC 7616, section 3.4.2
	since     time.Time
	uses      int
}

func (s *session) read(client *http.Client, i int) error {
	path := "/api/public/v1.0/orgs/" + orgID(i) + "/liveExport/migrationLink/status"
	challenge, ha1, uses, err := s.next(client, path)
	if err != nil {
		return err
	}
	credentials, err := digest.Digest(challenge, digest.Options{
		Method: http.MethodGet, URI: path, Count: uses, Username: s.key.Public, A1: ha1,
	})
	if err != nil {
		return err
	}
	resp, err := s.get(client, path, credentials.String())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var link struct{ Status string }
	if err := json.Unmarshal(body, &link); err != nil || link.Status != "SYNCED" {
		return fmt.Errorf("%s: %w %q", resp.Status, err, link.Status)
	}
	return nil
}

// next returns a challenge to answer, its HA1, and the number of its uses including this
// one.
func (s *session) next(client *http.Client, path string) (challenge *digest.Challenge, ha1 string, uses int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.challenge == nil || s.uses == 1000 || time.Since(s.since) > 45*time.Second {
		resp, err := s.get(client, path, "")
		if err != nil {
			return nil, "", 0, err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return nil, "", 0, err
		}
		if s.challenge, err = digest.FindChallenge(resp.Header); err != nil {
			return nil, "", 0, err
		}
		s.ha1 = fmt.Sprintf("%x", md5.Sum([]byte(s.key.Public+":"+s.challenge.Realm+":"+s.key.Private)))
		s.since, s.uses = time.Now(), 0
	}
	s.uses++
	return s.challenge, s.ha1, s.uses, nil
}

func (s *session) get(client *http.Client, path, authorization string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, s.key.URL+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, errors.Join(errors.New("loop"), err)
	}
	return resp, nil
}
