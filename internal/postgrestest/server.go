package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"tokenkeeper/internal/process"
)

// Superuser and Password are those of every server. The password counts for connections over TCP.
const (
	Superuser = "postgres"
	Password  = "database-password"
)

// startTimeout bounds the start of a server that has to recover first.
const startTimeout = time.Minute

// Server is one cluster. It may be killed and started again.
type Server struct {
	bin   string
	dir   string
	as    *syscall.Credential
	fsync bool
	port  int
	proc  *process.Process
}

// Start makes a cluster and starts its server. With fsync, a commit survives a loss of power: that is for benchmarks,
// because it is most of what a small test costs, and no test takes the power away. The caller calls Remove.
func Start(ctx context.Context, fsync bool) (*Server, error) {
	bin, err := programs(ctx)
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tokenkeeper-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, as: as, fsync: fsync}
	if err := s.create(ctx); err != nil {
		return nil, errors.Join(err, s.Remove())
	}
	return s, nil
}

func (s *Server) create(ctx context.Context) error {
	password := filepath.Join(s.dir, "password")
	if err := os.WriteFile(password, []byte(Password), 0o600); err != nil {
		return err
	}
	if s.as != nil {
		for _, path := range []string{s.dir, password} {
			if err := os.Chown(path, int(s.as.Uid), int(s.as.Gid)); err != nil {
				return err
			}
		}
	}
	// Sockets ask for no password, because each answer to that takes the server some milliseconds.
	err := s.run(ctx, "initdb", "--pgdata", s.Data(), "--username", Superuser, "--pwfile", password,
		"--auth-local", "trust", "--auth-host", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	if err != nil {
		return err
	}
	if s.port, err = freePort(ctx); err != nil {
		return err
	}
	return s.StartAgain(ctx)
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address, err := netip.ParseAddrPort(listener.Addr().String())
	return int(address.Port()), errors.Join(err, listener.Close())
}

// StartAgain starts the server on the same data and port, after Stop or Kill, and returns when it takes connections.
func (s *Server) StartAgain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := s.start(ctx)
		// What a killed server started needs a moment to notice; until then its memory is taken.
		if err == nil || ctx.Err() != nil || s.proc != nil && s.proc.Running() {
			return err
		}
	}
}

func (s *Server) start(ctx context.Context) error {
	proc, err := process.Start(process.Options{
		Name: "postgres", Path: filepath.Join(s.bin, "postgres"), Dir: s.dir, Credential: s.as, LogFile: s.dir + ".log",
		Args: []string{
			"-D", s.Data(), "-k", s.dir, "-h", "127.0.0.1", "-p", strconv.Itoa(s.port),
			"-c", "max_connections=200", "-c", "shared_buffers=32MB", "-c", "fsync=" + strconv.FormatBool(s.fsync),
		},
	})
	if err != nil {
		return err
	}
	s.proc = proc
	return proc.Await(ctx, func(ctx context.Context) error {
		return s.run(ctx, "pg_isready", "--host", s.dir, "--port", strconv.Itoa(s.port), "--dbname", "postgres", "--username", Superuser)
	})
}

// Stop ends the server in the orderly way: connections are cut, nothing has to be recovered.
func (s *Server) Stop() error { return s.proc.Stop() }

// Kill ends the server as `kill -9` does.
func (s *Server) Kill() error { return s.proc.Kill() }

// Remove kills the server and deletes its data.
func (s *Server) Remove() error {
	var err error
	if s.proc != nil {
		err = s.proc.Kill()
	}
	return errors.Join(err, os.RemoveAll(s.dir), os.RemoveAll(s.dir+".log"))
}

// CreateDatabase makes an empty database.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	return s.run(ctx, "createdb", "--host", s.dir, "--port", strconv.Itoa(s.port), "--username", Superuser, name)
}

// URL is the connection string of a database, over the socket.
func (s *Server) URL(database string) string {
	query := url.Values{"host": {s.dir}, "port": {strconv.Itoa(s.port)}}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(Superuser, Password), Path: "/" + database, RawQuery: query.Encode()}
	return u.String()
}

// TCP is the connection string of a database, over TCP, which asks for the password.
func (s *Server) TCP(user, password, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/" + database,
	}
	return u.String()
}

// Environment is that of a client program which is to be the superuser, over the socket.
func (s *Server) Environment() []string {
	return append(os.Environ(), "PATH="+s.bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"PGHOST="+s.dir, "PGPORT="+strconv.Itoa(s.port), "PGUSER="+Superuser)
}

// Data is the folder with the cluster.
func (s *Server) Data() string { return filepath.Join(s.dir, "data") }

// run runs one of PostgreSQL's programs to its end.
func (s *Server) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...) //nolint:gosec // PostgreSQL's own programs
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w: %s", program, err, out)
	}
	return nil
}
