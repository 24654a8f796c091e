package config

import (
	"fmt"
	"strings"
)

// Closest returns the candidate that word was probably meant to be, "" if none is near.
func Closest(word string, candidates []string) string {
	best, limit := "", max(1, len([]rune(word))/3)
	for _, candidate := range candidates {
		if d := distance(word, candidate, limit); d <= limit {
			best, limit = candidate, d-1
		}
	}
	if best == "" && len(word) > 2 {
		best = extending(word, candidates)
	}
	return best
}

// extending returns the first candidate that begins or ends with word: repo, interval.
func extending(word string, candidates []string) string {
	for _, candidate := range candidates {
		if strings.HasPrefix(candidate, word) || strings.HasSuffix(candidate, word) {
			return candidate
		}
	}
	return ""
}

// didYouMean returns `, did you mean "…"?` or "".
func didYouMean(word string, candidates []string) string {
	if best := Closest(word, candidates); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}

// distance counts the edits (insert, delete, replace, swap of neighbours) from a to b. Words whose lengths alone differ
// by more than limit are given up at once, so that a very long key costs nothing.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) > limit || len(y)-len(x) > limit {
		return limit + 1
	}
	before, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ(x[i-1], y[j-1]))
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}

func differ(a, b rune) int {
	if a == b {
		return 0
	}
	return 1
}
