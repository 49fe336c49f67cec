import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;

/**
 * Kafka Streams on the benchmark's tasks: reads the topic $IN and writes the topic $OUT on $BROKERS until it is told to stop.
 * Arguments: the task (map, win or kept), the processing guarantee, and a directory for the state.
 */
public final class Peer {
  static final Serde<byte[]> BYTES = Serdes.ByteArray();

  private Peer() {}

  public static void main(String[] args) {
    String in = System.getenv("IN");
    String out = System.getenv("OUT");
    StreamsBuilder builder = new StreamsBuilder();
    KStream<byte[], byte[]> readings = builder.stream(in, Consumed.with(BYTES, BYTES));
    results(args[0], builder, readings).to(out, Produced.with(BYTES, BYTES));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings(out, args[1], args[2]));
    streams.setStateListener((now, before) -> System.out.println(System.currentTimeMillis() + " " + now));
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  private static KStream<byte[], byte[]> results(String task, StreamsBuilder builder, KStream<byte[], byte[]> readings) {
    return switch (task) {
      case "map" -> Heat.index(readings);
      case "win" -> Means.windowed(readings);
      case "kept" -> Kept.last(builder, readings);
      default -> throw new IllegalArgumentException("no task " + task);
    };
  }

  /** Commits each second, as ours does; a thread for each core; a static member, which its successor replaces at once. */
  private static Properties settings(String id, String guarantee, String stateDir) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, id);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("BROKERS"));
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, guarantee);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Runtime.getRuntime().availableProcessors());
    settings.put(StreamsConfig.STATE_DIR_CONFIG, stateDir);
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    settings.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, "bench");
    return settings;
  }
}
