//! How much the detector finds in texts made for it, and how little in real ones.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use claw::secrets::mask;

/// The letters a key is made of.
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const HEX: &str = "0123456789abcdef";
const DIGITS: &str = "0123456789";
const URL_SAFE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A piece of a key.
enum Part {
    Is(&'static str),
    Of(&'static str, usize),
}
use Part::{Is, Of};

/// Kinds of keys as their providers document them. A name says that the key is only known by one: it stands with it everywhere.
fn formats() -> Vec<(Option<&'static str>, Vec<Part>)> {
    let own = |parts| (None, parts);
    vec![
        own(vec![Is("AKIA"), Of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)]),
        own(vec![Is("ASIA"), Of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)]),
        (Some("aws_secret_access_key"), vec![Of(BASE64, 40)]),
        own(vec![Is("AIza"), Of(URL_SAFE, 35)]),
        own(vec![Is("GOCSPX-"), Of(URL_SAFE, 28)]),
        own(vec![Is("ya29."), Of(URL_SAFE, 120)]),
        (Some("AccountKey"), vec![Of(BASE64, 86), Is("==")]),
        own(vec![Of(ALNUM, 3), Is("8Q~"), Of(ALNUM, 34)]),
        own(vec![Is("ghp_"), Of(ALNUM, 36)]),
        own(vec![Is("gho_"), Of(ALNUM, 36)]),
        own(vec![Is("ghu_"), Of(ALNUM, 36)]),
        own(vec![Is("ghs_"), Of(ALNUM, 36)]),
        own(vec![Is("ghr_"), Of(ALNUM, 76)]),
        own(vec![Is("github_pat_"), Of(ALNUM, 22), Is("_"), Of(ALNUM, 59)]),
        own(vec![Is("glpat-"), Of(URL_SAFE, 20)]),
        own(vec![Is("glrt-"), Of(URL_SAFE, 20)]),
        own(vec![Is("ATBB"), Of(ALNUM, 32)]),
        own(vec![Is("ATATT3xFfGF0"), Of(URL_SAFE, 171), Is("="), Of("0123456789ABCDEF", 8)]),
        own(vec![Is("xoxb-"), Of(DIGITS, 12), Is("-"), Of(DIGITS, 12), Is("-"), Of(ALNUM, 24)]),
        own(vec![Is("xoxp-"), Of(DIGITS, 12), Is("-"), Of(DIGITS, 12), Is("-"), Of(HEX, 32)]),
        own(vec![Is("xapp-1-A"), Of(UPPER, 10), Is("-"), Of(DIGITS, 13), Is("-"), Of(HEX, 64)]),
        own(vec![
            Is("https://hooks.slack.com/services/T"),
            Of(UPPER, 10),
            Is("/B"),
            Of(UPPER, 10),
            Is("/"),
            Of(ALNUM, 24),
        ]),
        own(vec![Is("https://discord.com/api/webhooks/"), Of(DIGITS, 18), Is("/"), Of(URL_SAFE, 68)]),
        own(vec![Is("M"), Of(ALNUM, 25), Is("."), Of(ALNUM, 6), Is("."), Of(URL_SAFE, 37), Is("a")]),
        own(vec![Is("sk_live_"), Of(ALNUM, 24)]),
        own(vec![Is("rk_live_"), Of(ALNUM, 99)]),
        own(vec![Is("whsec_"), Of(ALNUM, 32)]),
        own(vec![Is("sk-"), Of(ALNUM, 48)]),
        own(vec![Is("sk-proj-"), Of(URL_SAFE, 74), Is("T3BlbkFJ"), Of(URL_SAFE, 74)]),
        own(vec![Is("sk-ant-api03-"), Of(URL_SAFE, 93), Is("AA")]),
        own(vec![Is("sk-or-v1-"), Of(HEX, 64)]),
        own(vec![Is("gsk_"), Of(ALNUM, 52)]),
        own(vec![Is("xai-"), Of(ALNUM, 80)]),
        own(vec![Is("pplx-"), Of(ALNUM, 48)]),
        own(vec![Is("r8_"), Of(ALNUM, 37)]),
        own(vec![Is("hf_"), Of(ALNUM, 34)]),
        own(vec![Is("nvapi-"), Of(URL_SAFE, 64)]),
        (Some("MISTRAL_API_KEY"), vec![Of(ALNUM, 32)]),
        own(vec![Is("SK"), Of(HEX, 32)]),
        (Some("TWILIO_AUTH_TOKEN"), vec![Of(HEX, 32)]),
        own(vec![Is("SG."), Of(URL_SAFE, 22), Is("."), Of(URL_SAFE, 43)]),
        own(vec![Is("key-"), Of(HEX, 32)]),
        own(vec![Of(HEX, 32), Is("-us14")]),
        own(vec![Is("npm_"), Of(ALNUM, 36)]),
        own(vec![Is("pypi-AgEIcHlwaS5vcmc"), Of(URL_SAFE, 120)]),
        own(vec![Is("cio"), Of(ALNUM, 32)]),
        own(vec![Is("dckr_pat_"), Of(URL_SAFE, 26), Is("x")]),
        own(vec![Is("rubygems_"), Of(HEX, 48)]),
        own(vec![Is("oy2"), Of(LOWER, 43)]),
        own(vec![Is("dop_v1_"), Of(HEX, 64)]),
        own(vec![Is("HRKU-AA"), Of(URL_SAFE, 58)]),
        (
            Some("HEROKU_API_KEY"),
            vec![Of(HEX, 8), Is("-"), Of(HEX, 4), Is("-4"), Of(HEX, 3), Is("-a"), Of(HEX, 3), Is("-"), Of(HEX, 12)],
        ),
        own(vec![Is("dapi"), Of(HEX, 32)]),
        own(vec![Of("123456789", 10), Is(":AA"), Of(URL_SAFE, 32), Is("x")]),
        own(vec![Is("shpat_"), Of(HEX, 32)]),
        own(vec![Is("sq0atp-"), Of(URL_SAFE, 22)]),
        own(vec![Is("sq0csp-"), Of(URL_SAFE, 43)]),
        own(vec![Is("access_token$production$"), Of(LOWER, 16), Is("$"), Of(HEX, 32)]),
        own(vec![Is("sl."), Of(URL_SAFE, 137), Is("x")]),
        own(vec![Is("lin_api_"), Of(ALNUM, 40)]),
        own(vec![Is("ntn_"), Of(DIGITS, 11), Of(ALNUM, 35)]),
        own(vec![Is("secret_"), Of(ALNUM, 43)]),
        own(vec![Is("hvs."), Of(URL_SAFE, 90)]),
        own(vec![Is("dp.pt."), Of(ALNUM, 43)]),
        own(vec![Is("dp.st.prd."), Of(ALNUM, 43)]),
        own(vec![Is("sntrys_eyJ"), Of(BASE64, 100)]),
        own(vec![Is("NRAK-"), Of(UPPER, 27)]),
        own(vec![Is("glsa_"), Of(ALNUM, 32), Is("_"), Of(HEX, 8)]),
        (Some("CLOUDFLARE_API_TOKEN"), vec![Of(URL_SAFE, 39), Is("x")]),
        (Some("FASTLY_API_TOKEN"), vec![Of(ALNUM, 32)]),
        (Some("DD_API_KEY"), vec![Of(HEX, 32)]),
        own(vec![Is("PMAK-"), Of(HEX, 24), Is("-"), Of(HEX, 34)]),
        own(vec![Is("pscale_tkn_"), Of(URL_SAFE, 43)]),
        own(vec![Is("tskey-auth-"), Of(ALNUM, 17), Is("-"), Of(ALNUM, 32)]),
        own(vec![Is("pul-"), Of(HEX, 40)]),
        own(vec![Is("nfp_"), Of(ALNUM, 36)]),
        own(vec![Is("pat"), Of(ALNUM, 14), Is("."), Of(HEX, 64)]),
        own(vec![Is("figd_"), Of(URL_SAFE, 40)]),
        own(vec![Of(ALNUM, 14), Is(".atlasv1."), Of(ALNUM, 67)]),
        own(vec![Is("AGE-SECRET-KEY-1"), Of(UPPER, 58)]),
        own(vec![Is("eyJhbGciOiJIUzI1NiJ9.eyJ"), Of(URL_SAFE, 60), Is("."), Of(URL_SAFE, 42), Is("x")]),
        own(vec![
            Is("-----BEGIN PRIVATE KEY-----\\n"),
            Of(BASE64, 64),
            Is("\\n"),
            Of(BASE64, 64),
            Is("\\n-----END PRIVATE KEY-----"),
        ]),
        own(vec![Is("postgres://app:"), Of(ALNUM, 20), Is("@db.internal:5432/app")]),
        own(vec![Is("https://oauth2:"), Of(ALNUM, 20), Is("@git.internal/a/b.git")]),
        (Some("client_secret"), vec![Of(URL_SAFE, 39), Is("x")]),
        (Some("DB_PASSWORD"), vec![Of(ALNUM, 15), Is("7!")]),
    ]
}

