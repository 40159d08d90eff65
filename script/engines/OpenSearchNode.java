// One OpenSearch node over a home folder: HOME/config/opensearch.yml has its settings, HOME/plugins its plugins.
//   java -cp CLASSPATH OpenSearchNode.java HOME
// It ends by SIGTERM, or with code 1 if it can't start.
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.codelibs.opensearch.runner.node.OpenSearchRunnerNode;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;

public class OpenSearchNode {
  // Of the distribution's modules those that an index, a search, an edit by hand or a pipeline needs. Version 3 names them ...ModulePlugin, version 2 ...Plugin.
  private static final List<String> MODULES = List.of(
      "org.opensearch.analysis.common.CommonAnalysis",
      "org.opensearch.index.mapper.MapperExtras",
      "org.opensearch.ingest.common.IngestCommon",
      "org.opensearch.index.reindex.Reindex",
      "org.opensearch.painless.Painless",
      "org.opensearch.transport.Netty4");

  public static void main(String[] arguments) throws Exception {
    Path home = Path.of(arguments[0]);
    Settings settings = Settings.builder().put("path.home", home.toString()).build();
    Environment environment = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), home.resolve("config"), () -> "tidemark");
    LogConfigurator.configure(environment);

    Node node = new OpenSearchRunnerNode(environment, modules());
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
    node.start();
    Thread.currentThread().join();
  }

  private static Collection<Class<? extends Plugin>> modules() throws ClassNotFoundException {
    Collection<Class<? extends Plugin>> found = new ArrayList<>();
    for (String module : MODULES) found.add(module(module));
    return found;
  }

  private static Class<? extends Plugin> module(String name) throws ClassNotFoundException {
    try {
      return Class.forName(name + "ModulePlugin").asSubclass(Plugin.class);
    } catch (ClassNotFoundException olderName) {
      return Class.forName(name + "Plugin").asSubclass(Plugin.class);
    }
  }

  private static void close(Node node) {
    try {
      node.close();
      node.awaitClose(10, TimeUnit.SECONDS);
    } catch (Exception failure) {
      failure.printStackTrace();
    }
  }
}
