package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

const twoRightTwoWrong = `{"kind":"bug","report":true,"text":"The app crashes when I save"}
{"report":false,"text":"good morning"}
{"kind":"chatter","report":false,"text":"It crashed, in the song \u001b[31m"}

{"kind":"bug","report":true,"text":"Thirty-two days in March"}
`

func TestTriageEval(t *testing.T) {
	w := newWorld(t)
	w.write("tokenkeeper.yaml", "nonsense: true\n") // no configuration is needed
	w.write("labelled.jsonl", twoRightTwoWrong)
	w.run("triage", "eval", "labelled.jsonl").exits(exitOK).prints(
		"rules       4         0.50       0.50    0.50", "report            1       1", "other             1       1")
	w.run("triage", "eval", "labelled.jsonl", "--mistakes").exits(exitOK).prints(
		"3     taken for a report  chatter", "5     missed              bug", "It crashed, in the song  [31m")

	got := w.runWith(t.Context(), twoRightTwoWrong, "triage", "eval", "-", "--json").exits(exitOK)
	var document evaluations
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil || len(document.Evaluations) != 1 {
		t.Fatalf("%v: %s", err, got.stdout)
	}
	e := document.Evaluations[0]
	if e.Messages != 4 || e.F1 != 0.5 || len(e.Mistakes) != 2 || e.Mistakes[0].Line != 3 || e.Mistakes[0].Reason != "crash" {
		t.Errorf("%+v", e)
	}
}

func TestTriageEvalRefusesBadLines(t *testing.T) {
	w := newWorld(t)
	w.write("labelled.jsonl", `{"report":true,"text":"x"}`+"\n"+`{"text":"y"}`+"\n"+`{"label":"bug"}`+"\n")
	w.run("triage", "eval", "labelled.jsonl").exits(exitFailure).complains(
		"line 2: report is missing; write", `line 3: unknown field "label"`, "fix: correct these lines of labelled.jsonl")
	w.run("triage", "eval", "none.jsonl").exits(exitFailure).complains("none.jsonl: no such file", "fix: ")
	w.run("triage", "eval").exits(exitUsage).complains("want one FILE")
}

func TestTriageEvalWithAModel(t *testing.T) {
	w := newWorld(t)
	w.write("labelled.jsonl", twoRightTwoWrong)
	w.write("tokenkeeper.yaml", "connectors: {}\n")
	w.run("triage", "eval", "labelled.jsonl", "--model").exits(exitConfig).complains("tokenkeeper.yaml has no model", "fix: add the section model")

	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "good morning") {
			http.Error(rw, "no", http.StatusForbidden)
			return
		}
		asked.Add(1)
		content := fmt.Sprintf(`{"is_bug":%t,"confidence":0.9,"title":"x","summary":"","steps":[],"expected":"","actual":"","severity":"unknown",`+
			`"component":"unknown","environment":[]}`, !strings.Contains(string(body), "song"))
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(map[string]any{"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"content": content}}}})
	}))
	defer server.Close()
	w.write("tokenkeeper.yaml", "model: {base_url: "+server.URL+"/v1, model: small}\n")
	w.run("triage", "eval", "labelled.jsonl", "--model").exits(exitOK).prints(
		"rules       4         0.50       0.50    0.50", "small       4         1.00       1.00    1.00",
		"1 messages without an answer, counted as the rules have them; the first because the model answered with HTTP status 403")
	if asked.Load() != 3 {
		t.Errorf("asked %d times", asked.Load())
	}
}

// The README shows what the command prints.
func TestReadmeShowsTheEvaluation(t *testing.T) {
	var out strings.Builder
	readme := documentation(t)
	c := &cli{stdout: &out}
	if err := c.evaluate(t.Context(), "../testdata/triage/labelled.jsonl", evalFlags{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(readme, out.String()) {
		t.Errorf("the README has another output than\n%s", out.String())
	}
}
