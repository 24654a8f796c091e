package app

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"

	"tokenkeeper/config"
	"tokenkeeper/gateway"
)

func TestCertificateOfTheGateway(t *testing.T) {
	borrowed := httptest.NewTLSServer(nil)
	defer borrowed.Close()
	pair := borrowed.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, data := range map[string][]byte{
		"tls.crt":          pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}),
		"tls.key":          pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"tokenkeeper.yaml": []byte("gateway:\n  tls: {certificate: tls.crt, key: tls.key}\n"),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(filepath.Join(folder, "tokenkeeper.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &App{}
	a.current.Store(newSetup(c, nil))

	begins, ends := borrowed.Certificate().NotBefore, borrowed.Certificate().NotAfter
	for name, test := range map[string]struct {
		now     time.Time
		problem string // "" for none
	}{
		"early":   {begins.Add(-time.Hour), "it begins at "},
		"good":    {ends.Add(-15 * 24 * time.Hour), ""},
		"soon":    {ends.Add(-13 * 24 * time.Hour), "it ends at "},
		"expired": {ends.Add(time.Hour), "it ends at "},
	} {
		f := a.checkCertificate(test.now)
		if f.OK != (test.problem == "") || !strings.HasPrefix(f.Problem, test.problem) || !f.OK && !strings.Contains(f.Place, "tokenkeeper.yaml:2:") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestProxyThatNobodyNamed(t *testing.T) {
	for text, want := range map[string]string{
		"public_url: https://keeper.example.com":                               "gateway.trusted_proxies names nobody",
		"public_url: https://keeper.example.com, trusted_proxies: [127.0.0.1]": "",
	} {
		file := filepath.Join(t.TempDir(), "tokenkeeper.yaml")
		if err := os.WriteFile(file, []byte("gateway: {"+text+", admin_token_env: TOKEN}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(file, func(string) (string, bool) { return strings.Repeat("s3cr3t-", 6), true })
		if err != nil {
			t.Fatal(err)
		}
		if !c.Gateway.BehindProxy() || !c.Gateway.AsksWho() {
			t.Errorf("%s: it is not looked at", text)
		}
		a := &App{}
		a.current.Store(newSetup(c, nil))
		f := a.checkProxies()
		if f.OK != (want == "") || !strings.Contains(f.Problem, want) || !f.OK && !strings.Contains(f.Place, "tokenkeeper.yaml:1:") {
			t.Errorf("%s: %+v", text, f)
		}
	}
}

func TestNoticesThatDoNotArriveAreAFinding(t *testing.T) {
	if f := deliveryFinding(gateway.NoticesView{UnderWay: 7}); !f.OK || f.Problem != "" {
		t.Errorf("%+v", f)
	}
	for _, view := range []gateway.NoticesView{{UnderWay: 1, Late: 1, Trouble: "webhook pager: it answers 503"}, {Lost: 2}} {
		if f := deliveryFinding(view); f.OK || f.Problem != view.Problem() || !strings.Contains(f.Fix, "tokenkeeper notices test") {
			t.Errorf("%+v", f)
		}
	}
}
