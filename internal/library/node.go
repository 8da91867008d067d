package library

// form is what a node of a YAML document is.
type form uint8

const (
	otherForm form = iota // what YAML has besides these
	textForm
	blockForm    // text in lines of its own, after | or >
	integerForm  // a whole number or one with a point
	infiniteForm // no number to reckon with
	boolForm
	nullForm
	listForm
	mappingForm
	aliasForm // an alias, an anchor or a merge key
	tagForm
)

// words says what a node is, for "expected text, found a list".
func (f form) words() string {
	switch f {
	case mappingForm:
		return "a mapping"
	case listForm:
		return "a list"
	case nullForm:
		return "nothing"
	case boolForm:
		return "true or false"
	case integerForm, infiniteForm:
		return "a number"
	case aliasForm:
		return "an alias"
	case tagForm:
		return "a tag"
	}
	return "text"
}

// node is a part of a YAML document, as much of it as a library asks for.
type node struct {
	form         form
	flow         bool   // a list or mapping in brackets
	yes          bool   // the value of true or false
	line, column int32  // where it begins, from 1; of a mapping without brackets that is its first key
	text         string // of text and keys the value, of numbers as written
	items        []node // of a list; of a mapping the keys, each before its value
}
