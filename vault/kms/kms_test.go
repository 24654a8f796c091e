package kms_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"hash/crc32"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"tokenkeeper/vault"
	"tokenkeeper/vault/kms"
)

// service is a key management service with one key. It counts what it is asked.
type service struct {
	key        tink.AEAD
	name       string // the key that its clients have to ask for
	encrypted  int
	decrypted  int
	lastSecret []byte
	down       bool
}

func newService(t *testing.T, name string) *service {
	t.Helper()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	require.NoError(t, err)
	key, err := aead.New(handle)
	require.NoError(t, err)
	return &service{key: key, name: name}
}

func (s *service) encrypt(plain []byte) ([]byte, error) {
	s.encrypted++
	s.lastSecret = append([]byte(nil), plain...)
	return s.key.Encrypt(plain, nil)
}

func (s *service) decrypt(sealed []byte) ([]byte, error) {
	s.decrypted++
	return s.key.Decrypt(sealed, nil)
}

const awsKey = "arn:aws:kms:eu-central-1:111122223333:key/0f5b1c6e-0000-4000-8000-000000000000"

// aws speaks the JSON protocol of AWS KMS: the operation is in a header, bytes are base64.
func aws(t *testing.T) (*service, string) {
	t.Helper()
	s := newService(t, awsKey)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			KeyID          string `json:"KeyId"`
			Plaintext      []byte
			CiphertextBlob []byte
		}
		if s.down || json.NewDecoder(r.Body).Decode(&in) != nil || in.KeyID != s.name ||
			!strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/kms/aws4_request") {
			w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		out := map[string]any{"KeyId": in.KeyID}
		var err error
		switch r.Header.Get("X-Amz-Target") {
		case "TrentService.Encrypt":
			out["CiphertextBlob"], err = s.encrypt(in.Plaintext)
		case "TrentService.Decrypt":
			out["Plaintext"], err = s.decrypt(in.CiphertextBlob)
		}
		if err != nil {
			w.Header().Set("X-Amzn-Errortype", "InvalidCiphertextException")
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		assert.NoError(t, json.NewEncoder(w).Encode(out))
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_KMS", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	return s, "aws-kms://" + awsKey
}

const vaultToken = "hvs.example"

