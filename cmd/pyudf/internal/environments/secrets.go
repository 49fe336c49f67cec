package environments

import (
	"regexp"
	"strings"
)

// secrets are the words that no message may have: those by which installers are known to indexes.
type secrets struct {
	words *strings.Replacer
}

var userInfo = regexp.MustCompile(`://[^/\s]*@`)

const hidden = "***"

// secretsOf finds what the environment of this process has for pip and uv.
func secretsOf(environ []string) secrets {
	var pairs []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "PIP_") && !strings.HasPrefix(name, "UV_") {
			continue
		}
		for _, word := range words(name, value) {
			if len(word) > 2 { // shorter ones hide nothing, and are in many words
				pairs = append(pairs, word, hidden)
			}
		}
	}
	return secrets{words: strings.NewReplacer(pairs...)}
}

func words(name, value string) []string {
	var found []string
	if strings.HasSuffix(name, "_PASSWORD") || strings.HasSuffix(name, "_TOKEN") {
		found = append(found, value)
	}
	for _, match := range userInfo.FindAllString(value, -1) {
		user := strings.TrimSuffix(strings.TrimPrefix(match, "://"), "@")
		_, password, hasPassword := strings.Cut(user, ":")
		if hasPassword {
			found = append(found, user, password)
		} else {
			found = append(found, user)
		}
	}
	return found
}

// hide returns a text without secrets.
func (s secrets) hide(text string) string {
	return userInfo.ReplaceAllString(s.words.Replace(text), "://"+hidden+"@")
}
