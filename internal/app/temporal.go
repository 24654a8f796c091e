package app

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"

	"tokenkeeper/workflows"
)

// prepareTemporal follows Temporal's own settings (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, profiles), so
// that the temporal CLI and this program always mean the same server. The client dials when it is first used.
func (a *App) prepareTemporal(env func(string) (string, bool)) error {
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: lookup(env)})
	if err != nil {
		return &TemporalSettingsError{cause: err, fix: settingsFix(lookup(env))}
	}
	a.TemporalAddress, a.Namespace = cmp.Or(options.HostPort, client.DefaultHostPort), cmp.Or(options.Namespace, client.DefaultNamespace)
	options.Logger = log.NewStructuredLogger(a.Log)
	a.Temporal, err = client.NewLazyClient(options)
	if err != nil {
		return fmt.Errorf("preparing the Temporal client for %s: %w", a.TemporalAddress, err)
	}
	return nil
}

// TemporalSettingsError is returned for settings of Temporal's own that cannot be used.
type TemporalSettingsError struct {
	cause error
	fix   string
}

func (e *TemporalSettingsError) Error() string {
	return fmt.Sprintf("reading Temporal's settings (TEMPORAL_* variables and profile): %v; fix: %s", e.cause, e.fix)
}

func (e *TemporalSettingsError) Unwrap() error { return e.cause }

// settingsFix says where the settings are that are wrong.
func settingsFix(env lookup) string {
	if profile, _ := env.LookupEnv("TEMPORAL_PROFILE"); profile != "" {
		return fmt.Sprintf("correct profile %s (temporal config list shows which there are), name another one in TEMPORAL_PROFILE, or unset it", profile)
	}
	return "correct the TEMPORAL_* variables, or the file of profiles (temporal config list reads it)"
}

// lookup adapts a lookup function to envconfig.
type lookup func(string) (string, bool)

var _ envconfig.EnvLookup = lookup(nil)

func (l lookup) LookupEnv(key string) (string, bool) {
	if l == nil {
		return os.LookupEnv(key)
	}
	return l(key)
}

func (l lookup) Environ() []string {
	if l == nil {
		return os.Environ()
	}
	var found []string
	for _, pair := range os.Environ() {
		key, _, _ := strings.Cut(pair, "=")
		if value, ok := l(key); ok {
			found = append(found, key+"="+value)
		}
	}
	return found
}

// EnsureSearchAttributes registers what the Workflows upsert: on a server that does not know them every Workflow Task
// would fail. Temporal Cloud does not let applications register them; the error then says what to run.
func (a *App) EnsureSearchAttributes(ctx context.Context) error {
	missing, err := a.missingSearchAttributes(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	_, err = a.Temporal.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: a.Namespace, SearchAttributes: missing,
	})
	if err != nil {
		return fmt.Errorf("registering search attributes in namespace %s: %w; register them with: %s", a.Namespace, err, registerCommand(missing))
	}
	return nil
}

func (a *App) missingSearchAttributes(ctx context.Context) (map[string]enums.IndexedValueType, error) {
	have, err := a.Temporal.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: a.Namespace})
	if err != nil {
		return nil, fmt.Errorf("listing search attributes of namespace %s: %w", a.Namespace, err)
	}
	missing := map[string]enums.IndexedValueType{}
	for _, key := range workflows.SearchAttributes() {
		if _, ok := have.GetCustomAttributes()[key.GetName()]; !ok {
			missing[key.GetName()] = key.GetValueType()
		}
	}
	return missing, nil
}

func registerCommand(missing map[string]enums.IndexedValueType) string {
	var command []string
	for name, kind := range missing {
		command = append(command, fmt.Sprintf("temporal operator search-attribute create --name %s --type %s", name, kind))
	}
	slices.Sort(command)
	return strings.Join(command, " && ")
}
