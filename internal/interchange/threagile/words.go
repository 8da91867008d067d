package threagile

import (
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// norm brings a word of a vocabulary into the form of the tables here: lower
// case, hyphens, and the spelling of 1.0 for what 0.9 wrote as one word.
func norm(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.NewReplacer("_", "-", " ", "-").Replace(s)
	return strings.ReplaceAll(s, "enduser", "end-user")
}

// confidentialities and criticalities are what the levels are worth, 0..100.
var confidentialities = map[string]int{"public": 10, "internal": 30, "restricted": 50, "confidential": 75, "strictly-confidential": 95}

var criticalities = map[string]int{"archive": 10, "operational": 30, "important": 50, "critical": 75, "mission-critical": 95}

var kinds = map[string]model.Kind{"external-entity": model.Actor, "process": model.Process, "datastore": model.Store}

// boundaryTrust is how far a boundary of the type is trusted where nobody has
// said it: always a guess. What the company runs itself counts for more than
// what it rents, and the narrower border for more than the wider.
var boundaryTrust = map[string]int{
	"network-on-prem": 60, "network-dedicated-hoster": 55, "network-virtual-lan": 60, "network-cloud-provider": 55,
	"network-cloud-security-group": 60, "network-policy-namespace-isolation": 60, "execution-environment": 65,
}

// technologies are the words by which a library knows what Threagile calls a
// technology, best first. What is not here is asked for by its own word.
var technologies = map[string][]string{
	"unknown-technology":       nil,
	"client-system":            {"client system"},
	"browser":                  {"browser client", "browser"},
	"desktop":                  {"desktop application", "desktop app"},
	"mobile-app":               {"mobile app"},
	"devops-client":            {"administrator", "devops client"},
	"application-server":       {"application server"},
	"database":                 {"database", "relational database"},
	"file-server":              {"file server", "file share", "file storage", "object storage"},
	"local-file-system":        {"file system", "file storage", "object storage"},
	"erp":                      {"erp", "business application", "web application"},
	"cms":                      {"cms", "content management system", "web application"},
	"web-service-rest":         {"rest api", "web api"},
	"web-service-soap":         {"soap service", "soap api", "web service", "web api"},
	"ejb":                      {"ejb", "application server"},
	"search-index":             {"search index", "search engine"},
	"search-engine":            {"search engine", "search index"},
	"reverse-proxy":            {"reverse proxy", "gateway"},
	"load-balancer":            {"load balancer", "gateway"},
	"build-pipeline":           {"build pipeline", "ci system"},
	"sourcecode-repository":    {"source code repository", "code repository", "git"},
	"artifact-registry":        {"artifact registry", "package registry", "container registry"},
	"code-inspection-platform": {"code inspection platform", "code scanner", "ci system"},
	"ldap-server":              {"ldap", "directory service", "directory", "identity provider"},
	"container-platform":       {"container platform", "kubernetes"},
	"batch-processing":         {"batch job", "background worker"},
	"event-listener":           {"event listener", "background worker"},
	"identity-store-ldap":      {"ldap", "directory service", "directory", "identity store"},
	"identity-store-database":  {"identity store", "user database", "relational database"},
	"cli":                      {"command line tool"},
	"task":                     {"background worker"},
	"function":                 {"serverless function", "function"},
	"ai":                       {"machine learning model", "llm", "ai"},
	"vault":                    {"secrets manager", "vault"},
	"hsm":                      {"hardware security module", "hsm", "secrets manager"},
	"waf":                      {"web application firewall", "waf", "gateway"},
	"ids":                      {"intrusion detection system"},
	"ips":                      {"intrusion prevention system"},
	"big-data-platform":        {"data warehouse", "data lake"},
}

// webTechnologies serve pages to browsers.
var webTechnologies = map[string]bool{"web-application": true, "cms": true, "erp": true, "report-engine": true, "web-server": true}

// local are protocols that cross no wire.
var local = map[string]bool{
	"in-process-library-call": true, "inter-process-communication": true, "local-file-access": true, "container-spawning": true, "unknown-protocol": true,
}

// clear and sealed are protocols that do not and do encrypt. What is in neither
// is told by the ending "-encrypted".
var (
	clear = map[string]bool{
		"http": true, "ws": true, "ldap": true, "smtp": true, "pop3": true, "imap": true, "ftp": true, "nfs": true, "smb": true,
		"jdbc": true, "odbc": true, "binary": true, "text": true, "mqtt": true, "iiop": true, "jrmp": true, "xmpp": true, "jms": true, "reverse-proxy-web-protocol": true,
		"sql-access-protocol": true, "nosql-access-protocol": true,
	}
	sealed = map[string]bool{
		"https": true, "wss": true, "ssh": true, "ssh-tunnel": true, "sftp": true, "scp": true, "ftps": true, "ldaps": true, "smtps": true, "smtp-encrypted": true,
		"pop3s": true, "imaps": true, "pop3-encrypted": true, "imap-encrypted": true,
	}
)

// encrypted tells from a protocol whether its content is: "yes", "no", or "" where that is not known.
func encrypted(protocol string) string {
	switch {
	case sealed[protocol] || strings.HasSuffix(protocol, "-encrypted"):
		return "yes"
	case clear[protocol]:
		return "no"
	}
	return ""
}

var authentications = map[string]string{
	"none": "no", "credentials": "yes", "session-id": "yes", "token": "yes", "client-certificate": "yes", "two-factor": "yes", "externalized": "yes",
}

var authorizations = map[string]bool{"none": true, "technical-user": true, "end-user-identity-propagation": true}

var encryptions = map[string]string{
	"none": "no", "transparent": "yes", "data-with-symmetric-shared-key": "yes", "data-with-asymmetric-shared-key": "yes", "data-with-end-user-individual-key": "yes",
}

// severities maps Threagile's five to the four here.
var severities = map[string]string{"low": "low", "medium": "medium", "elevated": "high", "high": "high", "critical": "critical"}

var likelihoods = map[string]int{"unlikely": 1, "likely": 2, "very-likely": 3, "frequent": 4}

var impacts = map[string]int{"low": 1, "medium": 2, "high": 3, "very-high": 4}

// severityOf is Threagile's own table: the product of both in bands.
func severityOf(likelihood, impact string) string {
	switch n := likelihoods[likelihood] * impacts[impact]; {
	case n == 0:
		return ""
	case n <= 1:
		return "low"
	case n <= 3:
		return "medium"
	case n <= 8:
		return "elevated"
	case n <= 12:
		return "high"
	}
	return "critical"
}

var strides = map[string]string{
	"spoofing": "stride:spoofing", "tampering": "stride:tampering", "repudiation": "stride:repudiation", "information-disclosure": "stride:information-disclosure",
	"denial-of-service": "stride:denial-of-service", "elevation-of-privilege": "stride:elevation-of-privilege",
}

// rule is what is known of a rule built into Threagile: the class of its risks.
type rule struct {
	title, stride string
	cwe           int // 0 where Threagile names a view or category of CWE
}

// rules are Threagile's own, by id, so that a risk that only its tracking names has a title and a class.
var rules = map[string]rule{
	"accidental-secret-leak":                 {"Secrets leak by accident", "information-disclosure", 200},
	"code-backdooring":                       {"Back door in the code", "tampering", 912},
	"container-baseimage-backdooring":        {"Back door in the container's base image", "tampering", 912},
	"container-platform-escape":              {"Escape from the container platform", "elevation-of-privilege", 0},
	"cross-site-request-forgery":             {"Cross-site request forgery", "spoofing", 352},
	"cross-site-scripting":                   {"Cross-site scripting", "tampering", 79},
	"dos-risky-access-across-trust-boundary": {"Access over a trust boundary invites denial of service", "denial-of-service", 400},
	"incomplete-model":                       {"Incomplete model", "information-disclosure", 0},
	"ldap-injection":                         {"LDAP injection", "tampering", 90},
	"missing-authentication":                 {"Missing authentication", "elevation-of-privilege", 306},
	"missing-authentication-second-factor":   {"Missing second factor", "elevation-of-privilege", 308},
	"missing-build-infrastructure":           {"No build infrastructure in the model", "tampering", 1127},
	"missing-cloud-hardening":                {"Cloud that is not hardened", "tampering", 0},
	"missing-file-validation":                {"Files that are not checked", "spoofing", 434},
	"missing-hardening":                      {"System that is not hardened", "tampering", 0},
	"missing-identity-propagation":           {"Identity of the user is not passed on", "elevation-of-privilege", 284},
	"missing-identity-provider-isolation":    {"Identity provider that is not isolated", "elevation-of-privilege", 0},
	"missing-identity-store":                 {"No identity store in the model", "spoofing", 287},
	"missing-network-segmentation":           {"Network without segments", "elevation-of-privilege", 0},
	"missing-vault":                          {"No vault for secrets", "information-disclosure", 522},
	"missing-vault-isolation":                {"Vault that is not isolated", "elevation-of-privilege", 0},
	"missing-waf":                            {"No web application firewall", "tampering", 0},
	"mixed-targets-on-shared-runtime":        {"One runtime for targets of different trust", "elevation-of-privilege", 0},
	"path-traversal":                         {"Path traversal", "information-disclosure", 22},
	"push-instead-of-pull-deployment":        {"Deployment is pushed instead of pulled", "tampering", 1127},
	"search-query-injection":                 {"Injection into search queries", "tampering", 74},
	"server-side-request-forgery":            {"Server-side request forgery", "information-disclosure", 918},
	"service-registry-poisoning":             {"Poisoned service registry", "spoofing", 693},
	"sql-nosql-injection":                    {"SQL or NoSQL injection", "tampering", 89},
	"unchecked-deployment":                   {"Deployment without checks", "tampering", 1127},
	"unencrypted-asset":                      {"Data stored unencrypted", "information-disclosure", 311},
	"unencrypted-communication":              {"Communication in clear text", "information-disclosure", 319},
	"unguarded-access-from-internet":         {"Unguarded access from the Internet", "elevation-of-privilege", 501},
	"unguarded-direct-datastore-access":      {"Unguarded direct access to a data store", "elevation-of-privilege", 501},
	"unnecessary-communication-link":         {"Communication link without use", "elevation-of-privilege", 0},
	"unnecessary-data-asset":                 {"Data asset without use", "elevation-of-privilege", 0},
	"unnecessary-data-transfer":              {"Data transferred without need", "elevation-of-privilege", 0},
	"unnecessary-technical-asset":            {"Technical asset without use", "elevation-of-privilege", 0},
	"untrusted-deserialization":              {"Deserialisation of untrusted data", "tampering", 502},
	"wrong-communication-link-content":       {"Communication link contradicts itself", "information-disclosure", 0},
	"wrong-trust-boundary-content":           {"Trust boundary contradicts its content", "elevation-of-privilege", 0},
	"xml-external-entity":                    {"XML external entities", "information-disclosure", 611},
}
