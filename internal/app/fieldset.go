package app

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// fieldSet are all custom fields in their order, those included that are no longer defined.
type fieldSet struct {
	all     []FieldView
	version int64
}

func (s fieldSet) index(key string) int {
	return slices.IndexFunc(s.all, func(f FieldView) bool { return f.Key == key })
}

// find returns the field of a key, defined or not any more; nil where there never was one.
func (s fieldSet) find(key string) *FieldView {
	if i := s.index(key); i >= 0 {
		return &s.all[i]
	}
	return nil
}

func (s fieldSet) live() []FieldView {
	return slices.DeleteFunc(slices.Clone(s.all), func(f FieldView) bool { return f.Removed != nil })
}

func (s fieldSet) list() FieldList {
	v := FieldList{Items: []FieldView{}, Removed: []FieldView{}, Version: s.version}
	for _, f := range s.all {
		if f.Removed != nil {
			v.Removed = append(v.Removed, f)
		} else {
			v.Items = append(v.Items, f)
		}
	}
	return v
}

// sees tells whether a role sees what is stored under a key. What was never
// defined has no rule and is seen by all.
func (s fieldSet) sees(role policy.Role, key string) bool {
	f := s.find(key)
	return f == nil || role.AtLeast(f.VisibleTo)
}

func (v *FieldView) expect(version int64) error {
	if version == 0 || version == v.Version {
		return nil
	}
	return fault.New(fault.Stale, "field.stale", "the field was changed meanwhile; look at it again and repeat the change").With("header.If-Match", "is %d, now %d", version, v.Version)
}

var fieldKey = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// check completes a definition and refuses one that makes no sense, naming fields
// with the prefix.
func (f *FieldInput) check(key string, set fieldSet, prefix string) error {
	bad := fault.New(fault.Invalid, "field.invalid", "the definition of the field does not fit together")
	f.Name, f.Help = strings.TrimSpace(f.Name), strings.TrimSpace(f.Help)
	if !fieldKey.MatchString(key) || len(key) > 60 {
		bad.With("path.key", "expected a letter, then letters, digits, _, - or ., at most 60")
	}
	if f.Name == "" {
		bad.With(prefix+"name", "expected a name")
	}
	for _, other := range set.live() {
		if other.Key != key && store.Fold(other.Name) == store.Fold(f.Name) {
			bad.With(prefix+"name", "another field is called that; expected a name of its own")
		}
	}
	if f.VisibleTo == "" {
		f.VisibleTo = policy.Viewer
	}
	if f.EditableBy == "" {
		f.EditableBy = policy.Modeller
		if !f.EditableBy.AtLeast(f.VisibleTo) {
			f.EditableBy = f.VisibleTo
		}
	}
	if !f.EditableBy.AtLeast(f.VisibleTo) {
		bad.With(prefix+"editable_by", "expected a role that sees the field, %s or more", f.VisibleTo)
	}
	if f.Pattern != "" && f.Type != FieldText {
		bad.With(prefix+"pattern", "expected for a text only")
	} else if _, err := f.compiled(); err != nil {
		bad.With(prefix+"pattern", "expected an RE2 expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	f.checkOptions(bad, prefix)
	switch {
	case f.Type != FieldNumber && (f.Min != nil || f.Max != nil):
		bad.With(prefix+"min", "limits are for a number only")
	case f.Min != nil && f.Max != nil && *f.Min > *f.Max:
		bad.With(prefix+"max", "expected %s or more, which is the least number", decimal(*f.Min))
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func (f *FieldInput) checkOptions(bad *fault.Error, prefix string) {
	switch {
	case f.Type != FieldChoice && (len(f.Options) > 0 || f.Multiple):
		bad.With(prefix+"options", "options are for a choice only")
		return
	case f.Type == FieldChoice && len(f.Options) == 0:
		bad.With(prefix+"options", "expected one option at least")
	}
	refs, texts := map[string]bool{}, map[string]bool{}
	for i := range f.Options {
		o := &f.Options[i]
		o.Text = strings.TrimSpace(o.Text)
		at := fmt.Sprintf("%soptions[%d].", prefix, i)
		switch {
		case !optionRef.MatchString(o.Ref):
			bad.With(at+"ref", "expected letters, digits, _, - or .")
		case refs[o.Ref]:
			bad.With(at+"ref", "another option has it; expected one of its own")
		}
		switch {
		case o.Text == "":
			bad.With(at+"text", "expected a text")
		case texts[o.Text]:
			bad.With(at+"text", "another option says that; expected a text of its own")
		}
		refs[o.Ref], texts[o.Text] = true, true
	}
}

var optionRef = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,60}$`)

// compiled is the pattern bound to the whole of a text; nil where there is none.
func (f *FieldInput) compiled() (*regexp.Regexp, error) {
	if f.Pattern == "" {
		return nil, nil
	}
	// Alone first: what closes a bracket that it did not open would pass in ours.
	if _, err := regexp.Compile(f.Pattern); err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?:` + f.Pattern + `)\z`)
}

const (
	maxCustomValue = 2000 // characters
	dateLayout     = "2006-01-02"
)

var number = regexp.MustCompile(`^-?\d{1,15}(\.\d{1,9})?$`)

// read brings a value into the form in which it is stored, "" where it says
// nothing, or returns what is wrong with it and what is expected. Person tells
// whether an id is that of somebody.
func (f *FieldInput) read(value string, person func(id string) bool) (stored, wrong string) {
	value = strings.TrimSpace(value)
	if value == "" {
		return "", ""
	}
	if len([]rune(value)) > maxCustomValue {
		return value, fmt.Sprintf("is too long; expected at most %d characters", maxCustomValue)
	}
	switch f.Type {
	case FieldNumber:
		return value, f.wrongNumber(value)
	case FieldChoice:
		return f.readChoice(value)
	case FieldUser:
		if !person(value) {
			return value, "is nobody who can sign in; expected a person"
		}
	case FieldDate:
		if _, err := time.Parse(dateLayout, value); err != nil {
			return value, "is not a date; expected one as 2030-12-31"
		}
	case FieldLink:
		if u, err := url.Parse(value); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return value, "is not a link; expected an address that begins with https:// or http://"
		}
	default:
		re, err := f.compiled()
		if err == nil && re != nil && !re.MatchString(value) {
			return value, fmt.Sprintf("does not match; expected the pattern %s", f.Pattern)
		}
	}
	return value, ""
}

