package integration_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
	"github.com/pyudf/pyudf/udfworker/address/addresstest"
)

// guarded is a node that speaks TLS and asks for tokens.
type guarded struct {
	*engineNode

	ca     string
	tokens string
}

func (c *cluster) guarded(t *testing.T) *guarded {
	t.Helper()
	files := addresstest.NewAuthority(t).Issue(t)
	g := &guarded{ca: files.CA, tokens: filepath.Join(t.TempDir(), "tokens")}
	g.token(t, "first", "admin")
	g.engineNode = c.node(t, t.TempDir(), nil, "--tls-cert", files.Cert, "--tls-key", files.Key, "--tokens", g.tokens)
	return g
}

// token makes a token for a role.
func (g *guarded) token(t *testing.T, name, role string) string {
	t.Helper()
	return strings.TrimSpace(pyudf(t, nil, "token", name, role, "--tokens", g.tokens).out.String())
}

// as is what a command needs to come with a token.
func (g *guarded) as(token string) env { return env{"PYUDF_CA": g.ca, "PYUDF_TOKEN": token} }

func TestWhoMayNotDeployChangesNothing(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCluster(t, b)
		g := c.guarded(t)
		first, second := c.version(t, 1), c.version(t, 2)
		deployer, viewer := g.as(g.token(t, "ann", "deployer")), g.as(g.token(t, "bob", "viewer"))
		eventually(t, "the node to know the new tokens", func() bool { return g.ask(t, deployer, "list").wait(t) == 0 })
		g.ask(t, deployer, "deploy", first).succeed(t)
		before := g.ask(t, viewer, "history", c.app, "--output", "json").succeed(t).out.String()
		contains(t, "the history", before, `"deployed_by":"ann"`)

		wrong := g.as(g.token(t, "eve", "admin") + "x")
		plain := "http://" + strings.TrimPrefix(g.url, "https://")
		for _, r := range []struct {
			name string
			who  env
			args []string
			says []string
		}{
			{"a wrong token", wrong, []string{"deploy", second}, []string{"the token is none of this node's", "--token-file"}},
			{"no token", env{"PYUDF_CA": g.ca}, []string{"deploy", second}, []string{"asks for a token", "--token-file"}},
			{"a role that may not", viewer, []string{"deploy", second}, []string{"bob has the role viewer", "takes the role deployer"}},
			{"a deployer who deletes", deployer, []string{"delete", c.app, "--yes"}, []string{"ann has the role deployer", "admin"}},
			{"a stop by a viewer", viewer, []string{"stop", c.app}, []string{"takes the role deployer"}},
			{"plain text to the TLS port", deployer, []string{"deploy", second, "--engine", plain}, []string{"https://"}},
			{"an authority that is not known", env{"PYUDF_TOKEN": deployer["PYUDF_TOKEN"]}, []string{"deploy", second}, []string{"--ca FILE"}},
		} {
			t.Run(r.name, func(t *testing.T) {
				contains(t, "the refusal", g.refuse(t, r.who, r.args...), r.says...)
				if after := g.ask(t, viewer, "history", c.app, "--output", "json").out.String(); after != before {
					t.Errorf("the history is another one:\n%s\nbefore:\n%s", after, before)
				}
			})
		}
		if kept := c.bundles(t); len(kept) != 1 {
			t.Errorf("the cluster keeps %d bundles, want the one that runs", len(kept))
		}
		c.flow(t, 500)
		c.awaitVersion(t, 1)
	})
}

func TestABundleThatIsTooLargeIsRefusedAndTLSToAPlainPort(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		c := newCluster(t, b)
		n := c.node(t, t.TempDir(), nil, "--max-bundle", "1kB")
		app := c.version(t, 1)
		contains(t, "the refusal", n.refuse(t, nil, "deploy", app), "--max-bundle", c.app+" is not deployed")
		secure := "https://" + strings.TrimPrefix(n.url, "http://")
		contains(t, "the refusal", n.refuse(t, nil, "deploy", app, "--engine", secure), "does not speak TLS", n.url)
		if all := n.list(t); len(all) > 0 {
			t.Errorf("deployed: %+v", all)
		}
		if kept := c.bundles(t); len(kept) > 0 {
			t.Errorf("the cluster keeps %v", kept)
		}
	})
}
