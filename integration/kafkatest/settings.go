package kafkatest

import (
	"context"
	"strconv"
	"testing"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/pyudf/pyudf/integration/broker"
)

// TopicSettings are those that a topic has.
func (b *Broker) TopicSettings(t testing.TB, topic string) map[string]string {
	t.Helper()
	admin := b.admin(t)
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	results, err := admin.DescribeConfigs(ctx, []kafka.ConfigResource{{Type: kafka.ResourceTopic, Name: topic}})
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for name, entry := range results[0].Config {
		settings[name] = entry.Value
	}
	return settings
}

// CompactOften has the broker look several times a second which topics are to be compacted. The embedded
// broker wants to hear it before it has one.
func (b *Broker) CompactOften(t testing.TB) {
	t.Helper()
	admin := b.admin(t)
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	meta, err := admin.GetMetadata(nil, false, int(patience.Milliseconds()))
	if err != nil {
		t.Fatal(err)
	}
	results, err := admin.IncrementalAlterConfigs(ctx, []kafka.ConfigResource{{
		Type: kafka.ResourceBroker, Name: strconv.Itoa(int(meta.Brokers[0].ID)),
		Config: []kafka.ConfigEntry{{Name: "log.cleaner.backoff.ms", Value: "200", IncrementalOperation: kafka.AlterConfigOpTypeSet}},
	}})
	if err == nil && results[0].Error.Code() != kafka.ErrNoError {
		err = results[0].Error
	}
	if err != nil {
		t.Fatal(err)
	}
}

// AllowTopic lets the account of SASLAddr do everything with a topic.
func (b *Broker) AllowTopic(t testing.TB, name string) {
	t.Helper()
	b.allow(t, kafka.ResourceTopic, name)
}

// AllowTransactions lets the account of SASLAddr do everything with a transactional id.
func (b *Broker) AllowTransactions(t testing.TB, id string) {
	t.Helper()
	b.allow(t, kafka.ResourceTransactionalID, id)
}

func (b *Broker) allow(t testing.TB, of kafka.ResourceType, name string) {
	t.Helper()
	admin := b.admin(t)
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	results, err := admin.CreateACLs(ctx, kafka.ACLBindings{{
		Type: of, Name: name, ResourcePatternType: kafka.ResourcePatternTypeLiteral,
		Principal: "User:" + broker.User, Host: "*", Operation: kafka.ACLOperationAll, PermissionType: kafka.ACLPermissionTypeAllow,
	}})
	if err == nil && results[0].Error.Code() != kafka.ErrNoError {
		err = results[0].Error
	}
	if err != nil {
		t.Fatal(err)
	}
}
