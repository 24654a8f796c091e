package kms

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// transitTimeout bounds one request to Vault.
const transitTimeout = 10 * time.Second

// openTransit opens a key of Vault's transit engine.
func openTransit(uri string) (tink.AEADWithContext, error) {
	at, err := url.Parse(uri)
	if err != nil || at.Host == "" || at.User != nil {
		return nil, errScheme
	}
	config := api.DefaultConfig() // with what VAULT_* variables say
	if config.Error != nil {
		return nil, config.Error
	}
	config.Timeout = transitTimeout
	if named, err := url.Parse(config.Address); err != nil || named.Host != at.Host {
		config.Address = "https://" + at.Host
	}
	client, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	if client.Token() == "" {
		return nil, errors.New("environment variable VAULT_TOKEN is not set")
	}
	key, err := hcvault.NewAEAD(at.EscapedPath(), client.Logical())
	if err != nil {
		return nil, errScheme
	}
	return transit{key}, nil
}

// transit gives a key the context that its client knows nothing of.
type transit struct{ key tink.AEAD }

func (t transit) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	return within(ctx, func() ([]byte, error) { return t.key.Encrypt(plaintext, associatedData) })
}

func (t transit) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	return within(ctx, func() ([]byte, error) { return t.key.Decrypt(ciphertext, associatedData) })
}

// within leaves when the context ends. The request then goes on to its own timeout, and nobody hears of its answer.
func within(ctx context.Context, ask func() ([]byte, error)) ([]byte, error) {
	type answer struct {
		text []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		text, err := ask()
		answered <- answer{text, err}
	}()
	select {
	case a := <-answered:
		return a.text, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
