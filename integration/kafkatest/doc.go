// Package kafkatest gives integration tests what they run against: the embedded broker and a real Kafka, topics of
// their own, records in and out, the pyudf program and a Python interpreter.
//
// A test package calls Main from its TestMain. What is not there (java, the jars, the virtual environment) makes a
// test skip with the reason; with CI=true it makes it fail. It knows nothing of what the tests prove.
package kafkatest
