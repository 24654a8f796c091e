package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"tokenkeeper/internal/app"
)

func TestDoctorOnABadConfiguration(t *testing.T) {
	w := newWorld(t)
	w.write("tokenkeeper.yaml", "connectors:\n  slack:\n    provider: slak\n    client_id: x\n    client_secret_env: SLACK_CLIENT_SECRET\nnonsense: true\n")
	w.run("doctor").exits(exitConfig).
		prints("FAIL  connectors.slack.provider", "tokenkeeper.yaml:3:", "FAIL  nonsense", "tokenkeeper.yaml:6:", "fix: ").complains("2 of 2 checks")
	var document diagnosis
	got := w.run("doctor", "--json").exits(exitConfig)
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil || document.OK || len(document.Findings) != 2 {
		t.Errorf("%v: %s", err, got.stdout)
	}
}

func TestDoctorOnABrokenWorld(t *testing.T) {
	w := newWorld(t)
	w.run("doctor", "--timeout", "300ms").exits(exitFailure).prints("FAIL").complains("checks found something wrong")
}

func TestDiagnosis(t *testing.T) {
	var out bytes.Buffer
	c := &cli{stdout: &out}
	findings := []app.Finding{{Subject: "Temporal", OK: true}, {Subject: "channel C1", Problem: "not invited", Fix: "/invite", Place: "a.yaml:3:4"}}
	err := c.diagnose(findings, exitFailure)
	if f, ok := errors.AsType[*failure](err); !ok || f.code != exitFailure {
		t.Errorf("%v", err)
	}
	if want := "ok    Temporal\nFAIL  channel C1: not invited\n      a.yaml:3:4\n      fix: /invite\n"; out.String() != want {
		t.Errorf("%s", out.String())
	}
	if err := c.diagnose(findings[:1], exitFailure); err != nil {
		t.Errorf("nothing is wrong: %v", err)
	}
}
