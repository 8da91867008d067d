package reading

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// kinds are the words that tell a component's kind.
var kinds = wordsOf(map[model.Kind]string{
	model.Actor: `actor browser client clients customer customers employee external human internet ios android
		mobile operator partner people person phone user users visitor administrator admin attacker supplier citizen patient`,
	model.Store: `bucket buckets blob cache cassandra cosmos cosmosdb couchbase couchdb database databases datalake datastore
		db disk documentdb dynamodb ebs efs elasticache elasticsearch etcd file files filesystem firestore fs lake ldap
		mariadb memcached mongo mongodb mssql mysql neo4j opensearch oracle postgres postgresql rds redis redshift s3 snowflake
		sql sqlite storage store stores table tables volume warehouse aurora bigquery neptune nas san bigtable dataset`,
	model.Process: `agent api app application balancer backend bot broker bus class container controller daemon engine
		endpoint firewall frontend function functions gateway handler job lambda library machine microservice model module
		network node plugin pod pipeline portal process processor proxy queue router scheduler script site software
		subnet vm vpc web website worker workload ui interface iot device sensor camera`,
})

// soft words make a process unless a word before them is a store's: a "storage
// service" stores, a "user service" does not stand for a user.
const soft = " server service services system instance cluster platform stack manager account side generic "

func wordsOf(lists map[model.Kind]string) map[string]model.Kind {
	all := map[string]model.Kind{}
	for kind, list := range lists {
		for _, w := range strings.Fields(list) {
			all[w] = kind
		}
	}
	return all
}

// KindOf returns the kind that a component's type or name tells by its last
// telling word, or "".
func KindOf(text string) model.Kind {
	words := strings.Split(model.Slug(text), "-")
	softly := false
	for i := len(words) - 1; i >= 0; i-- {
		k := kinds[words[i]]
		switch {
		case strings.Contains(soft, " "+words[i]+" "):
			softly = true
		case softly && k == model.Actor:
			return model.Process
		case k != "":
			return k
		}
	}
	if softly {
		return model.Process
	}
	return ""
}

// categories maps a category's words, lower case, letters and blanks only, to its code.
var categories = map[string]string{
	"spoofing": "stride:spoofing", "spoofing identity": "stride:spoofing", "tampering": "stride:tampering", "tampering with data": "stride:tampering",
	"repudiation": "stride:repudiation", "information disclosure": "stride:information-disclosure",
	"denial of service": "stride:denial-of-service", "dos": "stride:denial-of-service",
	"elevation of privilege": "stride:elevation-of-privilege", "elevation of privileges": "stride:elevation-of-privilege", "privilege escalation": "stride:elevation-of-privilege",
	"linking": "linddun:linking", "linkability": "linddun:linking", "identifying": "linddun:identifying", "identifiability": "linddun:identifying",
	"non repudiation": "linddun:non-repudiation", "detecting": "linddun:detecting", "detectability": "linddun:detecting",
	"data disclosure": "linddun:data-disclosure", "disclosure of information": "linddun:data-disclosure",
	"unawareness": "linddun:unawareness", "non compliance": "linddun:non-compliance",
	"confidentiality": "cia:confidentiality", "integrity": "cia:integrity", "availability": "cia:availability",
}

// names are the words that are written for a category's code.
var names = map[string]string{
	"stride:spoofing": "Spoofing", "stride:tampering": "Tampering", "stride:repudiation": "Repudiation",
	"stride:information-disclosure": "Information Disclosure", "stride:denial-of-service": "Denial of Service",
	"stride:elevation-of-privilege": "Elevation of Privilege",
	"linddun:linking":               "Linking", "linddun:identifying": "Identifying", "linddun:non-repudiation": "Non-repudiation",
	"linddun:detecting": "Detecting", "linddun:data-disclosure": "Data Disclosure", "linddun:unawareness": "Unawareness",
	"linddun:non-compliance": "Non-compliance",
	"cia:confidentiality":    "Confidentiality", "cia:integrity": "Integrity", "cia:availability": "Availability",
}

var code = regexp.MustCompile(`^[a-z0-9]+:[a-z0-9-]+$`)

// Category returns the code ("stride:tampering") of a category's English words,
// or of a code as CategoryName writes it.
func Category(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if code.MatchString(text) {
		return text, true
	}
	if c, ok := categories[strings.ReplaceAll(model.Slug(text), "-", " ")]; ok {
		return c, true
	}
	c, ok := joined[strings.ToLower(text)]
	return c, ok
}

// joined are the codes by words that are written without anything between them:
// "DenialOfService", as programs name their constants.
var joined = func() map[string]string {
	all := map[string]string{}
	for words, c := range categories {
		all[Letters(words)] = c
	}
	return all
}()

// CategoryName returns the words of a category's code, else the code itself.
// Category gives the code back.
func CategoryName(code string) string {
	if n := names[code]; n != "" {
		return n
	}
	return code
}

var cwe = regexp.MustCompile(`(?i)^\s*(?:cwe[-_: ]*)?([0-9]{1,5})\s*$`)

// CWENumber returns the number of "CWE-79", "cwe79" or "79"; 0 for anything else.
func CWENumber(text string) int {
	m := cwe.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}

// levels are the words for how much of something there is, of 100.
var levels = map[string]int{
	"none": 0, "verylow": 10, "negligible": 10, "rare": 10, "low": 25, "minor": 25, "unlikely": 25, "medium": 50, "moderate": 50, "possible": 50,
	"high": 75, "major": 75, "likely": 75, "veryhigh": 100, "critical": 100, "severe": 100, "extreme": 100, "verylikely": 100, "almostcertain": 100, "certain": 100,
}

// Level returns what a word for a likelihood, impact or value is worth, of 100.
func Level(word string) (n int, ok bool) {
	n, ok = levels[Letters(word)]
	return n, ok
}

// Strange reports whether a version says that it is of none of the majors: a
// format of another major may mean other things by the same words.
func Strange(version string, majors ...string) bool {
	major, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(version), "v"), ".")
	_, err := strconv.Atoi(major)
	return err == nil && !slices.Contains(majors, major)
}

// Untrusted reports whether the name or type of a zone says that anybody is in
// it: it is called Internet, or untrusted, beside words that only say that it is a zone.
func Untrusted(name string) bool {
	found := false
	for _, w := range strings.Split(model.Slug(name), "-") {
		switch w {
		case "internet", "untrusted":
			found = true
		case "the", "public", "open", "external", "trust", "zone", "trustzone", "network", "boundary", "area":
		default:
			return false
		}
	}
	return found
}

// Severity returns the word for a rating of 0 to 100.
func Severity(rating float64) string {
	switch {
	case rating >= 75:
		return "critical"
	case rating >= 50:
		return "high"
	case rating >= 25:
		return "medium"
	}
	return "low"
}

// Letters returns the text's ASCII letters, lower case, so that states compare
// whatever their spelling: "Not Applicable", "not-applicable", "NOT_APPLICABLE".
// A text without any is "?", which is no word, so that it never passes for a missing one.
func Letters(s string) string {
	letters := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(s))
	if letters == "" && strings.TrimSpace(s) != "" {
		return "?"
	}
	return letters
}
