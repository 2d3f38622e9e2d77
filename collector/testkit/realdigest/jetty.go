package realdigest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/realprogram"
)

const javaLibraries = "/usr/share/java"

//go:embed DigestServer.java
var jettySource []byte

// StartJetty starts Eclipse Jetty with its DigestAuthenticator in front of
// o.Backend. The test is skipped, or in CI fails, where Jetty or a JDK is not
// installed.
func StartJetty(tb testing.TB, o Options) *Server {
	tb.Helper()
	java := realprogram.Find(tb, "java")
	realprogram.Find(tb, "javac") // a runtime without the compiler cannot run DigestServer.java
	classpath := jettyClasspath(tb)

	backend := serveBackend(tb, o)
	dir := tempDir(tb)
	source := filepath.Join(dir, "DigestServer.java")
	writeFile(tb, source, jettySource)
	writeFile(tb, filepath.Join(dir, "keys"), keyLines(o.Keys))
	var id *identity
	server := &Server{}
	if o.TLS {
		id = newIdentity(tb, dir)
		server.CAFile = id.caFile
	}

	// Jetty refuses the count it is given as the maximum, and challenges anew.
	maxNonceCount := 1024 // Jetty's default
	if o.OneTimeNonces {
		maxNonceCount = 2
	}
	process := realprogram.Start(tb, exec.Command(java,
		// For a quick start, and no files outside dir.
		"-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.io.tmpdir="+dir,
		// Lets the backend see the Host field as it was sent.
		"-Djdk.httpclient.allowRestrictedHeaders=host,connection",
		// HttpClient silently repeats a GET whose connection breaks: never here.
		"-Djdk.httpclient.redirects.retrylimit=1",
		"-cp", classpath, source,
		dir, backend.URL, Realm,
		strconv.FormatInt(o.nonceLifetime().Milliseconds(), 10),
		strconv.Itoa(maxNonceCount),
		strconv.FormatBool(o.TLS)))
	ready := process.Ready(tb, func() error {
		port, err := os.ReadFile(filepath.Join(dir, "port"))
		if err != nil {
			return err
		}
		server.URL = serverURL(string(port), id)
		return answers(server.URL, id)
	})
	if !ready {
		tb.Fatal("realdigest: Jetty ended instead of serving")
	}
	return server
}

func jettyClasspath(tb testing.TB) string {
	tb.Helper()
	var jars []string
	for _, name := range []string{
		"jetty9-http.jar", "jetty9-io.jar", "jetty9-security.jar", "jetty9-server.jar", "jetty9-util.jar",
		"servlet-api.jar",
	} {
		jar := filepath.Join(javaLibraries, name)
		realprogram.Need(tb, jar)
		jars = append(jars, jar)
	}
	return strings.Join(jars, string(os.PathListSeparator))
}

// keyLines is what DigestServer reads: a line for each public key, followed by
// a line for its private key.
func keyLines(keys map[string]string) []byte {
	var lines strings.Builder
	for public, private := range keys {
		lines.WriteString(public + "\n" + private + "\n")
	}
	return []byte(lines.String())
}
