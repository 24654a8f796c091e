package openid

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"tokenkeeper/credential"
)

// maxUserInfo is far above what anybody's claims take.
const maxUserInfo = 1 << 20

// userInfo asks for the claims that the ID token leaves out, as it may (OpenID Connect Core §5.3, §5.4).
func (p *Provider) userInfo(ctx context.Context, endpoint string, access credential.Secret, subject string) (claims, *Error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, &Error{Kind: Misconfigured, reason: "its UserInfo endpoint is no URL"}
	}
	request.Header.Set("Authorization", "Bearer "+access.Reveal())
	request.Header.Set("Accept", "application/json")
	response, err := p.http.Do(request)
	if err != nil {
		return nil, &Error{Kind: Away, reason: "asking its UserInfo endpoint: " + brief(err.Error())}
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, &Error{Kind: Away, reason: fmt.Sprintf("its UserInfo endpoint answers HTTP %d", response.StatusCode)}
	}
	var said claims
	if json.NewDecoder(io.LimitReader(response.Body, maxUserInfo)).Decode(&said) != nil {
		return nil, refused("its UserInfo endpoint answers no JSON object")
	}
	// Who has the access token need not be who the ID token is of (§5.3.2).
	if said.text("sub") != subject {
		return nil, refused("its UserInfo endpoint speaks of somebody else")
	}
	return said, nil
}
