package rdkafka

/*
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

// Prototypes of librdkafka 2.15 (rdkafka.h); the library itself is linked by confluent-kafka-go.
typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_headers_s rd_kafka_headers_t;
typedef struct rd_kafka_error_s rd_kafka_error_t;
typedef struct rd_kafka_topic_partition_s rd_kafka_topic_partition_t;
typedef struct rd_kafka_topic_partition_list_s rd_kafka_topic_partition_list_t;

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

extern int rd_kafka_version(void);
extern const char *rd_kafka_name(const rd_kafka_t *rk);
extern char *rd_kafka_memberid(const rd_kafka_t *rk);
extern void rd_kafka_mem_free(rd_kafka_t *rk, void *ptr);
extern int rd_kafka_fatal_error(rd_kafka_t *rk, char *errstr, size_t size);
extern rd_kafka_queue_t *rd_kafka_queue_new(rd_kafka_t *rk);
extern void rd_kafka_queue_destroy(rd_kafka_queue_t *q);
extern rd_kafka_queue_t *rd_kafka_queue_get_consumer(rd_kafka_t *rk);
extern void rd_kafka_queue_yield(rd_kafka_queue_t *q);
extern rd_kafka_queue_t *rd_kafka_queue_get_partition(rd_kafka_t *rk, const char *topic, int32_t partition);
extern void rd_kafka_queue_forward(rd_kafka_queue_t *src, rd_kafka_queue_t *dst);
extern rd_kafka_message_t *rd_kafka_consume_queue(rd_kafka_queue_t *q, int timeout_ms);
extern ssize_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *q, int timeout_ms, rd_kafka_message_t **messages, size_t size);
extern void rd_kafka_message_destroy(rd_kafka_message_t *message);
extern int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *message, int *type);
extern int rd_kafka_message_headers(const rd_kafka_message_t *message, rd_kafka_headers_t **headers);
extern int rd_kafka_header_get_all(const rd_kafka_headers_t *headers, size_t i, const char **name, const void **value, size_t *size);
extern rd_kafka_topic_partition_list_t *rd_kafka_topic_partition_list_new(int size);
extern rd_kafka_topic_partition_t *rd_kafka_topic_partition_list_add(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition);
extern int rd_kafka_topic_partition_list_set_offset(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition, int64_t offset);
extern void rd_kafka_topic_partition_list_destroy(rd_kafka_topic_partition_list_t *list);
extern rd_kafka_error_t *rd_kafka_incremental_assign(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *partitions);
extern rd_kafka_error_t *rd_kafka_incremental_unassign(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *partitions);

// assign adds a partition to what a consumer reads, from an offset on.
static rd_kafka_error_t *assign(rd_kafka_t *rk, const char *topic, int32_t partition, int64_t offset) {
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, partition);
	rd_kafka_topic_partition_list_set_offset(list, topic, partition, offset);
	rd_kafka_error_t *error = rd_kafka_incremental_assign(rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return error;
}

// unassign takes partitions from what a consumer reads.
static rd_kafka_error_t *unassign(rd_kafka_t *rk, const char *topic, const int32_t *partitions, int n) {
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
	for (int i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, topic, partitions[i]);
	rd_kafka_error_t *error = rd_kafka_incremental_unassign(rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return error;
}

// forward sends the records of a partition to a queue. It must be called before the partition is assigned.
static void forward(rd_kafka_t *rk, rd_kafka_queue_t *to, const char *topic, int32_t partition) {
	rd_kafka_queue_t *from = rd_kafka_queue_get_partition(rk, topic, partition);
	if (!from)
		return;
	rd_kafka_queue_forward(from, to);
	rd_kafka_queue_destroy(from);
}

// wake has who polls the consumer return.
static void wake(rd_kafka_t *rk) {
	rd_kafka_queue_t *q = rd_kafka_queue_get_consumer(rk);
	if (!q)
		return;
	rd_kafka_queue_yield(q);
	rd_kafka_queue_destroy(q);
}

// drain waits for one message, then takes what is there. A batch call with a timeout would wait until it is full.
static int drain(rd_kafka_queue_t *q, int timeout_ms, rd_kafka_message_t **messages, int64_t *times, rd_kafka_headers_t **headers, int max) {
	ssize_t n = rd_kafka_consume_batch_queue(q, 0, messages, max);
	if (n <= 0) {
		messages[0] = rd_kafka_consume_queue(q, timeout_ms);
		if (!messages[0])
			return 0;
		n = rd_kafka_consume_batch_queue(q, 0, messages + 1, max - 1);
		n = n < 0 ? 1 : n + 1;
	}
	for (ssize_t i = 0; i < n; i++) {
		int type;
		times[i] = rd_kafka_message_timestamp(messages[i], &type);
		if (messages[i]->err || rd_kafka_message_headers(messages[i], &headers[i]))
			headers[i] = NULL;
	}
	return (int)n;
}

static void destroy(rd_kafka_message_t **messages, int n) {
	for (int i = 0; i < n; i++)
		rd_kafka_message_destroy(messages[i]);
}
*/
import "C"

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/pyudf/pyudf/engine/record"
)

// version is librdkafka's version that the prototypes above were taken from.
const version = 0x020f00ff

// Client is the librdkafka instance inside a consumer of confluent-kafka-go.
type Client struct{ rk *C.rd_kafka_t }

