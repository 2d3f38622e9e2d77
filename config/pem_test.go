package config

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"testing"

	promconfig "github.com/prometheus/common/config"
)

// If any part of a text is damaged, none of it is used, as CA or as client certificate.
// Where there are two certificates, the first is valid.
func TestCertificatesPartlyReadable(t *testing.T) {
	cert, key := certificate(t)
	lines := strings.SplitAfter(cert, "\n")
	body := strings.Join(lines[1:len(lines)-2], "")
	const begin, end = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
	if begin+body+end != cert {
		t.Fatal(cert)
	}
	const (
		form     = "it must look like -----BEGIN CERTIFICATE-----, with five hyphens at each end"
		joined   = "BEGIN and END lines are run together: put a line break after each"
		indented = "a BEGIN or END line is indented: remove the spaces before it"
		damaged  = "the block that begins here is damaged: it is not Base64 between a BEGIN and an END line of one kind"
		noEnd    = "the block that begins here has no END line: the text is incomplete"
		noEnd2   = "the block that begins here has no END line before the next block"
		noBegin  = "the block that ends here has no BEGIN line"
		rubbish  = "the certificate that begins here is damaged"
		convert  = "the certificate that begins here is not a plain CERTIFICATE block: convert it with openssl x509"
	)
	n := strings.Count(cert, "\n")
	for name, tc := range map[string]struct {
		text string
		line int // 0 if the text is valid
		want string
	}{
		"sound":                        {cert, 0, ""},
		"two":                          {cert + cert, 0, ""},
		"byte order mark":              {"\ufeff" + cert, 0, ""},
		"CRLF":                         {strings.ReplaceAll(cert, "\n", "\r\n"), 0, ""},
		"no line end":                  {strings.TrimSpace(cert), 0, ""},
		"spaces after the lines":       {strings.ReplaceAll(cert, "\n", " \t\n"), 0, ""},
		"comments":                     {"# My CA - begin: 2020-01-01\n=====\n\n" + cert + "\nEND of the key-list\n", 0, ""},
		"another kind":                 {"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n" + cert + key, 0, ""},
		"no line break between two":    {strings.TrimSpace(cert) + cert, n, joined},
		"half a second one":            {cert + begin + body[:len(body)/2], n + 1, noEnd},
		"half a first one":             {begin + body[:len(body)/2] + "\n" + cert, 1, noEnd2},
		"no BEGIN line":                {cert + body + end, 2*n - 1, noBegin},
		"four hyphens":                 {cert + begin[1:] + body + end, n + 1, "a BEGIN or END line is malformed: " + form},
		"four hyphens at the end":      {cert + "-----BEGIN CERTIFICATE----\n" + body + end, n + 1, "a BEGIN or END line has text after its hyphens: " + form + " and nothing after them"},
		"no hyphens before":            {cert + "BEGIN CERTIFICATE-----\n" + body + end, n + 1, "a BEGIN or END line is malformed: " + form},
		"no hyphens after":             {cert + "-----BEGIN CERTIFICATE\n" + body + end, n + 1, "a BEGIN or END line has text after its hyphens: " + form + " and nothing after them"},
		"dashes of a word processor":   {cert + "\u2013\u2014\u2013BEGIN CERTIFICATE\u2013\u2014\u2013\n" + body + end, n + 1, "a BEGIN or END line is malformed: " + form},
		"lower case":                   {cert + strings.ToLower(begin) + body + end, n + 1, "a BEGIN or END line is malformed: " + form},
		"four hyphens in END":          {cert + begin + body + end[1:] + cert, n + n, "a BEGIN or END line is malformed: " + form},
		"all on one line":              {strings.ReplaceAll(cert, "\n", " "), 1, joined},
		"all on one line, with \\n":    {strings.ReplaceAll(cert, "\n", `\n`), 1, joined},
		"body on the BEGIN line":       {cert + strings.TrimSpace(begin) + body + end, n + 1, "a BEGIN or END line has text after its hyphens: " + form + " and nothing after them"},
		"only CR":                      {strings.ReplaceAll(cert, "\n", "\r"), 1, joined},
		"indented":                     {cert + "  " + strings.ReplaceAll(cert, "\n", "\n  "), n + 1, indented},
		"END indented":                 {begin + body + "\t" + end, n, indented},
		"not Base64":                   {cert + begin + "#" + body + end, n + 1, damaged},
		"a line is missing":            {cert + begin + strings.Join(lines[2:len(lines)-2], "") + end, n + 1, rubbish},
		"other kind at the end":        {cert + begin + body + "-----END PRIVATE KEY-----\n", n + 1, damaged},
		"trusted certificate":          {cert + strings.ReplaceAll(cert, "CERTIFICATE", "TRUSTED CERTIFICATE"), n + 1, "TRUSTED CERTIFICATE is a format specific to OpenSSL: convert it with openssl x509"},
		"X509 certificate":             {cert + strings.ReplaceAll(cert, "CERTIFICATE", "X509 CERTIFICATE"), n + 1, convert},
		"headers":                      {cert + begin + "A: b\n\n" + body + end, n + 1, convert},
		"key of which half is missing": {cert + key[:len(key)/2], n + 1, noEnd},
	} {
		t.Run(name, func(t *testing.T) {
			for setting, used := range map[string]func(ca, cert string) (string, string){
				"ca_file":   func(text, _ string) (string, string) { return text, cert },
				"cert_file": func(text, _ string) (string, string) { return cert, text },
			} {
				ca, client := used(tc.text, tc.text)
				settings, files := tlsFiles(t, ca, client, key)
				material, err := settings.Read()
				if tc.line == 0 {
					if err != nil {
						t.Errorf("%s: %v", setting, err)
					}
					continue
				}
				file := map[string]string{"ca_file": files.CAFile, "cert_file": files.CertFile}[setting]
				wantError(t, err, (&source{setting: setting, path: file}).wrap(&pemError{tc.line, tc.want}).Error())
				if material != nil {
					t.Error("an error and something to use")
				}
			}
		})
	}
}

