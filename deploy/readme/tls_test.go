package readme_test

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/testkit/testfile"
)

// Prometheus with the configuration in a README discovers and scrapes the targets of an
// exporter with TLS and passwords.
func TestDiscoveryOverTLS(t *testing.T) {
	suite := realprometheus.Newest()
	realprogram.Need(t, suite.Prometheus)
	address, ca := startSecured(t)
	found := 0
	for _, p := range pages(t, root) {
		for _, b := range p.blocks {
			if strings.Contains(b.text, "http_sd_configs") && strings.Contains(b.text, "https://") {
				found++
				t.Run(b.String(), func(t *testing.T) {
					t.Parallel()
					discover(t, suite, b.text, address, ca)
				})
			}
		}
	}
	if found == 0 {
		t.Error("no README has a configuration for /sd over TLS")
	}
}

// startSecured starts an exporter with two organizations, TLS and a password. It
// returns its address and the certificate of its authority.
func startSecured(t *testing.T) (address, authorityPEM string) {
	t.Helper()
	_, m := simulated.OpsManager(t, simulator.Options{}, 2)
	dir := t.TempDir()
	file := filepath.Join(dir, "opsmanager.yml")
	testfile.Write(t, file, fmt.Sprintf("ops_managers: [{url: %s, api_key: {public_key: %s, private_key: %s}, orgs: [{id: %s}, {id: %s}]}]\n",
		m.URL, simulated.PublicKey, simulated.PrivateKey, m.Orgs[0].ID, m.Orgs[1].ID))
	ca := authority.New(t)
	cert, key := authority.PEM(t, ca.Issue(t))
	testfile.Write(t, filepath.Join(dir, "server.pem"), cert)
	testfile.Write(t, filepath.Join(dir, "server.key"), key)
	// The hash of "listener-password".
	testfile.Write(t, filepath.Join(dir, "web.yml"), "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"+
		"basic_auth_users: {prometheus: $2a$04$UubBr5nNKNy/6ugUqzTQYun.Rl5afhLuEQxHd9ZA8XD1jEb91nF16}\n")
	address = realprogram.FreeAddress(t)
	exporter := realprogram.Start(t, exec.Command(realprometheus.Build(t), "--config.file="+file,
		"--web.config.file="+filepath.Join(dir, "web.yml"), "--web.listen-address="+address))
	if !exporter.Ready(t, func() error {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err
	}) {
		t.Fatal("the exporter ended")
	}
	return address, ca.PEM()
}

// discover makes Prometheus scrape the exporter at address.
func discover(t *testing.T, suite realprometheus.Suite, config, address, ca string) {
	t.Helper()
	dir := t.TempDir()
	config = realprometheus.Replace(t, config, "exporter.example.net:20301", address)
	config = regexp.MustCompile(`(scrape_(?:interval|timeout)): \d+s`).ReplaceAllString(config, "$1: 1s")
	testfile.Write(t, filepath.Join(dir, "ca_file"), ca)
	testfile.Write(t, filepath.Join(dir, "password_file"), "listener-password")
	config = named.ReplaceAllString(config, "$1: "+dir+"/$1")
	prometheus := suite.StartPrometheus(t, "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"+config, nil)
	realprogram.Await(t, time.Minute, func() error {
		samples := realprometheus.Query(t, prometheus, "opsmanager_migration_link_synced == 1")
		if len(samples) != 2 {
			return fmt.Errorf("%d organizations were scraped: %v", len(samples), realprometheus.Query(t, prometheus, "up"))
		}
		return nil
	})
}
