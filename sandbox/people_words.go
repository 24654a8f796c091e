package sandbox

import (
	"embed"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// peopleFiles is what people say, one file for each kind, entries divided by lines of "---". A line "[file name size]" attaches a file.
//
//go:embed people/*.txt
var peopleFiles embed.FS

// entry is something to say, with {places} for details.
type entry struct {
	text  string
	files []File
}

// words reads one file of entries; it is part of the program, so it is there.
func words(kind string) []entry {
	text, err := peopleFiles.ReadFile("people/" + kind + ".txt")
	if err != nil {
		panic(err)
	}
	var entries []entry
	for part := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n---\n") {
		entries = append(entries, parseEntry(part))
	}
	return entries
}

var attachment = regexp.MustCompile(`(?m)\n\[file (\S+) (\d+)\]$`)

func parseEntry(part string) entry {
	e := entry{text: attachment.ReplaceAllString(part, "")}
	for _, match := range attachment.FindAllStringSubmatch(part, -1) {
		size, _ := strconv.Atoi(match[2]) // digits
		e.files = append(e.files, File{Name: match[1], Mimetype: mimetype(match[1]), Size: size})
	}
	return e
}

// mimetype names the kinds of files that people attach here; package mime asks the machine and differs between them.
func mimetype(name string) string {
	switch path.Ext(name) {
	case ".png":
		return "image/png"
	case ".pdf":
		return "application/pdf"
	case ".csv":
		return "text/csv"
	default:
		return "text/plain"
	}
}

// detail is a {place} in a text and what can stand there.
type detail struct {
	place  string
	values []string
}

// details is a slice and not a map, because the same seed has to draw in the same order.
func details() []detail {
	return []detail{
		{"{browser}", []string{"Firefox 143", "Chrome 140", "Safari 19", "Edge 140"}},
		{"{os}", []string{"macOS 15.6", "Windows 11", "Ubuntu 24.04", "iOS 19", "Android 16"}},
		{"{version}", []string{"2.14.0", "2.14.1", "2.13.7", "3.0.0-rc1"}},
		{"{customer}", []string{"Northwind", "Globex", "Initech", "Umbrella Logistics", "Hooli"}},
		{"{someone}", []string{"<@U0ADA>", "<@U0BJORN>", "<@U0CHEN>", "<@U0DALIA>"}},
		{"{environment}", []string{"production", "staging", "the EU region", "the self-hosted install at Initech"}},
	}
}
