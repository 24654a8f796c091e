package provider

// Revokes reports whether the provider takes a grant back when its owner asks for that.
func (p Provider) Revokes() bool { return p.Revocation.Style != "" && p.Revocation.Style != RevokeNone }

// LosesTokens reports whether a refresh whose answer is lost may leave tokens behind that nobody has and that those before it do
// not revoke.
func (p Provider) LosesTokens() bool {
	return p.Token.Rotation != RotationStatic && p.Token.Rotation != RotationNone
}
