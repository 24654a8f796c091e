package credential_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

func newKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return key
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return der
}

func TestParseSigningKeyTakesBothForms(t *testing.T) {
	key := newKey(t, 2048)
	for name, text := range map[string]string{
		"PKCS #1, as GitHub has it": pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
		"PKCS #8, as Google has it": pemOf("PRIVATE KEY", pkcs8(t, key)),
	} {
		parsed, err := credential.ParseSigningKey(credential.NewSecret(text))
		require.NoError(t, err, name)
		assert.True(t, key.PublicKey.Equal(parsed.Signer().Public()), name)
		assert.False(t, parsed.IsZero())
	}
	assert.True(t, credential.SigningKey{}.IsZero())
	assert.Nil(t, credential.SigningKey{}.Signer())
}

func TestParseSigningKeySaysWhatIsWrong(t *testing.T) {
	key := newKey(t, 2048)
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	whole := x509.MarshalPKCS1PrivateKey(key)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "no PEM"},
		{"no PEM", "hunter2-hunter2", "no PEM"},
		{"a certificate", pemOf("CERTIFICATE", whole), "PEM of another kind"},
		{"cut short", pemOf("RSA PRIVATE KEY", whole[:100]), "a damaged or encrypted RSA key"},
		{"cut short, PKCS #8", pemOf("PRIVATE KEY", pkcs8(t, key)[:100]), "a damaged private key"},
		{"encrypted", pemOf("ENCRYPTED PRIVATE KEY", whole), "without a passphrase"},
		{"elliptic curve", pemOf("PRIVATE KEY", pkcs8(t, elliptical)), "want an RSA private key"},
		{"small", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(newKey(t, 1024))), "1024 bits: want 2048 or more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			parsed, err := credential.ParseSigningKey(credential.NewSecret(c.text))
			require.ErrorContains(t, err, c.want)
			assert.True(t, parsed.IsZero())
			if c.text != "" {
				assert.NotContains(t, err.Error(), "hunter2")
			}
		})
	}
}

func TestSigningKeyIsNeverShown(t *testing.T) {
	key := newKey(t, 2048)
	parsed, err := credential.ParseSigningKey(credential.NewSecret(pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))))
	require.NoError(t, err)
	holder := struct{ hidden credential.SigningKey }{parsed}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", parsed, "holder", holder)
	shown := fmt.Sprintf("%v %+v %#v %s %d %x %v %+v", parsed, parsed, parsed, parsed, parsed, parsed, holder, holder) + log.String()
	assert.Contains(t, shown, "[redacted]")
	for _, part := range []string{key.D.String(), key.Primes[0].String(), fmt.Sprintf("%x", key.D)} {
		assert.NotContains(t, shown, part)
	}
	_, err = json.Marshal(parsed)
	assert.ErrorIs(t, err, credential.ErrSecretEncoding)
	_, err = parsed.MarshalText()
	assert.ErrorIs(t, err, credential.ErrSecretEncoding)
	_, err = parsed.MarshalBinary()
	assert.ErrorIs(t, err, credential.ErrSecretEncoding)
}
