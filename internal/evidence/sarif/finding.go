package sarif

import (
	"net/url"
	"strings"

	"github.com/threatloop/threatloop/internal/evidence/result"
)

// finding is one result object.
type finding struct {
	ruleID, kind, level, baseline string
	ruleIndex, extension          int
	message, messageID            string
	arguments                     []string
	places                        []result.Location
	logical                       string
	fingerprints                  map[string]string
	partial                       bool
	cwes                          []int
	tags                          []string
	taxa                          []target
	suppressed, underReview       bool
	score                         string
}

func (r *reader) member(f *finding, key string) error {
	j := r.j
	switch key {
	case "ruleId":
		return j.Into(&f.ruleID)
	case "ruleIndex":
		n, err := j.Int()
		f.ruleIndex = n
		return err
	case "rule":
		t, err := readTarget(j)
		if f.ruleID == "" {
			f.ruleID = t.id
		}
		if t.index >= 0 {
			f.ruleIndex, f.extension = t.index, t.comp
		}
		return err
	case "kind":
		return j.Into(&f.kind)
	case "level":
		return j.Into(&f.level)
	case "baselineState":
		return j.Into(&f.baseline)
	case "message":
		if j.Kind() == '"' { // SARIF 1, and writers who take the text for the message
			return j.Into(&f.message)
		}
		return j.Object(func(key string) error {
			switch key {
			case "text":
				return j.Into(&f.message)
			case "id":
				return j.Into(&f.messageID)
			case "arguments":
				args, err := j.Strings()
				f.arguments = args
				return err
			}
			return nil
		})
	case "locations":
		return j.List(func() error { return r.location(f) })
	case "fingerprints", "partialFingerprints":
		return r.fingerprints(f, key == "partialFingerprints")
	case "correlationGuid":
		text, err := j.String()
		if len(f.fingerprints) == 0 && text != "" {
			f.fingerprints["correlationGuid"], f.partial = text, true
		}
		return err
	case "taxa":
		return j.List(func() error {
			t, err := readTarget(j)
			if len(f.taxa) < result.MaxList {
				f.taxa = append(f.taxa, t)
			}
			return err
		})
	case "suppressions":
		return j.List(func() error {
			f.suppressed = true
			return j.Object(func(key string) error {
				if key != "status" {
					return nil
				}
				status, err := j.String()
				f.underReview = f.underReview || status == "underReview" || status == "rejected"
				return err
			})
		})
	case "properties":
		return r.properties(f)
	}
	return nil
}

func (r *reader) properties(f *finding) error {
	return r.j.Object(func(key string) error {
		switch strings.ToLower(key) {
		case "cwe", "cwes", "cwe_id", "cwe-id":
			ids, err := r.j.Strings()
			for _, id := range ids {
				f.cwes = append(f.cwes, r.tree.ParseIDs(id)...)
			}
			return err
		case "tags":
			tags, err := r.j.Strings()
			f.tags = append(f.tags, tags[:min(len(tags), result.MaxList)]...)
			return err
		case "security-severity":
			return r.j.Into(&f.score)
		}
		return nil
	})
}

// fingerprints keeps the values that are texts; whole ones win over partial ones.
func (r *reader) fingerprints(f *finding, partial bool) error {
	return r.j.Object(func(key string) error {
		value, err := r.j.String()
		if value == "requires login" {
			return nil // Semgrep's word for a fingerprint that it keeps to itself
		}
		if err != nil || value == "" || partial && len(f.fingerprints) > 0 && !f.partial {
			return err
		}
		if !partial && f.partial {
			clear(f.fingerprints)
		}
		f.partial = partial
		if len(f.fingerprints) < result.MaxList {
			f.fingerprints[result.Clean(key, 100)] = result.Clean(value, 200)
		}
		return nil
	})
}

func (r *reader) location(f *finding) error {
	j := r.j
	var at result.Location
	artifact, found := -1, false
	err := j.Object(func(key string) error {
		switch key {
		case "physicalLocation", "resultFile": // SARIF 1 has the address in the second itself
			found = true
			return j.Object(func(key string) error {
				switch key {
				case "uri":
					return j.Into(&at.URI)
				case "artifactLocation":
					return j.Object(func(key string) error {
						switch key {
						case "uri":
							return j.Into(&at.URI)
						case "index":
							n, err := j.Int()
							artifact = n
							return err
						}
						return nil
					})
				case "region":
					return j.Object(func(key string) error {
						if key != "startLine" {
							return nil
						}
						n, err := j.Int()
						at.Line = n
						return err
					})
				}
				return nil
			})
		case "logicalLocations":
			return j.List(func() error {
				return j.Object(func(key string) error {
					if key != "fullyQualifiedName" || at.Method != "" {
						return nil
					}
					return j.Into(&at.Method)
				})
			})
		}
		return nil
	})
	if at.URI == "" && artifact >= 0 && artifact < len(r.s.artifacts) {
		at.URI = r.s.artifacts[artifact]
	}
	at.URI, at.Method = result.Clean(cleanURI(at.URI), result.MaxText), result.Clean(at.Method, result.MaxText)
	if f.logical == "" {
		f.logical = at.Method
	}
	if found && len(f.places) < maxPlaces {
		f.places = append(f.places, at)
	}
	return err
}

// cleanURI decodes a percent-encoded URI and drops what names the machine: a
// file scheme, and base placeholders such as %SRCROOT%.
func cleanURI(uri string) string {
	if rest, ok := strings.CutPrefix(uri, "%SRCROOT%"); ok {
		uri = strings.TrimLeft(rest, `/\`)
	}
	if rest, ok := strings.CutPrefix(uri, "file://"); ok {
		uri = rest
		if len(uri) > 2 && uri[0] == '/' && uri[2] == ':' {
			uri = uri[1:]
		}
	}
	if !strings.Contains(uri, "://") {
		if plain, err := url.PathUnescape(uri); err == nil {
			uri = plain
		}
		uri = strings.TrimPrefix(strings.ReplaceAll(uri, `\`, "/"), "./")
	}
	return uri
}
