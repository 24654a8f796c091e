package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tokenkeeper/connector"
	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
)

// callFlags say how to make one request and what to show of its answer.
type callFlags struct {
	data    string
	hasData bool
	headers []string
	include bool
	fail    bool
}

func newCall(c *cli) *cobra.Command {
	var flags callFlags
	cmd := &cobra.Command{
		Use:   "call ACCOUNT METHOD URL",
		Short: "Make one request with an account's token",
		Long: `Make one HTTP request through the account's connector, as its agent would: with the account's token, refreshed if
need be, and only to hosts that the provider or the connector names. The token is never shown; where an answer repeats
it, it is blacked out. Redirects to other hosts are refused.

URL is absolute, or a path below the API of the connector, with or without a slash in front: "user" and "/user" are
https://api.github.com/user.

The body is what --data says, @FILE the contents of a file, @- standard input. A body that is JSON is sent as such, any
other as a form, unless a Content-Type is given.`,
		Example: `  tokenkeeper call acme/triage/github GET user
  tokenkeeper call acme/triage/slack POST chat.postMessage -d '{"channel":"C0123456789","text":"hello"}'
  tokenkeeper call acme/triage/slack POST auth.test -d @- -i --fail`,
		ValidArgsFunction: c.completeAccount,
		Args:              checkCall,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.hasData = cmd.Flags().Changed("data")
			return c.call(cmd.Context(), args, flags)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.data, "data", "d", "", "the request body, @`FILE` or @- for standard input")
	f.StringArrayVarP(&flags.headers, "header", "H", nil, "a `header`, as in 'Accept: application/json'; may be repeated")
	f.BoolVarP(&flags.include, "include", "i", false, "print status line and headers before the body")
	f.BoolVarP(&flags.fail, "fail", "f", false, "exit with 22 when the status is 400 or above")
	return cmd
}

var methodName = regexp.MustCompile(`^[A-Za-z]{1,20}$`)

func checkCall(cmd *cobra.Command, args []string) error {
	help := cmd.CommandPath() + " --help"
	if len(args) != 3 {
		return usage(cmd.CommandPath()+": want ACCOUNT METHOD URL, for example: acme/triage/github GET user", help)
	}
	if !methodName.MatchString(args[1]) {
		return usage(fmt.Sprintf("%s: METHOD %q is none; want GET, POST, …", cmd.CommandPath(), args[1]), help)
	}
	_, err := credential.ParseAccountID(args[0])
	return err
}

// call does not check Temporal first: while the token is valid, it is not needed.
func (c *cli) call(ctx context.Context, args []string, flags callFlags) error {
	account, err := credential.ParseAccountID(args[0])
	if err != nil {
		return err
	}
	headers, err := parseHeaders(flags.headers)
	if err != nil {
		return err
	}
	body, err := c.requestBody(flags)
	if err != nil {
		return err
	}
	return c.withApp(func(a *app.App) error {
		if err := configured(a, account); err != nil {
			return err
		}
		if err := c.openVault(ctx, a); err != nil {
			return err
		}
		api, err := a.API(account)
		if err != nil {
			return err
		}
		target, err := resolve(api.Base, args[2])
		if err != nil {
			return err
		}
		req, err := newRequest(ctx, strings.ToUpper(args[1]), target, headers, body)
		if err != nil {
			return err
		}
		return c.exchange(a, account, api.HTTP, req, flags)
	})
}

// parseHeaders refuses what the connector decides.
func parseHeaders(lines []string) (http.Header, error) {
	headers := http.Header{}
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		switch {
		case !found || name == "":
			return nil, usage(fmt.Sprintf("header %q: want 'Name: value'", name), "tokenkeeper call --help")
		case name == "Authorization" || name == "Proxy-Authorization" || name == "Cookie":
			return nil, usage("header "+name+": the account's connector authenticates the request", "leave it out")
		case name == "Host":
			return nil, usage("header Host: the host is that of the URL", "leave it out")
		}
		headers.Add(name, strings.TrimSpace(value))
	}
	return headers, nil
}

