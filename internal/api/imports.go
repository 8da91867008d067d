package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"

	"github.com/danielgtaylor/huma/v2"

	"github.com/threatloop/threatloop/internal/fault"
)

const (
	// maxChosen is how many changes of a file can be named, maxChoice how long each name is.
	maxChosen = 20_000
	maxChoice = 400
)

// modelForm is a model file with the changes that are wanted of it.
type modelForm struct {
	file []byte
	name string   // of the file; "" where it says none
	take []string // nil: everything
	// theirs are the conflicts in which the file's side is to hold.
	theirs []string
}

// readModelForm reads what an import is given: the file itself, or a form
// (multipart/form-data) of the part file and parts take and theirs, a key each.
func readModelForm(contentType string, body []byte) (modelForm, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return modelForm{file: body}, nil
	}
	bad := func(text string, args ...any) error {
		return fault.New(fault.Invalid, "import.form", "the form cannot be read").With("body", text, args...)
	}
	f := modelForm{take: []string{}}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f, bad("%v", err)
		}
		data, err := io.ReadAll(p) // the body is bounded
		if err != nil {
			return f, bad("%v", err)
		}
		switch p.FormName() {
		case "file":
			if f.file != nil {
				return f, bad("it holds two files")
			}
			f.file, f.name = data, p.FileName()
			if f.file == nil {
				f.file = []byte{}
			}
		case "take", "theirs":
			if len(f.take)+len(f.theirs) >= maxChosen || len(data) > maxChoice {
				return f, bad("at most %d changes can be named, in %d bytes each", maxChosen, maxChoice)
			}
			if p.FormName() == "take" {
				f.take = append(f.take, string(data))
			} else {
				f.theirs = append(f.theirs, string(data))
			}
		default:
			return f, bad("a part is called %q, expected file, take or theirs", p.FormName())
		}
	}
	if f.file == nil {
		return f, bad("the part file is missing")
	}
	return f, nil
}

// modelFormMedia describes the form.
func modelFormMedia() *huma.MediaType {
	return &huma.MediaType{Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"file"},
		Properties: map[string]*huma.Schema{
			"file":   {Type: huma.TypeString, Format: "binary"},
			"take":   {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, Description: "Changes to take, by kind/id of the items of a preview; `all` is every one; none given, nothing is taken"},
			"theirs": {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, Description: "Items with `conflict` of which the file's side is to hold, by kind/id; `all` is every one. They need no `take`. Of the others what was done here stays"},
		},
	}}
}