/// Pseudorandom numbers: the corpus is always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % bound
    }

    /// A key, and the parts of it that nobody may see.
    fn key(&mut self, parts: &[Part]) -> (String, Vec<String>) {
        let (mut key, mut random) = (String::new(), Vec::new());
        for part in parts {
            match part {
                Is(text) => key.push_str(text),
                Of(letters, count) => {
                    let letters: Vec<char> = letters.chars().collect();
                    let piece: String = (0..*count).map(|_| letters[self.below(letters.len())]).collect();
                    key.push_str(&piece);
                    random.push(piece);
                }
            }
        }
        (key, random)
    }
}

/// A key in the places where keys stand.
fn contexts(name: Option<&str>, key: &str) -> Vec<String> {
    let field = name.unwrap_or("value");
    let mut contexts = vec![
        format!("let {} = \"{key}\";", field.to_lowercase()),
        format!("{field} = '{key}'"),
        format!("export {}={key}", field.to_uppercase()),
        format!("  {field}: {key}"),
        format!("  {field}: \"{key}\" # rotate"),
        format!("{{\"a\": 1, \"{field}\": \"{key}\", \"b\": 2}}"),
        format!("const config = {{ {field}: '{key}' }};"),
    ];
    if name.is_none() {
        contexts.extend([
            format!("curl -H 'X-Key: {key}' https://example.org/"),
            format!("2026-01-02T03:04:05Z WARN refused key={key} status=401"),
            format!("tool login {key}"),
            format!("the key ({key}) was refused."),
            key.to_owned(),
        ]);
        if !key.contains("://") && !key.contains(' ') {
            contexts.push(format!("GET https://example.org/v1/x?key={key}&page=2"));
        }
    }
    contexts
}

