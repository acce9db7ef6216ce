use crate::support::*;
use serde_json::json;

#[test]
fn probe() {
    let origin = Origin::start();
    let worker = Worker::start(&vars(&origin.url(), &json!({"SITE": {"cache":"origin"}, "HOSTS": []})));
    let c = worker.client("site.test");
    let show = |name: &str, r: &Reply| {
        println!("--- {name}: {} complete={} {:?}\n    body[{}]={:?}", r.status, r.complete, r.headers, r.body.len(), String::from_utf8_lossy(&r.body[..r.body.len().min(80)]));
    };
    for (name, bytes) in [
        ("host a@b", "GET /v HTTP/1.1\r\nHost: a@b\r\nConnection: close\r\n\r\n"),
        ("host with path", "GET /v HTTP/1.1\r\nHost: site.test/x?y#z\r\nConnection: close\r\n\r\n"),
        ("two hosts", "GET /v HTTP/1.1\r\nHost: site.test\r\nHost: other.test\r\nConnection: close\r\n\r\n"),
        ("absolute", "GET http://other.test/abs HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
        ("no host", "GET /v HTTP/1.0\r\n\r\n"),
        ("dots", "GET /pub/../priv/%2e%2e/x HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
        ("backslash", "GET /pub\\..\\priv HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
        ("odd chars", "GET /a{b}|c^d\"e<f>g`h%zz%?q={}|^\"<>`'%zz HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
        ("fragment", "GET /a#frag?x HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
        ("space", "GET /a b HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
        ("utf8", "GET /caf\u{e9} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
        ("two cookies", "GET /ck HTTP/1.1\r\nHost: site.test\r\nCookie: a=1\r\nCookie: b=2\r\nConnection: close\r\n\r\n"),
        ("fat get", "GET /fat HTTP/1.1\r\nHost: site.test\r\nContent-Length: 8\r\nConnection: close\r\n\r\ncb=evil!"),
        ("purge", "PURGE /pg HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
        ("query", "QUERY /qq HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
        ("lower", "get /lower HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
        ("brew", "BREW /brew HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
        ("post", "POST /post HTTP/1.1\r\nHost: site.test\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"),
        ("ctl", "GET /ctl HTTP/1.1\r\nHost: site.test\r\nX-M: a\x07b\r\nConnection: close\r\n\r\n"),
        ("expect", "GET /exp HTTP/1.1\r\nHost: site.test\r\nExpect: foo\r\nTE: trailers\r\nUpgrade: h2c\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n"),
    ] {
        show(name, &c.raw(bytes.as_bytes()));
    }
    let latin: &[u8] = b"GET /lat\xe9 HTTP/1.1\r\nHost: site.test\r\nX-L: caf\xe9\r\nCookie: sid=caf\xe9\r\nConnection: close\r\n\r\n";
    show("latin", &c.raw(latin));
    for a in origin.asked("") { println!("O: {} {} {:?} body={:?}", a.method, a.target, a.headers.iter().filter(|(n,_)| !["accept-encoding","surrogate-capability","larder-loop","cf-worker","x-forwarded-proto","pragma","cache-control"].contains(&n.to_lowercase().as_str())).collect::<Vec<_>>(), String::from_utf8_lossy(&a.body)); }

    println!("======== responses");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("ctl-header", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nX-A: a\x07b\r\nX-L: caf\xe9\r\nX-U: caf\xc3\xa9\r\nX-Dup: 1\r\nX-Dup: 2\r\nContent-Length: 2\r\n\r\nok".to_vec()),
        ("status600", b"HTTP/1.1 600 Odd\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok".to_vec()),
        ("status999", b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok".to_vec()),
        ("status99", b"HTTP/1.1 99 Odd\r\nContent-Length: 2\r\n\r\nok".to_vec()),
        ("status101", b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n".to_vec()),
        ("s204body", b"HTTP/1.1 204 No\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok".to_vec()),
        ("s205", b"HTTP/1.1 205 Reset\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok".to_vec()),
        ("s304", b"HTTP/1.1 304 NM\r\nCache-Control: max-age=60\r\n\r\n".to_vec()),
        ("short", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 20\r\n\r\nok".to_vec()),
        ("close-delimited", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n\r\nclosed".to_vec()),
        ("chunk-trunc", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec()),
        ("gzip-plain", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain".to_vec()),
        ("GZIP-plain", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Encoding: GZIP\r\nContent-Length: 5\r\n\r\nplain".to_vec()),
        ("enc-foo", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Encoding: foo\r\nContent-Length: 5\r\n\r\nplain".to_vec()),
        ("garbage", b"NOT HTTP AT ALL\r\n\r\n".to_vec()),
        ("lf-location", b"HTTP/1.1 302 F\r\nLocation: /a\nX-Injected: 1\r\nContent-Length: 0\r\n\r\n".to_vec()),
    ];
    for (name, bytes) in cases {
        let path = format!("/r/{name}");
        let b = bytes.clone();
        origin.on(&path, move |_| Answer::Raw(b.clone()));
        show(&format!("{name} 1"), &c.get(&path, &[]));
        show(&format!("{name} 2"), &c.get(&path, &[]));
        println!("   origin asked {}", origin.asked(&path).len());
    }
}
