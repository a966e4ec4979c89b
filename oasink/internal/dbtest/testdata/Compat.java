import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.util.*;

/** Runs statements on a JDBC database for the tests, a line each, a socket a connection. */
public class Compat {
    public static void main(String[] args) throws Exception {
        ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        System.out.println(server.getLocalPort());
        new Thread(() -> { // ends with the tests
            try {
                while (System.in.read() >= 0) { }
            } catch (IOException e) { }
            System.exit(0);
        }).start();
        while (true) {
            Socket socket = server.accept();
            new Thread(() -> serve(socket)).start();
        }
    }

    static void serve(Socket socket) {
        try (socket;
             BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
             Writer out = new BufferedWriter(new OutputStreamWriter(socket.getOutputStream(), StandardCharsets.UTF_8))) {
            try (Connection c = DriverManager.getConnection(in.readLine(), "sa", "")) {
                for (String line; (line = in.readLine()) != null; ) {
                    String answer;
                    try {
                        answer = run(c, line.split("\t", -1));
                    } catch (SQLException e) {
                        answer = "err\t" + e.getErrorCode() + "\t" + e.getSQLState() + "\t" + escape(String.valueOf(e.getMessage()));
                    }
                    out.write(answer + "\n");
                    out.flush();
                }
            }
        } catch (IOException | SQLException e) {
            System.err.println(e);
        }
    }

    static String run(Connection c, String[] f) throws SQLException {
        switch (f[0]) {
            case "begin": c.setAutoCommit(false); return "ok\t0";
            case "commit": c.commit(); c.setAutoCommit(true); return "ok\t0";
            case "rollback": c.rollback(); c.setAutoCommit(true); return "ok\t0";
            case "run": // statement, arguments
                try (PreparedStatement s = c.prepareStatement(unescape(f[1]))) {
                    for (int i = 2; i < f.length; i++) {
                        bind(s, i - 1, f[i]);
                    }
                    return s.execute() ? rows(s.getResultSet()) : "ok\t" + s.getUpdateCount();
                }
            case "batch": // statement, width, arguments row by row
                int width = Integer.parseInt(f[2]);
                try (PreparedStatement s = c.prepareStatement(unescape(f[1]))) {
                    for (int i = 3; i < f.length; i += width) {
                        for (int j = 0; j < width; j++) {
                            bind(s, j + 1, f[i + j]);
                        }
                        s.executeUpdate(); // one by one, as the iterations of an array are
                    }
                    return "ok\t" + (f.length - 3) / width;
                }
        }
        throw new SQLException("unknown request " + f[0]);
    }

    static void bind(PreparedStatement s, int i, String v) throws SQLException {
        switch (v.charAt(0)) {
            case 'n': s.setNull(i, Types.VARCHAR); break;
            case 'i': s.setLong(i, Long.parseLong(v.substring(1))); break;
            case 'd': s.setDouble(i, Double.parseDouble(v.substring(1))); break;
            default: s.setString(i, unescape(v.substring(1)));
        }
    }

    static String rows(ResultSet r) throws SQLException {
        ResultSetMetaData m = r.getMetaData();
        StringBuilder b = new StringBuilder("rows");
        int n = m.getColumnCount();
        for (int i = 1; i <= n; i++) {
            b.append('\t').append(escape(m.getColumnLabel(i)));
        }
        while (r.next()) {
            for (int i = 1; i <= n; i++) {
                b.append('\t').append(value(r, m, i));
            }
        }
        return b.append('\t').append(n).toString();
    }

    static String value(ResultSet r, ResultSetMetaData m, int i) throws SQLException {
        String s = r.getString(i);
        if (s == null) {
            return "n";
        }
        switch (m.getColumnType(i)) {
            case Types.TINYINT: case Types.SMALLINT: case Types.INTEGER: case Types.BIGINT: return "i" + r.getLong(i);
            case Types.DOUBLE: case Types.FLOAT: case Types.REAL: return "d" + r.getDouble(i);
            default: return "s" + escape(s);
        }
    }

    static String escape(String s) {
        return s.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r");
    }

    static String unescape(String s) {
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '\\') {
                switch (s.charAt(++i)) {
                    case 't': c = '\t'; break;
                    case 'n': c = '\n'; break;
                    case 'r': c = '\r'; break;
                    default: c = '\\';
                }
            }
            b.append(c);
        }
        return b.toString();
    }
}
