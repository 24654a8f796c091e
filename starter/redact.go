package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
)

const redacted = "[redacted]"

// secretsOf returns the tokens of an account, to be redacted from output.
func secretsOf(ctx context.Context, a *app.App, account credential.AccountID) ([]string, error) {
	record, err := a.Vault.Get(ctx, account)
	if errors.Is(err, vault.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var secrets []string
	for _, secret := range []credential.Secret{record.Tokens.Access, record.Tokens.Refresh} {
		if !secret.IsZero() {
			secrets = append(secrets, secret.Reveal())
		}
	}
	return secrets, nil
}

// redactor passes bytes on without the secrets in them. It holds back as many bytes as the longest secret has, less one,
// so that none gets through in two halves.
type redactor struct {
	to      io.Writer
	secrets []string
	held    []byte
}

func (r *redactor) Write(p []byte) (int, error) {
	r.held = append(r.held, p...)
	for _, secret := range r.secrets {
		r.held = bytes.ReplaceAll(r.held, []byte(secret), []byte(redacted))
	}
	ready := max(0, len(r.held)-r.longest()+1)
	if _, err := r.to.Write(r.held[:ready]); err != nil {
		return 0, err
	}
	r.held = append(r.held[:0], r.held[ready:]...)
	return len(p), nil
}

func (r *redactor) longest() int {
	length := 1
	for _, secret := range r.secrets {
		length = max(length, len(secret))
	}
	return length
}

// flush passes on what was held back: it is too short to be a secret.
func (r *redactor) flush() error {
	_, err := r.to.Write(r.held)
	r.held = nil
	return err
}

func redactedCopy(to io.Writer, from io.Reader, secrets []string) error {
	r := &redactor{to: to, secrets: secrets}
	_, err := io.Copy(r, from)
	return errors.Join(err, r.flush())
}

func redactHeaders(headers http.Header, secrets []string) http.Header {
	clean := headers.Clone()
	for _, values := range clean {
		for i := range values {
			for _, secret := range secrets {
				values[i] = strings.ReplaceAll(values[i], secret, redacted)
			}
		}
	}
	return clean
}
