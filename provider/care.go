package provider

import "fmt"

const (
	// defaultRate gets through 10,000 accounts in less than ten minutes. Few authorization servers publish a limit.
	defaultRate = 20
	// defaultConcurrency reaches that rate with answers that take most of a second.
	defaultConcurrency = 16

	minRate, maxRate               = 0.01, 1000
	minConcurrency, maxConcurrency = 1, 1000
)

// RequestRate returns how many requests a second the token endpoint gets of one app.
func (t Token) RequestRate() float64 {
	if t.Rate == 0 {
		return defaultRate
	}
	return t.Rate
}

// AtOnce returns how many requests to the token endpoint one worker has under way.
func (t Token) AtOnce() int {
	if t.Concurrency == 0 {
		return defaultConcurrency
	}
	return t.Concurrency
}

// CheckRate returns an error for a rate outside what is supported.
func CheckRate(rate float64) error {
	if !(rate >= minRate && rate <= maxRate) { // also what is no number
		return fmt.Errorf("%v is outside %v to %v requests per second", rate, minRate, maxRate)
	}
	return nil
}

// CheckConcurrency returns an error for a number of concurrent requests outside what is supported.
func CheckConcurrency(n int) error {
	if n < minConcurrency || n > maxConcurrency {
		return fmt.Errorf("%d is outside %d to %d requests at once", n, minConcurrency, maxConcurrency)
	}
	return nil
}

// care checks the rate and concurrency of requests to the token endpoint; zero stands for the default.
func (v *validation) care(t Token) {
	if err := CheckRate(t.RequestRate()); err != nil {
		v.addf("token.rate", "%v; write for example 5, or leave it out", err)
	}
	if err := CheckConcurrency(t.AtOnce()); err != nil {
		v.addf("token.concurrency", "%v; write for example 8, or leave it out", err)
	}
}
