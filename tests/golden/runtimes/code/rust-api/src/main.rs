use std::io::{Read, Write};
use std::net::TcpListener;

fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap();
    let mut count: u64 = 0;
    for stream in TcpListener::bind(format!("0.0.0.0:{port}"))?.incoming() {
        let mut stream = stream?;
        let _ = stream.read(&mut [0; 4096]);
        count += 1;
        let text = itoa::Buffer::new().format(count).to_owned();
        let _ = write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    }
    Ok(())
}
