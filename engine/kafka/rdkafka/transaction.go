package rdkafka

/*
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Prototypes of librdkafka 2.15 (rdkafka.h); the library itself is linked by confluent-kafka-go.
typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_error_s rd_kafka_error_t;
// The first fields of a position; librdkafka frees the metadata.
typedef struct rd_kafka_topic_partition_s {
	char *topic;
	int32_t partition;
	int64_t offset;
	void *metadata;
	size_t metadata_size;
} rd_kafka_topic_partition_t;
typedef struct rd_kafka_topic_partition_list_s rd_kafka_topic_partition_list_t;
typedef struct rd_kafka_consumer_group_metadata_s rd_kafka_consumer_group_metadata_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
struct rd_kafka_metadata;

extern int rd_kafka_error_code(const rd_kafka_error_t *error);
extern const char *rd_kafka_error_string(const rd_kafka_error_t *error);
extern int rd_kafka_error_is_fatal(const rd_kafka_error_t *error);
extern int rd_kafka_error_is_retriable(const rd_kafka_error_t *error);
extern int rd_kafka_error_txn_requires_abort(const rd_kafka_error_t *error);
extern void rd_kafka_error_destroy(rd_kafka_error_t *error);
extern rd_kafka_topic_partition_list_t *rd_kafka_topic_partition_list_new(int size);
extern rd_kafka_topic_partition_t *rd_kafka_topic_partition_list_add(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition);
extern void rd_kafka_topic_partition_list_destroy(rd_kafka_topic_partition_list_t *list);
extern rd_kafka_consumer_group_metadata_t *rd_kafka_consumer_group_metadata(rd_kafka_t *rk);
extern void rd_kafka_consumer_group_metadata_destroy(rd_kafka_consumer_group_metadata_t *group);
extern int rd_kafka_metadata(rd_kafka_t *rk, int all_topics, rd_kafka_topic_t *only, const struct rd_kafka_metadata **metadata, int timeout_ms);
extern void rd_kafka_metadata_destroy(const struct rd_kafka_metadata *metadata);
extern rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *rk, int timeout_ms);
extern rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *rk);
extern rd_kafka_error_t *rd_kafka_send_offsets_to_transaction(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *offsets,
	const rd_kafka_consumer_group_metadata_t *group, int timeout_ms);
extern rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *rk, int timeout_ms);
extern rd_kafka_error_t *rd_kafka_abort_transaction(rd_kafka_t *rk, int timeout_ms);

// reach returns when a broker has answered, or after its timeout.
static int reach(rd_kafka_t *rk, int timeout_ms) {
	const struct rd_kafka_metadata *metadata = NULL;
	int err = rd_kafka_metadata(rk, 0, NULL, &metadata, timeout_ms);
	if (metadata)
		rd_kafka_metadata_destroy(metadata);
	return err;
}

// add puts a position into a list, with a note if there is one.
static void add(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition, int64_t offset, const char *note) {
	rd_kafka_topic_partition_t *position = rd_kafka_topic_partition_list_add(list, topic, partition);
	position->offset = offset;
	if (*note) {
		position->metadata = strdup(note);
		position->metadata_size = strlen(note);
	}
}
*/
import "C"

import (
	"errors"
	"unsafe"

	"github.com/pyudf/pyudf/engine/record"
)

// Error is what librdkafka says of a call that it refused.
type Error struct {
	Code int
	Text string
	// Retriable: the same call, made again, may succeed. Abortable: the transaction has to be aborted, and the producer can
	// go on. Fatal: the producer is of no more use.
	Retriable, Abortable, Fatal bool
}

func (e *Error) Error() string { return e.Text }

// taken returns a call's error and frees librdkafka's.
func taken(c *C.rd_kafka_error_t) error {
	if c == nil {
		return nil
	}
	defer C.rd_kafka_error_destroy(c)
	return &Error{
		Code:      int(C.rd_kafka_error_code(c)),
		Text:      C.GoString(C.rd_kafka_error_string(c)),
		Retriable: C.rd_kafka_error_is_retriable(c) != 0,
		Abortable: C.rd_kafka_error_txn_requires_abort(c) != 0,
		Fatal:     C.rd_kafka_error_is_fatal(c) != 0,
	}
}

// What follows is for producers with a transactional.id. Serve must go on meanwhile. Errors are of type *Error. A call that
// took longer than its timeout is retriable and goes on where it was.

// Reach waits until a broker has answered, at most timeout ms. InitTransactions asks at once then, and not after its own pause of
// half a second.
func (p *Producer) Reach(timeoutMS int) bool { return C.reach(p.rk, C.int(timeoutMS)) == 0 }

// InitTransactions ends what other producers of the same transactional.id have begun, and keeps them from going on.
func (p *Producer) InitTransactions(timeoutMS int) error {
	return taken(C.rd_kafka_init_transactions(p.rk, C.int(timeoutMS)))
}

// BeginTransaction begins a transaction. It asks no broker.
func (p *Producer) BeginTransaction() error { return taken(C.rd_kafka_begin_transaction(p.rk)) }

// Progress is how far a consumer's group is, for a transaction to store.
type Progress struct {
	offsets *C.rd_kafka_topic_partition_list_t
	group   *C.rd_kafka_consumer_group_metadata_t
}

// Progress returns positions as those of the consumer's group, in the generation that it is in now, with a note each.
func (c *Client) Progress(positions []record.Position, note string) (*Progress, error) {
	group := C.rd_kafka_consumer_group_metadata(c.rk)
	if group == nil {
		return nil, errors.New("the consumer has no group")
	}
	list := C.rd_kafka_topic_partition_list_new(C.int(len(positions)))
	cnote := C.CString(note)
	defer C.free(unsafe.Pointer(cnote))
	for _, at := range positions {
		topic := C.CString(at.Partition.Topic)
		C.add(list, topic, C.int32_t(at.Partition.Index), C.int64_t(at.Offset), cnote)
		C.free(unsafe.Pointer(topic))
	}
	return &Progress{list, group}, nil
}

// Close frees it.
func (p *Progress) Close() {
	C.rd_kafka_topic_partition_list_destroy(p.offsets)
	C.rd_kafka_consumer_group_metadata_destroy(p.group)
}

// SendOffsets puts the progress of a consumer's group into the transaction. If the coordinator of the group is away it
// waits for longer than its timeout, and may go on when the coordinator is back, for good: see
// https://github.com/confluentinc/librdkafka/issues/5456.
func (p *Producer) SendOffsets(progress *Progress, timeoutMS int) error {
	return taken(C.rd_kafka_send_offsets_to_transaction(p.rk, progress.offsets, progress.group, C.int(timeoutMS)))
}

// CommitTransaction delivers what was produced and commits it together with the positions.
func (p *Producer) CommitTransaction(timeoutMS int) error {
	return taken(C.rd_kafka_commit_transaction(p.rk, C.int(timeoutMS)))
}

// AbortTransaction drops what was produced since the transaction began. Messages that were on their way count as lost.
func (p *Producer) AbortTransaction(timeoutMS int) error {
	return taken(C.rd_kafka_abort_transaction(p.rk, C.int(timeoutMS)))
}
