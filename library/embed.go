// Package library embeds the starter library: data in the format of
// docs/library-format.md, read by internal/library.
package library

import "embed"

// Files holds the starter library's files.
//
//go:embed *.yaml */*.yaml
var Files embed.FS