// requestBody returns nil for a request without one.
func (c *cli) requestBody(flags callFlags) ([]byte, error) {
	name, fromFile := strings.CutPrefix(flags.data, "@")
	switch {
	case !flags.hasData:
		return nil, nil
	case !fromFile:
		return []byte(flags.data), nil
	case name == "-":
		body, err := io.ReadAll(c.stdin)
		if err != nil {
			return nil, fmt.Errorf("reading the body from standard input: %w", err)
		}
		return body, nil
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	return body, nil
}

// resolve returns an absolute URL as it is, and joins anything else to the base, even with a leading slash: GitHub's
// documentation writes /user, and the API of a GitHub Enterprise Server is at /api/v3/user.
func resolve(base *url.URL, text string) (*url.URL, error) {
	target, err := url.Parse(text)
	if err == nil && target.Host == "" && target.Scheme != "https" && target.Scheme != "http" { // "files/1:export" has a colon too
		target, err = base.Parse("./" + strings.TrimLeft(text, "/"))
	}
	if err != nil {
		return nil, usage(fmt.Sprintf("URL %q: %v", text, errors.Unwrap(err)), "tokenkeeper call --help")
	}
	if target.Host == "" && base.Host == "" {
		return nil, usage(fmt.Sprintf("URL %q: the connector names no API that it could be a path of", text),
			"write https://HOST/…, or endpoints: {api: https://HOST/} into the connector")
	}
	if (target.Scheme != "https" && target.Scheme != "http") || target.Host == "" {
		return nil, usage(fmt.Sprintf("URL %q: want https://HOST/… or a path below %s", text, base), "tokenkeeper call --help")
	}
	return target, nil
}

func newRequest(ctx context.Context, method string, target *url.URL, headers http.Header, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	req.Header = headers
	if len(body) > 0 && headers.Get("Content-Type") == "" {
		headers.Set("Content-Type", contentType(body))
	}
	return req, nil
}

func contentType(body []byte) string {
	if json.Valid(body) {
		return "application/json; charset=utf-8" // Slack wants the charset named
	}
	return "application/x-www-form-urlencoded"
}

// exchange sends the request and prints the answer.
func (c *cli) exchange(a *app.App, account credential.AccountID, client *http.Client, req *http.Request, flags callFlags) error {
	before, err := secretsOf(req.Context(), a, account)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	c.recordCall(a, account, req, resp)
	if err != nil {
		return callError(account, err)
	}
	defer resp.Body.Close()
	after, err := secretsOf(req.Context(), a, account) // the call may have had the token refreshed
	if err != nil {
		return err
	}
	if err := c.printAnswer(account, resp, append(before, after...), flags.include); err != nil {
		return fmt.Errorf("account %s: reading the answer: %w", account, err)
	}
	if flags.fail && resp.StatusCode >= http.StatusBadRequest {
		return &failure{code: exitHTTP, err: fmt.Errorf("account %s: %s %s answered %s", account, req.Method, req.URL.Redacted(), resp.Status)}
	}
	return nil
}

// recordCall leaves out the query: it may hold anything. resp is nil for a call without an answer.
func (c *cli) recordCall(a *app.App, account credential.AccountID, req *http.Request, resp *http.Response) {
	outcome, detail := vault.Failed, req.Method+" "+req.URL.Scheme+"://"+req.URL.Host+req.URL.Path
	if resp != nil {
		outcome, detail = vault.Done, detail+": "+resp.Status
	}
	c.record(req.Context(), a, vault.Called, account, outcome, detail)
}

// callError takes the connector's errors out of the *url.Error that net/http wraps them in.
func callError(account credential.AccountID, err error) error {
	if refused, ok := errors.AsType[*connector.HostError](err); ok {
		return refused
	}
	if down, ok := errors.AsType[*connector.UnavailableError](err); ok {
		return down
	}
	return fmt.Errorf("account %s: %w", account, err)
}

// answerDocument is what --json prints of an answer.
type answerDocument struct {
	Account credential.AccountID `json:"account"`
	Status  int                  `json:"status"`
	Headers map[string][]string  `json:"headers"`
	// Body is the JSON of the answer, or a string where it is none.
	Body any `json:"body"`
}

func (c *cli) printAnswer(account credential.AccountID, resp *http.Response, secrets []string, include bool) error {
	if c.asJSON {
		var body bytes.Buffer
		if err := redactedCopy(&body, resp.Body, secrets); err != nil {
			return err
		}
		return c.print(answerDocument{
			Account: account, Status: resp.StatusCode, Headers: redactHeaders(resp.Header, secrets), Body: jsonOrText(body.Bytes()),
		}, nil)
	}
	if include {
		fmt.Fprintf(c.stdout, "%s %s\n", resp.Proto, resp.Status)
		headers := redactHeaders(resp.Header, secrets)
		for _, name := range slices.Sorted(maps.Keys(headers)) {
			for _, value := range headers[name] {
				fmt.Fprintf(c.stdout, "%s: %s\n", name, value)
			}
		}
		fmt.Fprintln(c.stdout)
	}
	return redactedCopy(c.stdout, resp.Body, secrets)
}

func jsonOrText(body []byte) any {
	if json.Valid(body) {
		return json.RawMessage(body)
	}
	return string(body)
}
