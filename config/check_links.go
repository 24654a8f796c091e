package config

import (
	"fmt"
	"time"
)

// A link has to live until somebody looks into their mail, and not until somebody else finds it there.
const (
	minLinkLife = time.Minute
	maxLinkLife = 24 * time.Hour
)

func (k *checker) links() {
	const path, signIn = "links.lifetime", "links.require_sign_in"
	if k.config.Links.RequireSignIn && !k.oidcWritten() {
		k.add(signIn, "there is nowhere to sign in: a token does not say who somebody is", "write oidc: under gateway, or delete this line")
	}
	if life := k.config.Links.Lifetime; !k.refused[path] && (life < minLinkLife || life > maxLinkLife) {
		k.add(path, fmt.Sprintf("%s is outside %s to %s", life, minLinkLife, maxLinkLife), "write for example 30m")
	}
}
