import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.net.Socket;
import java.security.PrivilegedExceptionAction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.HConstants;
import org.apache.hadoop.hbase.LocalHBaseCluster;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptorBuilder;
import org.apache.hadoop.hbase.client.Connection;
import org.apache.hadoop.hbase.client.ConnectionFactory;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hadoop.hbase.client.TableDescriptorBuilder;
import org.apache.hadoop.hbase.security.access.Permission;
import org.apache.hadoop.hbase.security.access.UserPermission;
import org.apache.hadoop.hbase.thrift.ThriftServer;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.hbase.zookeeper.MiniZooKeeperCluster;
import org.apache.hadoop.metrics2.lib.DefaultMetricsSystem;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * ZooKeeper, a master, a region server and Thrift servers in one process, for tests.
 *
 * Arguments: folder and port of ZooKeeper, then PORT[:OPTION...] of each Thrift server (`as=USER` is whom HBase takes it for, else
 * it is the superuser's; the others are its own options). Prints READY, then reads commands, a line
 * each, and answers each with a line, OK or ERR with a reason. Ends with its input. Keys are in Base64.
 */
public final class HBaseUnderTest {
  private final Configuration settings = HBaseConfiguration.create();
  private final Map<String, ThriftServer> thrift = new HashMap<>();
  private Connection connection;
  private Admin admin;

  public static void main(String[] arguments) {
    PrintStream answers = System.out;
    System.setOut(System.err); // whatever a library prints is no answer
    try {
      HBaseUnderTest server = new HBaseUnderTest();
      server.startCluster(new File(arguments[0]), Integer.parseInt(arguments[1]));
      for (String each : Arrays.copyOfRange(arguments, 2, arguments.length)) {
        server.startThrift(each);
      }
      answers.println("READY");
      BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
      for (String line; (line = commands.readLine()) != null; ) {
        answers.println(server.answer(line.trim().split(" ")));
      }
    } catch (Throwable failure) {
      failure.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
    Runtime.getRuntime().halt(0); // an orderly end takes seconds, and nothing is kept
  }

  private void startCluster(File zookeeperFolder, int zookeeperPort) throws Exception {
    DefaultMetricsSystem.setMiniClusterMode(true); // else no two Thrift servers live in one process
    MiniZooKeeperCluster zookeeper = new MiniZooKeeperCluster(settings);
    zookeeper.addClientPort(zookeeperPort);
    settings.setInt(HConstants.ZOOKEEPER_CLIENT_PORT, zookeeper.startup(zookeeperFolder));
    LocalHBaseCluster cluster = new LocalHBaseCluster(settings, 1, 1);
    cluster.startup();
    long deadline = System.currentTimeMillis() + 150_000;
    while (cluster.getActiveMaster() == null || !cluster.getActiveMaster().isInitialized()) {
      if (System.currentTimeMillis() > deadline) {
        throw new IOException("the master does not come up");
      }
      Thread.sleep(50);
    }
    connection = ConnectionFactory.createConnection(settings);
    admin = connection.getAdmin();
    while (admin.getRegionServers().isEmpty()) {
      Thread.sleep(50);
    }
  }

  /** Starts one and waits until it listens: two at once would disturb each other. */
  private void startThrift(String described) throws Exception {
    String[] parts = described.split(":");
    List<String> options = new ArrayList<>(List.of("-b", "127.0.0.1", "-p", parts[0], "--infoport", "-1"));
    UserGroupInformation user = UserGroupInformation.getCurrentUser();
    for (String option : Arrays.copyOfRange(parts, 1, parts.length)) {
      if (option.startsWith("as=")) {
        user = UserGroupInformation.createRemoteUser(option.substring(3));
      } else {
        options.add("--" + option);
      }
    }
    if (described.contains(":framed")) {
      options.add("-hsha");
    }
    options.add("start");
    ThriftServer server = new ThriftServer(new Configuration(settings));
    UserGroupInformation owner = user;
    Thread running = new Thread(() -> {
      try {
        owner.doAs((PrivilegedExceptionAction<Integer>) () -> server.run(options.toArray(new String[0])));
      } catch (Exception ended) {
        ended.printStackTrace();
      }
    });
    running.setDaemon(true);
    running.start();
    thrift.put(parts[0], server);
    for (int tries = 0; ; tries++) {
      try (Socket probe = new Socket("127.0.0.1", Integer.parseInt(parts[0]))) {
        return;
      } catch (IOException notYet) {
        if (tries > 3000) {
          throw notYet;
        }
        Thread.sleep(20);
      }
    }
  }

  private String answer(String[] words) {
    try {
      switch (words[0]) {
        case "create": create(words); break;
        case "split": admin.split(TableName.valueOf(words[1]), decoded(words[2])); break;
        case "drop":
          admin.disableTable(TableName.valueOf(words[1]));
          admin.deleteTable(TableName.valueOf(words[1]));
          break;
        case "disable": admin.disableTable(TableName.valueOf(words[1])); break;
        case "drop-family": admin.deleteColumnFamily(TableName.valueOf(words[1]), Bytes.toBytes(words[2])); break;
        case "put-values": putValues(words[1]); break;
        case "grant": grant(words); break;
        case "stop-thrift": thrift.remove(words[1]).stop(); break;
        case "start-thrift": startThrift(words[1]); break;
        default: return "ERR there is no command " + words[0];
      }
      return "OK";
    } catch (Exception failure) {
      return "ERR " + failure.toString().replaceAll("\\s+", " ");
    }
  }

  /** grant USER TABLE[:FAMILY[:QUALIFIER]] ACTION[,...] */
  private void grant(String[] words) throws Exception {
    byte[][] parts = Arrays.stream(words[2].split(":")).map(Bytes::toBytes).toArray(byte[][]::new);
    Permission.Action[] actions =
        Arrays.stream(words[3].split(",")).map(Permission.Action::valueOf).toArray(Permission.Action[]::new);
    Permission.Builder permission = Permission.newBuilder(TableName.valueOf(parts[0])).withActions(actions);
    if (parts.length > 1) {
      permission.withFamily(parts[1]);
    }
    if (parts.length > 2) {
      permission.withQualifier(parts[2]);
    }
    admin.grant(new UserPermission(words[1], permission.build()), false);
  }

  /** create TABLE FAMILY=VERSIONS[,...] [KEY ...] */
  private void create(String[] words) throws IOException {
    TableDescriptorBuilder table = TableDescriptorBuilder.newBuilder(TableName.valueOf(words[1]));
    for (String family : words[2].split(",")) {
      String[] parts = family.split("=");
      table.setColumnFamily(
          ColumnFamilyDescriptorBuilder.newBuilder(Bytes.toBytes(parts[0])).setMaxVersions(Integer.parseInt(parts[1])).build());
    }
    byte[][] keys = Arrays.stream(words).skip(3).map(HBaseUnderTest::decoded).toArray(byte[][]::new);
    if (keys.length == 0) {
      admin.createTable(table.build());
    } else {
      admin.createTable(table.build(), keys);
    }
  }

  /** One row for each set of values, each cell as HBase's own Bytes writes it. */
  private void putValues(String name) throws IOException {
    try (Table table = connection.getTable(TableName.valueOf(name))) {
      put(table, "low", Long.MIN_VALUE, Integer.MIN_VALUE, Short.MIN_VALUE, -Double.MAX_VALUE, -Float.MAX_VALUE, false, "-1E+3", "");
      put(table, "high", Long.MAX_VALUE, Integer.MAX_VALUE, Short.MAX_VALUE, Double.MIN_VALUE, Float.MIN_VALUE, true,
          "12345678901234567890123456789.0123456789", "\u00e9\ud83d\ude00\\x");
      put(table, "zero", 0L, 0, (short) 0, -0.0, Float.NaN, false, "0.00", "a\tb\u0000");
      put(table, "minus", -1L, -1, (short) -1, Double.NEGATIVE_INFINITY, -1.5f, true, "-128", " ");
    }
  }

  private static void put(
      Table table, String key, long l, int i, short s, double d, float f, boolean b, String decimal, String text)
      throws IOException {
    byte[] family = Bytes.toBytes("cf");
    Put put = new Put(Bytes.toBytes(key));
    put.addColumn(family, Bytes.toBytes("long"), Bytes.toBytes(l));
    put.addColumn(family, Bytes.toBytes("int"), Bytes.toBytes(i));
    put.addColumn(family, Bytes.toBytes("short"), Bytes.toBytes(s));
    put.addColumn(family, Bytes.toBytes("double"), Bytes.toBytes(d));
    put.addColumn(family, Bytes.toBytes("float"), Bytes.toBytes(f));
    put.addColumn(family, Bytes.toBytes("boolean"), Bytes.toBytes(b));
    put.addColumn(family, Bytes.toBytes("decimal"), Bytes.toBytes(new BigDecimal(decimal)));
    put.addColumn(family, Bytes.toBytes("string"), Bytes.toBytes(text));
    put.addColumn(family, Bytes.toBytes("binarystring"), Bytes.toBytes(Bytes.toStringBinary(Bytes.toBytes(text))));
    table.put(put);
  }

  private static byte[] decoded(String text) {
    return Base64.getDecoder().decode(text);
  }
}
