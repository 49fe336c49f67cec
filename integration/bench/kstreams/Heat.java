import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.streams.kstream.KStream;

/** The task map: the function of heat.py, in Java, as a field that each reading gains. */
final class Heat {
  private Heat() {}

  static KStream<byte[], byte[]> index(KStream<byte[], byte[]> readings) {
    return readings.mapValues(value -> {
      ObjectNode reading = Json.object(value);
      reading.put("heat_index", index(reading.get("temp_f").asDouble(), reading.get("rh").asDouble()));
      return Json.text(reading);
    });
  }

  private static double index(double f, double rh) {
    double simple = 0.5 * (f + 61.0 + (f - 68.0) * 1.2 + rh * 0.094);
    if ((simple + f) / 2 < 80.0) {
      return simple;
    }
    double full = -42.379 + 2.04901523 * f + 10.14333127 * rh - 0.22475541 * f * rh - 6.83783e-3 * f * f
        - 5.481717e-2 * rh * rh + 1.22874e-3 * f * f * rh + 8.5282e-4 * f * rh * rh - 1.99e-6 * f * f * rh * rh;
    if (rh < 13 && f >= 80 && f <= 112) {
      return full - (13 - rh) / 4 * Math.sqrt((17 - Math.abs(f - 95)) / 17);
    }
    if (rh > 85 && f >= 80 && f <= 87) {
      return full + (rh - 85) / 10 * ((87 - f) / 5);
    }
    return full;
  }
}
