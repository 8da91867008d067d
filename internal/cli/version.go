package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version says which program this is.
type Version struct {
	Version  string `json:"version"`            // "v1.2.3", or "devel"
	Revision string `json:"revision,omitempty"` // commit, with "+changed" where the tree was not clean
	Go       string `json:"go"`
	Platform string `json:"platform"` // "linux/amd64"
}

// readVersion reads what the toolchain wrote into the binary.
func readVersion() Version {
	v := Version{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			v.Revision = s.Value + v.Revision
		case s.Key == "vcs.modified" && s.Value == "true":
			v.Revision += "+changed"
		}
	}
	return v
}

type versionCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

// Run prints the version.
func (c *versionCmd) Run(_ context.Context, env *Env) error {
	if c.JSON {
		return printJSON(env.Stdout, env.Version)
	}
	line := "threatloop " + env.Version.Version
	if env.Version.Revision != "" {
		line += " (" + env.Version.Revision + ")"
	}
	_, err := fmt.Fprintf(env.Stdout, "%s %s %s\n", line, env.Version.Go, env.Version.Platform)
	return err
}
