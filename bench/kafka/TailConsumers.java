import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Consumers at the tail of a topic, each the only member of its own group, in one JVM: ten JVMs would take from the
 * brokers the processor time that the bench wants to see them use. Usage: BOOTSTRAP TOPIC GROUP-PREFIX COUNT. Prints
 * twice a second how many partitions they have, and how many records and bytes they have read; ends, leaving the
 * groups, when it is told anything on its input.
 */
public class TailConsumers {
    private static final AtomicInteger PARTITIONS = new AtomicInteger();
    private static final AtomicLong RECORDS = new AtomicLong();
    private static final AtomicLong BYTES = new AtomicLong();
    private static volatile boolean isOver = false;

    public static void main(String[] args) throws Exception {
        List<Thread> threads = IntStream.range(0, Integer.parseInt(args[3]))
                .mapToObj(index -> new Thread(() -> consume(args[0], args[1], args[2] + "-" + index)))
                .toList();
        for (Thread thread : threads) thread.start();
        while (System.in.available() == 0 && !isOver) {
            System.out.println(PARTITIONS + " partitions, " + RECORDS + " records, " + BYTES + " bytes");
            Thread.sleep(500);
        }
        isOver = true;
        for (Thread thread : threads) thread.join();
    }

    private static void consume(String bootstrap, String topic, String group) {
        Map<String, Object> config = Map.of(
                "bootstrap.servers", bootstrap, "group.id", group, "auto.offset.reset", "latest");
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                @Override
                public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                    PARTITIONS.addAndGet(partitions.size());
                }

                @Override
                public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                    PARTITIONS.addAndGet(-partitions.size());
                }
            });
            while (!isOver) {
                long bytes = 0;
                int records = 0;
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    bytes += record.serializedValueSize();
                    records++;
                }
                BYTES.addAndGet(bytes);
                RECORDS.addAndGet(records);
            }
        } catch (Exception failure) {
            failure.printStackTrace();
            System.exit(1);
        }
    }
}
