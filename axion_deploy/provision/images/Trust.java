import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;

/** Lets this machine's Java trust the certificates of /run/secrets/ca_bundle, as every other program here does. */
public class Trust {
    public static void main(String[] arguments) throws Exception {
        KeyStore store = KeyStore.getInstance("JKS");
        store.load(null, null);
        int count = 0;
        try (var bundle = new FileInputStream("/run/secrets/ca_bundle")) {
            for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(bundle)) {
                store.setCertificateEntry("ca" + count++, certificate);
            }
        }
        try (var target = new FileOutputStream(System.getProperty("java.home") + "/lib/security/cacerts")) {
            store.store(target, "changeit".toCharArray());
        }
    }
}
