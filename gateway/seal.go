package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
)

// purpose says which cookie a sealed value is for, so that one never passes for another.
type purpose string

const (
	forSession purpose = "session"
	forAttempt purpose = "attempt to sign in"
)

type sealed struct {
	Purpose purpose         `json:"purpose"`
	Content json.RawMessage `json:"content"`
}

// seal returns content as the value of a cookie, which its browser can neither read nor change.
func (s *Server) seal(ctx context.Context, p purpose, content any) (string, error) {
	encoded, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(sealed{Purpose: p, Content: encoded})
	if err != nil {
		return "", err
	}
	closed, err := s.Sessions.SealSession(ctx, plain)
	return base64.RawURLEncoding.EncodeToString(closed), err
}

// unseal returns an error for what seal did not make for the purpose.
func (s *Server) unseal(ctx context.Context, p purpose, value string, into any) error {
	closed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return err
	}
	plain, err := s.Sessions.OpenSession(ctx, closed)
	if err != nil {
		return err
	}
	var found sealed
	if err := json.Unmarshal(plain, &found); err != nil {
		return err
	}
	if found.Purpose != p {
		return errors.New("it was sealed for something else")
	}
	return json.Unmarshal(found.Content, into)
}
