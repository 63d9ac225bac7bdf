import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A steady produce with acks=all and a consumer of it in one JVM, so that one clock tells how long a record takes from
 * the call that produces it until the poll that returns it. Usage: BOOTSTRAP TOPIC RATE RECORD-BYTES WARM-UP-SECONDS
 * SECONDS. Prints the percentiles of the records after the warm-up; fails unless each record came exactly once.
 */
public class SteadyEndToEnd {
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    private final String bootstrap;
    private final String topic;
    private final int records;
    private final long[] tookNanos;
    private final BitSet seen = new BitSet();
    private int received = 0;
    private volatile long lastSentNanos = Long.MAX_VALUE;

    private SteadyEndToEnd(String bootstrap, String topic, int records) {
        this.bootstrap = bootstrap;
        this.topic = topic;
        this.records = records;
        this.tookNanos = new long[records];
    }

    public static void main(String[] args) throws Exception {
        int rate = Integer.parseInt(args[2]);
        int warmUp = rate * Integer.parseInt(args[4]);
        int records = warmUp + rate * Integer.parseInt(args[5]);
        SteadyEndToEnd run = new SteadyEndToEnd(args[0], args[1], records);
        KafkaConsumer<byte[], byte[]> consumer = run.consumerAtEnd();
        Thread reader = new Thread(() -> run.consume(consumer));
        reader.start();
        run.produce(rate, Integer.parseInt(args[3]));
        reader.join();
        if (run.received != records) {
            System.err.println("received " + run.received + " of " + records + " records");
            System.exit(1);
        }
        long[] measured = Arrays.copyOfRange(run.tookNanos, warmUp, records);
        Arrays.sort(measured);
        System.out.println(measured.length + " records, microseconds: 50th = " + percentile(measured, 0.5)
                + ", 99th = " + percentile(measured, 0.99) + ", 99.9th = " + percentile(measured, 0.999));
        System.exit(0);
    }

    private static long percentile(long[] sorted, double part) {
        return sorted[Math.min(sorted.length - 1, (int) (sorted.length * part))] / 1000;
    }

    private KafkaConsumer<byte[], byte[]> consumerAtEnd() {
        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", bootstrap), new ByteArrayDeserializer(), new ByteArrayDeserializer());
        List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(info -> new TopicPartition(topic, info.partition())).toList();
        consumer.assign(partitions);
        consumer.seekToEnd(partitions);
        // Places are looked up when they are first needed: before the first record is sent.
        for (TopicPartition partition : partitions) consumer.position(partition);
        return consumer;
    }

    private void produce(int rate, int recordBytes) {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", bootstrap, "acks", "all"),
                new ByteArraySerializer(), new ByteArraySerializer())) {
            long start = System.nanoTime();
            for (int i = 0; i < records; i++) {
                long due = start + i * 1_000_000_000L / rate;
                for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                    LockSupport.parkNanos(left);
                }
                byte[] value = new byte[recordBytes];
                ByteBuffer.wrap(value).putInt(i).putLong(System.nanoTime());
                producer.send(new ProducerRecord<>(topic, value), (metadata, failure) -> {
                    if (failure != null) fail(failure);
                });
            }
        }
        lastSentNanos = System.nanoTime();
    }

    private void consume(KafkaConsumer<byte[], byte[]> consumer) {
        while (received < records && System.nanoTime() - PATIENCE_NANOS < lastSentNanos) {
            ConsumerRecords<byte[], byte[]> polled = consumer.poll(Duration.ofMillis(100));
            long now = System.nanoTime();
            for (ConsumerRecord<byte[], byte[]> record : polled) {
                ByteBuffer value = ByteBuffer.wrap(record.value());
                int index = value.getInt();
                if (seen.get(index)) fail(new IllegalStateException("record " + index + " came twice"));
                seen.set(index);
                tookNanos[index] = now - value.getLong();
                received++;
            }
        }
    }

    private static void fail(Exception failure) {
        failure.printStackTrace();
        System.exit(1);
    }
}
