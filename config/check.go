package config

import (
	"cmp"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tokenkeeper/credential"
)

// checker judges what decoded values mean, alone and together, and fills in what follows from them.
type checker struct {
	*report
	config *Config
	env    func(string) (string, bool)
	folder string // of the configuration file
	// broken holds the ids of the user's own providers that have a problem: a connector that names one is not blamed for
	// it.
	broken map[string]bool
}

func check(c *Config, r *report, env func(string) (string, bool), folder string) {
	k := &checker{report: r, config: c, env: env, folder: folder, broken: map[string]bool{}}
	k.temporal()
	k.vault()
	k.gateway()
	k.links()
	k.model()
	k.notices()
	k.providers()
	for _, name := range slices.Sorted(maps.Keys(c.Connectors)) {
		c.Connectors[name] = k.connector(name, c.Connectors[name])
	}
	k.apps()
	k.slackTargets()
	filed := channels{}
	for _, name := range k.inOrder("triages", slices.Sorted(maps.Keys(c.Triages))) {
		c.Triages[name] = k.triage(name, c.Triages[name], filed)
	}
}

// inOrder sorts the keys of the mapping at path into the order of the file, so that of two that clash the second is
// reported.
func (k *checker) inOrder(path string, keys []string) []string {
	slices.SortStableFunc(keys, func(a, b string) int {
		x, y := lookup(k.places, join(path, a)), lookup(k.places, join(path, b))
		return cmp.Or(cmp.Compare(x.line, y.line), cmp.Compare(x.column, y.column))
	})
	return keys
}

// require reports an empty value as a problem, and returns whether the value can be checked further. One that was refused
// already cannot.
func (k *checker) require(path, value, fix string) bool {
	if k.refused[path] {
		return false
	}
	if value != "" {
		return true
	}
	if _, written := k.places[path]; written {
		k.add(path, "this is empty", fix)
	} else {
		k.add(path, "this is missing", fix)
	}
	return false
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$`)

func (k *checker) temporal() {
	const path = "temporal.task_queue"
	fix := "write a name of letters, digits and . _ / -, or delete the line"
	queue := k.config.Temporal.TaskQueue
	if k.require(path, queue, fix) && !plainWord.MatchString(queue) {
		k.add(path, quote(queue)+" is no name of a task queue", fix)
	}
	k.temporalUI()
}

func (k *checker) temporalUI() {
	const path = "temporal.ui_url"
	t := &k.config.Temporal
	if k.refused[path] || t.UIURL == "" {
		return
	}
	u, err := url.Parse(t.UIURL)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		k.add(path, "this is no address of a web page", `write what a browser opens, for example https://cloud.temporal.io, or "" for none`)
	}
}

// hint points at Temporal's own settings, which the temporal command reads too.
func (*Temporal) hint(key string) advice {
	switch key {
	case "address", "host", "host_port", "namespace", "api_key", "tls", "profile":
		return advice{"Temporal's own settings are not in this file",
			"delete it and set TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY or a profile: the temporal command reads the same", ""}
	}
	return advice{}
}

// file returns the absolute form of a file name that is relative to the configuration file, "" after a problem.
func (k *checker) file(path, name string) string {
	fix := "write a file name, absolute or relative to the folder of this file"
	switch {
	case !k.require(path, name, fix):
	case strings.Contains(name, "://"):
		k.add(path, "this is a URL", fix)
	case strings.HasPrefix(name, "~"):
		k.add(path, "'~' is known to shells only", fix)
	case strings.ContainsRune(name, 0):
		k.add(path, "a file name holds no NUL", fix)
	case filepath.IsAbs(name):
		return filepath.Clean(name)
	default:
		return filepath.Join(k.folder, name)
	}
	return ""
}

// validSegment reports whether s can be one part of an account id or of a triage's name.
func validSegment(s string) bool {
	_, err := credential.ParseAccountID("o/u/" + s)
	return err == nil
}

const segmentRule = "1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"
