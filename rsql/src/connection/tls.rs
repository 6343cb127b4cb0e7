//! TLS by rustls: which certificates are trusted in which mode.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{ConnectError, SslMode, Target};

/// The configuration for a target's mode.
///
/// # Errors
/// If the trusted roots cannot be read.
pub(super) fn config(target: &Target) -> Result<Arc<ClientConfig>, ConnectError> {
    let setup = |reason: String| ConnectError::TlsSetup { reason };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| setup(e.to_string()))?;
    let config = match target.ssl_mode() {
        SslMode::VerifyFull => builder.with_root_certificates(roots(target)?).with_no_client_auth(),
        SslMode::VerifyCa => {
            let inner =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots(target)?), Arc::clone(&provider))
                    .build()
                    .map_err(|e| setup(e.to_string()))?;
            let verifier = Lenient { provider, chain: Some(inner) };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
        SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require => {
            let verifier = Lenient { provider, chain: None };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
    };
    Ok(Arc::new(config))
}

fn roots(target: &Target) -> Result<RootCertStore, ConnectError> {
    let setup = |reason: String| ConnectError::TlsSetup { reason };
    let mut store = RootCertStore::empty();
    if let Some(path) = &target.root_cert {
        let read = |e: &dyn std::fmt::Display| setup(format!("{}: {e}", path.display()));
        for certificate in CertificateDer::pem_file_iter(path).map_err(|e| read(&e))? {
            store.add(certificate.map_err(|e| read(&e))?).map_err(|e| read(&e))?;
        }
    } else {
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
    }
    if store.is_empty() {
        return Err(setup("no trusted root certificates were found".into()));
    }
    Ok(store)
}

/// Accepts any certificate (`prefer`, `require`), or any host name under a trusted chain (`verify-ca`):
/// what libpq's modes of those names mean.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
