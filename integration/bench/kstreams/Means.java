import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;

/** The task win: count and mean of each station in windows of 10 s, one result each, when the window closes. */
final class Means {
  private Means() {}

  static KStream<byte[], byte[]> windowed(KStream<byte[], byte[]> readings) {
    return readings
        .mapValues(value -> sums(1, Json.object(value).get("temp_f").asDouble()))
        .groupByKey(Grouped.with(Peer.BYTES, Peer.BYTES))
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofSeconds(10)))
        .reduce(Means::added, Materialized.with(Peer.BYTES, Peer.BYTES))
        .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
        .toStream()
        .map((window, sums) -> KeyValue.pair(window.key(), result(window.window().start(), ByteBuffer.wrap(sums))));
  }

  /** Count and sum, in 16 bytes. */
  private static byte[] sums(long count, double sum) {
    return ByteBuffer.allocate(16).putLong(count).putDouble(sum).array();
  }

  private static byte[] added(byte[] a, byte[] b) {
    ByteBuffer x = ByteBuffer.wrap(a);
    ByteBuffer y = ByteBuffer.wrap(b);
    return sums(x.getLong(0) + y.getLong(0), x.getDouble(8) + y.getDouble(8));
  }

  private static byte[] result(long start, ByteBuffer sums) {
    ObjectNode result = Json.object();
    result.put("window_start", start);
    result.put("n", sums.getLong(0));
    result.put("mean", sums.getDouble(8) / sums.getLong(0));
    return Json.text(result);
  }
}
