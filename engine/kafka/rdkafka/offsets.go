package rdkafka

/*
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

// Prototypes of librdkafka 2.15 (rdkafka.h); the library itself is linked by confluent-kafka-go.
typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;

typedef struct rd_kafka_message_s {
	int err;
	rd_kafka_topic_t *rkt;
	int32_t partition;
	void *payload;
	size_t len;
	void *key;
	size_t key_len;
	int64_t offset;
	void *_private;
} rd_kafka_message_t;

extern int rd_kafka_conf_interceptor_add_on_new(rd_kafka_conf_t *conf, const char *name,
	int (*on_new)(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque, char *errstr, size_t size), void *opaque);
extern int rd_kafka_interceptor_add_on_acknowledgement(rd_kafka_t *rk, const char *name,
	int (*on_acknowledgement)(rd_kafka_t *rk, rd_kafka_message_t *message, void *opaque), void *opaque);

// offsets_t holds for each partition of a topic the offset behind the last message that was delivered there, -1 if there was
// none. Threads of librdkafka write it.
typedef struct offsets_s {
	int32_t partitions;
	_Atomic int64_t *next;
} offsets_t;

static offsets_t *offsets_new(int32_t partitions) {
	offsets_t *offsets = malloc(sizeof *offsets);
	offsets->partitions = partitions;
	offsets->next = malloc((partitions + 1) * sizeof *offsets->next);
	for (int32_t i = 0; i < partitions; i++)
		offsets->next[i] = -1;
	return offsets;
}

static void offsets_free(offsets_t *offsets) {
	free((void *)offsets->next);
	free(offsets);
}

static int64_t offsets_next(offsets_t *offsets, int32_t partition) {
	return partition >= 0 && partition < offsets->partitions ? offsets->next[partition] : -1;
}

// on_acknowledgement sees each message that was delivered or lost. The offset is unknown in the rare case that the broker
// took a message for one that it had long had.
static int on_acknowledgement(rd_kafka_t *rk, rd_kafka_message_t *message, void *opaque) {
	offsets_t *offsets = message->_private;
	if (offsets && !message->err && message->offset >= 0 && message->partition >= 0 && message->partition < offsets->partitions)
		offsets->next[message->partition] = message->offset + 1;
	return 0;
}

static int on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque, char *errstr, size_t size) {
	return rd_kafka_interceptor_add_on_acknowledgement(rk, "offsets", on_acknowledgement, NULL);
}

static int add_interceptor(rd_kafka_conf_t *conf) { return rd_kafka_conf_interceptor_add_on_new(conf, "offsets", on_new, NULL); }
*/
import "C"

import "fmt"

// Offsets are the offsets behind the last messages that were delivered to the partitions of a topic.
type Offsets struct{ c *C.offsets_t }

// NewOffsets returns offsets for so many partitions.
func NewOffsets(partitions int) *Offsets { return &Offsets{C.offsets_new(C.int32_t(partitions))} }

// Next returns the offset behind the last message that was delivered to a partition, -1 if there was none.
func (o *Offsets) Next(partition int32) int64 {
	return int64(C.offsets_next(o.c, C.int32_t(partition)))
}

// Close frees the offsets. REQUIRES: producers that wrote them are closed.
func (o *Offsets) Close() { C.offsets_free(o.c) }

// intercept has clients of a configuration note where messages are delivered.
func intercept(conf *C.rd_kafka_conf_t) error {
	if code := C.add_interceptor(conf); code != 0 {
		return fmt.Errorf("intercept what is delivered: %s", ErrorText(int(code)))
	}
	return nil
}
