//! Keys that are known by how they look: a prefix of their own, or a shape.
//!
//! One search for all prefixes, one for long words; what they find is looked at closer. So the time is linear in the text.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Found, VALUE, assigned, pem};

/// A kind of key: how it begins, and a pattern of what follows.
struct Format {
    kind: &'static str,
    prefixes: &'static [&'static str],
    rest: &'static str,
}

const fn format(kind: &'static str, prefixes: &'static [&'static str], rest: &'static str) -> Format {
    Format { kind, prefixes, rest }
}

/// From what the providers document. A prefix of another stands behind it.
const FORMATS: &[Format] = &[
    // Models.
    format("Anthropic key", &["sk-ant-"], r"[A-Za-z0-9_-]{20,}"),
    format("OpenRouter key", &["sk-or-"], r"[A-Za-z0-9_-]{20,}"),
    format("OpenAI key", &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"], r"[A-Za-z0-9_-]{20,}"),
    format("API key", &["sk-"], r"[A-Za-z0-9][A-Za-z0-9_-]{18,}[A-Za-z0-9]"),
    format("Groq key", &["gsk_"], r"[A-Za-z0-9]{24,}"),
    format("xAI key", &["xai-"], r"[A-Za-z0-9_-]{24,}"),
    format("Perplexity key", &["pplx-"], r"[A-Za-z0-9]{24,}"),
    format("Fireworks key", &["fw_"], r"[A-Za-z0-9]{20,}"),
    format("Cerebras key", &["csk-"], r"[A-Za-z0-9]{40,}"),
    format("Replicate token", &["r8_"], r"[A-Za-z0-9]{30,}"),
    format("Hugging Face token", &["hf_", "api_org_"], r"[A-Za-z0-9]{30,}"),
    format("NVIDIA key", &["nvapi-"], r"[A-Za-z0-9_-]{40,}"),
    format("LangSmith key", &["lsv2_pt_", "lsv2_sk_"], r"[A-Za-z0-9_]{32,}"),
    format("Pinecone key", &["pcsk_"], r"[A-Za-z0-9_]{40,}"),
    format("Tavily key", &["tvly-"], r"[A-Za-z0-9-]{24,}"),
    format("Jina key", &["jina_"], r"[A-Za-z0-9_-]{40,}"),
    // Where code is kept.
    format("GitHub token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"[A-Za-z0-9]{30,}"),
    format("GitHub token", &["github_pat_"], r"[A-Za-z0-9_]{22,}"),
    format(
        "GitLab token",
        &[
            "glpat-",
            "glptt-",
            "glrt-",
            "gldt-",
            "glcbt-",
            "glft-",
            "glsoat-",
            "glagent-",
            "glimt-",
            "gloas-",
            "GR1348941",
        ],
        r"[A-Za-z0-9_.-]{20,}",
    ),
    format("Bitbucket token", &["ATBB"], r"[A-Za-z0-9]{28,}"),
    format("Atlassian token", &["ATATT3", "ATCTT3"], r"[A-Za-z0-9_=-]{20,}"),
    format("Sourcegraph token", &["sgp_"], r"(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}\b"),
    // Clouds.
    format("AWS access key", &["AKIA", "ASIA", "ABIA", "ACCA"], r"[0-9A-Z]{16}\b"),
    format("AWS Bedrock key", &["ABSK"], r"[A-Za-z0-9+/]{100,}={0,2}"),
    format("Google API key", &["AIza"], r"[0-9A-Za-z_-]{35}"),
    format("Google OAuth token", &["ya29."], r"[0-9A-Za-z_-]{20,}"),
    format("Google OAuth token", &["1//0"], r"[0-9A-Za-z_-]{30,}"),
    format("Google OAuth client secret", &["GOCSPX-"], r"[0-9A-Za-z_-]{24,}"),
    format("Alibaba access key", &["LTAI"], r"[0-9A-Za-z]{17,26}\b"),
    format("DigitalOcean token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"[a-f0-9]{64}"),
    format("Databricks token", &["dapi"], r"[a-f0-9]{32}(?:-[0-9])?\b"),
    format("Heroku key", &["HRKU-"], r"[A-Za-z0-9_-]{36,}"),
    format("Fly.io token", &["FlyV1 fm2_", "fm2_", "fo1_"], r"[A-Za-z0-9_+/=-]{40,}"),
    format("Netlify token", &["nfp_", "nfc_", "nfo_"], r"[A-Za-z0-9]{36,}"),
    format("Supabase key", &["sbp_", "sb_secret_"], r"[A-Za-z0-9_-]{30,}"),
    format("PlanetScale token", &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"], r"[A-Za-z0-9_.=-]{32,}"),
    format("Pulumi token", &["pul-"], r"[a-f0-9]{40}\b"),
    format("Cloudflare origin key", &["v1.0-"], r"[a-f0-9]{24}-[a-f0-9]{100,}"),
    format("Tailscale key", &["tskey-"], r"[a-z]+-[A-Za-z0-9-]{20,}"),
    // Vaults and watchers.
    format("Vault token", &["hvs.", "hvb.", "hvr."], r"[A-Za-z0-9_-]{24,}"),
    format(
        "Doppler token",
        &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."],
        r"(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}\b",
    ),
    format("1Password token", &["ops_eyJ"], r"[A-Za-z0-9+/=_-]{100,}"),
    format("Sentry token", &["sntrys_", "sntryu_"], r"[A-Za-z0-9+/=_-]{40,}"),
    format("New Relic key", &["NRAK-", "NRII-", "NRIQ-"], r"[A-Za-z0-9_-]{24,}"),
    format("Grafana token", &["glsa_"], r"[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"),
    format("Grafana token", &["glc_"], r"[A-Za-z0-9+/]{32,}={0,2}"),
    // Packages.
    format("npm token", &["npm_"], r"[A-Za-z0-9]{36}"),
    format("PyPI token", &["pypi-"], r"[A-Za-z0-9_-]{32,}"),
    format("crates.io token", &["cio"], r"[A-Za-z0-9]{32}\b"),
    format("Docker token", &["dckr_pat_", "dckr_oat_"], r"[A-Za-z0-9_-]{20,}"),
    format("RubyGems key", &["rubygems_"], r"[a-f0-9]{48}"),
    format("NuGet key", &["oy2"], r"[a-z0-9]{43}\b"),
    format("Clojars token", &["CLOJARS_"], r"[a-z0-9]{60}"),
    // Services.
    format(
        "Slack token",
        &[
            "xoxa-",
            "xoxb-",
            "xoxc-",
            "xoxd-",
            "xoxe-",
            "xoxo-",
            "xoxp-",
            "xoxr-",
            "xoxs-",
            "xoxe.xoxp-",
            "xoxe.xoxb-",
            "xapp-",
        ],
        r"[0-9A-Za-z%+/=-]{10,}",
    ),
    format("Slack webhook", &["https://hooks.slack.com/"], r"(?:services|workflows|triggers)/[A-Za-z0-9/]{30,}"),
    format(
        "Discord webhook",
        &["https://discord.com/api/webhooks/", "https://discordapp.com/api/webhooks/"],
        r"[0-9]{15,}/[A-Za-z0-9_-]{50,}",
    ),
    format("Stripe key", &["sk_live_", "rk_live_", "sk_test_", "rk_test_"], r"[0-9A-Za-z]{16,}"),
    format("Stripe webhook secret", &["whsec_"], r"[0-9A-Za-z+/=]{24,}"),
    format("Twilio key", &["SK"], r"[0-9a-f]{32}\b"),
    format("SendGrid key", &["SG."], r"[A-Za-z0-9_-]{16,24}\.[A-Za-z0-9_-]{39,50}"),
    format("Mailgun key", &["key-"], r"[0-9a-f]{32}\b"),
    format("Brevo key", &["xkeysib-"], r"[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    format("Resend key", &["re_"], r"[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}"),
    format("Shopify token", &["shpat_", "shpca_", "shppa_", "shpss_"], r"[a-fA-F0-9]{32}"),
    format("Square token", &["sq0atp-", "sq0csp-"], r"[A-Za-z0-9_-]{22,}"),
    format("Square token", &["EAAA"], r"[A-Za-z0-9_-]{60}\b"),
    format("Braintree token", &["access_token$production$", "access_token$sandbox$"], r"[0-9a-z]{16}\$[0-9a-f]{32}"),
    format("Flutterwave key", &["FLWSECK-", "FLWSECK_TEST-"], r"[A-Za-z0-9-]{12,}"),
    format("Shippo token", &["shippo_live_", "shippo_test_"], r"[a-f0-9]{40}"),
    format("EasyPost key", &["EZAK", "EZTK"], r"[A-Za-z0-9]{54}"),
    format("Dropbox token", &["sl."], r"(?:u\.)?[A-Za-z0-9_-]{60,}"),
    format("Linear key", &["lin_api_", "lin_oauth_"], r"[A-Za-z0-9]{32,}"),
    format("Notion token", &["ntn_"], r"[A-Za-z0-9]{40,}"),
    format("Notion token", &["secret_"], r"[A-Za-z0-9]{43}\b"),
    format("Postman key", &["PMAK-"], r"[a-f0-9]{24}-[a-f0-9]{34}"),
    format("Figma token", &["figd_"], r"[A-Za-z0-9_-]{40,}"),
    format("Contentful token", &["CFPAT-"], r"[A-Za-z0-9_-]{43}"),
    format("Typeform token", &["tfp_"], r"[A-Za-z0-9_.=-]{40,}"),
    format("Buildkite token", &["bkua_"], r"[a-z0-9]{40}"),
    format("CircleCI token", &["CCIPAT_"], r"[A-Za-z0-9]{22}_[a-f0-9]{40}"),
    format("OpenShift token", &["sha256~"], r"[A-Za-z0-9_-]{43}"),
    format("Mapbox token", &["sk.eyJ"], r"[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}"),
    // Of no one service.
    format("JSON web token", &["eyJ"], r"[A-Za-z0-9_-]{10,}\.(?:eyJ)?[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]{10,}){1,3}"),
    format("age key", &["AGE-SECRET-KEY-1"], r"[0-9A-Z]{58}"),
];

/// What stands in a text for the private key that follows.
const PRIVATE_KEY: Format = format(
    "private key",
    &["-----BEGIN ", "Private-Lines: "],
    r"(?:(?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|[0-9]{1,3}\b)",
);

/// Keys that begin with no word of their own, and the shape of the long word that they are.
const SHAPES: &[(&str, &str)] = &[
    ("Telegram token", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"),
    ("Discord token", r"[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}"),
    ("Airtable token", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    ("Terraform token", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}"),
    ("Mailchimp key", r"[0-9a-f]{32}-us[0-9]{1,2}"),
    ("Azure client secret", r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),
];

/// All that can stand in a mark.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    let formats = FORMATS.iter().map(|format| format.kind);
    let shapes = SHAPES.iter().map(|(kind, _)| *kind);
    formats.chain(shapes).chain([PRIVATE_KEY.kind, VALUE]).chain(assigned::KINDS)
}

static PREFIXED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let one = |format: &Format| {
        let prefixes: Vec<String> = format.prefixes.iter().map(|prefix| regex::escape(prefix)).collect();
        format!("(?:{}){}", prefixes.join("|"), format.rest)
    };
    let all: Vec<String> = FORMATS.iter().map(one).collect();
    compile(&format!(r"\b(?:{})|{}", all.join("|"), one(&PRIVATE_KEY)))
});
/// Words long enough for a shape.
static LONG_WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| compile(r"[A-Za-z0-9_.:~=-]{36,}"));
static SHAPED: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let compiled = |(kind, pattern): &(&'static str, &str)| Some((*kind, compile(&format!(r"\b{pattern}(?:\b|$)"))?));
    SHAPES.iter().filter_map(compiled).collect()
});

/// Only ASCII is looked at: the bytes of other letters end a word, and Unicode's classes keep the regex engine from its fast
/// paths.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    let pattern = pattern.replace(r"\b", r"(?-u:\b)");
    Regex::new(&pattern).ok()
}

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    let mut from = 0;
    while let Some(at) = PREFIXED.as_ref().and_then(|pattern| pattern.find_at(text, from)) {
        from = at.end();
        let word = at.as_str();
        if PRIVATE_KEY.prefixes.iter().any(|prefix| word.starts_with(prefix)) {
            let body = pem::body(text, at.end());
            from = body.end.max(from);
            push(found, PRIVATE_KEY.kind, body);
        } else if let Some(kind) = kind_of(word) {
            push(found, kind, at.range());
        }
    }
    for long in LONG_WORDS.iter().flat_map(|pattern| pattern.find_iter(text)) {
        // What is longer is data. The shapes would go through it again and again.
        if long.len() > 4096 {
            continue;
        }
        for (kind, shape) in SHAPED.iter() {
            for at in shape.find_iter(long.as_str()) {
                push(found, kind, long.start() + at.start()..long.start() + at.end());
            }
        }
    }
}

fn push(found: &mut Vec<Found>, kind: &'static str, range: Range<usize>) {
    if !range.is_empty() {
        found.push(Found { kind, range });
    }
}

/// What a word is that fits a format; `None` if it only seems to be one.
fn kind_of(word: &str) -> Option<&'static str> {
    let (format, prefix) = FORMATS.iter().find_map(|format| {
        let prefix = format.prefixes.iter().find(|prefix| word.starts_with(**prefix))?;
        Some((format, *prefix))
    })?;
    let rest = word.get(prefix.len()..).unwrap_or_default();
    let digit = rest.bytes().any(|byte| byte.is_ascii_digit());
    let lower = rest.bytes().any(|byte| byte.is_ascii_lowercase());
    let upper = rest.bytes().any(|byte| byte.is_ascii_uppercase());
    // `sk-some-name-of-a-style` and `npm_config_of_something` are words, `ghp_xxxxxxxx` stands for one.
    let random = digit || (lower && upper) || !rest.contains(['-', '_', '.']);
    let filler = rest.bytes().collect::<std::collections::BTreeSet<u8>>().len() < 5;
    (random && !filler).then_some(format.kind)
}
