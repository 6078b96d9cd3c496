import org.codelibs.opensearch.runner.OpenSearchRunner;

/** One OpenSearch node of a folder and a port; lives until its standard input ends. */
class Node {
    public static void main(String[] given) throws Exception {
        OpenSearchRunner node = new OpenSearchRunner();
        node.onBuild((number, settings) -> {
            settings.put("network.host", "127.0.0.1");
            settings.put("http.port", given[1]);
            settings.put("transport.port", "0");
            settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
        });
        node.build(OpenSearchRunner.newConfigs().basePath(given[0]).numOfNode(1).clusterName("tests").disableESLogger());
        while (System.in.read() != -1) {
        }
        node.close();
    }
}
