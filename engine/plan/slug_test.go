package plan_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/engine/plan"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

func TestEachFileHasANameThatTopicsCanHave(t *testing.T) {
	seen := map[string]string{}
	for _, path := range []string{"in.csv", "a/in.csv", "b/in.csv", "a_in.csv", "über heiß.csv", "/", "..", "x/" + strings.Repeat("long", 90) + ".jsonl"} {
		s := plan.Source{Name: path, Proto: &planv1.Source{Kind: &planv1.Source_File{File: &planv1.File{Path: path}}}}
		slug := s.Slug()
		if !regexp.MustCompile(`^[a-zA-Z0-9._-]{5,80}$`).MatchString(slug) {
			t.Errorf("%s is called %s", path, slug)
		}
		if other, twice := seen[slug]; twice {
			t.Errorf("%s and %s are both called %s", path, other, slug)
		}
		seen[slug] = path
	}
	topic := plan.Source{Name: "in", Proto: &planv1.Source{Kind: &planv1.Source_Topic{Topic: &planv1.Topic{Name: "in"}}}}
	if slug := topic.Slug(); slug != "in" {
		t.Errorf("a topic is called %s", slug)
	}
}
