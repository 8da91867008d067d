package evidence

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

//go:embed rules.txt
var ruleText string

// ruleTable maps tool and rule to CWEs; parsed once.
var ruleTable = sync.OnceValue(func() map[[2]string][]int {
	table := map[[2]string][]int{}
	for row := range strings.SplitSeq(ruleText, "\n") {
		f := strings.Fields(row)
		if len(f) != 3 || f[0] == "#" {
			continue
		}
		if id, err := strconv.Atoi(f[2]); err == nil {
			k := [2]string{f[0], f[1]}
			table[k] = append(table[k], id)
		}
	}
	return table
})

// ruleCWEs returns what the table knows of a tool's rule.
func ruleCWEs(tool, rule string) []int {
	tool = strings.ToLower(tool)
	family := ""
	switch {
	case strings.Contains(tool, "zap"):
		family = "zap"
	case strings.Contains(tool, "codeql"):
		family = "codeql"
		rule = rule[strings.LastIndexByte(rule, '/')+1:]
	case strings.Contains(tool, "semgrep"):
		family = "semgrep"
		rule = rule[strings.LastIndexByte(rule, '.')+1:]
	}
	return ruleTable()[[2]string{family, rule}]
}