// For returns the instance inside a *kafka.Consumer, whose name must be its String.
func For(client fmt.Stringer) (*Client, error) {
	if v := int(C.rd_kafka_version()); v != version {
		return nil, fmt.Errorf("librdkafka has version %#x, %#x is known", v, version)
	}
	value := reflect.ValueOf(client)
	if value.Kind() != reflect.Pointer || value.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("%T is no client", client)
	}
	handle := value.Elem().FieldByName("handle")
	if !handle.IsValid() || handle.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%T has no handle", client)
	}
	rk := handle.FieldByName("rk")
	if !rk.IsValid() || rk.Kind() != reflect.Pointer || !strings.Contains(rk.Type().String(), "rd_kafka_s") {
		return nil, fmt.Errorf("the handle of %T has no librdkafka instance", client)
	}
	c := &Client{rk: (*C.rd_kafka_t)(rk.UnsafePointer())}
	if name := C.GoString(C.rd_kafka_name(c.rk)); name != client.String() {
		return nil, fmt.Errorf("the instance in %s is named %s", client, name)
	}
	return c, nil
}

// Assign adds a partition to what the consumer reads, from an offset on. Any goroutine may call it, which the Go client's own
// call does not allow while the client is polled.
func (c *Client) Assign(topic string, partition int32, offset int64) error {
	ctopic := C.CString(topic)
	defer C.free(unsafe.Pointer(ctopic))
	return taken(C.assign(c.rk, ctopic, C.int32_t(partition), C.int64_t(offset)))
}

// Unassign takes partitions from what the consumer reads. Any goroutine may call it. While a rebalance waits for partitions to
// be given up, it takes the call for the answer.
func (c *Client) Unassign(topic string, partitions []int32) error {
	if len(partitions) == 0 {
		return nil
	}
	ctopic := C.CString(topic)
	defer C.free(unsafe.Pointer(ctopic))
	return taken(C.unassign(c.rk, ctopic, (*C.int32_t)(&partitions[0]), C.int(len(partitions))))
}

// MemberID returns the id that the group has for the consumer, empty if it has none. REQUIRES: the consumer is not closed.
func (c *Client) MemberID() string {
	id := C.rd_kafka_memberid(c.rk)
	if id == nil {
		return ""
	}
	defer C.rd_kafka_mem_free(c.rk, unsafe.Pointer(id))
	return C.GoString(id)
}

// Wake has the poll of the consumer that is under way, or else the next one, return at once. REQUIRES: the consumer is not closed.
func (c *Client) Wake() { C.wake(c.rk) }

// Failed tells whether something happened that the consumer cannot go on after.
func (c *Client) Failed() bool { return C.rd_kafka_fatal_error(c.rk, nil, 0) != 0 }

// Queue is a queue that records of partitions are forwarded to. One goroutine uses it.
type Queue struct {
	client   *Client
	queue    *C.rd_kafka_queue_t
	messages []*C.rd_kafka_message_t
	times    []C.int64_t
	headers  []*C.rd_kafka_headers_t
}

// NewQueue returns a queue that gives at most size messages at a time. Close it before the client.
func (c *Client) NewQueue(size int) *Queue {
	return &Queue{
		client:   c,
		queue:    C.rd_kafka_queue_new(c.rk),
		messages: make([]*C.rd_kafka_message_t, size),
		times:    make([]C.int64_t, size),
		headers:  make([]*C.rd_kafka_headers_t, size),
	}
}

// Close frees the queue.
func (q *Queue) Close() { C.rd_kafka_queue_destroy(q.queue) }

// Forward sends the records of a partition to this queue. REQUIRES: the partition is not assigned yet.
func (q *Queue) Forward(topic string, partition int32) {
	ctopic := C.CString(topic)
	defer C.free(unsafe.Pointer(ctopic))
	C.forward(q.client.rk, q.queue, ctopic, C.int32_t(partition))
}

// Message is a message that Drain visits. Its bytes are valid during the visit.
type Message struct {
	Partition int32
	Offset    int64
	Time      int64
	// Err is librdkafka's error code: then the message is an event of the partition and Value says more.
	Err        int
	Key, Value []byte
	Headers    []record.Header
}

// Drain waits at most timeout ms for a message and visits all that are there, in order. It returns how many.
func (q *Queue) Drain(timeoutMS int, visit func(m *Message)) int {
	n := int(C.drain(q.queue, C.int(timeoutMS), &q.messages[0], &q.times[0], &q.headers[0], C.int(len(q.messages))))
	if n == 0 {
		return 0
	}
	defer C.destroy(&q.messages[0], C.int(n))
	var m Message
	for i, c := range q.messages[:n] {
		m = Message{
			Partition: int32(c.partition),
			Offset:    int64(c.offset),
			Time:      int64(q.times[i]),
			Err:       int(c.err),
			Key:       bytesOf(c.key, c.key_len),
			Value:     bytesOf(c.payload, c.len),
		}
		if q.headers[i] != nil {
			m.Headers = headersOf(q.headers[i])
		}
		visit(&m)
	}
	return n
}

// bytesOf returns C memory as a slice, nil for NULL.
func bytesOf(data unsafe.Pointer, size C.size_t) []byte {
	if data == nil {
		return nil
	}
	return unsafe.Slice((*byte)(data), int(size))
}

func headersOf(headers *C.rd_kafka_headers_t) []record.Header {
	var out []record.Header
	var name *C.char
	var value unsafe.Pointer
	var size C.size_t
	for C.rd_kafka_header_get_all(headers, C.size_t(len(out)), &name, &value, &size) == 0 {
		header := record.Header{Key: C.GoString(name)}
		if value != nil {
			header.Value = C.GoBytes(value, C.int(size))
		}
		out = append(out, header)
	}
	return out
}
