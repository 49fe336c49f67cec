package settings_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/settings"
)

const properties = "\ufeff# the staging cluster\n" +
	"bootstrap.servers = kafka-1:9093,kafka-2:9093\r\n" +
	"\n" +
	"! credentials\n" +
	"sasl.password=a=b#c\n" +
	"security.protocol=SASL_SSL\n"

func TestTheNearestSourceOfASettingWins(t *testing.T) {
	for _, test := range []struct {
		name  string
		given settings.Given
		want  map[string]string
	}{
		{"nothing is given", settings.Given{}, map[string]string{"bootstrap.servers": "127.0.0.1:9092"}},
		{"the environment", settings.Given{Environment: "env:1"}, map[string]string{"bootstrap.servers": "env:1"}},
		{
			"a file over the environment",
			settings.Given{File: strings.NewReader(properties), FileName: "p", Environment: "env:1"},
			map[string]string{"bootstrap.servers": "kafka-1:9093,kafka-2:9093", "sasl.password": "a=b#c", "security.protocol": "SASL_SSL"},
		},
		{
			"--brokers over a file",
			settings.Given{File: strings.NewReader(properties), FileName: "p", Brokers: "flag:1"},
			map[string]string{"bootstrap.servers": "flag:1", "sasl.password": "a=b#c", "security.protocol": "SASL_SSL"},
		},
		{
			"-X over --brokers, its last over its first",
			settings.Given{Brokers: "flag:1", Pairs: []string{"bootstrap.servers=x:1", "a=1", "a= 2 "}},
			map[string]string{"bootstrap.servers": "x:1", "a": "2"},
		},
	} {
		got, err := settings.Parse(test.given)
		if err != nil || !maps.Equal(got, test.want) {
			t.Errorf("%s: got %v (%v), want %v", test.name, got, err, test.want)
		}
	}
}

func TestAllFaultsAreNamedAtOnceWithTheirPlaces(t *testing.T) {
	_, err := settings.Parse(settings.Given{
		File:     strings.NewReader("security.protocol\n\ngroup.id=mine\n=x\n"),
		FileName: "staging.properties",
		Pairs:    []string{"linger.ms", "ok=1", "sasl.jaas.config=x"},
	})
	want := `staging.properties, line 1: there is no '=': write key=value, such as security.protocol=SASL_SSL
staging.properties, line 3: group.id is the group of the run: set it with --group
staging.properties, line 4: there is no key before '=': write key=value, such as security.protocol=SASL_SSL
-X linger.ms: there is no '=': write key=value, such as security.protocol=SASL_SSL
-X sasl.jaas.config: sasl.jaas.config belongs to Java clients: set sasl.username and sasl.password instead`
	if err == nil || err.Error() != want {
		t.Fatalf("got\n%v\nwant\n%s", err, want)
	}
}

func TestAPasswordIsNotRepeatedInAMessage(t *testing.T) {
	_, err := settings.Parse(settings.Given{
		File:     strings.NewReader("sasl.password hunter2\n"),
		FileName: "p",
		Pairs:    []string{"sasl.jaas.config=hunter2", "sasl.password hunter2"},
	})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("got %v, want an error without the password", err)
	}
}
