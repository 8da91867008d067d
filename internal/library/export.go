package library

import (
	"fmt"

	"github.com/goccy/go-yaml"
)

// folders hold the entries of a kind, by habit.
var folders = map[string]string{
	EntryType: "types", EntryPattern: "patterns", EntryRule: "rules", EntryQuestionnaire: "questionnaires", EntryStandard: "standards",
}

// HeadFile is where the head stands by habit.
const HeadFile = "library.yaml"

// EntryFile returns where an entry stands by habit, one in a file: "patterns/phishing.yaml".
func EntryFile(kind, ref string) string {
	if kind == EntryHead {
		return HeadFile
	}
	return folders[kind] + "/" + ref + ".yaml"
}

// Export returns the library as files of one layer, an entry in each, as it is written
// with its comments; the head is written anew. Load of them gives a library with the same stamp.
func (l *Library) Export() (Files, error) {
	head, err := l.headText()
	if err != nil {
		return nil, fmt.Errorf("library: write the head of %s: %w", l.Ref, err)
	}
	out := Files{HeadFile: head}
	for _, e := range l.entries {
		if !e.Removed {
			_, _, text := l.Source(e.Kind, e.Ref)
			out[EntryFile(e.Kind, e.Ref)] = text
		}
	}
	return out, nil
}

func (l *Library) headText() (string, error) {
	type attribute struct {
		Values []string `yaml:"values,omitempty"`
		For    []string `yaml:"for"`
		Text   string   `yaml:"text"`
	}
	type vocabulary struct {
		Tags       map[string]string `yaml:"tags,omitempty"`
		Categories map[string]string `yaml:"categories,omitempty"`
		Attributes yaml.MapSlice     `yaml:"attributes,omitempty"`
	}
	words := vocabulary{Tags: l.Tags, Categories: l.Categories}
	for _, a := range l.Attributes {
		words.Attributes = append(words.Attributes, yaml.MapItem{Key: a.Name, Value: attribute{a.Values, a.For, a.Text}})
	}
	text, err := yaml.MarshalWithOptions(struct {
		Ref         string     `yaml:"ref"`
		Version     string     `yaml:"version"`
		Name        string     `yaml:"name"`
		Description string     `yaml:"description,omitempty"`
		Offer       []string   `yaml:"offer,omitempty"`
		Vocabulary  vocabulary `yaml:"vocabulary,omitempty"`
	}{l.Ref, l.Version, l.Name, l.Description, l.Offer, words}, yaml.Indent(2), yaml.IndentSequence(true))
	return string(text), err
}