// All certificates of a text are used; everything else is ignored.
func TestCertificatesOfABundle(t *testing.T) {
	first, _ := certificate(t)
	second, _ := certificate(t)
	plain, _ := tlsFiles(t, first+second, first, "")
	commented, _ := tlsFiles(t, "\ufeff# Our CAs\r\n"+strings.ReplaceAll(first, "\n", "\r\n")+"\nfrom the vendor:\n"+second+"\n", first, "")
	var all []*TLSMaterial
	for _, settings := range []TLS{plain, commented} {
		c := settings.settings()
		material, err := newTLS(&promconfig.TLSConfig{CAFile: c.CAFile}).Read()
		if err != nil {
			t.Fatal(err)
		}
		if got := len(material.Config.RootCAs.Subjects()); got != 2 { //nolint:staticcheck // Not a system pool.
			t.Errorf("%d CAs", got)
		}
		all = append(all, material)
	}
	if all[0].Fingerprint != all[1].Fingerprint {
		t.Error("a comment changes the fingerprint")
	}
}

func TestPrivateKeys(t *testing.T) {
	cert, key := certificate(t)
	const encrypted = "the private key is encrypted: remove its passphrase, for example with openssl pkey"
	block, _ := pem.Decode([]byte(key))
	for name, tc := range map[string]struct{ text, want string }{
		"byte order mark":     {"\ufeff" + key, ""},
		"behind certificates": {cert + cert + key, ""},
		"behind parameters":   {"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + key, ""},
		"encrypted":           {strings.ReplaceAll(key, "PRIVATE", "ENCRYPTED PRIVATE"), "line 1: " + encrypted},
		"encrypted, old form": {
			cert + string(pem.EncodeToMemory(&pem.Block{
				Type: "EC PRIVATE KEY", Bytes: block.Bytes,
				Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,6C9E1234"},
			})), fmt.Sprintf("line %d: %s", strings.Count(cert, "\n")+1, encrypted),
		},
		"cut short":    {key[:len(key)-30], "line 1: the block that begins here has no END line: the text is incomplete"},
		"four hyphens": {key[1:], "line 1: a BEGIN or END line is malformed: it must look like -----BEGIN CERTIFICATE-----, with five hyphens at each end"},
		"none":         {cert, "contains no private key: add one in PEM format"},
	} {
		t.Run(name, func(t *testing.T) {
			settings, files := tlsFiles(t, cert, cert, tc.text)
			_, err := settings.Read()
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, `key_file "`+files.KeyFile+`": `+tc.want)
		})
	}
}

// FuzzPEM checks that no certificate is lost without an error, that those used are those
// found by encoding/pem and crypto/x509, and that errors quote nothing.
func FuzzPEM(f *testing.F) {
	text, err := os.ReadFile("testdata/good/ca.pem")
	if err != nil {
		f.Fatal(err)
	}
	cert := string(text)
	for _, s := range []string{
		"", cert, cert + cert, strings.TrimSpace(cert) + cert, cert[1:], cert[:len(cert)/2], " " + cert, "\ufeff" + cert,
		strings.ReplaceAll(cert, "\n", " "), strings.ReplaceAll(cert, "\n", "\r\n"), strings.ReplaceAll(cert, "CERTIFICATE", "TRUSTED CERTIFICATE"),
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + cert,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = privateKey(text)
		used, err := certificates(text)
		if err != nil {
			if used != "" || strings.Contains(err.Error(), "MII") {
				t.Fatalf("%q and %v", used, err)
			}
			return
		}
		count := func(text string) int { return bytes.Count([]byte(text), []byte("-----BEGIN CERTIFICATE-----")) }
		if count(used) != count(text) {
			t.Fatalf("%d certificates begin, %d are used", count(text), count(used))
		}
		pool, counted := x509.NewCertPool(), 0
		for rest := []byte(strings.TrimPrefix(text, byteOrderMark)); ; counted++ {
			var block *pem.Block
			for block, rest = pem.Decode(rest); block != nil && block.Type != "CERTIFICATE"; {
				block, rest = pem.Decode(rest)
			}
			if block == nil {
				break
			}
			if !strings.Contains(used, string(pem.EncodeToMemory(block))) {
				t.Fatal("a certificate that encoding/pem finds is not used")
			}
		}
		if counted != count(used) || used != "" != pool.AppendCertsFromPEM([]byte(used)) {
			t.Fatalf("encoding/pem finds %d, %d are used", counted, count(used))
		}
	})
}
