//! What is dragged onto the dashboard, piece by piece.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::http::free_address;
use super::studio::{CONFIG, Studio, jpeg};
use super::web::wait_open;

const BOUNDARY: &str = "between-the-fields";

fn part(name: &str, file: Option<&str>, bytes: &[u8]) -> Vec<u8> {
    let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
    let mut part =
        format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes();
    part.extend_from_slice(bytes);
    part.extend_from_slice(b"\r\n");
    part
}

/// A raw picture beside the JPEG comes for longer than one may send nothing.
#[test]
fn a_file_that_is_left_out_may_take_as_long_as_one_that_is_kept() {
    const PIECE_MS: u64 = 1_500;
    let address = free_address();
    let mut studio = Studio::bare(&format!("{CONFIG}\nserver: {{ listen: \"{address}\" }}\n"));
    studio.serve_with(&[("HOTFOLDERS_PIECE_MS", &PIECE_MS.to_string())]);
    wait_open(&studio, address);
    let manifest =
        r#"{"manifest":1,"kind":"production_order","record":"7","status":"zip","lines":[{"line":1,"image":"a.jpg"}]}"#;
    let mut body = part("hot_folder", None, b"exports");
    body.extend(part("manifest", Some("o.json"), manifest.as_bytes()));
    body.extend(part("pictures", Some("a.CR3"), &[7].repeat(400_000)));
    body.extend(part("pictures", Some("a.jpg"), &jpeg(60, 40)));
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let head = format!(
        "POST /drop HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\nx-tell-where: 1\r\nconnection: close\r\n\
         content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    for piece in body.chunks(body.len() / 8 + 1) {
        // Whoever was given up is not written to any more.
        let _ = stream.write_all(piece);
        std::thread::sleep(Duration::from_millis(PIECE_MS / 3));
    }
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
}
