package provider

import (
	"embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed catalogue/*.yaml
var catalogueFiles embed.FS

// Catalogue is a set of valid providers by id. It never changes.
type Catalogue struct {
	providers map[string]Provider // :: id → provider
}

// Embedded returns the catalogue that ships with the program.
func Embedded() (*Catalogue, error) {
	files, err := catalogueFiles.ReadDir("catalogue")
	if err != nil {
		return nil, fmt.Errorf("reading the embedded catalogue: %w", err)
	}
	providers := make([]Provider, 0, len(files))
	for _, file := range files {
		p, err := read(file.Name())
		if err != nil {
			return nil, err
		}
		providers = append(providers, p)
	}
	return (&Catalogue{}).With(providers)
}

func read(name string) (Provider, error) {
	data, err := catalogueFiles.ReadFile(path.Join("catalogue", name))
	if err != nil {
		return Provider{}, fmt.Errorf("reading catalogue entry %s: %w", name, err)
	}
	p, err := parse(data)
	if err != nil {
		return Provider{}, fmt.Errorf("catalogue entry %s: %w", name, err)
	}
	if p.ID != strings.TrimSuffix(name, ".yaml") {
		return Provider{}, fmt.Errorf("catalogue entry %s: id is %q; name the file after its id", name, p.ID)
	}
	return p, nil
}

// parse is strict: an unknown key is a misspelt fact.
func parse(data []byte) (Provider, error) {
	var p Provider
	if err := yaml.UnmarshalWithOptions(data, &p, yaml.Strict()); err != nil {
		return Provider{}, err
	}
	return p, nil
}

// With returns a catalogue that also holds own. An entry of own replaces the one of the same id, so that a user can
// correct a fact; two of own with one id are an error.
func (c *Catalogue) With(own []Provider) (*Catalogue, error) {
	all := maps.Clone(c.providers)
	if all == nil {
		all = make(map[string]Provider, len(own))
	}
	seen := make(map[string]bool, len(own))
	for _, p := range own {
		if err := p.Validate(); err != nil {
			return nil, err
		}
		if seen[p.ID] {
			return nil, fmt.Errorf("provider %q: declared twice; give one of them another id", p.ID)
		}
		seen[p.ID] = true
		p.Endpoints.API = slashed(p.Endpoints.API)
		all[p.ID] = p.withHosts()
	}
	return &Catalogue{providers: all}, nil
}

// Get returns the provider of that id, and reports whether there is one.
func (c *Catalogue) Get(id string) (Provider, bool) {
	p, ok := c.providers[id]
	return p, ok
}

// All returns every provider, sorted by id.
func (c *Catalogue) All() []Provider {
	all := make([]Provider, 0, len(c.providers))
	for _, id := range slices.Sorted(maps.Keys(c.providers)) {
		all = append(all, c.providers[id])
	}
	return all
}
