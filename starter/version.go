package main

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionDocument is how this binary came to be.
type versionDocument struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"` // of the revision
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
}

func newVersion(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show which version this is",
		Long:    `Show version and revision of this binary, and the Go version it was built with.`,
		Example: `  tokenkeeper version --json`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{}
			}
			v := versionOf(info)
			return c.print(v, func(w io.Writer) { tellVersion(w, v) })
		},
	}
}

func versionOf(info *debug.BuildInfo) versionDocument {
	v := versionDocument{Version: orDash(info.Main.Version), Go: info.GoVersion}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Revision = setting.Value
		case "vcs.time":
			v.Time = setting.Value
		case "vcs.modified":
			v.Modified = setting.Value == "true"
		}
	}
	return v
}

func tellVersion(w io.Writer, v versionDocument) {
	fmt.Fprintf(w, "tokenkeeper %s\n", v.Version)
	revision := v.Revision
	if v.Modified {
		revision += " with changes"
	}
	details(w, []fact{{"revision", revision}, {"of", v.Time}, {"go", v.Go}})
}
