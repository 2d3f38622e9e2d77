package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/testfile"
)

func TestLoadServiceAccounts(t *testing.T) {
	c := mustLoad(t, "testdata/good/service_accounts.yml")
	cloud, own := &c.OpsManagers[0], &c.OpsManagers[1]
	want := []Kind{ServiceAccount, APIKey, APIKey, ServiceAccount}
	got := []Kind{
		cloud.CredentialsOf(&cloud.Orgs[0]).Kind, cloud.CredentialsOf(&cloud.Orgs[1]).Kind,
		own.CredentialsOf(&own.Orgs[0]).Kind, own.CredentialsOf(&own.Orgs[1]).Kind,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if account := cloud.Credentials; account.Public.Text.Reveal() != "mdb_sa_id_s3cr3t" || !strings.HasSuffix(account.Private.File, "testdata/good/secrets/sa") {
		t.Errorf("got %+v", account)
	}
	if shown := c.String(); strings.Contains(shown, "s3cr3t") || !strings.Contains(shown, "service_account:") {
		t.Errorf("rendered as\n%s", shown)
	}
}

func TestServiceAccountFiles(t *testing.T) {
	dir := t.TempDir()
	c := &Credentials{Kind: ServiceAccount, Public: Half{File: filepath.Join(dir, "id")}, Private: Half{File: filepath.Join(dir, "secret")}}
	testfile.Write(t, c.Public.File, "one\n")
	testfile.Write(t, c.Private.File, "1111")
	wantPair(t, c, "one", "1111")
	testfile.Write(t, c.Private.File, "2222")
	wantPair(t, c, "one", "2222")
	if key := (KeyPair{Public: NewSecret("one"), Private: NewSecret("2222")}); key.Equal(KeyPair{ServiceAccount, key.Public, key.Private}) {
		t.Error("an API key equals a service account")
	}
	for text, want := range map[string]string{
		"":         "is empty: it must contain the client secret",
		"a\nb":     "has more than one line: it must contain only the client secret, on a single line",
		"s3\x00rt": "contains control characters: it must contain only the client secret, as plain text",
	} {
		testfile.Write(t, c.Private.File, text)
		_, err := c.Read()
		wantError(t, err, `client_secret_file "`+c.Private.File+`": `+want)
	}
	testfile.Write(t, c.Public.File, "")
	_, err := c.Read()
	wantError(t, err, `client_id_file "`+c.Public.File+`": is empty: it must contain the client ID`)
}

func TestServiceAccountWarnings(t *testing.T) {
	const encrypted = "ops_managers:\n  - name: om\n    url: https://cloud.example.net\n    service_account: {client_id: a, client_secret: '${SECRET}'}\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd}]\n"
	placeholder := `Ops Manager "om": client_secret looks like a placeholder, which is not expanded: use the value itself, or use client_secret_file`
	if got := mustLoad(t, writeConfig(t, encrypted)).Warnings(); !slices.Equal(got, []string{placeholder}) {
		t.Errorf("got %q", got)
	}
	open := strings.Replace(strings.Replace(encrypted, "https", "http", 1), "'${SECRET}'", "b", 1)
	want := `Ops Manager "om": http://cloud.example.net is not encrypted, so the secrets and tokens of service accounts can be read, and the status forged, in transit: use https`
	if got := mustLoad(t, writeConfig(t, open)).Warnings(); !slices.Equal(got, []string{want}) {
		t.Errorf("got %q", got)
	}
	ofOrg := "ops_managers:\n  - name: om\n    url: http://cloud.example.net\n    api_key: {public_key: a, private_key: b}\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd, service_account: {client_id: a, client_secret: b}}]\n"
	if got := mustLoad(t, writeConfig(t, ofOrg)).Warnings(); !slices.Equal(got, []string{want}) {
		t.Errorf("of an organization: got %q", got)
	}
	unused := strings.Replace(open, "0012ab34cd}", "0012ab34cd, api_key: {public_key: a, private_key: b}}", 1)
	if got := mustLoad(t, writeConfig(t, unused)).Warnings(); !slices.Equal(got, []string{want}) {
		t.Errorf("of no organization: got %q", got)
	}
}

// Every problem of a file is found, and named by its setting.
func TestCheckServiceAccountFiles(t *testing.T) {
	file := writeConfig(t, "ops_managers:\n  - url: https://cloud.example.net\n    service_account: {client_id_file: id, client_secret_file: secret}\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd}]\n")
	var got []string
	for _, err := range mustLoad(t, file).CheckFiles() {
		setting, _, _ := strings.Cut(err.Error(), " ")
		got = append(got, setting)
	}
	if !slices.Equal(got, []string{"client_id_file", "client_secret_file"}) {
		t.Errorf("got %q", got)
	}
}

// A file whose name looks like a key is accepted as a path.
func TestFileNamedLikeAKey(t *testing.T) {
	for _, name := range []string{"./5ec2e7a1-0f3d-4b6c-9e21-7d5c0a1b2c3d", "/secrets/5ec2e7a1-0f3d-4b6c-9e21-7d5c0a1b2c3d", "../mdb_sa_sk_x", "./jkqmzxvt"} {
		c := mustLoad(t, writeConfig(t, `ops_managers: [{url: "https://a", api_key: {public_key: a, private_key_file: "`+name+`"}, orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd}]}]`))
		if got := c.OpsManagers[0].Credentials.Private.File; filepath.Base(got) != filepath.Base(name) {
			t.Errorf("%s: got %s", name, got)
		}
	}
}
