package rdkafka

/*
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

// Prototypes of librdkafka 2.15 (rdkafka.h); the library itself is linked by confluent-kafka-go.
typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_event_s rd_kafka_event_t;
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
		rd_kafka_topic_t *rkt;
		int i;
		int64_t i64;
		struct { void *ptr; size_t size; } mem;
		rd_kafka_headers_t *headers;
		void *ptr;
		char _pad[64];
	} u;
} rd_kafka_vu_t;

extern rd_kafka_conf_t *rd_kafka_conf_new(void);
extern void rd_kafka_conf_destroy(rd_kafka_conf_t *conf);
extern int rd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char *errstr, size_t size);
extern void rd_kafka_conf_set_events(rd_kafka_conf_t *conf, int events);
extern rd_kafka_t *rd_kafka_new(int type, rd_kafka_conf_t *conf, char *errstr, size_t size);
extern void rd_kafka_destroy(rd_kafka_t *rk);
extern int rd_kafka_set_log_queue(rd_kafka_t *rk, rd_kafka_queue_t *q);
extern rd_kafka_queue_t *rd_kafka_queue_get_main(rd_kafka_t *rk);
extern void rd_kafka_queue_destroy(rd_kafka_queue_t *q);
extern void rd_kafka_queue_yield(rd_kafka_queue_t *q);
extern rd_kafka_event_t *rd_kafka_queue_poll(rd_kafka_queue_t *q, int timeout_ms);
extern int rd_kafka_event_type(const rd_kafka_event_t *event);
extern const rd_kafka_message_t *rd_kafka_event_message_next(rd_kafka_event_t *event);
extern int rd_kafka_event_error(rd_kafka_event_t *event);
extern const char *rd_kafka_event_error_string(rd_kafka_event_t *event);
extern int rd_kafka_event_error_is_fatal(rd_kafka_event_t *event);
extern int rd_kafka_event_log(rd_kafka_event_t *event, const char **fac, const char **str, int *level);
extern void rd_kafka_event_destroy(rd_kafka_event_t *event);
extern int rd_kafka_fatal_error(rd_kafka_t *rk, char *errstr, size_t size);
extern rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *rk, const char *topic, void *conf);
extern void rd_kafka_topic_destroy(rd_kafka_topic_t *topic);
extern const char *rd_kafka_topic_name(const rd_kafka_topic_t *topic);
extern rd_kafka_error_t *rd_kafka_produceva(rd_kafka_t *rk, const rd_kafka_vu_t *vus, size_t count);
extern int rd_kafka_error_code(const rd_kafka_error_t *error);
extern void rd_kafka_error_destroy(rd_kafka_error_t *error);
extern rd_kafka_headers_t *rd_kafka_headers_new(size_t count);
extern void rd_kafka_headers_destroy(rd_kafka_headers_t *headers);
extern int rd_kafka_header_add(rd_kafka_headers_t *headers, const char *name, ssize_t name_size, const void *value, ssize_t value_size);
extern int rd_kafka_flush(rd_kafka_t *rk, int timeout_ms);
extern const char *rd_kafka_err2str(int err);

enum { PRODUCER = 0, EVENT_DR = 0x1, EVENT_LOG = 0x4, EVENT_ERROR = 0x8 };
enum { V_RKT = 2, V_PARTITION = 3, V_VALUE = 4, V_KEY = 5, V_OPAQUE = 6, V_MSGFLAGS = 7, V_TIMESTAMP = 8, V_HEADERS = 10, MSG_F_COPY = 2, BY_KEY = -1 };

// losses counts the messages that failed for good and keeps the first. The serving thread writes it.
typedef struct losses_s {
	_Atomic int64_t count;
	int err;
	char topic[256];
} losses_t;

static void account(losses_t *losses, rd_kafka_event_t *event) {
	const rd_kafka_message_t *message;
	while ((message = rd_kafka_event_message_next(event))) {
		if (!message->err)
			continue;
		if (losses->count == 0) {
			losses->err = message->err;
			strncpy(losses->topic, rd_kafka_topic_name(message->rkt), sizeof losses->topic - 1);
		}
		losses->count++;
	}
}

// serve takes delivery reports for at most timeout ms after the last one, and returns any other event.
static rd_kafka_event_t *serve(rd_kafka_queue_t *q, losses_t *losses, int timeout_ms) {
	rd_kafka_event_t *event;
	while ((event = rd_kafka_queue_poll(q, timeout_ms))) {
		if (rd_kafka_event_type(event) != EVENT_DR)
			return event;
		account(losses, event);
		rd_kafka_event_destroy(event);
	}
	return NULL;
}

static int64_t lost(losses_t *losses) { return losses->count; }

// produce hands over messages from..n and returns the index of the first that was not taken, with the reason in err.
// headers are those of message from, if there are any. Without partitions each message goes to its key's. opaque, if there
// is one, is what the interceptor finds with each message.
static int produce(rd_kafka_t *rk, rd_kafka_topic_t *rkt, void *opaque, rd_kafka_headers_t *headers,
		char *keys, const int32_t *key_ends, const uint8_t *key_null,
		char *values, const int32_t *value_ends, const uint8_t *value_null, const int64_t *times,
		const int32_t *partitions, int from, int n, int *err) {
	static char empty;
	rd_kafka_vu_t vus[8];
	size_t count = 6;
	memset(vus, 0, sizeof vus);
	vus[0].vtype = V_RKT;
	vus[0].u.rkt = rkt;
	vus[1].vtype = V_MSGFLAGS;
	vus[1].u.i = MSG_F_COPY;
	vus[2].vtype = V_KEY;
	vus[3].vtype = V_VALUE;
	vus[4].vtype = V_TIMESTAMP;
	vus[5].vtype = V_PARTITION;
	if (headers) {
		vus[count].vtype = V_HEADERS;
		vus[count++].u.headers = headers;
	}
	if (opaque) {
		vus[count].vtype = V_OPAQUE;
		vus[count++].u.ptr = opaque;
	}
	*err = 0;
	for (int i = from; i < n; i++) {
		int32_t key = i ? key_ends[i - 1] : 0, value = i ? value_ends[i - 1] : 0;
		vus[2].u.mem.size = key_ends[i] - key;
		vus[2].u.mem.ptr = key_null && key_null[i] ? NULL : vus[2].u.mem.size ? keys + key : &empty;
		vus[3].u.mem.size = value_ends[i] - value;
		vus[3].u.mem.ptr = value_null && value_null[i] ? NULL : vus[3].u.mem.size ? values + value : &empty;
		vus[4].u.i64 = times[i] < 0 ? 0 : times[i];
		vus[5].u.i = partitions ? partitions[i] : BY_KEY;
		rd_kafka_error_t *error = rd_kafka_produceva(rk, vus, count);
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
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/pyudf/pyudf/engine/record"
)

// Producer is a producer of librdkafka's own. The Go client's tells of lost messages only together with a report of
// each delivered one, which costs more than the delivery; this one counts them in C.
type Producer struct {
	rk     *C.rd_kafka_t
	queue  *C.rd_kafka_queue_t
	losses *C.losses_t
}

// NewProducer creates a producer with librdkafka's settings. Serve must be called until it is closed.
func NewProducer(settings map[string]string) (*Producer, error) {
	const size = 512
	errstr := (*C.char)(C.calloc(1, size))
	defer C.free(unsafe.Pointer(errstr))
	conf := C.rd_kafka_conf_new()
	C.rd_kafka_conf_set_events(conf, C.EVENT_DR|C.EVENT_LOG|C.EVENT_ERROR)
	for name, value := range settings {
		if !setting(conf, name, value, errstr, size) {
			C.rd_kafka_conf_destroy(conf)
			return nil, fmt.Errorf("%s=%s: %s", name, value, C.GoString(errstr))
		}
	}
	if err := intercept(conf); err != nil {
		C.rd_kafka_conf_destroy(conf)
		return nil, err
	}
	rk := C.rd_kafka_new(C.PRODUCER, conf, errstr, size)
	if rk == nil {
		C.rd_kafka_conf_destroy(conf)
		return nil, errors.New(C.GoString(errstr))
	}
	C.rd_kafka_set_log_queue(rk, nil)
	return &Producer{
		rk:     rk,
		queue:  C.rd_kafka_queue_get_main(rk),
		losses: (*C.losses_t)(C.calloc(1, C.sizeof_losses_t)),
	}, nil
}

func setting(conf *C.rd_kafka_conf_t, name, value string, errstr *C.char, size C.size_t) bool {
	cname, cvalue := C.CString(name), C.CString(value)
	defer C.free(unsafe.Pointer(cname))
	defer C.free(unsafe.Pointer(cvalue))
	return C.rd_kafka_conf_set(conf, cname, cvalue, errstr, size) == 0
}

// Close frees the producer. Messages that were not flushed are lost. REQUIRES: Serve is not called any more.
func (p *Producer) Close() {
	C.rd_kafka_queue_destroy(p.queue)
	C.rd_kafka_destroy(p.rk)
	C.free(unsafe.Pointer(p.losses))
}

// Wake has the call of Serve that is under way, or else the next one, return at once.
func (p *Producer) Wake() { C.rd_kafka_queue_yield(p.queue) }

// Event is what librdkafka reports: a log line if Log is set, else an error.
type Event struct {
	Log   bool
	Code  int
	Fatal bool
	Text  string
}

// Serve handles reports of lost messages until there was none for timeout ms, or something else was reported: then it returns
// that, else nil.
func (p *Producer) Serve(timeoutMS int) *Event {
	event := C.serve(p.queue, p.losses, C.int(timeoutMS))
	if event == nil {
		return nil
	}
	defer C.rd_kafka_event_destroy(event)
	if C.rd_kafka_event_type(event) == C.EVENT_LOG {
		var fac, text *C.char
		var level C.int
		C.rd_kafka_event_log(event, &fac, &text, &level)
		return &Event{Log: true, Text: C.GoString(fac) + ": " + C.GoString(text)}
	}
	out := &Event{
		Code:  int(C.rd_kafka_event_error(event)),
		Text:  C.GoString(C.rd_kafka_event_error_string(event)),
		Fatal: C.rd_kafka_event_error_is_fatal(event) != 0,
	}
	if fatal := p.FatalError(); out.Fatal && fatal != nil {
		out.Code, out.Text = fatal.Code, fatal.Text
	}
	return out
}

// FatalError returns the error that made the producer useless, nil if it is not.
func (p *Producer) FatalError() *Error {
	var errstr [512]C.char
	code := int(C.rd_kafka_fatal_error(p.rk, &errstr[0], C.size_t(len(errstr))))
	if code == 0 {
		return nil
	}
	return &Error{Code: code, Text: C.GoString(&errstr[0]), Fatal: true}
}

// Lost returns how many messages failed for good, and topic and error code of the first.
func (p *Producer) Lost() (count int64, topic string, code int) {
	count = int64(C.lost(p.losses))
	if count == 0 {
		return 0, "", 0
	}
	return count, C.GoString(&p.losses.topic[0]), int(p.losses.err)
}

// Flush waits until every message is delivered or lost, at most timeout ms, and tells whether that is so. Lost is
// complete then. Serve must go on meanwhile.
func (p *Producer) Flush(timeoutMS int) bool { return C.rd_kafka_flush(p.rk, C.int(timeoutMS)) == 0 }

// Topic is a topic to produce to.
type Topic struct {
	producer *Producer
	rkt      *C.rd_kafka_topic_t
	offsets  *Offsets
}

// Topic returns a topic, whose messages are noted in offsets when they are delivered, unless that is nil. Close it before
// the producer.
func (p *Producer) Topic(name string, offsets *Offsets) (*Topic, error) {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	rkt := C.rd_kafka_topic_new(p.rk, cname, nil)
	if rkt == nil {
		return nil, fmt.Errorf("%q is no valid name of a topic", name)
	}
	return &Topic{p, rkt, offsets}, nil
}

// Close frees the topic.
func (t *Topic) Close() { C.rd_kafka_topic_destroy(t.rkt) }

// Produce hands over the messages from an index on; they are copied. It returns the index of the first message that
// librdkafka did not take, with its error code, or the number of messages and 0.
func (t *Topic) Produce(m *record.Messages, from int) (next, code int) {
	if m.Headers == nil {
		return t.produce(m, nil, from, m.Len())
	}
	for i := from; i < m.Len(); i++ {
		headers := newHeaders(m.Headers[i])
		if next, code := t.produce(m, headers, i, i+1); code != 0 {
			if headers != nil {
				C.rd_kafka_headers_destroy(headers)
			}
			return next, code
		}
	}
	return m.Len(), 0
}

func (t *Topic) produce(m *record.Messages, headers *C.rd_kafka_headers_t, from, to int) (next, code int) {
	if from == to {
		return from, 0
	}
	var err C.int
	var opaque unsafe.Pointer
	if t.offsets != nil {
		opaque = unsafe.Pointer(t.offsets.c)
	}
	n := C.produce(t.producer.rk, t.rkt, opaque, headers,
		(*C.char)(unsafe.Pointer(unsafe.SliceData(m.Keys.Data))), (*C.int32_t)(&m.Keys.Ends[0]), flags(m.Keys.Null),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(m.Values.Data))), (*C.int32_t)(&m.Values.Ends[0]), flags(m.Values.Null),
		(*C.int64_t)(&m.Times[0]), (*C.int32_t)(unsafe.SliceData(m.Partitions)), C.int(from), C.int(to), &err)
	return int(n), int(err)
}

func flags(null []bool) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(null))) }

// newHeaders returns headers that a successful produce takes over, nil if there are none.
func newHeaders(headers []record.Header) *C.rd_kafka_headers_t {
	if len(headers) == 0 {
		return nil
	}
	out := C.rd_kafka_headers_new(C.size_t(len(headers)))
	for _, h := range headers {
		name := C.CString(h.Key)
		var value unsafe.Pointer
		if h.Value != nil {
			value = C.CBytes(append(slices.Clone(h.Value), 0)) // not NULL even if empty
		}
		C.rd_kafka_header_add(out, name, -1, value, C.ssize_t(len(h.Value)))
		C.free(unsafe.Pointer(name))
		C.free(value)
	}
	return out
}

// ErrorText returns librdkafka's description of an error code.
func ErrorText(code int) string { return C.GoString(C.rd_kafka_err2str(C.int(code))) }
