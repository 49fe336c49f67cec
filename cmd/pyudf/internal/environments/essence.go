package environments

import (
	"regexp"
	"slices"
	"strings"
)

// essence returns the lines of an installer's output that say why it did not install.
func essence(lines []string) []string {
	var found []string
	under := "" // what is being installed: not every pip names it again when that fails
	for i, line := range lines {
		text := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(text, "Collecting "), strings.HasPrefix(text, "Processing "):
			under = text
		case text == failedBuild:
			found = append(found, under)
		case strings.HasPrefix(text, "ERROR: "):
			found = append(found, strings.TrimPrefix(text, "ERROR: "))
		case strings.HasPrefix(text, "[end of output]") && i > 0: // of a build: what it said last
			found = append(found, strings.TrimSpace(lines[i-1]))
		case strings.HasPrefix(text, "The conflict is caused by:"), strings.HasPrefix(text, "\u00d7 "), strings.HasPrefix(text, "error: "):
			found = append(found, paragraphs(lines[i:])...)
		case strings.HasPrefix(text, "WARNING: Retrying "):
			found = append(found, strings.TrimPrefix(text, "WARNING: "))
		}
	}
	found = distinct(slices.DeleteFunc(found, isUseless))
	if len(found) == 0 {
		found = lines[max(0, len(lines)-lastLines):]
	}
	return shortened(found)
}

// failedBuild is what pip says first when something cannot be built.
const failedBuild = "error: subprocess-exited-with-error"

// Of what installers write at length a person gets these at most.
const (
	lastLines  = 5
	mostLines  = 12
	mostLetter = 300
)

// paragraphs returns the lines up to the next heading, without what they are drawn with.
func paragraphs(lines []string) []string {
	var found []string
	for _, line := range lines {
		text := strings.Trim(line, " \u00d7\u2570\u2500\u25b6\u2502\u251c>")
		switch {
		case strings.HasPrefix(text, "To fix this"), strings.HasPrefix(text, "Additionally, "), strings.HasPrefix(text, "ERROR: "), strings.HasPrefix(text, "note: "):
			return found
		case strings.HasSuffix(text, "lines of output]"): // of a build, and long
			return found
		case text != "":
			found = append(found, text)
		}
	}
	return found
}

func isUseless(line string) bool {
	return line == "" || strings.HasPrefix(line, "ResolutionImpossible")
}

// distinct returns each line once. Attempts to reach a server are alike but for their number.
func distinct(lines []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(lines, func(line string) bool {
		key := regexp.MustCompile(`total=\d+`).ReplaceAllString(line, "")
		if strings.HasPrefix(line, "Retrying ") {
			key, _, _ = strings.Cut(key, "/")
		}
		defer func() { seen[key] = true }()
		return seen[key]
	})
}

func shortened(lines []string) []string {
	lines = slices.Clone(lines)
	if len(lines) > mostLines { // what went wrong stands at the beginning, and why at the end
		lines = slices.Concat(lines[:mostLines/2], []string{"..."}, lines[len(lines)-mostLines/2:])
	}
	for i, line := range lines {
		if runes := []rune(line); len(runes) > mostLetter {
			lines[i] = string(runes[:mostLetter]) + " ..."
		}
	}
	return lines
}

// quote puts lines below a message.
func quote(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return "\n  " + strings.Join(lines, "\n  ")
}

// named returns the requirements whose names are in the lines.
func named(lines, requirements []string) []string {
	text := normal(strings.Join(lines, " "))
	return slices.DeleteFunc(slices.Clone(requirements), func(requirement string) bool {
		name := regexp.MustCompile(`^[a-z0-9-]*`).FindString(requirement)
		return !regexp.MustCompile(`(^|[^a-z0-9-])` + name + `($|[^a-z0-9-]|-[0-9])`).MatchString(text) // or a file, with its version
	})
}

// normal writes a text as the names of distributions are compared.
func normal(text string) string {
	return regexp.MustCompile(`[-_.]+`).ReplaceAllString(strings.ToLower(text), "-")
}