#[test]
fn x01_98_of_100_keys_are_found() {
    let formats = formats();
    assert!(formats.len() >= 40);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut all, mut missed) = (0, Vec::new());
    for (name, parts) in &formats {
        let mut missed_of_format = 0;
        let mut tried = 0;
        for _ in 0..12 {
            let (key, pieces) = random.key(parts);
            for text in contexts(*name, &key) {
                all += 1;
                tried += 1;
                let masked = mask(&text).text.into_owned();
                if pieces.iter().any(|piece| masked.contains(piece.as_str())) {
                    missed.push(masked);
                    missed_of_format += 1;
                }
            }
        }
        // No kind is left out for the sake of the others.
        assert!(missed_of_format * 10 <= tried, "{missed_of_format} of {tried}, such as {:?}", missed.last());
    }
    let recall = 100.0 * (all - missed.len()) as f64 / all as f64;
    println!("{all} texts, {} formats: {recall:.2} % found", formats.len());
    assert!(recall >= 98.0, "{recall:.2} % of {all}; missed: {:#?}", missed.iter().take(20).collect::<Vec<_>>());
}

/// What programs print of `text` who print it in another way.
fn encodings(text: &str) -> Vec<(&'static str, String)> {
    let bytes = text.as_bytes();
    let wrapped = |text: &str, width: usize| -> String {
        let lines: Vec<&str> = text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        lines.join("\n")
    };
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric();
    let escaped = |bytes: &[u8], keep: &dyn Fn(&u8) -> bool| -> String {
        bytes.iter().map(|b| if keep(b) { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect()
    };
    let mut found = vec![
        ("xxd -p", wrapped(&hex.concat(), 60)),
        ("hexadecimal", hex.concat().to_uppercase()),
        ("od -tx1", hex.chunks(16).map(|line| format!(" {}\n", line.join(" "))).collect()),
        ("escapes", format!("b\"{}\"", hex.iter().map(|pair| format!("\\x{pair}")).collect::<String>())),
        ("bytes", hex.iter().map(|pair| format!("0x{pair}, ")).collect()),
        ("address", escaped(bytes, &is_plain)),
        ("address, every letter", escaped(bytes, &|_| false)),
    ];
    for (nth, before) in ["", "x", "xy", "a longer text\n"].into_iter().enumerate() {
        let whole = base64(format!("{before}{text}").as_bytes());
        found.push(("base64", wrapped(&whole, 76)));
        found.push(("base64 in one line", format!("data: {whole}")));
        if nth == 0 {
            found.push(("base64 for addresses", whole.replace('+', "-").replace('/', "_").replace('=', "")));
            found.push(("base64, indented", wrapped(&whole, 64).replace('\n', "\r\n    ")));
        }
    }
    found
}

fn base64(bytes: &[u8]) -> String {
    let group = |group: &[u8]| -> String {
        let bits = (0..3).fold(0u32, |bits, nth| bits << 8 | u32::from(group.get(nth).copied().unwrap_or_default()));
        let letter = |nth: usize| match nth <= group.len() {
            true => char::from(BASE64.as_bytes()[(bits >> (18 - 6 * nth) & 63) as usize]),
            false => '=',
        };
        (0..4).map(letter).collect()
    };
    bytes.chunks(3).map(group).collect()
}

/// `text` in every reading that anyone might try: letters without what stands between them.
fn readings(text: &str) -> Vec<String> {
    let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let spelled: String = dense.replace("\\x", "").replace("0x", "").replace([',', '%'], "").to_lowercase();
    vec![text.to_owned(), dense, spelled]
}

#[test]
fn x01_98_of_100_keys_are_found_in_other_encodings() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut all, mut missed) = (0, Vec::new());
    for (name, parts) in &formats() {
        for _ in 0..4 {
            let (key, pieces) = random.key(parts);
            let text = format!("{} = \"{key}\"\n", name.unwrap_or("value"));
            for (encoding, encoded) in encodings(&text) {
                all += 1;
                let masked = mask(&encoded).text.into_owned();
                assert_eq!(mask(&masked).found, [], "what is masked is masked again: {masked}");
                // The middle of what is secret, in whatever alignment.
                let piece = pieces.iter().max_by_key(|piece| piece.len()).unwrap();
                let hex: String = piece.bytes().map(|byte| format!("{byte:02x}")).collect();
                let forms = (0..3).map(|skipped| {
                    let whole = base64(format!("{}{piece}", "x".repeat(skipped)).as_bytes());
                    whole[4..whole.len() - 4].to_owned()
                });
                let forms: Vec<String> = forms.chain([hex, piece.clone()]).collect();
                if readings(&masked).iter().any(|reading| forms.iter().any(|form| reading.contains(form))) {
                    missed.push(format!("{encoding}: {text}{encoded}\n{masked}"));
                }
            }
        }
    }
    let recall = 100.0 * (all - missed.len()) as f64 / all as f64;
    println!("{all} texts: {recall:.2} % found");
    assert!(recall >= 98.0, "{recall:.2} % of {all}; missed: {:#?}", missed.iter().take(20).collect::<Vec<_>>());
}

