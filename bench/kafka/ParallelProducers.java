import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.tools.ProducerPerformance;

/**
 * Kafka's own ProducerPerformance several times in one JVM: ten JVMs would take from the brokers the processor time
 * that the bench wants to see them use. Usage: COUNT, then the arguments of ProducerPerformance.
 */
public class ParallelProducers {
    public static void main(String[] args) throws Exception {
        Method start = ProducerPerformance.class.getDeclaredMethod("start", String[].class);
        start.setAccessible(true);
        String[] rest = Arrays.copyOfRange(args, 1, args.length);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(args[0]); i++) {
            Thread thread = new Thread(() -> {
                try {
                    start.invoke(new ProducerPerformance(), (Object) rest.clone());
                } catch (Exception failure) {
                    failure.printStackTrace();
                    System.exit(1);
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) thread.join();
    }
}
