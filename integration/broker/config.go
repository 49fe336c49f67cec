package broker

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// User and Password are the one account that the SASL listener of every broker accepts (mechanism PLAIN).
const (
	User     = "pyudf"
	Password = "right-password"
)

// Config says what to run and where.
type Config struct {
	// Jars is the directory with Kafka and everything it depends on.
	Jars string
	// Dir takes the data, the settings and the log. It must exist; the caller removes it after Kill.
	Dir string
	// JVM are options for java, such as -Xmx1g.
	JVM []string
	// Guarded has a broker let the account of the SASL listener do only what it was allowed; others may do all.
	Guarded bool
	// Proxy is the address that clients of the proxied listener are sent to; empty if nobody stands before the broker.
	Proxy string
}

func (c Config) data() string     { return filepath.Join(c.Dir, "data") }
func (c Config) settings() string { return filepath.Join(c.Dir, "server.properties") }
func (c Config) log() string      { return filepath.Join(c.Dir, "kafka.log") }

// ports are the addresses of one broker, free when they were picked. They stay the same over restarts.
type ports struct {
	plain, sasl, controller, proxied string
}

func pickPorts(ctx context.Context) (ports, error) {
	picked := make([]string, 0, 4)
	for range 4 {
		var lc net.ListenConfig
		listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return ports{}, fmt.Errorf("pick a port for the broker: %w", err)
		}
		defer listener.Close() //nolint:errcheck // it only held the port; all are held until the last is picked
		picked = append(picked, listener.Addr().String())
	}
	return ports{plain: picked[0], sasl: picked[1], controller: picked[2], proxied: picked[3]}, nil
}

// write puts the settings where java will read them. Records of any event time are kept for good, topics come to be
// only when somebody creates them, a group starts at once, and a transaction ends when its time is over.
func (c Config) write(p ports) error {
	listeners := fmt.Sprintf("PLAIN://%s,LOGIN://%s", p.plain, p.sasl)
	advertised := listeners + ",PROXIED://" + cmp.Or(c.Proxy, p.proxied)
	settings := []string{
		"process.roles=broker,controller",
		"node.id=1",
		"controller.quorum.voters=1@" + p.controller,
		"listeners=" + listeners + ",PROXIED://" + p.proxied + ",CONTROLLER://" + p.controller,
		"advertised.listeners=" + advertised,
		"listener.security.protocol.map=PLAIN:PLAINTEXT,PROXIED:PLAINTEXT,LOGIN:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
		"inter.broker.listener.name=PLAIN",
		"controller.listener.names=CONTROLLER",
		"sasl.enabled.mechanisms=PLAIN",
		"listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule" +
			fmt.Sprintf(" required user_%s=%q;", User, Password),
		"log.dirs=" + c.data(),
		"log.retention.ms=-1",
		"auto.create.topics.enable=false",
		"num.partitions=4",
		"offsets.topic.num.partitions=4",
		"offsets.topic.replication.factor=1",
		"transaction.state.log.num.partitions=4",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"transaction.abort.timed.out.transaction.cleanup.interval.ms=1000",
		"share.coordinator.state.topic.replication.factor=1",
		"share.coordinator.state.topic.min.isr=1",
		"group.initial.rebalance.delay.ms=0",
	}
	if c.Guarded {
		settings = append(settings, "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "super.users=User:ANONYMOUS")
	}
	text := strings.Join(settings, "\n") + "\n"
	if err := os.WriteFile(c.settings(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the broker's settings: %w", err)
	}
	return nil
}
