package triage

// Confusion counts how a classifier's answers agree with the labels of samples.
type Confusion struct {
	TruePositives  int `json:"true_positives"`  // reports that were found
	FalsePositives int `json:"false_positives"` // others that were taken for one
	FalseNegatives int `json:"false_negatives"` // reports that were missed
	TrueNegatives  int `json:"true_negatives"`  // others that were passed over
}

// Add counts one answer.
func (c *Confusion) Add(labelled, answered bool) {
	switch {
	case labelled && answered:
		c.TruePositives++
	case answered:
		c.FalsePositives++
	case labelled:
		c.FalseNegatives++
	default:
		c.TrueNegatives++
	}
}

// Precision returns which share of what was taken for a report is one; 0 where nothing was.
func (c Confusion) Precision() float64 {
	return share(c.TruePositives, c.TruePositives+c.FalsePositives)
}

// Recall returns which share of the reports was found; 0 where there are none.
func (c Confusion) Recall() float64 { return share(c.TruePositives, c.TruePositives+c.FalseNegatives) }

// F1 returns the harmonic mean of precision and recall.
func (c Confusion) F1() float64 {
	return share(2*c.TruePositives, 2*c.TruePositives+c.FalsePositives+c.FalseNegatives)
}

// Total returns how many answers were counted.
func (c Confusion) Total() int {
	return c.TruePositives + c.FalsePositives + c.FalseNegatives + c.TrueNegatives
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
