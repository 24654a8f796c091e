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
	const path = "links.lifetime"
	if life := k.config.Links.Lifetime; !k.refused[path] && (life < minLinkLife || life > maxLinkLife) {
		k.add(path, fmt.Sprintf("%s is outside %s to %s", life, minLinkLife, maxLinkLife), "write for example 30m")
	}
}
