package gateway

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tokenkeeper/credential"
)

const metricsPath = "/metrics"

// What a scrape tells. Labels hold names of the configuration and states, so that there are no more series for more accounts.
var (
	seenMetric     = metric("seen_timestamp_seconds", "When Temporal last answered for all of this, in seconds since 1970; 0 for never.")
	accountsMetric = metric("accounts", "Connected accounts.", "connector", "status")
	staleMetric    = metric("accounts_stale", "Accounts for which no worker answers; their status is what was last heard.", "connector")
	waitingMetric  = metric("account_waiting_workflows", "Workflows that wait for an account.", "connector")
	expiryMetric   = metric("consent_deadline_timestamp_seconds", "When the first consent ends that only a person can replace.", "connector")
	workedMetric   = metric("triage_last_read_timestamp_seconds", "When Slack last answered for a triage that nobody paused; 0 where that is not known.", "triage")
	reportsMetric  = metric("triage_reports", "Reports of a triage, those that Temporal still keeps.", "triage", "state")
	noticesMetric  = metric("notices", "Notices under way to people, those of them that are late, and those given up in the last day.", "state")
)

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("tokenkeeper_"+name, help, labels, nil)
}

// metrics tells a scraper in numbers what the status page shows: of all workers and gateways, as Temporal knows it. It costs no
// more than a page, which is a look now and then.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.mayLook(w, r); !ok {
		return
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(numbers(s.look(r.Context())))
	all := prometheus.Gatherers{registry, prometheus.DefaultGatherer} // the latter has the process's own: memory, goroutines
	promhttp.HandlerFor(all, promhttp.HandlerOpts{ErrorLog: errorLog{s}}).ServeHTTP(w, r)
}

// numbers is a look as a [prometheus.Collector].
type numbers look

// Describe implements [prometheus.Collector].
func (n numbers) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{seenMetric, accountsMetric, staleMetric, waitingMetric, expiryMetric, workedMetric, reportsMetric, noticesMetric} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (n numbers) Collect(to chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	tell(seenMetric, unix(n.at))
	if n.at.IsZero() { // nothing is known, which is not the same as nothing
		return
	}
	for connector, c := range byConnector(n.accounts) {
		for _, status := range credential.Statuses() {
			tell(accountsMetric, float64(c.status[status]), connector, string(status))
		}
		tell(staleMetric, float64(c.stale), connector)
		tell(waitingMetric, float64(c.waiting), connector)
		if !c.deadline.IsZero() {
			tell(expiryMetric, unix(c.deadline), connector)
		}
	}
	for _, t := range n.triages {
		if t.State != triagePaused {
			tell(workedMetric, unix(t.Worked), t.Triage)
		}
		for state, count := range map[string]int64{
			"under_way": t.Reports.UnderWay(), "waiting_for_an_answer": t.Reports.Asking, "parked": int64(len(t.Reports.Parked)),
			"done": t.Reports.Done, "failed": t.Reports.Failed,
		} {
			tell(reportsMetric, float64(count), t.Triage, state)
		}
	}
	tell(noticesMetric, float64(n.notices.UnderWay), "under_way")
	tell(noticesMetric, float64(n.notices.Late), "late")
	tell(noticesMetric, float64(n.notices.Lost), "lost")
}

// connectorNumbers are those of the accounts of a connector.
type connectorNumbers struct {
	status   map[credential.Status]int
	stale    int
	waiting  int
	deadline time.Time // the first by which somebody has to consent again; zero for none
}

func byConnector(accounts []AccountView) map[string]*connectorNumbers {
	all := map[string]*connectorNumbers{}
	for _, a := range accounts {
		c := all[a.Account.Connector]
		if c == nil {
			c = &connectorNumbers{status: map[credential.Status]int{}}
			all[a.Account.Connector] = c
		}
		c.status[a.Status]++
		c.waiting += a.Waiting
		if a.Stale {
			c.stale++
		}
		if by := a.ConsentBy; !by.IsZero() && (c.deadline.IsZero() || by.Before(c.deadline)) {
			c.deadline = by
		}
	}
	return all
}

// unix returns 0 for the zero time.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// errorLog passes on what went wrong with a scrape.
type errorLog struct{ *Server }

// Println implements [promhttp.Logger].
func (l errorLog) Println(values ...any) {
	l.log().Error("answering a scraper", "error", fmt.Sprint(values...))
}
