package triage

import (
	"encoding/json"
	"testing"

	"tokenkeeper/credential"
)

func TestAPlaceIsText(t *testing.T) {
	account := credential.AccountID{Organization: "acme", User: "triage", Connector: "ghes"}
	places := map[Place]int{{Repository: "acme/app"}: 1, {Account: account, Repository: "acme/app"}: 2}
	text, err := json.Marshal(places)
	if err != nil || string(text) != `{"acme/app":1,"acme/app via acme/triage/ghes":2}` {
		t.Fatalf("%s, %v: what has no account is a repository, as it always was", text, err)
	}
	var again map[Place]int
	if err := json.Unmarshal(text, &again); err != nil || again[Place{Repository: "acme/app"}] != 1 || again[Place{Account: account, Repository: "acme/app"}] != 2 {
		t.Errorf("%v, %v", again, err)
	}
	if err := json.Unmarshal([]byte(`["acme/app via nobody"]`), &[]Place{}); err == nil {
		t.Error("nobody is no account")
	}
}

func TestAPlaceIsTheSameWhoeverLooks(t *testing.T) {
	a, b := credential.AccountID{Organization: "acme", User: "a", Connector: "x"}, credential.AccountID{Organization: "acme", User: "b", Connector: "x"}
	for _, c := range []struct{ from, want Place }{
		{Place{Repository: "r"}, Place{Account: a, Repository: "r"}},
		{Place{Account: b, Repository: "r"}, Place{Repository: "r"}},
		{Place{Account: a, Repository: "r"}, Place{Account: a, Repository: "r"}},
	} {
		if got := c.from.Seen(a, b); got != c.want {
			t.Errorf("%s is %s, want %s", c.from, got, c.want)
		}
	}
	if got := (Place{Repository: "r"}).Seen(a, a); got != (Place{Repository: "r"}) {
		t.Error(got)
	}
}

// Two servers have a repository of one name each: they are two places.
func TestElsewhereIsAlsoAnotherAccountsRepository(t *testing.T) {
	account := credential.AccountID{Organization: "acme", User: "triage", Connector: "ghes"}
	router, err := NewRouter([]Route{
		{Channel: "C1", Repository: "acme/app", GitHub: account, Match: Match{Patterns: []string{"server"}}},
		{Channel: "C1", Repository: "Acme/App", Match: Match{Patterns: []string{"menu"}}},
		{Channel: "C1", Repository: "acme/app"},
	})
	if err != nil {
		t.Fatal(err)
	}
	route, _ := router.Route(in("C1", "U1", "it crashes"), "")
	if got := router.Elsewhere(route); len(got) != 1 || got[0] != (Place{Account: account, Repository: "acme/app"}) {
		t.Errorf("elsewhere %v", got)
	}
	route, _ = router.Route(in("C1", "U1", "the server crashes"), "")
	if got := router.Elsewhere(route); len(got) != 1 || got[0] != (Place{Repository: "Acme/App"}) {
		t.Errorf("elsewhere %v", got)
	}
}
