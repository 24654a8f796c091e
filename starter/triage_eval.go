package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"tokenkeeper/triage"
)

func newTriageEval(c *cli) *cobra.Command {
	var asked evalFlags
	cmd := &cobra.Command{
		Use:   "eval FILE",
		Short: "Measure how well bug reports are told from other messages",
		Long: `Classify the labelled messages of a file, and print precision, recall, F1 and the confusion table. Nothing is read
from Slack, and nothing is filed.

Each line of the file is a JSON object: {"report": true, "text": "The login page is blank"}. "report" is what a person
calls the message, "text" is Slack's mrkdwn, "files" may list the MIME types of attachments, and "kind" any word that
helps to find a pattern in the mistakes. FILE may be - for standard input.

With --model the language model of the configuration reads the same messages, which costs its tokens. What it does not
answer is counted as the rules have it, as in a triage.`,
		Example: `  tokenkeeper triage eval labelled.jsonl
  tokenkeeper triage eval labelled.jsonl --mistakes
  tokenkeeper triage eval labelled.jsonl --model`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(cmd.CommandPath()+": want one FILE with a labelled message in each line", cmd.CommandPath()+" --help")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.evaluate(cmd.Context(), args[0], asked) },
	}
	cmd.Flags().BoolVar(&asked.mistakes, "mistakes", false, "list the messages that are classified wrongly")
	cmd.Flags().BoolVar(&asked.model, "model", false, "measure the language model of the configuration as well")
	return cmd
}

type evalFlags struct{ mistakes, model bool }

// evaluation is how one classifier did on a file.
type evaluation struct {
	Classifier string           `json:"classifier"`
	Messages   int              `json:"messages"`
	Precision  float64          `json:"precision"`
	Recall     float64          `json:"recall"`
	F1         float64          `json:"f1"`
	Confusion  triage.Confusion `json:"confusion"`
	Mistakes   []mistake        `json:"mistakes"`
	// Unanswered counts the messages that the rules had to read in the place of a model; Why is the first reason.
	Unanswered int    `json:"unanswered,omitempty"`
	Why        string `json:"why,omitempty"`
}

// mistake is a message that a classifier and the labels disagree on.
type mistake struct {
	Line       int     `json:"line"`
	Kind       string  `json:"kind,omitempty"`
	Report     bool    `json:"report"` // as labelled
	Confidence float64 `json:"confidence"`
	Reason     string  `json:"reason"`
	Text       string  `json:"text"`
}

// evaluations is what eval answers.
type evaluations struct {
	File        string       `json:"file"`
	Evaluations []evaluation `json:"evaluations"`
}

func (c *cli) evaluate(ctx context.Context, path string, asked evalFlags) error {
	samples, err := c.samples(path)
	if err != nil {
		return err
	}
	rules := evaluate("rules", samples, func(s triage.Sample) triage.Classification { return triage.Classify(s.Message()) })
	all := evaluations{File: path, Evaluations: []evaluation{rules}}
	if asked.model {
		byModel, err := c.evaluateModel(ctx, samples)
		if err != nil {
			return err
		}
		all.Evaluations = append(all.Evaluations, byModel)
	}
	return c.print(all, func(w io.Writer) { tellEvaluations(w, all.Evaluations, asked.mistakes) })
}

func (c *cli) samples(path string) ([]triage.Sample, error) {
	from, name := c.stdin, "standard input"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, failf("name a file with a labelled message in each line", "%v", err)
		}
		defer func() { _ = file.Close() }() // it is only read
		from, name = file, path
	}
	samples, err := triage.ReadSamples(from)
	if err != nil {
		return nil, failf("correct these lines of "+name, "%w", err)
	}
	return samples, nil
}

func evaluate(name string, samples []triage.Sample, classify func(triage.Sample) triage.Classification) evaluation {
	e := evaluation{Classifier: name, Messages: len(samples), Mistakes: []mistake{}}
	for _, s := range samples {
		got := classify(s)
		if e.Confusion.Add(s.Report, got.Report); got.Report != s.Report {
			e.Mistakes = append(e.Mistakes, mistake{s.Line, s.Kind, s.Report, got.Confidence, got.Reason, s.Text})
		}
	}
	e.Precision, e.Recall, e.F1 = e.Confusion.Precision(), e.Confusion.Recall(), e.Confusion.F1()
	return e
}

func tellEvaluations(w io.Writer, all []evaluation, mistakes bool) {
	var rows [][]string
	for _, e := range all {
		rows = append(rows, []string{e.Classifier, strconv.Itoa(e.Messages), rate(e.Precision), rate(e.Recall), rate(e.F1)})
	}
	table(w, []string{"CLASSIFIER", "MESSAGES", "PRECISION", "RECALL", "F1"}, rows)
	for _, e := range all {
		c := e.Confusion
		fmt.Fprintln(w)
		table(w, []string{"LABELLED \\ " + e.Classifier, "REPORT", "OTHER"}, [][]string{
			{"report", strconv.Itoa(c.TruePositives), strconv.Itoa(c.FalseNegatives)},
			{"other", strconv.Itoa(c.FalsePositives), strconv.Itoa(c.TrueNegatives)},
		})
		if e.Unanswered > 0 {
			fmt.Fprintf(w, "%d messages without an answer, counted as the rules have them; the first because %s\n", e.Unanswered, e.Why)
		}
		if mistakes {
			tellMistakes(w, e.Mistakes)
		}
	}
}

func tellMistakes(w io.Writer, mistakes []mistake) {
	var rows [][]string
	for _, m := range mistakes {
		what := "taken for a report"
		if m.Report {
			what = "missed"
		}
		rows = append(rows, []string{strconv.Itoa(m.Line), what, m.Kind, rate(m.Confidence), m.Reason, clip(m.Text, 60)})
	}
	fmt.Fprintln(w)
	table(w, []string{"LINE", "MISTAKE", "KIND", "CONFIDENCE", "REASON", "MESSAGE"}, rows)
}

// rate writes a share with two digits; so few messages justify no more.
func rate(share float64) string { return strconv.FormatFloat(share, 'f', 2, 64) }
