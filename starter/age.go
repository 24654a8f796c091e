package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// age is a flag with a duration that may be in days, as in 7d; it implements pflag.Value.
type age time.Duration

var inDays = regexp.MustCompile(`^([0-9]{1,4})d$`)

const day = 24 * time.Hour

// Set reads the value of the flag.
func (a *age) Set(text string) error {
	d, err := time.ParseDuration(text)
	if days := inDays.FindStringSubmatch(text); days != nil {
		var n int
		n, err = strconv.Atoi(days[1])
		d = time.Duration(n) * day
	}
	if err != nil || d <= 0 {
		return fmt.Errorf("%q: want a time such as 7d or 36h", text)
	}
	*a = age(d)
	return nil
}

// String returns the shortest form that Set reads.
func (a *age) String() string {
	if *a == 0 {
		return "" // a flag without a default
	}
	if d := time.Duration(*a); d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return time.Duration(*a).String()
}

// Type is what the help calls the value.
func (a *age) Type() string { return "duration" }
