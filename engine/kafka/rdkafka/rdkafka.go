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

typedef struct rd_kafka_vu_s {
	int vtype;
	union {
		const char *cstr;
		rd_kafka_topic_t *rkt;
		int i;
		int32_t i32;
		int64_t i64;
		struct { void *ptr; size_t size; } mem;
		struct { const char *name; const void *val; ssize_t size; } header;
		rd_kafka_headers_t *headers;
		void *ptr;
		char _pad[64];
	} u;
} rd_kafka_vu_t;

extern int rd_kafka_version(void);
extern const char *rd_kafka_name(const rd_kafka_t *rk);
extern rd_kafka_queue_t *rd_kafka_queue_new(rd_kafka_t *rk);
extern void rd_kafka_queue_destroy(rd_kafka_queue_t *q);
extern rd_kafka_queue_t *rd_kafka_queue_get_partition(rd_kafka_t *rk, const char *topic, int32_t partition);
extern void rd_kafka_queue_forward(rd_kafka_queue_t *src, rd_kafka_queue_t *dst);
extern rd_kafka_message_t *rd_kafka_consume_queue(rd_kafka_queue_t *q, int timeout_ms);
extern ssize_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *q, int timeout_ms, rd_kafka_message_t **messages, size_t size);
extern void rd_kafka_message_destroy(rd_kafka_message_t *message);
extern int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *message, int *type);
extern int rd_kafka_message_headers(const rd_kafka_message_t *message, rd_kafka_headers_t **headers);
extern int rd_kafka_header_get_all(const rd_kafka_headers_t *headers, size_t i, const char **name, const void **value, size_t *size);
extern rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *rk, const char *topic, void *conf);
extern void rd_kafka_topic_destroy(rd_kafka_topic_t *topic);
extern rd_kafka_error_t *rd_kafka_produceva(rd_kafka_t *rk, const rd_kafka_vu_t *vus, size_t count);
extern int rd_kafka_error_code(const rd_kafka_error_t *error);
extern void rd_kafka_error_destroy(rd_kafka_error_t *error);
extern int rd_kafka_flush(rd_kafka_t *rk, int timeout_ms);
extern const char *rd_kafka_err2str(int err);

enum { V_END, V_TOPIC, V_RKT, V_PARTITION, V_VALUE, V_KEY, V_OPAQUE, V_MSGFLAGS, V_TIMESTAMP };
enum { MSG_F_COPY = 2 };

// forward sends the records of a partition to a queue. It must be called before the partition is assigned.
static void forward(rd_kafka_t *rk, rd_kafka_queue_t *to, const char *topic, int32_t partition) {
	rd_kafka_queue_t *from = rd_kafka_queue_get_partition(rk, topic, partition);
	if (!from)
		return;
	rd_kafka_queue_forward(from, to);
	rd_kafka_queue_destroy(from);
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

// produce hands over messages from..n and returns the index of the first that was not taken, with the reason in err.
static int produce(rd_kafka_t *rk, rd_kafka_topic_t *rkt, char *keys, const int32_t *key_ends, const uint8_t *key_null,
		char *values, const int32_t *value_ends, const uint8_t *value_null, const int64_t *times, int from, int n, int *err) {
	static char empty;
	rd_kafka_vu_t vus[5];
	memset(vus, 0, sizeof vus);
	vus[0].vtype = V_RKT;
	vus[0].u.rkt = rkt;
	vus[1].vtype = V_MSGFLAGS;
	vus[1].u.i = MSG_F_COPY;
	vus[2].vtype = V_KEY;
	vus[3].vtype = V_VALUE;
	vus[4].vtype = V_TIMESTAMP;
	*err = 0;
	for (int i = from; i < n; i++) {
		int32_t key = i ? key_ends[i - 1] : 0, value = i ? value_ends[i - 1] : 0;
		vus[2].u.mem.size = key_ends[i] - key;
		vus[2].u.mem.ptr = key_null && key_null[i] ? NULL : vus[2].u.mem.size ? keys + key : &empty;
		vus[3].u.mem.size = value_ends[i] - value;
		vus[3].u.mem.ptr = value_null && value_null[i] ? NULL : vus[3].u.mem.size ? values + value : &empty;
		vus[4].u.i64 = times[i] < 0 ? 0 : times[i];
		rd_kafka_error_t *error = rd_kafka_produceva(rk, vus, 5);
		if (error) {
			*err = rd_kafka_error_code(error);
			rd_kafka_error_destroy(error);
			return i;
		}
	}
	return n;
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

// Client is the librdkafka instance inside a client of confluent-kafka-go.
type Client struct{ rk *C.rd_kafka_t }

// For returns the instance inside a *kafka.Consumer or *kafka.Producer, whose name must be its String.
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

// Flush waits until every message is delivered or failed for good, at most timeout ms. It tells whether that is so.
func (c *Client) Flush(timeoutMS int) bool { return C.rd_kafka_flush(c.rk, C.int(timeoutMS)) == 0 }

// Topic is a topic to produce to.
type Topic struct {
	client *Client
	rkt    *C.rd_kafka_topic_t
}

// Topic returns a topic, nil if its name is not valid. Close it before the client.
func (c *Client) Topic(name string) *Topic {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	rkt := C.rd_kafka_topic_new(c.rk, cname, nil)
	if rkt == nil {
		return nil
	}
	return &Topic{c, rkt}
}

// Close frees the topic.
func (t *Topic) Close() { C.rd_kafka_topic_destroy(t.rkt) }

// Produce hands over the messages from an index on; they are copied. It returns the index of the first message that
// librdkafka did not take, with its error code, or the number of messages. Headers are not written.
func (t *Topic) Produce(m *record.Messages, from int) (next, code int) {
	if from == m.Len() {
		return from, 0
	}
	var err C.int
	n := C.produce(t.client.rk, t.rkt,
		(*C.char)(unsafe.Pointer(unsafe.SliceData(m.Keys.Data))), (*C.int32_t)(&m.Keys.Ends[0]), flags(m.Keys.Null),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(m.Values.Data))), (*C.int32_t)(&m.Values.Ends[0]), flags(m.Values.Null),
		(*C.int64_t)(&m.Times[0]), C.int(from), C.int(m.Len()), &err)
	return int(n), int(err)
}

func flags(null []bool) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(null)))
}

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

// ErrorText returns librdkafka's description of an error code.
func ErrorText(code int) string { return C.GoString(C.rd_kafka_err2str(C.int(code))) }
