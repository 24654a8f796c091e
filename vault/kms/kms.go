package kms

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/api/option"
)

// The schemes of the URIs.
const (
	awsScheme   = "aws-kms://"
	gcpScheme   = "gcp-kms://"
	vaultScheme = "hcvault://"
)

var errScheme = errors.New("want aws-kms://arn:…, gcp-kms://projects/… or hcvault://host/transit/keys/name")

// Opener opens keys. The zero value is ready for use.
type Opener struct {
	// Google are options of the client of Google Cloud KMS, such as another endpoint.
	Google []option.ClientOption
}

// Open opens a key by its URI, by [Opener.Open] of the zero Opener.
func Open(ctx context.Context, uri string) (tink.AEADWithContext, error) {
	return Opener{}.Open(ctx, uri)
}

// Open opens a key by its URI. Whether the service is there and lets us use the key shows when it is used.
func (o Opener) Open(ctx context.Context, uri string) (tink.AEADWithContext, error) {
	var key tink.AEADWithContext
	var err error
	switch {
	case strings.HasPrefix(uri, awsScheme):
		key, err = awskms.NewAEADWithContext(ctx, strings.TrimPrefix(uri, awsScheme))
	case strings.HasPrefix(uri, gcpScheme):
		key, err = gcpkms.GetAEADWithContext(ctx, uri, gcpkms.WithGoogleAPIClientOptions(o.Google...))
	case strings.HasPrefix(uri, vaultScheme):
		key, err = openTransit(uri)
	default:
		err = errScheme
	}
	if err != nil {
		return nil, fmt.Errorf("opening key %s: %w", redacted(uri), err)
	}
	return key, nil
}

// redacted leaves out the password of a URI that should hold none.
func redacted(uri string) string {
	at, err := url.Parse(uri)
	if err != nil {
		return "(a URI that cannot be read)"
	}
	return at.Redacted()
}
