//! A provider behind TLS: who it is must be proved before it hears a word.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::place::{Place, Ran};
use crate::support::mock_model::{Answer, MockModel};

/// An authority, and a certificate of it for `localhost` alone.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -batch";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=authority -days 2"));
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=server"));
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n").unwrap();
    openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile names");
}

/// Takes TLS off and hands what is in it to `server`. Gives the port.
async fn front(folder: &Path, server: &MockModel) -> u16 {
    let chain = vec![CertificateDer::from_pem_file(folder.join("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let behind = server.base_url().trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    port
}

fn run(place: &Place, base_url: &str, authority: Option<&Path>) -> Ran {
    let mut claw = place.claw(&["run", "--provider", "openai", "--model", "mock", "Look"]);
    claw.env("OPENAI_BASE_URL", base_url).env("OPENAI_API_KEY", "canary-key-abcdefghijklmnop");
    if let Some(authority) = authority {
        claw.env("SSL_CERT_FILE", authority);
    }
    Ran::of(claw.output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_can_not_prove_its_name_hears_nothing() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let authority = folder.path().join("ca.pem");
    let place = Place::new(&[("notes.txt", "one\n")]);

    let server = MockModel::start([Answer::text("Done over TLS.")]);
    let port = front(folder.path(), &server).await;
    let ran = run(&place, &format!("https://localhost:{port}/v1"), Some(&authority)).exits(0);
    assert!(ran.stdout.contains("Done over TLS."), "{}", ran.stdout);
    assert_eq!(server.requests().len(), 1);

    let server = MockModel::start([]);
    let port = front(folder.path(), &server).await;
    for (host, authority) in [("localhost", None), ("127.0.0.1", Some(authority.as_path()))] {
        let ran = run(&place, &format!("https://{host}:{port}/v1"), authority);
        assert_ne!(ran.code, 0, "{}", ran.stdout);
        assert!(ran.stderr.contains("certificate"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("canary"), "{}", ran.stderr);
    }
    assert!(server.requests().is_empty());
}
