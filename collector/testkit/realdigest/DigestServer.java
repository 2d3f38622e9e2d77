import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.security.ConstraintMapping;
import org.eclipse.jetty.security.ConstraintSecurityHandler;
import org.eclipse.jetty.security.HashLoginService;
import org.eclipse.jetty.security.UserStore;
import org.eclipse.jetty.security.authentication.DigestAuthenticator;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.AbstractHandler;
import org.eclipse.jetty.server.handler.ContextHandler;
import org.eclipse.jetty.util.security.Constraint;
import org.eclipse.jetty.util.security.Password;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * Jetty with digest authentication in front of a backend. It reads keys, cert.pem and key.pem from
 * its directory, listens on a port that the kernel chooses, and writes that to the file port.
 */
public class DigestServer {
    public static void main(String[] args) throws Exception {
        Path dir = Path.of(args[0]);
        String backend = args[1];
        String realm = args[2];
        long maxNonceAgeMillis = Long.parseLong(args[3]);
        int maxNonceCount = Integer.parseInt(args[4]);
        boolean tls = Boolean.parseBoolean(args[5]);

        Server server = new Server();
        ServerConnector connector = connector(server, dir, tls);
        server.addConnector(connector);

        DigestAuthenticator authenticator = new DigestAuthenticator();
        authenticator.setMaxNonceAge(maxNonceAgeMillis);
        authenticator.setMaxNonceCount(maxNonceCount);

        Constraint constraint = new Constraint();
        constraint.setAuthenticate(true);
        constraint.setRoles(new String[] {Constraint.ANY_AUTH});
        ConstraintMapping mapping = new ConstraintMapping();
        mapping.setPathSpec("/*");
        mapping.setConstraint(constraint);

        ConstraintSecurityHandler security = new ConstraintSecurityHandler();
        security.setRealmName(realm);
        security.setLoginService(loginService(realm, dir.resolve("keys")));
        security.setAuthenticator(authenticator);
        security.addConstraintMapping(mapping);
        security.setHandler(new Forwarder(backend));
        // The challenge's domain is the path of the context: "" as in Ops Manager's.
        ContextHandler context = new ContextHandler("/");
        context.setHandler(security);
        server.setHandler(context);
        server.start();

        // Written in one step, because the test may read at any moment.
        Path unfinished = dir.resolve("port.unfinished");
        Files.writeString(unfinished, Integer.toString(connector.getLocalPort()));
        Files.move(unfinished, dir.resolve("port"), StandardCopyOption.ATOMIC_MOVE);
        server.join();
    }

    private static ServerConnector connector(Server server, Path dir, boolean tls) throws Exception {
        HttpConfiguration configuration = new HttpConfiguration();
        HttpConnectionFactory http = new HttpConnectionFactory(configuration);
        ServerConnector connector;
        if (tls) {
            configuration.addCustomizer(new SecureRequestCustomizer());
            connector =
                    new ServerConnector(
                            server, new SslConnectionFactory(sslContext(dir), "http/1.1"), http);
        } else {
            connector = new ServerConnector(server, http);
        }
        connector.setHost("127.0.0.1");
        connector.setPort(0);
        // Longer than any test, so that the client decides how long a connection lives.
        connector.setIdleTimeout(120_000);
        return connector;
    }

    private static SslContextFactory.Server sslContext(Path dir) throws Exception {
        Certificate certificate;
        try (InputStream in = Files.newInputStream(dir.resolve("cert.pem"))) {
            certificate = CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
        String pem = Files.readString(dir.resolve("key.pem"));
        byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[^-]*-----", ""));
        PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der));

        String password = "unused";
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry(
                "server", key, password.toCharArray(), new Certificate[] {certificate});
        SslContextFactory.Server context = new SslContextFactory.Server();
        context.setKeyStore(store);
        context.setKeyStorePassword(password);
        return context;
    }

    private static HashLoginService loginService(String realm, Path keys) throws IOException {
        UserStore users = new UserStore();
        List<String> lines = Files.readAllLines(keys);
        for (int i = 0; i < lines.size(); i += 2) {
            users.addUser(lines.get(i), new Password(lines.get(i + 1)), new String[] {"api"});
        }
        HashLoginService service = new HashLoginService(realm);
        service.setUserStore(users);
        return service;
    }

    /** Passes requests without a body on to the backend, and its answers back unchanged. */
    private static class Forwarder extends AbstractHandler {
        private static final Set<String> OF_THE_CONNECTION =
                Set.of(
                        "connection",
                        "content-length",
                        "expect",
                        "keep-alive",
                        "transfer-encoding",
                        "upgrade");

        private final String backend;
        private final HttpClient client =
                HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .proxy(HttpClient.Builder.NO_PROXY)
                        .build();

        Forwarder(String backend) {
            this.backend = backend;
        }

        @Override
        public void handle(
                String target, Request baseRequest, HttpServletRequest in, HttpServletResponse out)
                throws IOException {
            baseRequest.setHandled(true);
            String query = in.getQueryString();
            HttpRequest.Builder request =
                    HttpRequest.newBuilder(
                            URI.create(
                                    backend + in.getRequestURI() + (query == null ? "" : "?" + query)));
            request.method(in.getMethod(), HttpRequest.BodyPublishers.noBody());
            for (String name : Collections.list(in.getHeaderNames())) {
                if (!OF_THE_CONNECTION.contains(name.toLowerCase())) {
                    Collections.list(in.getHeaders(name)).forEach(value -> request.header(name, value));
                }
            }
            // A kept connection may be one that the backend is just closing.
            request.header("Connection", "close");

            HttpResponse<InputStream> response;
            try {
                response = client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
            } catch (IOException e) {
                out.sendError(HttpServletResponse.SC_BAD_GATEWAY, e.toString());
                return;
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            // Closing the body ends the backend's request when the client has gone away.
            try (InputStream body = response.body()) {
                out.setStatus(response.statusCode());
                // Not through out, which rewrites Content-Type.
                HttpFields fields = baseRequest.getResponse().getHttpFields();
                fields.clear(); // Jetty's own Date and Server
                response.headers().map().forEach((name, values) -> {
                    String lower = name.toLowerCase();
                    if (lower.equals("content-length") || !OF_THE_CONNECTION.contains(lower)) {
                        values.forEach(value -> fields.add(name, value));
                    }
                });
                // Passed on piece by piece, so that a backend that stalls looks stalled to the client.
                OutputStream sink = out.getOutputStream();
                byte[] piece = new byte[8192];
                for (int n = body.read(piece); n >= 0; n = body.read(piece)) {
                    sink.write(piece, 0, n);
                    sink.flush();
                }
            }
        }
    }
}
