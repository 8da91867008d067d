package threatdragon

import "strings"

// A vocabulary maps a category's words, lower case, to its code. Threat Dragon
// stores the word in the user's language; the words are those of its
// translations (td.vue/src/i18n, keys threats.model); English words stand in for
// missing ones there. A word that stands for two categories of one methodology in a
// language is left out, or stands for the first where it says no more than that
// ("safety" and "security" are one word in Hindi, and left out in Malay).
type vocabulary struct {
	name  string
	words map[string]string
}

var vocabularies = []vocabulary{
	{"stride", map[string]string{
		"欺骗": "spoofing", "篡改": "tampering", "否认": "repudiation", "信息泄露": "information-disclosure", "拒绝服务": "denial-of-service", "权限提升": "elevation-of-privilege",
		"स्पूफिंग": "spoofing", "छेड़छाड़": "tampering", "अस्वीकृति": "repudiation", "सूचना प्रकटीकरण": "information-disclosure", "सेवा से इनकार": "denial-of-service", "विशेषाधिकार का उन्नयन": "elevation-of-privilege",
		"falsificação": "spoofing", "adulteração": "tampering", "repúdio": "repudiation", "divulgação de informações": "information-disclosure", "negação de serviço": "denial-of-service", "elevação de privilégio": "elevation-of-privilege",
		"penipuan": "spoofing", "penyelewengan": "tampering", "penafian": "repudiation", "pendedahan maklumat": "information-disclosure", "penafian perkhidmatan": "denial-of-service", "kenaikan hak": "elevation-of-privilege", "elevation of priviledge": "elevation-of-privilege",
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
		"可链接性": "linking", "可识别性": "identifying", "不可否认性": "non-repudiation", "可检测性": "detecting", "信息泄露": "data-disclosure", "不知情": "unawareness", "不合规": "non-compliance",
		"लिंक करने की क्षमता": "linking", "पहचान": "identifying", "अप्रतिबंध": "non-repudiation", "डिटेक्टेबिलिटी": "detecting", "सूचना का प्रकटीकरण": "data-disclosure", "अनभिज्ञता": "unawareness", "गैर-अनुपालन": "non-compliance",
		"ligabilidade": "linking", "identificabilidade": "identifying", "não-repúdio": "non-repudiation", "detectabilidade": "detecting", "divulgação de informações": "data-disclosure", "desconhecido": "unawareness", "não conformidade": "non-compliance",
		"pautan": "linking", "pengenalpastian": "identifying", "tidak boleh menafikan": "non-repudiation", "ketahuan": "detecting", "pendedahan maklumat": "data-disclosure", "tanpa sedar": "unawareness", "tidak mematuhi": "non-compliance",
		"συνδεσιμότητα": "linking", "αναγνωρισιμότητα": "identifying", "μη αποποίηση": "non-repudiation", "ανιχνευσιμότητα": "detecting", "pelanggaran": "non-compliance",
		"linkability": "linking", "linking": "linking", "capacité de liaison": "linking", "facilidad de vinculación": "linking",
		"identifiability": "identifying", "identifying": "identifying", "identifiabilité": "identifying", "identificabilidad": "identifying",
		"non-repudiation": "non-repudiation", "non repudiation": "non-repudiation", "non-répudiation": "non-repudiation", "no-repudiación": "non-repudiation",
		"detectability": "detecting", "detecting": "detecting", "détectabilité": "detecting", "detectabilidad": "detecting",
		"disclosure of information": "data-disclosure", "data disclosure": "data-disclosure", "divulgation d'information": "data-disclosure", "brecha de información": "data-disclosure",
		"unawareness": "unawareness", "inconscience": "unawareness", "falta de conciencia": "unawareness",
		"non-compliance": "non-compliance", "non compliance": "non-compliance", "noncompliance": "non-compliance", "non-conformité": "non-compliance", "incumplimiento": "non-compliance",
	}},
	{"cia", map[string]string{
		"机密性": "confidentiality", "完整性": "integrity",
		"गोपनीयता": "confidentiality", "ईमानदारी": "integrity", "उपलब्धता": "availability",
		"confidencialidade": "confidentiality", "integridade": "integrity", "disponibilidade": "availability",
		"kerahsiaan": "confidentiality", "integriti": "integrity", "ketersediaan": "availability",
		"kerahasiaan": "confidentiality", "integritas": "integrity",
		"εμπιστευτικότητα": "confidentiality", "ακεραιότητα": "integrity", "διαθεσιμότητα": "availability",
		"confidentiality": "confidentiality", "vertraulichkeit": "confidentiality", "confidentialité": "confidentiality", "confidencialidad": "confidentiality", "機密性": "confidentiality",
		"integrity": "integrity", "integrität": "integrity", "intégrité": "integrity", "integridad": "integrity", "完全性": "integrity",
		"availability": "availability", "verfügbarkeit": "availability", "disponibilité": "availability", "disponibilidad": "availability", "可用性": "availability",
	}},
	{"die", map[string]string{
		"分布式": "distributed", "不可变性": "immutable", "短暂性": "ephemeral",
		"वितरित": "distributed", "अपरिवर्तनीय": "immutable", "क्षणिक": "ephemeral",
		"distribuído": "distributed", "imutável": "immutable", "efêmero": "ephemeral",
		"teragih": "distributed", "tidak berubah": "immutable", "efemeral": "ephemeral",
		"didistribusikan": "distributed", "tidak dapat diubah": "immutable",
		"distributed": "distributed", "分散化": "distributed",
		"immutable": "immutable", "不変": "immutable",
		"ephemeral": "ephemeral", "一時的": "ephemeral",
	}},
	{"plot4ai", map[string]string{
		"技术 & 过程": "technique-processes", "可访问性": "accessibility", "可识别性 & 可链接性": "identifiability-linkability", "信息安全": "security", "系统安全": "safety", "不知情": "unawareness", "伦理 & 人权": "ethics-human-rights", "不合格": "non-compliance",
		"तकनीक और प्रक्रियाएँ": "technique-processes", "सुलभता": "accessibility", "पहचान योग्यता और संबंधनीयता": "identifiability-linkability", "सुरक्षा": "security", "अनजानी": "unawareness", "नैतिकता और मानवाधिकार": "ethics-human-rights", "अनुपालन न करना": "non-compliance",
		"técnica e processos": "technique-processes", "acessibilidade": "accessibility", "identificabilidade e ligabilidade": "identifiability-linkability", "segurança": "security", "seguro": "safety", "desconhecido": "unawareness", "ética e direitos humanos": "ethics-human-rights", "não conformidade": "non-compliance",
		"teknik & proses": "technique-processes", "aksesibiliti": "accessibility", "pengenalpastian & pautan": "identifiability-linkability", "tanpa sedar": "unawareness", "etika & hak asasi manusia": "ethics-human-rights", "tidak mematuhi": "non-compliance",
		"aksesibilitas": "accessibility", "keamanan": "security", "pelanggaran": "non-compliance",
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
	// Some translations keep the English words beside their own: "Παραποίηση (Tampering)".
	english := strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return -1
		}
		return r
	}, text)
	if len(english) < len(text) {
		all = append(all, strings.Trim(oneLine(english), "() "))
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
	"provide mitigation for this threat":                                               true,
	"为这种威胁提供缓解或预防措施":                                                                   true,
	"इस खतरे के लिए शमन या रोकथाम प्रदान करें":                                         true,
	"forneça uma mitigação para esta ameaça ou a ração para o status n/a":              true,
	"berikan remediasi untuk ancaman ini atau alasan jika status adalah n/a":           true,
	"berikan pemulihan untuk ancaman ini atau sebab jika status adalah t/a":            true,
	"παρέχετε μετριασμό ή πρόληψη για αυτή την απειλή":                                 true,
	"اكتب طرق مواجهة وتخفيف هذا التهديد أو السبب إذا كانت الحالة n/a":                  true,
	"脅威の解決策を指定するか、ステータスがn/aの場合に理由を指定してください":                                            true,
}
