package interchange

import (
	"strings"

	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// telling are the attributes that name a type by themselves, with the word for it.
var telling = []struct{ attribute, word string }{
	{"is_log", "log"}, {"web_application", "web application"},
}

// GuessType returns a function for Options that guesses a component's library
// type by what its attributes say, else by its name, else by the longest run of
// words in its name that is a type's ref, name or alias, the last such run
// first: "order database" is a database. Of an actor what stands in brackets is
// asked for last: "Admin (Browser)" is an administrator who uses a browser.
func GuessType(lib *library.Library) func(model.Kind, string, map[string]string) string {
	return func(kind model.Kind, name string, attributes map[string]string) string {
		if ref := lib.TypeFor(name, kind); ref != "" {
			return ref
		}
		for _, t := range telling {
			if attributes[t.attribute] == "yes" {
				if ref := lib.TypeFor(t.word, kind); ref != "" {
					return ref
				}
			}
		}
		if before, _, bracket := strings.Cut(name, "("); bracket && kind == model.Actor {
			if ref := byWords(lib, kind, before); ref != "" {
				return ref
			}
		}
		return byWords(lib, kind, name)
	}
}

// byWords returns the type that the longest run of words means, the last such run first, or "".
func byWords(lib *library.Library, kind model.Kind, name string) string {
	words := strings.Split(model.Slug(name), "-")
	for n := min(len(words), 4); n > 0; n-- {
		for i := len(words) - n; i >= 0; i-- {
			if ref := lib.TypeFor(strings.Join(words[i:i+n], " "), kind); ref != "" {
				return ref
			}
		}
	}
	return ""
}