/// Real sources without a secret: what the tests fetch, and this project.
fn real_sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in
        ["target/tools/corpus/click", "target/tools/releases/click", "src", "editors/nvim", "editors/vscode/src"]
    {
        let mut folders = vec![root.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
                let entry = entry.unwrap();
                let path = entry.path();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(path);
                } else if let Ok(text) = std::fs::read_to_string(&path) {
                    // Its own tests are full of them.
                    if !path.ends_with("secrets/tests.rs") {
                        files.push((path, text));
                    }
                }
            }
        }
    }
    files
}

#[test]
fn x01_of_1000_real_lines_none_is_taken_for_a_secret() {
    let (mut lines, mut wrong) = (0, Vec::new());
    for (path, text) in real_sources() {
        lines += text.lines().count();
        let masked = mask(&text);
        for found in &masked.found {
            wrong.push(format!("{}: {}: {}", path.display(), found.kind, &text[found.range.clone()]));
        }
        assert_eq!(mask(&masked.text).found, [], "{}: what is masked is masked again", path.display());
    }
    println!("{lines} lines: {} wrong", wrong.len());
    assert!(lines > 200_000, "{lines} lines are no measure");
    assert!(wrong.len() * 1000 <= lines, "{} of {lines}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn x01_a_large_text_and_a_long_line_take_their_time_and_no_more() {
    let source: String = real_sources().into_iter().map(|(_, text)| text).collect();
    let text: String = source.chars().cycle().take(10 << 20).collect();
    let line = text.replace('\n', " ").repeat(5);
    for (text, most) in [(text, 4), (line, 20)] {
        let started = Instant::now();
        let masked = mask(&text);
        assert!(!masked.text.is_empty());
        let took = started.elapsed();
        println!("{} MB: {took:?}", text.len() >> 20);
        assert!(took < Duration::from_secs(most), "{} bytes took {took:?}", text.len());
    }
}