// transitEngine speaks the HTTP API of Vault's transit engine.
func transitEngine(t *testing.T) (*service, string) {
	t.Helper()
	s := newService(t, "tokenkeeper")
	const mark = "vault:v1:"
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Plaintext  []byte `json:"plaintext"`
			Ciphertext string `json:"ciphertext"`
		}
		if s.down || r.Header.Get("X-Vault-Token") != vaultToken || json.NewDecoder(r.Body).Decode(&in) != nil {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"errors":["permission denied"]}`))
			return
		}
		data := map[string]any{}
		var err error
		switch r.URL.Path {
		case "/v1/transit/encrypt/" + s.name:
			var sealed []byte
			sealed, err = s.encrypt(in.Plaintext)
			encoded, _ := json.Marshal(sealed)
			data["ciphertext"] = mark + strings.Trim(string(encoded), `"`)
		case "/v1/transit/decrypt/" + s.name:
			var sealed []byte
			err = json.Unmarshal([]byte(`"`+strings.TrimPrefix(in.Ciphertext, mark)+`"`), &sealed)
			if err == nil {
				data["plaintext"], err = s.decrypt(sealed)
			}
		default:
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"errors":["cipher: message authentication failed"]}`))
			return
		}
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{"data": data}))
	}))
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	t.Setenv("VAULT_CACERT", authority)
	t.Setenv("VAULT_TOKEN", vaultToken)
	t.Setenv("VAULT_MAX_RETRIES", "0")
	return s, "hcvault://" + strings.TrimPrefix(server.URL, "https://") + "/transit/keys/tokenkeeper"
}

// google is the part of Google Cloud KMS that Tink calls.
type google struct {
	kmspb.UnimplementedKeyManagementServiceServer
	s *service
}

func checksum(data []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))))
}

func (g google) Encrypt(_ context.Context, in *kmspb.EncryptRequest) (*kmspb.EncryptResponse, error) {
	if g.s.down || in.GetName() != g.s.name {
		return nil, status.Error(codes.PermissionDenied, "permission denied")
	}
	sealed, err := g.s.encrypt(in.GetPlaintext())
	return &kmspb.EncryptResponse{
		Name: in.GetName(), Ciphertext: sealed, CiphertextCrc32C: checksum(sealed),
		VerifiedPlaintextCrc32C: true, VerifiedAdditionalAuthenticatedDataCrc32C: true,
	}, err
}

func (g google) Decrypt(_ context.Context, in *kmspb.DecryptRequest) (*kmspb.DecryptResponse, error) {
	if g.s.down || in.GetName() != g.s.name {
		return nil, status.Error(codes.PermissionDenied, "permission denied")
	}
	plain, err := g.s.decrypt(in.GetCiphertext())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "decryption failed")
	}
	return &kmspb.DecryptResponse{Plaintext: plain, PlaintextCrc32C: checksum(plain)}, nil
}

const googleKey = "projects/p/locations/global/keyRings/r/cryptoKeys/tokenkeeper"

func googleCloud(t *testing.T) (*service, kms.Opener, string) {
	t.Helper()
	s := newService(t, googleKey)
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	kmspb.RegisterKeyManagementServiceServer(server, google{s: s})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	opener := kms.Opener{Google: []option.ClientOption{
		option.WithEndpoint(listener.Addr().String()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}}
	return s, opener, "gcp-kms://" + googleKey
}

// aKeyset goes through the life of a keyset whose keys a service encrypts.
func aKeyset(t *testing.T, s *service, opener kms.Opener, uri string) {
	t.Helper()
	ctx := t.Context()
	kek, err := opener.Open(ctx, uri)
	require.NoError(t, err)
	file := vault.KeysetFile{Path: filepath.Join(t.TempDir(), "vault.key"), KEK: kek}
	created, err := file.Create(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, s.encrypted)
	content, err := os.ReadFile(file.Path)
	require.NoError(t, err)
	require.NotEmpty(t, s.lastSecret)
	assert.NotContains(t, string(content), string(s.lastSecret), "what the service was given is not in the file")
	assert.Contains(t, string(content), "encryptedKeyset")
	info, err := os.Stat(file.Path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	v, err := vault.Open(ctx, vault.Options{Path: filepath.Join(t.TempDir(), "vault.db"), Keyset: created})
	require.NoError(t, err)
	defer func() { assert.NoError(t, v.Close()) }()
	rotated, err := v.Rotate(ctx, vault.RotateOptions{})
	require.NoError(t, err)
	loaded, err := file.Load(ctx)
	require.NoError(t, err)
	assert.Equal(t, []uint32{rotated.Key, created.KeyIDs()[1]}, loaded.KeyIDs())
	asked := s.decrypted
	for range 5 {
		_, err := v.Accounts(ctx)
		require.NoError(t, err)
	}
	assert.Equal(t, asked, s.decrypted, "work with the vault asks the service nothing")

	_, err = vault.LoadKeyset(file.Path)
	require.ErrorContains(t, err, "vault.kms")
	cut := vault.KeysetFile{Path: filepath.Join(t.TempDir(), "cut.key"), KEK: kek}
	require.NoError(t, os.WriteFile(cut.Path, []byte(`{"encryptedKeyset":"AAAA"}`), 0o600))
	_, err = cut.Load(ctx)
	require.ErrorContains(t, err, "may use the key")
	s.down = true
	_, err = file.Load(ctx)
	require.ErrorContains(t, err, "key management service")
	assert.NotContains(t, err.Error(), vaultToken)
	_, err = vault.KeysetFile{Path: filepath.Join(t.TempDir(), "new.key"), KEK: kek}.Create(ctx)
	require.ErrorContains(t, err, "key management service")
}

func TestAWS(t *testing.T) {
	s, uri := aws(t)
	aKeyset(t, s, kms.Opener{}, uri)
}

func TestVaultTransit(t *testing.T) {
	s, uri := transitEngine(t)
	aKeyset(t, s, kms.Opener{}, uri)
}

func TestGoogleCloud(t *testing.T) {
	s, opener, uri := googleCloud(t)
	aKeyset(t, s, opener, uri)
}

func TestKeysetInTheClearIsNoEncryptedOne(t *testing.T) {
	_, uri := transitEngine(t)
	kek, err := kms.Open(t.Context(), uri)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "vault.key")
	_, err = vault.CreateKeyset(path)
	require.NoError(t, err)
	_, err = vault.KeysetFile{Path: path, KEK: kek}.Load(t.Context())
	assert.ErrorContains(t, err, "in the clear")
	_, err = vault.KeysetFile{Path: path, KEK: kek}.Create(t.Context())
	assert.ErrorIs(t, err, os.ErrExist)
}

func TestTransitLeavesWithItsContext(t *testing.T) {
	_, uri := transitEngine(t)
	kek, err := kms.Open(t.Context(), uri)
	require.NoError(t, err)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = kek.DecryptWithContext(over, []byte("vault:v1:AAAA"), nil)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestTransitFollowsVaultAddrOfTheSameHost(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"data":{"ciphertext":"vault:v1:by-http"}}`))
	}))
	defer plain.Close()
	t.Setenv("VAULT_TOKEN", vaultToken)
	t.Setenv("VAULT_ADDR", plain.URL)
	kek, err := kms.Open(t.Context(), "hcvault://"+strings.TrimPrefix(plain.URL, "http://")+"/transit/keys/k")
	require.NoError(t, err)
	sealed, err := kek.EncryptWithContext(t.Context(), []byte("x"), nil)
	require.NoError(t, err)
	assert.Equal(t, "vault:v1:by-http", string(sealed))
}

func TestURIsThatNameNoKey(t *testing.T) {
	t.Setenv("VAULT_TOKEN", vaultToken)
	for _, uri := range []string{
		"", "vault.key", "file:///vault.key", "aws-kms://", "aws-kms://alias/x", "hcvault://", "hcvault:///transit/keys/k", "hcvault://h/k",
		"hcvault://user:password@h/transit/keys/k",
	} {
		_, err := kms.Open(t.Context(), uri)
		require.Error(t, err, uri)
		assert.NotContains(t, err.Error(), "password")
	}
	t.Setenv("VAULT_TOKEN", "")
	_, err := kms.Open(t.Context(), "hcvault://h/transit/keys/k")
	assert.ErrorContains(t, err, "VAULT_TOKEN")
}
