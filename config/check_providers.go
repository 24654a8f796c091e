package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"tokenkeeper/provider"
)

// providers adds the user's own to the catalogue, one by one, so that each problem has its line.
func (k *checker) providers() {
	catalogue, err := provider.Embedded()
	if err != nil {
		k.add("providers", "the embedded catalogue cannot be read: "+err.Error(), "this build is broken, take another")
		return
	}
	seen := map[string]string{} // id → path
	for i, own := range k.config.Providers {
		path := fmt.Sprintf("providers[%d]", i)
		wider, err := catalogue.With([]provider.Provider{own})
		switch first, twice := seen[own.ID]; {
		case k.refusedUnder(path):
		case err != nil:
			k.addEach(path, err)
		case twice:
			k.add(path, fmt.Sprintf("provider %s is declared twice, first in line %d", own.ID, lookup(k.places, first).line),
				"delete one of them or give it another id")
		default:
			seen[own.ID] = path
			catalogue = wider
			continue
		}
		k.broken[own.ID] = true
	}
	k.config.catalogue = catalogue
}

// refusedUnder reports whether path or anything in it has a problem already.
func (k *checker) refusedUnder(path string) bool {
	for refused := range k.refused {
		if rest, found := strings.CutPrefix(refused, path); found && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// providerError is how package provider writes its errors: provider "id": field: what is wrong; the fix.
var providerError = regexp.MustCompile(`(?s)^(?:provider "(?:[^"\\]|\\.)*": )?(?:([a-z0-9_.]+): )?(.*)$`)

// addEach reports each error of package provider at the field it names, or at path.
func (k *checker) addEach(path string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			k.addEach(path, one)
		}
		return
	}
	parts := providerError.FindStringSubmatch(err.Error())
	message, fix, found := strings.Cut(parts[2], "; ")
	if !found {
		fix = correctIt
	}
	if parts[1] != "" {
		path += "." + parts[1]
	}
	k.add(path, message, fix)
}

// known finds the connector's provider.
func (k *checker) known(path string, c Connector) (provider.Provider, bool) {
	at := join(path, "provider")
	if k.config.catalogue == nil {
		return provider.Provider{}, false
	}
	var ids []string
	for _, p := range k.config.catalogue.All() {
		ids = append(ids, p.ID)
	}
	if !k.require(at, c.ProviderID, "write one of: "+listing(ids)) || k.broken[c.ProviderID] {
		return provider.Provider{}, false
	}
	found, ok := k.config.catalogue.Get(c.ProviderID)
	if !ok {
		k.add(at, "unknown provider "+quote(c.ProviderID)+didYouMean(c.ProviderID, ids),
			"write one of: "+listing(ids)+"; or declare your own under providers:")
	}
	return found, ok
}

// placeholder is a name in braces that a connector's variables fill.
var placeholder = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)

// standIn is put for a variable that has no value, so that the other problems of a connector show as well.
const standIn = "x"

// applied returns p as the connector uses it.
func (k *checker) applied(path string, c Connector, p provider.Provider) provider.Provider {
	known := variablesOf(p, c.Endpoints)
	values := k.values(path, c, known)
	out, err := p.Override(c.Endpoints, values)
	if err != nil {
		k.addEach(path, err)
		return p
	}
	for _, name := range known {
		at := join(path, "variables."+name)
		if _, given := c.Variables[name]; given || k.refused[at] || k.refused[join(path, "variables")] {
			continue
		}
		// Override itself is asked, because an api of the connector's own takes endpoints with it, and their placeholders.
		without := maps.Clone(values)
		delete(without, name)
		if _, err := p.Override(c.Endpoints, without); err != nil {
			k.add(at, fmt.Sprintf("provider %s has {%s} in its endpoints, and nothing to fill it with", p.ID, name),
				fmt.Sprintf("write variables: {%s: …}", name))
		}
	}
	return out
}

// values returns a value for each known variable, and reports the variables that are not known.
func (k *checker) values(path string, c Connector, known []string) map[string]string {
	values := map[string]string{}
	for _, name := range known {
		values[name] = standIn
	}
	for _, name := range slices.Sorted(maps.Keys(c.Variables)) {
		at := join(join(path, "variables"), name)
		switch {
		case k.refused[at]:
		case slices.Contains(known, name), provider.OwnKey(name): // the last is refused by Override, with the reason
			values[name] = c.Variables[name]
		default:
			k.add(at, "no endpoint has {"+name+"}"+didYouMean(name, known), "delete it; known here are: "+listing(known))
			k.refused[join(path, "variables."+Closest(name, known))] = true
		}
	}
	return values
}

// variablesOf returns the placeholders of a provider's endpoints and of a connector's own.
func variablesOf(p provider.Provider, own provider.Endpoints) []string {
	p.API.Hosts = slices.Concat(p.API.Hosts, []string{own.Authorize, own.Token, own.Revoke, own.Identity, own.API})
	return p.Variables()
}