func (f *FieldInput) wrongNumber(value string) string {
	expected := "expected a number"
	switch {
	case f.Min != nil && f.Max != nil:
		expected += fmt.Sprintf(" from %s to %s", decimal(*f.Min), decimal(*f.Max))
	case f.Min != nil:
		expected += fmt.Sprintf(" of %s or more", decimal(*f.Min))
	case f.Max != nil:
		expected += fmt.Sprintf(" of %s or less", decimal(*f.Max))
	}
	if !number.MatchString(value) {
		return "is not a number; " + expected + ", such as 12.5"
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || f.Min != nil && n < *f.Min || f.Max != nil && n > *f.Max {
		return "is out of bounds; " + expected
	}
	return ""
}

func (f *FieldInput) readChoice(value string) (stored, wrong string) {
	given := []string{value}
	if f.Multiple {
		given = store.CustomValues(value)
	}
	var texts []string
	chosen := map[string]bool{}
	for _, o := range f.Options {
		texts = append(texts, o.Ref)
		chosen[o.Ref] = false
	}
	for _, ref := range given {
		if _, ok := chosen[ref]; !ok {
			one := "one"
			if f.Multiple {
				one = "some"
			}
			return value, fmt.Sprintf("%q is no option; expected %s of %s", ref, one, strings.Join(texts, ", "))
		}
		chosen[ref] = true
	}
	if !f.Multiple {
		return value, ""
	}
	// In the order of the options and each once, so that what is the same reads the same.
	refs := slices.DeleteFunc(texts, func(ref string) bool { return !chosen[ref] })
	if len(refs) == 0 {
		return "", ""
	}
	data, err := json.Marshal(refs)
	if err != nil {
		return value, "cannot be stored"
	}
	return string(data), ""
}

func decimal(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// rolesFrom returns the roles that see what the role sees, and more; nil where that is every role.
func rolesFrom(least policy.Role) []string {
	if least == policy.Viewer || least == "" {
		return nil
	}
	var out []string
	for _, r := range policy.Roles() {
		if r.AtLeast(least) {
			out = append(out, string(r))
		}
	}
	return out
}
