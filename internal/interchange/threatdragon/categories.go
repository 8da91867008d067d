package threatdragon

import "strings"

// A vocabulary maps a category's words, lower case, to its code. Threat Dragon
// stores the word in the user's language; the words are those of its
// translations (td.vue/src/i18n, keys threats.model) in English, German, French,
// Spanish and Japanese. English words stand in for missing translations there.
type vocabulary struct {
	name  string
	words map[string]string
}

var vocabularies = []vocabulary{
	{"stride", map[string]string{
		"spoofing": "spoofing", "usurpation d'identité": "spoofing", "なりすまし": "spoofing",
		"tampering": "tampering", "manipulation": "tampering", "falsification": "tampering", "manipulación": "tampering", "改竄": "tampering",
		"repudiation": "repudiation", "nichtanerkennung": "repudiation", "répudiation": "repudiation", "repudiación": "repudiation", "否認": "repudiation",
		"information disclosure": "information-disclosure", "veröffentlichung von informationen": "information-disclosure",
		"divulgation d'information": "information-disclosure", "brecha de información": "information-disclosure", "情報漏洩": "information-disclosure",
		"denial of service": "denial-of-service", "déni de service": "denial-of-service", "denegación de servicio": "denial-of-service", "サービス拒否": "denial-of-service",
		"elevation of privilege": "elevation-of-privilege", "erhöhung von rechten": "elevation-of-privilege", "élévation de privilège": "elevation-of-privilege",
		"elevación de privilegios": "elevation-of-privilege", "特権の昇格": "elevation-of-privilege",
	}},
	{"linddun", map[string]string{
		"linkability": "linking", "linking": "linking", "capacité de liaison": "linking", "facilidad de vinculación": "linking",
		"identifiability": "identifying", "identifying": "identifying", "identifiabilité": "identifying", "identificabilidad": "identifying",
		"non-repudiation": "non-repudiation", "non repudiation": "non-repudiation", "non-répudiation": "non-repudiation", "no-repudiación": "non-repudiation",
		"detectability": "detecting", "detecting": "detecting", "détectabilité": "detecting", "detectabilidad": "detecting",
		"disclosure of information": "data-disclosure", "data disclosure": "data-disclosure", "divulgation d'information": "data-disclosure", "brecha de información": "data-disclosure",
		"unawareness": "unawareness", "inconscience": "unawareness", "falta de conciencia": "unawareness",
		"non-compliance": "non-compliance", "non compliance": "non-compliance", "noncompliance": "non-compliance", "non-conformité": "non-compliance", "incumplimiento": "non-compliance",
	}},
	{"cia", map[string]string{
		"confidentiality": "confidentiality", "vertraulichkeit": "confidentiality", "confidentialité": "confidentiality", "confidencialidad": "confidentiality", "機密性": "confidentiality",
		"integrity": "integrity", "integrität": "integrity", "intégrité": "integrity", "integridad": "integrity", "完全性": "integrity",
		"availability": "availability", "verfügbarkeit": "availability", "disponibilité": "availability", "disponibilidad": "availability", "可用性": "availability",
	}},
	{"die", map[string]string{
		"distributed": "distributed", "分散化": "distributed",
		"immutable": "immutable", "不変": "immutable",
		"ephemeral": "ephemeral", "一時的": "ephemeral",
	}},
	{"plot4ai", map[string]string{
		"technique & processes": "technique-processes", "accessibility": "accessibility",
		"identifiability & linkability": "identifiability-linkability", "security": "security", "safety": "safety",
		"unawareness": "unawareness", "ethics & human rights": "ethics-human-rights", "non-compliance": "non-compliance",
	}},
	{"eop", map[string]string{
		"data validation & encoding": "data-validation-encoding", "validación y codificación de datos": "data-validation-encoding",
		"authentication": "authentication", "autenticación": "authentication",
		"session management": "session-management", "gestión de sesión": "session-management",
		"authorization": "authorization", "autorización": "authorization",
		"cryptography": "cryptography", "criptografía": "cryptography",
		"cornucopia": "cornucopia", "wild card": "wild-card", "comodín": "wild-card",
	}},
}

// vocabulariesOf returns the vocabularies that a methodology's name stands for.
func vocabulariesOf(methodology string) []string {
	switch m := strings.ToLower(strings.ReplaceAll(methodology, "-", "")); m {
	case "ciadie":
		return []string{"cia", "die"}
	case "stride", "linddun", "cia", "die", "plot4ai", "eop":
		return []string{m}
	}
	return nil
}

// category returns the code ("stride:tampering") of a category's text. The
// threat's own methodology is asked first, then the diagram's, then all: one word
// can mean different things in two of them.
func category(text, threatMethodology, diagramMethodology string) (code string, known bool) {
	candidates := words(text)
	asked := append(vocabulariesOf(threatMethodology), vocabulariesOf(diagramMethodology)...)
	for _, v := range vocabularies {
		asked = append(asked, v.name)
	}
	for _, name := range asked {
		for _, v := range vocabularies {
			if v.name != name {
				continue
			}
			for _, word := range candidates {
				if code, ok := v.words[word]; ok {
					return name + ":" + code, true
				}
			}
		}
	}
	return "", false
}

// words returns the text, lower case, and its parts where it holds two languages
// ("Tampering / Manipulación").
func words(text string) []string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	all := []string{text}
	for _, separator := range []string{" / ", " - "} {
		if strings.Contains(text, separator) {
			all = append(all, strings.Split(text, separator)...)
		}
	}
	return all
}

// ruleCategories are the rules of version 1 that made a threat of one STRIDE or
// LINDDUN category, by the first eight digits of their ids; used where the
// category is missing. Rule 52453492 made every LINDDUN threat in one release and is left out.
var ruleCategories = map[string]string{
	"b2a6d40d": "stride:spoofing", "4adaa48a": "stride:tampering", "87bc37e2": "stride:repudiation",
	"13000296": "stride:information-disclosure", "edb05d76": "stride:denial-of-service", "c1377855": "stride:elevation-of-privilege",
	"0f20e64c": "cia:confidentiality", "42511938": "cia:integrity",
	"896abdef": "linddun:linking", "9128c587": "linddun:identifying", "74834f24": "linddun:non-repudiation",
	"df43b091": "linddun:detecting", "9d576610": "linddun:data-disclosure", "8d0993c0": "linddun:unawareness", "6e80d2fc": "linddun:non-compliance",
}

// placeholders are the texts that Threat Dragon puts into a new threat's
// mitigation; they say nothing.
var placeholders = map[string]bool{
	"provide remediation for this threat or a reason if status is n/a":                 true,
	"provide mitigation for this threat or a reason if status is n/a":                  true,
	"mitigation or prevention for the threat":                                          true,
	"geben sie eine korrekturmaßnahme für diese bedrohung oder eine begründung n/a an": true,
	"fournir des mesures de mitigation ou de prévention pour cette menace":             true,
	"introduzca la mitigación o prevención para esta amenaza":                          true,
	"脅威の解決策を指定するか、ステータスがn/aの場合に理由を指定してください":                                            true,
}
