// Package licences holds the licence texts of every module in the binary, made
// from the module cache by tools/licences. A test holds it against the binary.
package licences

import _ "embed"

// Notices returns the licence of this program's parts, module by module, as text.
func Notices() string { return notices }

//go:embed notices.txt
var notices string
