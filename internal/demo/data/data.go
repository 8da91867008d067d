// Package data is the made-up shop that the demo, and everybody who tries
// Threatloop, begins with: its answers, its diagram and its test reports.
package data

import "embed"

// Name and Description are the sample product's.
const (
	Name        = "Parcel desk"
	Description = "A small web shop for parcel labels, made up to look around in: order a label, pay, follow the parcel."
)

// Answers is the answered questionnaire as JSON: questionnaire, and answers by question.
//
//go:embed answers.json
var Answers []byte

// Diagram is the drawing, a Threat Dragon file.
//
//go:embed diagram.json
var Diagram []byte

// Files are all files by name: Answers and Diagram too, and the test reports.
//
//go:embed *.json *.xml
var Files embed.FS
