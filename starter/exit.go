package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"

	"tokenkeeper/config"
	"tokenkeeper/connector"
	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
)

// The exit codes, as `tokenkeeper help exit-codes` explains them.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitNeedsPerson = 3
	exitTemporal    = 4
	exitConfig      = 5
	exitHTTP        = 22 // curl's own for the same thing
)

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `Exit codes of tokenkeeper:

   0  done
   1  it failed; the message says why and what to do
   2  usage: unknown command or flag, missing or malformed argument
   3  the account needs a person: it is pending, reauthorization_required, client_misconfigured or disconnected
   4  Temporal cannot be reached, or its namespace does not exist
   5  the configuration, a profile of Temporal or the key of the vault is missing or wrong; every fault is told with its place
      and fix
  22  "call --fail" got an HTTP status of 400 or above

With --json the message goes to standard error as {"error": {"message": …, "fix": …}}; the codes are the same.`,
	}
}

// failure is an error that knows its exit code and what to do about it.
type failure struct {
	code int
	err  error
	fix  string
}

func (f *failure) Error() string {
	if f.fix == "" {
		return f.err.Error()
	}
	return f.err.Error() + "; fix: " + f.fix
}

func (f *failure) Unwrap() error { return f.err }

func failf(fix, format string, args ...any) error {
	return &failure{code: exitFailure, err: fmt.Errorf(format, args...), fix: fix}
}

func usage(message, fix string) error {
	return &failure{code: exitUsage, err: errors.New(message), fix: fix}
}

// asUsage is for what cobra itself refuses of a command.
func asUsage(of *cobra.Command, err error) error {
	if _, ok := errors.AsType[*failure](err); ok {
		return err
	}
	return usage(err.Error(), of.CommandPath()+" --help")
}

// needsPerson is the failure of an account that only a person can bring back.
func needsPerson(account credential.AccountID, status credential.Status, reason string) error {
	text := fmt.Sprintf("account %s is %s", account, status)
	if reason != "" {
		text += ": " + reason
	}
	return &failure{code: exitNeedsPerson, err: errors.New(text), fix: app.Remedy(account, status)}
}

// explain gives every error its exit code. It is the one place where kinds of errors are told apart.
func explain(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if _, ok := errors.AsType[*config.Error](err); ok {
		return &failure{code: exitConfig, err: err}
	}
	if _, ok := errors.AsType[*app.TemporalSettingsError](err); ok {
		return &failure{code: exitConfig, err: err}
	}
	if down, ok := errors.AsType[*connector.UnavailableError](err); ok {
		return explainUnavailable(down)
	}
	if _, ok := errors.AsType[*vault.WrongKeyError](err); ok {
		return &failure{code: exitConfig, err: err}
	}
	if f := explainTemporal(err); f != nil {
		return f
	}
	return &failure{code: exitFailure, err: err}
}

// explainTemporal returns nil for an error that has nothing to do with the server.
func explainTemporal(err error) *failure {
	if missing, ok := errors.AsType[*serviceerror.NamespaceNotFound](err); ok {
		return &failure{
			code: exitTemporal, err: err,
			fix: "set TEMPORAL_NAMESPACE, or: temporal operator namespace create --namespace " + missing.Namespace,
		}
	}
	if _, ok := errors.AsType[*serviceerror.Unavailable](err); ok {
		return &failure{code: exitTemporal, err: err, fix: "see whether Temporal runs: tokenkeeper doctor"}
	}
	_, canceled := errors.AsType[*serviceerror.Canceled](err)
	if canceled || errors.Is(err, context.Canceled) {
		return &failure{code: exitFailure, err: errors.New("interrupted")}
	}
	return nil
}

func explainUnavailable(down *connector.UnavailableError) *failure {
	if down.NeedsPerson() {
		return explain(needsPerson(down.Account, down.Status, down.Reason))
	}
	return &failure{
		code: exitFailure, err: fmt.Errorf("account %s has no usable token now: %s", down.Account, down.Reason),
		fix: "its refresh is tried again by itself; look with: tokenkeeper account show " + down.Account.String(),
	}
}

// errorDocument is what --json prints on standard error.
type errorDocument struct {
	Error errorText `json:"error"`
}

type errorText struct {
	Message  string           `json:"message"`
	Fix      string           `json:"fix,omitempty"`
	Problems []config.Problem `json:"problems,omitempty"` // each fault of the configuration
}

// complain prints the error and returns the exit code.
func (c *cli) complain(err error) int {
	f := explain(err)
	text := errorText{Message: f.err.Error(), Fix: f.fix}
	if faults, ok := errors.AsType[*config.Error](err); ok {
		text.Problems = faults.Problems
	}
	if c.asJSON {
		encoder := json.NewEncoder(c.stderr)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(errorDocument{Error: text}); err != nil {
			return exitFailure // nobody is left to tell
		}
		return f.code
	}
	fmt.Fprintln(c.stderr, "error: "+printableLines(text.Message))
	if text.Fix != "" {
		fmt.Fprintln(c.stderr, "  fix: "+printable(text.Fix))
	}
	return f.code
}

// printableLines keeps the line breaks of a list of faults.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}
