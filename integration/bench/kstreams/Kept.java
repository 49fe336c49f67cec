import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Random;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** The task kept: 100 bytes for each key, replaced by each record, in RocksDB with a changelog; some records are echoed. */
final class Kept implements Processor<byte[], byte[], byte[], byte[]> {
  private static final String STORE = "kept";
  private static final int SIZE = 100;
  /** As in kept.py: nothing on a disk can be made smaller. */
  private static final long STRIDE = 104_729;

  private final byte[] noise = new byte[1 << 20];
  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<byte[], byte[]> store;

  private Kept() {
    new Random(5).nextBytes(noise);
  }

  static KStream<byte[], byte[]> last(StreamsBuilder builder, KStream<byte[], byte[]> records) {
    builder.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Peer.BYTES, Peer.BYTES));
    return records.process(Kept::new, STORE);
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> context) {
    this.context = context;
    store = context.getStateStore(STORE);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    ObjectNode value = Json.object(record.value());
    int at = (int) (value.get("n").asLong() * STRIDE % (noise.length - SIZE));
    store.put(record.key(), Arrays.copyOfRange(noise, at, at + SIZE));
    if (value.get("echo").asInt() == 1) {
      context.forward(record);
    }
  }
}
