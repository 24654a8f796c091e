// Package process runs the child processes of the demo and of the tests (the Temporal server, workers) so that none
// outlives its parent.
//
// Each child leads its own process group, so a Ctrl-C in the terminal reaches our process only, which then stops the
// children in the order it wants; and a group is killed as a whole, grandchildren included. On Linux the kernel kills a
// child whose parent died without a word (kill -9, a panic). Output goes to a file, never through a pipe: a child is not
// blocked by a slow reader, and the file still tells what happened after everybody is gone.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// DefaultGrace is how long [Process.Stop] waits for a child to end by itself when [Options.Grace] is zero. The Temporal
// dev server needs about one second, a worker up to its stop timeout.
const DefaultGrace = 10 * time.Second

// Options say what to run.
type Options struct {
	// Name is what errors call the process: "temporal", "worker 1".
	Name string
	// Path is the executable; a bare name is looked up on PATH.
	Path string
	// Args are the arguments after the program's name.
	Args []string
	// Env is the whole environment of the child; nil means that of this process.
	Env []string
	// Dir is the working directory; empty means that of this process.
	Dir string
	// LogFile receives stdout and stderr, appended, mode 0600. Its folder is created. Empty discards them.
	LogFile string
	// Credential is the user that the child runs as; nil means that of this process. Only root can choose.
	Credential *syscall.Credential
	// Grace is how long Stop waits between SIGINT and SIGKILL; zero means [DefaultGrace].
	Grace time.Duration
}

// A Process is a running child or one that has ended. Its methods may be called from any goroutine.
type Process struct {
	name    string
	logFile string
	grace   time.Duration

	pid   int
	done  chan struct{}
	err   error       // guarded by done: read it after done is closed
	asked atomic.Bool // Stop or Kill was called, so an end by a signal is no failure
}

// Start runs a child. The child is not tied to a context: who starts it calls [Process.Stop] or [Process.Kill], in the
// order that suits the others.
func Start(o Options) (*Process, error) {
	path, err := exec.LookPath(o.Path)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", o.Name, err)
	}
	output, err := openLog(o.LogFile)
	if err != nil {
		return nil, fmt.Errorf("start %s: log file: %w", o.Name, err)
	}
	grace := o.Grace
	if grace == 0 {
		grace = DefaultGrace
	}
	cmd := &exec.Cmd{
		Path: path, Args: append([]string{o.Path}, o.Args...), Env: o.Env, Dir: o.Dir,
		Stdout: output, Stderr: output,
		SysProcAttr: attributes(),
	}
	cmd.SysProcAttr.Credential = o.Credential
	p := &Process{name: o.Name, logFile: o.LogFile, grace: grace, done: make(chan struct{})}
	started := make(chan error)
	go p.run(cmd, started)
	err = <-started
	// The child has its own copy of the descriptor by now.
	if err := errors.Join(err, output.Close()); err != nil {
		return nil, fmt.Errorf("start %s: %w", o.Name, err)
	}
	return p, nil
}

// run starts the child and stays with it. The goroutine holds its thread for as long as the child lives: the kernel
// sends the parent-death signal when the thread that forked ends, not the process, and Go ends threads as it likes.
func (p *Process) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	err := cmd.Start()
	if err == nil {
		p.pid = cmd.Process.Pid
	}
	started <- err
	if err != nil {
		return
	}
	err = cmd.Wait()
	// Whatever the child itself started shares its group and ends with it.
	killGroup(p.pid)
	if err != nil && !p.asked.Load() {
		p.err = fmt.Errorf("%s ended by itself: %w", p.name, err)
	}
	close(p.done)
}

// PID returns the process id of the child.
func (p *Process) PID() int { return p.pid }

// LogFile returns where the output of the child goes.
func (p *Process) LogFile() string { return p.logFile }

// Done returns a channel that is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Running reports whether the child has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Err returns why the child ended by itself: nil while it runs, after exit status 0, and after Stop or Kill.
func (p *Process) Err() error {
	if p.Running() {
		return nil
	}
	return p.err
}

// Stop asks the child to end with SIGINT, as a terminal does, waits for it, and kills its group when the grace is over.
// It returns when the child has ended; the error says that it had to be killed. Stopping twice is fine.
func (p *Process) Stop() error {
	p.asked.Store(true)
	if !p.Running() {
		return nil
	}
	if err := p.signal(syscall.SIGINT); err != nil {
		return errors.Join(err, p.Kill())
	}
	patience := time.NewTimer(p.grace)
	defer patience.Stop()
	select {
	case <-p.done:
		return nil
	case <-patience.C:
		return errors.Join(
			fmt.Errorf("%s did not end within %s of an interrupt and was killed; its log is %s", p.name, p.grace, p.logFile),
			p.Kill())
	}
}

// Kill ends the child and its group at once with SIGKILL, as `kill -9` does, and returns when it has ended.
func (p *Process) Kill() error {
	p.asked.Store(true)
	if !p.Running() {
		return nil
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// signal sends to the whole group. A group that has just ended is no error: that is what was wanted.
func (p *Process) signal(s syscall.Signal) error {
	if err := syscall.Kill(-p.pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %s to %s: %w", s, p.name, err)
	}
	return nil
}

// killGroup clears what a child left behind. The group is usually empty by now, which is the error not looked at.
func killGroup(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL)
}

// openLog opens the log file for appending, so that a restarted child goes on in the same file.
func openLog(path string) (*os.File, error) {
	if path == "" {
		return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}
