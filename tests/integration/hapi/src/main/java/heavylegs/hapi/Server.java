package heavylegs.hapi;

import ca.uhn.fhir.util.VersionUtil;
import java.net.InetSocketAddress;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/**
 * A HAPI FHIR JPA R4 server with an empty database in memory, on 127.0.0.1 and nowhere else.
 *
 * <p>Usage: {@code Server PORT}. Prints one line on stdout when it answers; ends on SIGTERM or Ctrl-C, and everything
 * in it is gone then.
 */
public final class Server {
    private Server() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 1 || !arguments[0].matches("\\d{1,5}")) {
            System.err.println("usage: Server PORT");
            System.exit(2);
        }
        long began = System.nanoTime();
        int port = Integer.parseInt(arguments[0]);

        var beans = new AnnotationConfigApplicationContext(Beans.class);
        var context = new ServletContextHandler("/");
        context.addServlet(new ServletHolder(new Endpoint(beans)), "/fhir/*");
        var jetty = new org.eclipse.jetty.server.Server(new InetSocketAddress("127.0.0.1", port));
        jetty.setHandler(context);
        jetty.setStopAtShutdown(true);
        jetty.start();

        System.out.printf(
                "ready: http://127.0.0.1:%d/fhir (HAPI FHIR %s, R4, H2 in memory) after %.1f s%n",
                port, VersionUtil.getVersion(), (System.nanoTime() - began) / 1e9);
        System.out.flush();
        jetty.join();
        System.exit(0); // HAPI's schedulers would keep the process
    }
}
