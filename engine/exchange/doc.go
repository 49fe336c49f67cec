// Package exchange is the format in which rows travel through a repartition topic: one Kafka record carries a block of many
// rows, with each row's time, watermark and offset, so that the stage that reads them need not guess any.
//
// It turns blocks into bytes and back and knows neither Kafka nor what keys and values mean. The task that re-keys rows
// writes blocks; the one that reads a repartition topic decodes them.
package exchange
