package main

import (
	"encoding/json"
	"strings"
	"testing"

	"tokenkeeper/workflows"
)

const noticesConfig = `
notices:
  targets:
    log: {type: log}
    ops: {type: email, host: localhost, tls: none, from: a@example.com, to: [jane@example.com, joe@example.com]}
`

func TestNoticesTest(t *testing.T) {
	w := newWorld(t)
	w.write("tokenkeeper.yaml", strings.ReplaceAll(goodConfig, "API", "http://127.0.0.1:1")+noticesConfig)
	f := w.serveTemporal()
	f.result = []workflows.NoticeResult{{Target: "log"}, {Target: "ops/jane@example.com", Error: "sending it: 550 no such user; correct from and to"}}
	w.run("notices", "test").exits(exitFailure).
		prints("ok    target log\n", "FAIL  target ops/jane@example.com: sending it: 550 no such user\n", "tokenkeeper.yaml:26:", "fix: correct from and to").
		complains("1 of 2 targets did not get it", "tokenkeeper notices test")
	if len(f.started) != 1 || !strings.HasPrefix(f.started[0], "notice/ntc_") {
		t.Errorf("started %q", f.started)
	}

	f.result = []workflows.NoticeResult{{Target: "ops/joe@example.com"}}
	got := w.run("notices", "test", "--target", "ops/joe@example.com", "--json").exits(exitOK)
	var document diagnosis
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil || !document.OK || len(document.Findings) != 1 {
		t.Errorf("%v: %s", err, got.stdout)
	}
	w.run("notices", "test", "--target", "pager").exits(exitConfig).complains(`no target "pager"`, "log, ops/jane@example.com, ops/joe@example.com")
	w.run("__complete", "notices", "test", "--target", "o").exits(exitOK).prints("ops/jane@example.com\nops/joe@example.com\n")
	f.deaf = true
	w.run("notices", "test").exits(exitFailure).complains("nothing was sent", "no worker polls", "make run")
}
