package provider

// Revokes reports whether the provider takes a grant back when its owner asks for that.
func (p Provider) Revokes() bool { return p.Revocation.Style != "" && p.Revocation.Style != RevokeNone }

// LosesTokens reports whether a refresh whose answer is lost may leave tokens behind that nobody has and that those before it do
// not revoke.
func (p Provider) LosesTokens() bool {
	return p.Token.Rotation != RotationStatic && p.Token.Rotation != RotationNone
}

// RevokesByLivingToken reports whether the provider takes a grant back only from who shows an access token of it that has not
// ended. GitHub answers 404 to any other, as it does where there is no grant.
func (p Provider) RevokesByLivingToken() bool { return p.Revocation.Style == RevokeGitHub }
