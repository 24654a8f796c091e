package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// start runs a shell script as a child and ends it with the test.
func start(t *testing.T, script string, change ...func(*Options)) *Process {
	t.Helper()
	o := Options{
		Name: "child", Path: "sh", Args: []string{"-c", script},
		LogFile: filepath.Join(t.TempDir(), "logs", "child.log"), Grace: 5 * time.Second,
	}
	for _, c := range change {
		c(&o)
	}
	p, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// awaitLog waits until the log holds the text.
func awaitLog(t *testing.T, p *Process, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := p.Await(ctx, func(context.Context) error {
		log, err := os.ReadFile(p.LogFile())
		if err == nil && !strings.Contains(string(log), text) {
			err = errors.New("not there yet")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// awaitGone waits until no process has the id. A zombie that nobody reaps would still have it, so its state is read.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for alive(pid) {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("process %d is still there", pid)
		}
	}
}

func alive(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func TestAChildRunsAndItsOutputGoesToTheLog(t *testing.T) {
	p := start(t, `echo "hello $GREETED"; echo "to stderr" >&2; pwd`, func(o *Options) {
		o.Env = []string{"GREETED=world"}
		o.Dir = "/"
	})
	<-p.Done()
	if err := p.Err(); err != nil {
		t.Errorf("exit status 0 is an error: %v", err)
	}
	log, err := os.ReadFile(p.LogFile())
	if err != nil || string(log) != "hello world\nto stderr\n/\n" {
		t.Errorf("log is %q, %v", log, err)
	}
	info, err := os.Stat(p.LogFile())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("log file: %v, %v", info.Mode(), err)
	}
}

func TestStopInterrupts(t *testing.T) {
	p := start(t, `trap 'echo bye; exit 0' INT; echo ready; while :; do sleep 0.05; done`)
	awaitLog(t, p, "ready")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	logEndsIn(t, p, "bye")
	if p.Running() || p.Err() != nil {
		t.Errorf("running %v, err %v", p.Running(), p.Err())
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stopping twice: %v", err)
	}
}

func logEndsIn(t *testing.T, p *Process, text string) {
	t.Helper()
	tail, err := readTail(p.LogFile())
	if err != nil || !strings.HasSuffix(string(tail), text) {
		t.Errorf("log ends in %q, %v", tail, err)
	}
}

func TestStopKillsWhatDoesNotListen(t *testing.T) {
	p := start(t, `trap '' INT; echo ready; while :; do sleep 0.05; done`, func(o *Options) {
		o.Grace = 50 * time.Millisecond
	})
	awaitLog(t, p, "ready")
	err := p.Stop()
	if err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("err is %v", err)
	}
	awaitGone(t, p.PID())
}

func TestKillTakesTheGrandchildrenAlong(t *testing.T) {
	p := start(t, `sleep 1000 & echo $!; wait`)
	awaitLog(t, p, "\n")
	grandchild := pidFrom(t, p.LogFile())
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, p.PID())
	awaitGone(t, grandchild)
}

func TestAGrandchildDoesNotOutliveItsParent(t *testing.T) {
	p := start(t, `sleep 1000 & echo $!`)
	<-p.Done()
	awaitGone(t, pidFrom(t, p.LogFile()))
}

func pidFrom(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestErrTellsAnEndNobodyAskedFor(t *testing.T) {
	p := start(t, `exit 3`)
	<-p.Done()
	exit, ok := errors.AsType[*exec.ExitError](p.Err())
	if !ok || exit.ExitCode() != 3 || !strings.Contains(p.Err().Error(), "child ended by itself") {
		t.Errorf("err is %v", p.Err())
	}
	if err := p.Kill(); err != nil {
		t.Errorf("killing what has ended: %v", err)
	}
}

func TestAwaitQuotesTheLogOfAChildThatFailed(t *testing.T) {
	p := start(t, `echo "cannot open the frobnicator" >&2; exit 1`)
	err := p.Await(t.Context(), func(context.Context) error { return errors.New("connection refused") })
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"child ended before it was ready", "exit status 1", "connection refused", "cannot open the frobnicator"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	p := start(t, `sleep 1000`)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := p.Await(ctx, func(context.Context) error { return errors.New("still starting") })
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "still starting") {
		t.Errorf("err is %v", err)
	}
}

func TestStartFails(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"no such program": {Name: "child", Path: "there-is-no-such-program"},
		"no such folder":  {Name: "child", Path: "sh", Dir: filepath.Join(blocked, "inside")},
		"no log file":     {Name: "child", Path: "sh", LogFile: filepath.Join(blocked, "log")},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Start(o); err == nil || !strings.HasPrefix(err.Error(), "start child: ") {
				t.Errorf("err is %v", err)
			}
		})
	}
}

func TestReadTailKeepsTheLastLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(strings.Repeat("a line that is long enough\n", 1000)+"the last\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tail, err := readTail(path)
	if err != nil || strings.Count(string(tail), "\n") != tailLines-1 || !strings.HasSuffix(string(tail), "\nthe last") {
		t.Errorf("tail is %q, %v", tail, err)
	}
}

// A copy of this test binary plays the parent that is killed with its child still running.
const parentRole = "PROCESS_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentRole) == "" {
		os.Exit(m.Run())
	}
	p, err := Start(Options{Name: "orphan", Path: "sleep", Args: []string{"1000"}})
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(p.PID())
	<-p.Done()
}
