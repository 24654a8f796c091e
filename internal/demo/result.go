package demo

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"tokenkeeper/sandbox"
)

// Result is what was counted. All but the kills and restarts are from the sandbox's books or from the search for tokens.
type Result struct {
	ReportsPosted               int  `json:"reports_posted"`
	IssuesCreated               int  `json:"issues_created"`
	Duplicates                  int  `json:"duplicates"`
	Missing                     int  `json:"missing"`
	Refreshes                   int  `json:"refreshes"`
	RefreshTokensPresentedTwice int  `json:"refresh_tokens_presented_twice"`
	UnreplayedAuthFailures      int  `json:"unreplayed_auth_failures"`
	Reauthorizations            int  `json:"reauthorizations"`
	WorkerKills                 int  `json:"worker_kills"`
	ServerRestarts              int  `json:"server_restarts"`
	PlaintextTokensFound        int  `json:"plaintext_tokens_found"`
	OK                          bool `json:"ok"`

	claims []claim
}

// claim is one line of the table.
type claim struct {
	what  string
	count int
	want  string
	holds bool
}

// judge holds every claim against what was counted.
func (w *world) judge(b sandbox.Books, faults []sandbox.FaultState, found finding) Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := Result{
		ReportsPosted: b.ReportsPosted, IssuesCreated: b.IssuesCreated, Duplicates: b.Duplicates, Missing: b.Missing,
		Refreshes: b.Refreshes, RefreshTokensPresentedTwice: b.RefreshTokensPresentedTwice,
		UnreplayedAuthFailures: b.UnreplayedAuthFailures, Reauthorizations: b.Reauthorizations,
		WorkerKills: w.kills, ServerRestarts: w.restarts, PlaintextTokensFound: len(found.leaks),
	}
	r.claims = []claim{
		atLeast("messages posted", b.MessagesPosted, leastMessages),
		atLeast("bug reports among them", b.ReportsPosted, leastReports),
		exactly("issues created", b.IssuesCreated, b.ReportsPosted),
		exactly("duplicates", b.Duplicates, 0),
		exactly("missing", b.Missing, 0),
		exactly("issues for what is no report", b.Unexpected, 0),
		exactly("replies in threads", sum(b.Replies), b.ReportsPosted),
		atLeast("refreshes", b.Refreshes, 10),
		exactly("refresh tokens presented twice", b.RefreshTokensPresentedTwice, 0),
		atLeast("requests refused for a dead token", b.AuthFailures, 1),
		exactly("of them never replayed", b.UnreplayedAuthFailures, 0),
		exactly("reauthorizations", b.Reauthorizations, 1),
		exactly("workers killed with kill -9", w.kills, 1),
		exactly("Temporal server restarts", w.restarts, 1),
		exactly("scripted faults that came to pass", came(faults), len(faults)),
		exactly("tokens found in clear", len(found.leaks), 0),
	}
	r.OK = true
	for _, c := range r.claims {
		r.OK = r.OK && c.holds
	}
	return r
}

func exactly(what string, count, want int) claim {
	return claim{what: what, count: count, want: fmt.Sprint(want), holds: count == want}
}

func atLeast(what string, count, want int) claim {
	return claim{what: what, count: count, want: fmt.Sprintf("at least %d", want), holds: count >= want}
}

func sum(counts map[string]int) int {
	total := 0
	for _, n := range counts {
		total += n
	}
	return total
}

func came(faults []sandbox.FaultState) int {
	n := 0
	for _, f := range faults {
		if f.Hit > 0 {
			n++
		}
	}
	return n
}

func (r Result) table() string {
	var text strings.Builder
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprint(out, "WHAT\tCOUNTED\tWANTED\t\n")
	for _, c := range r.claims {
		verdict := "ok"
		if !c.holds {
			verdict = "WRONG"
		}
		fmt.Fprintf(out, "%s\t%d\t%s\t%s\n", c.what, c.count, c.want, verdict)
	}
	_ = out.Flush()
	if r.OK {
		return text.String() + "\nNothing was lost, nothing was filed twice, and no token was seen outside the vault."
	}
	return text.String() + "\nSomething broke: see the lines marked WRONG."
}

// Write puts the result into a file as JSON.
func (r Result) Write(path string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}
