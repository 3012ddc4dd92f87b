//! A response's body, as much of it as is taken.

use reqwest::Response;

#[derive(Debug)]
pub(in crate::web) struct Body {
    /// Decompressed.
    pub bytes: Vec<u8>,
    /// There was more, which was not waited for.
    pub is_cut: bool,
}

/// Reads until the end or until `most` bytes are there. Decompression goes piece by piece, so a bomb is left where it has grown
/// to `most`.
pub(in crate::web) async fn read(mut response: Response, most: usize) -> reqwest::Result<Body> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await? {
        let room = most.saturating_sub(bytes.len());
        if piece.len() > room {
            bytes.extend(piece.iter().take(room));
            return Ok(Body { bytes, is_cut: true });
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Body { bytes, is_cut: false })
}
