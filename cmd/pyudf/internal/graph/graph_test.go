package graph_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/graph"
	"github.com/pyudf/pyudf/engine/plan"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew") //nolint:gochecknoglobals // a flag

func load(t *testing.T, name string) *graph.Graph {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".textproto"))
	if err != nil {
		t.Fatal(err)
	}
	var proto planv1.Plan
	if err := prototext.Unmarshal(text, &proto); err != nil {
		t.Fatal(err)
	}
	compiled, err := plan.Compile(&proto)
	if err != nil {
		t.Fatal(err)
	}
	return graph.New(&proto, compiled)
}

func render(t *testing.T, g *graph.Graph, format string) string {
	t.Helper()
	text, err := g.Render(format)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestDrawingsAreTheGoldenOnes(t *testing.T) {
	for _, name := range []string{"heat", "files", "windows", "memory"} {
		g := load(t, name)
		for _, format := range graph.Formats() {
			golden := filepath.Join("testdata", name+"."+format)
			got := render(t, g, format)
			if *rewrite {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs (-rewrite writes it anew); got\n%s", golden, got)
			}
		}
	}
}

func TestJSONIsJSONAndSVGIsXML(t *testing.T) {
	for _, name := range []string{"heat", "files", "windows", "memory"} {
		g := load(t, name)
		if !json.Valid([]byte(render(t, g, "json"))) {
			t.Errorf("%s: no JSON", name)
		}
		decoder := xml.NewDecoder(strings.NewReader(render(t, g, "svg")))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func TestUnknownFormatNamesTheKnownOnes(t *testing.T) {
	_, err := (&graph.Graph{}).Render("pdf")
	want := "--format pdf: write text, json, dot or svg"
	if err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}
