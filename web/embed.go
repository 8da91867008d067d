// Package web holds the page: its source in TypeScript, and what `make build`
// makes of it, embedded. Without a build there is a placeholder that says so.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the page's files: index.html and assets/ after a build,
// placeholder.html alone before one.
func Files() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return dist // cannot happen: "dist" is a valid path
	}
	return sub
}
