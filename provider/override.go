package provider

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Placeholders that are filled from the connector's key of the same name when the URL is used, and not from its
// variables.
const (
	clientIDPlaceholder     = "client_id"
	installationPlaceholder = "installation_id"
)

// OwnKey reports whether the placeholder of that name is filled from a key of the connector and not from its variables.
func OwnKey(name string) bool { return name == clientIDPlaceholder || name == installationPlaceholder }

var (
	placeholder = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)
	// variableValue admits what a host name or a path segment is made of. A slash or an @ would let a value move the
	// token endpoint to another host.
	variableValue = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)
)

// Variables returns the names of the placeholders that a connector has to fill, sorted.
func (p Provider) Variables() []string {
	names := map[string]bool{}
	for _, text := range slices.Concat(p.Endpoints.list(), p.API.Hosts, []string{p.Authorization.Issuer}) {
		for _, name := range placeholdersOf(text) {
			names[name] = !OwnKey(name)
		}
	}
	maps.DeleteFunc(names, func(_ string, wanted bool) bool { return !wanted })
	return slices.Sorted(maps.Keys(names))
}

func placeholdersOf(text string) []string {
	var names []string
	for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	return names
}

// Override returns the provider as one connector uses it: the endpoints that e names take the place of the
// provider's, and vars fill the placeholders.
//
// Endpoints that lie below the API's URL move with it unless e names them too. So GovSlack needs authorize and api, an
// Enterprise Server authorize, token and api. Where the API's host changes, listed hosts are dropped: they belong to
// another installation, which must not see this one's tokens.
func (p Provider) Override(e Endpoints, vars map[string]string) (Provider, error) {
	if err := p.checkVariables(e, vars); err != nil {
		return Provider{}, err
	}
	listed := withoutAll(p.withHosts().API.Hosts, p.endpointHosts())
	home := fill(endpointHost(p.Endpoints.API), vars)

	out := p
	out.Endpoints = p.Endpoints.rebased(e.API).replaced(e).filled(vars)
	out.Authorization.Issuer = p.issuerBeside(e, vars)
	out.API.Hosts = nil
	if endpointHost(out.Endpoints.API) == home {
		for _, host := range listed {
			out.API.Hosts = append(out.API.Hosts, fill(host, vars))
		}
	}
	if missing := out.Variables(); len(missing) > 0 {
		return Provider{}, fmt.Errorf("provider %q: {%s} in its endpoints has no value: set variables.%s of the connector", p.ID, missing[0], missing[0])
	}
	if err := out.Validate(); err != nil {
		return Provider{}, err
	}
	return out.withHosts(), nil
}

func (p Provider) checkVariables(e Endpoints, vars map[string]string) error {
	known := p
	known.API.Hosts = slices.Concat(p.API.Hosts, e.list())
	names := known.Variables()
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		switch {
		case OwnKey(name):
			problems = append(problems, fmt.Errorf("provider %q: variables.%s: it is filled from the connector's %s; remove it", p.ID, name, name))
		case !slices.Contains(names, name):
			problems = append(problems, fmt.Errorf("provider %q: variables.%s: no endpoint holds {%s}; %s", p.ID, name, name, knownNames(names)))
		case !variableValue.MatchString(vars[name]):
			problems = append(problems, fmt.Errorf("provider %q: variables.%s: want letters, digits, '.', '_' and '-' only, as in a host name", p.ID, name))
		}
	}
	return errors.Join(problems...)
}

func knownNames(names []string) string {
	if len(names) == 0 {
		return "remove it, this provider has no variables"
	}
	return "its variables are: " + strings.Join(names, ", ")
}

func (e Endpoints) list() []string {
	return []string{e.Authorize, e.Token, e.Revoke, e.Identity, e.API}
}

// each returns e with change applied to every endpoint.
func (e Endpoints) each(change func(string) string) Endpoints {
	return Endpoints{
		Authorize: change(e.Authorize),
		Token:     change(e.Token),
		Revoke:    change(e.Revoke),
		Identity:  change(e.Identity),
		API:       change(e.API),
	}
}

// rebased moves what lies below the API to api; an empty api changes nothing.
func (e Endpoints) rebased(api string) Endpoints {
	if api == "" || e.API == "" {
		return e
	}
	old, base := slashed(e.API), slashed(api)
	return e.each(func(endpoint string) string {
		if below, found := strings.CutPrefix(endpoint, old); found {
			return base + below
		}
		return endpoint
	})
}

// replaced returns e with the non-empty endpoints of other, the API with a slash at its end.
func (e Endpoints) replaced(other Endpoints) Endpoints {
	pick := func(own, others string) string {
		if others != "" {
			return others
		}
		return own
	}
	return Endpoints{
		Authorize: pick(e.Authorize, other.Authorize),
		Token:     pick(e.Token, other.Token),
		Revoke:    pick(e.Revoke, other.Revoke),
		Identity:  pick(e.Identity, other.Identity),
		API:       slashed(pick(e.API, other.API)),
	}
}

func (e Endpoints) filled(vars map[string]string) Endpoints {
	return e.each(func(endpoint string) string { return fill(endpoint, vars) })
}

// fill puts values in the place of their placeholders and leaves the others.
func fill(text string, vars map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(match string) string {
		if value, ok := vars[match[1:len(match)-1]]; ok {
			return value
		}
		return match
	})
}

func slashed(api string) string {
	if api == "" || strings.HasSuffix(api, "/") {
		return api
	}
	return api + "/"
}

func withoutAll(from, what []string) []string {
	return slices.DeleteFunc(slices.Clone(from), func(s string) bool { return slices.Contains(what, s) })
}
