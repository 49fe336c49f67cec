package broker

import (
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
}

func (c Config) data() string     { return filepath.Join(c.Dir, "data") }
func (c Config) settings() string { return filepath.Join(c.Dir, "server.properties") }
func (c Config) log() string      { return filepath.Join(c.Dir, "kafka.log") }

// ports are the addresses of one broker, free when they were picked. They stay the same over restarts.
type ports struct {
	plain, sasl, controller string
}

func pickPorts(ctx context.Context) (ports, error) {
	picked := make([]string, 0, 3)
	for range 3 {
		var lc net.ListenConfig
		listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return ports{}, fmt.Errorf("pick a port for the broker: %w", err)
		}
		defer listener.Close() //nolint:errcheck // it only held the port; all three are held until the last is picked
		picked = append(picked, listener.Addr().String())
	}
	return ports{plain: picked[0], sasl: picked[1], controller: picked[2]}, nil
}

// write puts the settings where java will read them. Records of any event time are kept for good, topics come to be
// only when somebody creates them, and a group starts at once.
func (c Config) write(p ports) error {
	listeners := fmt.Sprintf("PLAIN://%s,LOGIN://%s", p.plain, p.sasl)
	text := strings.Join([]string{
		"process.roles=broker,controller",
		"node.id=1",
		"controller.quorum.voters=1@" + p.controller,
		"listeners=" + listeners + ",CONTROLLER://" + p.controller,
		"advertised.listeners=" + listeners,
		"listener.security.protocol.map=PLAIN:PLAINTEXT,LOGIN:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
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
		"share.coordinator.state.topic.replication.factor=1",
		"share.coordinator.state.topic.min.isr=1",
		"group.initial.rebalance.delay.ms=0",
	}, "\n") + "\n"
	if err := os.WriteFile(c.settings(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the broker's settings: %w", err)
	}
	return nil
}
