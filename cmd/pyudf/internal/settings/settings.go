// Package settings owns how a user hands librdkafka settings over: --brokers, a file of key=value lines and -X.
//
// It knows the names that pyudf sets itself and a few that belong to Java clients, none of librdkafka's else: the
// client checks those. Pure but for the reader that it is given.
package settings

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
)

// BrokersEnv names the environment variable that says where the brokers are.
const BrokersEnv = "PYUDF_BROKERS"

// DefaultBrokers is where `pyudf dev` listens.
const DefaultBrokers = "127.0.0.1:9092"

const bootstrap = "bootstrap.servers"

// Given is what the user gave, the strongest first.
type Given struct {
	// Pairs are -X key=value, of which the last of a key counts.
	Pairs []string
	// Brokers is --brokers, empty if not given.
	Brokers string
	// File and FileName are --config; File is nil if not given.
	File     io.Reader
	FileName string
	// Environment is the value of BrokersEnv.
	Environment string
}

// Parse returns the settings, bootstrap.servers always among them. Its error names every fault, a line each.
func Parse(given Given) (map[string]string, error) {
	parsed := map[string]string{bootstrap: DefaultBrokers}
	if given.Environment != "" {
		parsed[bootstrap] = given.Environment
	}
	fromFile, fileFaults := parseFile(given.File, given.FileName)
	maps.Copy(parsed, fromFile)
	if given.Brokers != "" {
		parsed[bootstrap] = given.Brokers
	}
	faults := append([]error{}, fileFaults...)
	for _, pair := range given.Pairs {
		key, value, err := parsePair(pair)
		if err != nil {
			faults = append(faults, fmt.Errorf("-X %s: %w", label(pair), err))
			continue
		}
		parsed[key] = value
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return parsed, nil
}

func parseFile(file io.Reader, name string) (map[string]string, []error) {
	parsed := map[string]string{}
	if file == nil {
		return parsed, nil
	}
	var faults []error
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		key, value, err := parsePair(line)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s, line %d: %w", name, number, err))
			continue
		}
		parsed[key] = value
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("reading %s: %w", name, err))
	}
	return parsed, faults
}

// label is as much of a pair as may stand in a message: what follows may be a password.
func label(pair string) string {
	if end := strings.IndexAny(pair, "= \t"); end >= 0 {
		return pair[:end]
	}
	return pair
}

func parsePair(pair string) (key, value string, err error) {
	key, value, found := strings.Cut(pair, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch {
	case !found:
		return "", "", errors.New("there is no '=': write key=value, such as security.protocol=SASL_SSL")
	case key == "":
		return "", "", errors.New("there is no key before '=': write key=value, such as security.protocol=SASL_SSL")
	}
	if advice, refused := refusals[key]; refused {
		return "", "", fmt.Errorf("%s %s", key, advice)
	}
	return key, value, nil
}

// refusals are keys that would be without effect or break what pyudf promises.
var refusals = map[string]string{ //nolint:gochecknoglobals // a constant table
	"group.id":                      "is the group of the run: set it with --group",
	"auto.offset.reset":             "is where a new group starts: set it with --start",
	"enable.auto.commit":            "cannot be set: pyudf commits what is finished, see --commit-interval",
	"auto.commit.interval.ms":       "cannot be set: pyudf commits what is finished, see --commit-interval",
	"enable.auto.offset.store":      "cannot be set: pyudf commits what is finished",
	"enable.partition.eof":          "cannot be set: pyudf watches the ends of partitions itself",
	"partition.assignment.strategy": "cannot be set: pyudf rebalances cooperatively",
	"partitioner":                   "cannot be set: pyudf partitions as Java producers do (murmur2_random)",
	"sasl.jaas.config":              "belongs to Java clients: set sasl.username and sasl.password instead",
	"ssl.truststore.location":       "belongs to Java clients: set ssl.ca.location to a PEM file instead",
	"ssl.truststore.password":       "belongs to Java clients: set ssl.ca.location to a PEM file instead",
	"key.deserializer":              "belongs to Java clients: leave it out",
	"value.deserializer":            "belongs to Java clients: leave it out",
	"key.serializer":                "belongs to Java clients: leave it out",
	"value.serializer":              "belongs to Java clients: leave it out",
}
