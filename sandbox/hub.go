package sandbox

import (
	"cmp"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
	"time"
)

// hub is what GitHub knows.
type hub struct {
	repositories []*repository
	lastID       int64
	rate         rateWindow
	created      map[string]*creations // :: login → what it created
}

type repository struct {
	owner, name    string
	id             int64
	issuesDisabled bool
	inaccessible   bool
	issues         []*issue // pull requests too, as they share the numbers
	labels         []label
	files          map[string]string // :: path in the default branch → text
}

type issue struct {
	repository *repository
	id         int64
	number     int
	title      string
	body       string
	author     string
	labels     []string
	assignees  []string
	milestone  string
	kind       string // issue type
	state      string
	reason     string // of the state: completed, not_planned, duplicate, reopened; "" while it never changed
	closed     time.Time
	created    time.Time
	updated    time.Time
	comments   []comment
	pull       bool
	seeded     bool // there before the app came; not in the books
}

type comment struct {
	id      int64
	body    string
	author  string
	created time.Time
}

type label struct {
	id          int64
	name        string
	color       string
	description string
}

const maintainer = "octocat"

func newHub(o Options) *hub {
	h := &hub{rate: rateWindow{limit: o.RateLimit}, created: map[string]*creations{}}
	for _, list := range [][]string{o.Repositories, o.IssuesDisabled, o.Inaccessible} {
		for _, name := range list {
			if h.repository(name) == nil {
				h.add(name, o)
			}
		}
	}
	for _, f := range o.Files {
		if r := h.repository(f.Repository); r != nil {
			r.files[f.Path] = f.Text
		}
	}
	return h
}

func (h *hub) add(fullName string, o Options) {
	owner, name, _ := strings.Cut(fullName, "/")
	r := &repository{
		owner: owner, name: name, id: h.nextID(), files: map[string]string{},
		issuesDisabled: slices.Contains(o.IssuesDisabled, fullName),
		inaccessible:   slices.Contains(o.Inaccessible, fullName),
	}
	for _, name := range []string{"bug", "documentation", "enhancement"} {
		r.labels = append(r.labels, label{id: h.nextID(), name: name, color: "d73a4a"})
	}
	h.repositories = append(h.repositories, r)
	h.seedPull(r, o.Now())
}

// seedPull opens a pull request: GitHub lists them among the issues, and who counts issues has to know.
func (h *hub) seedPull(r *repository, now time.Time) {
	i := h.open(r, issue{title: "Update dependencies", body: "Weekly update.", author: maintainer, pull: true, seeded: true}, now)
	i.labels = []string{"enhancement"}
}

func (h *hub) nextID() int64 {
	h.lastID++
	return 2_400_000_000 + h.lastID
}

// repository finds by full name, in any case.
func (h *hub) repository(fullName string) *repository {
	i := slices.IndexFunc(h.repositories, func(r *repository) bool { return strings.EqualFold(r.fullName(), fullName) })
	if i < 0 {
		return nil
	}
	return h.repositories[i]
}

func (h *hub) open(r *repository, draft issue, now time.Time) *issue {
	// GitHub's times have whole seconds.
	now = now.UTC().Truncate(time.Second)
	i := &draft
	i.repository, i.id, i.number = r, h.nextID(), len(r.issues)+1
	i.state, i.created, i.updated = "open", now, now
	r.issues = append(r.issues, i)
	return i
}

func (r *repository) fullName() string { return r.owner + "/" + r.name }

func (r *repository) issue(number int) *issue {
	if number < 1 || number > len(r.issues) {
		return nil
	}
	return r.issues[number-1]
}

func (r *repository) label(name string) *label {
	i := slices.IndexFunc(r.labels, func(l label) bool { return strings.EqualFold(l.name, name) })
	if i < 0 {
		return nil
	}
	return &r.labels[i]
}

// ensureLabels returns the labels under their proper names; new ones are created, as GitHub does for who may write.
func (h *hub) ensureLabels(r *repository, names []string) []string {
	proper := make([]string, 0, len(names))
	for _, name := range names {
		l := r.label(name)
		if l == nil {
			r.labels = append(r.labels, label{id: h.nextID(), name: name, color: "ededed"})
			l = r.label(name)
		}
		if !slices.Contains(proper, l.name) {
			proper = append(proper, l.name)
		}
	}
	return proper
}

// marker is what the agent writes into the body of an issue to recognize it. The sandbox has a parser of its own.
var marker = regexp.MustCompile(`<!--\s*tokenkeeper:\s*([A-Z0-9]+/[A-Z0-9]+/\d+\.\d+)\s*-->`)

// key returns the key of the message the issue was filed for; "" if the body marks none, or more than one.
func (i *issue) key() string { return markedKey(i.body) }

func markedKey(body string) string {
	found := ""
	for _, match := range marker.FindAllStringSubmatch(body, -1) {
		if found != "" && found != match[1] {
			return ""
		}
		found = match[1]
	}
	return found
}

// loginID derives a user id from the login.
func loginID(login string) int64 {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(strings.ToLower(login))) // a hash never fails
	return int64(hash.Sum32())
}

func newestFirst(a, b *issue) int {
	return cmp.Or(b.created.Compare(a.created), cmp.Compare(b.number, a.number))
}
