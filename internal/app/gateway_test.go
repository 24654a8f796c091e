package app

import (
	"testing"

	"tokenkeeper/config"
)

func TestWebUI(t *testing.T) {
	tests := []struct{ ui, public, want string }{
		{"http://127.0.0.1:8233", "http://127.0.0.1:8780", "http://127.0.0.1:8233/namespaces/acme.prod/workflows/account%2Facme%2Ftriage%2Fslack"},
		{"https://cloud.temporal.io", "https://keeper.example.com", "https://cloud.temporal.io/namespaces/acme.prod/workflows/account%2Facme%2Ftriage%2Fslack"},
		{"http://127.0.0.1:8233", "https://keeper.example.com", ""}, // the browser is on another machine
		{"", "http://127.0.0.1:8780", ""},
	}
	for _, test := range tests {
		a := &App{Namespace: "acme.prod"}
		a.current.Store(newSetup(&config.Config{
			Temporal: config.Temporal{UIURL: test.ui}, Gateway: config.Gateway{PublicURL: test.public},
		}, nil))
		if got := a.webUI("account/acme/triage/slack"); got != test.want {
			t.Errorf("%s for a browser at %s: got %q, want %q", test.ui, test.public, got, test.want)
		}
	}
}
