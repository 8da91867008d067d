// Package richtext is the one internal form of formatted text: what a ticket's
// description or comment says, before it is printed as Atlassian document
// format, wiki markup, Markdown or HTML. Text is always data: a printer escapes
// whatever its markup would interpret, including mentions.
package richtext

// Doc is a sequence of blocks.
type Doc []Block

// Kind is the kind of a block.
type Kind string

// The kinds of blocks.
const (
	Paragraph Kind = "paragraph" // Spans
	Heading   Kind = "heading"   // Spans, Level 1..6
	Bullets   Kind = "bullets"   // Items
	Numbers   Kind = "numbers"   // Items
	Code      Kind = "code"      // Text, Language
	Table     Kind = "table"     // Rows; the first is the head
	Rule      Kind = "rule"
)

// Block is one block; which fields hold depends on Kind.
type Block struct {
	Kind     Kind
	Level    int
	Spans    []Span
	Items    [][]Span
	Rows     [][][]Span
	Text     string
	Language string
}

// Span is a run of text with one style.
type Span struct {
	Text string
	Bold bool
	Mono bool
	Link string // absolute http(s) URL, "" for none
}

// Text returns a span of plain text.
func Text(s string) Span { return Span{Text: s} }

// Bold returns a span of bold text.
func Bold(s string) Span { return Span{Text: s, Bold: true} }

// Link returns a span that leads to the URL.
func Link(text, url string) Span { return Span{Text: text, Link: url} }

// P returns a paragraph.
func P(spans ...Span) Block { return Block{Kind: Paragraph, Spans: spans} }

// H returns a heading of the level.
func H(level int, text string) Block {
	return Block{Kind: Heading, Level: level, Spans: []Span{Text(text)}}
}

// List returns a bullet list of plain items.
func List(items ...string) Block {
	b := Block{Kind: Bullets}
	for _, it := range items {
		b.Items = append(b.Items, []Span{Text(it)})
	}
	return b
}
