import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes 0, 1, 2, … to every partition, one record each 10 ms, with Kafka's own client as its defaults make it
 * (idempotent, acks=all), and prints each acknowledgement: partition, place, milliseconds of a clock that never goes
 * back. Ends, with everything sent and acknowledged, once its input does.
 *   AckedWrites BOOTSTRAP TOPIC PARTITIONS
 */
public class AckedWrites {
    private static final int PERIOD_MS = 10;

    public static void main(String[] args) throws Exception {
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        boolean[] isToEnd = {false};
        Thread input = new Thread(() -> {
            try {
                while (new BufferedReader(new InputStreamReader(System.in)).readLine() != null) {}
            } catch (java.io.IOException ended) {
                // Whoever started this is gone: an end like any other.
            }
            synchronized (isToEnd) {
                isToEnd[0] = true;
                isToEnd.notifyAll();
            }
        });
        input.setDaemon(true);
        input.start();
        Map<String, Object> config = Map.of("bootstrap.servers", args[0], "client.id", "acked-writes");
        StringSerializer strings = new StringSerializer();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config, strings, strings)) {
            long next = System.nanoTime();
            for (int place = 0; ; place++) {
                for (int partition = 0; partition < partitions; partition++) {
                    send(producer, topic, partition, place, out);
                }
                next += PERIOD_MS * 1_000_000L;
                long waitMs = Math.max(1, (next - System.nanoTime()) / 1_000_000L);
                synchronized (isToEnd) {
                    if (isToEnd[0]) break;
                    isToEnd.wait(waitMs);
                }
            }
            producer.flush();
        }
    }

    private static void send(KafkaProducer<String, String> producer, String topic, int partition, int place,
            PrintStream out) {
        Header header = new RecordHeader("n", Integer.toString(place).getBytes(StandardCharsets.UTF_8));
        String value = partition + ":" + place;
        ProducerRecord<String, String> written =
                new ProducerRecord<>(topic, partition, null, null, value, List.of(header));
        producer.send(written, (metadata, fault) -> {
            if (fault == null) out.println(partition + " " + place + " " + System.nanoTime() / 1e6);
            else out.println("fault " + partition + " " + place + " " + fault);
        });
    }
}
