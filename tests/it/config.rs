//! Configuration from every source, good and bad.

use std::path::{Path, PathBuf};

use claw::config::{
    Commands, Config, Effort, Environment, Flag, Loaded, Origin, PermissionMode, Provider, Sandbox, Sources, load,
};
use serde_json::{Value, json};

/// A home and a workspace in a folder of their own.
struct Places {
    folder: tempfile::TempDir,
}

impl Places {
    fn new() -> Places {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("home/.config/claw")).unwrap();
        std::fs::create_dir_all(folder.path().join("work/.claw")).unwrap();
        Places { folder }
    }

    fn user_file(&self) -> PathBuf {
        self.folder.path().join("home/.config/claw/config.toml")
    }

    fn workspace(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn project_file(&self) -> PathBuf {
        self.workspace().join(".claw/config.toml")
    }

    fn environment(&self, variables: &[(&str, &str)]) -> Environment {
        let home = self.folder.path().join("home").display().to_string();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        variables.chain([("HOME".to_owned(), home)]).collect()
    }

    fn load(&self) -> Loaded {
        self.load_with(&[], true, &[], &[])
    }

    fn load_with(&self, variables: &[(&str, &str)], trusted: bool, editor: &[Value], flags: &[Flag]) -> Loaded {
        let environment = self.environment(variables);
        let workspace = self.workspace();
        load(Sources { environment: Some(&environment), workspace: Some(&workspace), trusted, editor, flags })
    }
}

/// Loads a user file that holds `toml`; its problems, without the file's name.
fn check(toml: &str, expected: &[&str]) -> Config {
    let places = Places::new();
    std::fs::write(places.user_file(), toml).unwrap();
    let loaded = places.load();
    let file = format!("{}:", places.user_file().display());
    let problems: Vec<String> =
        loaded.problems.iter().map(|problem| problem.to_string().replace(&file, "").trim().to_owned()).collect();
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem:?} does not begin with {expected:?}");
    }
    loaded.config
}

#[test]
fn nothing_set_is_the_default() {
    let loaded = Places::new().load();
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.problems.is_empty() && loaded.origins.is_empty() && loaded.files.is_empty());
    assert_eq!(load(Sources::default()).config, Config::default());
}

#[test]
fn each_source_goes_over_the_one_before() {
    let places = Places::new();
    std::fs::write(
        places.user_file(),
        "model = \"user\"\n[limits]\nmax_steps = 1\nmax_tokens = 10\nprompt_timeout_s = 7\n",
    )
    .unwrap();
    std::fs::write(places.project_file(), "# of the project\nmodel = \"project\"\nlimits.max_steps = 2\n").unwrap();
    let editor = [
        json!({"model": "editor", "trusted": true, "limits": {"maxSteps": 3, "turnTimeoutS": 9}, "baseUrl": ""}),
        json!({"claw": {"permissionMode": "auto", "limits.maxSteps": 4, "context": null, "trace": {"server": "off"}}}),
    ];
    let variables = [("CLAW_MODEL", "variable"), ("CLAW_BASE_URL", "http://box:1/v1")];
    let flags = [Flag { name: "--model", key: "model", value: "flag".into() }];

    let steps = |variables: &[(&str, &str)], editor: &[Value], flags: &[Flag]| {
        let loaded = places.load_with(variables, true, editor, flags);
        assert_eq!(loaded.problems, []);
        (loaded.config.model.unwrap(), loaded.config.limits.max_steps)
    };
    assert_eq!(steps(&[], &[], &[]), ("project".to_owned(), 2));
    assert_eq!(steps(&[], &editor[..1], &[]), ("editor".to_owned(), 3));
    assert_eq!(steps(&[], &editor, &[]), ("editor".to_owned(), 4));
    assert_eq!(steps(&variables, &editor, &[]), ("variable".to_owned(), 4));
    assert_eq!(steps(&variables, &editor, &flags), ("flag".to_owned(), 4));

    let loaded = places.load_with(&variables, true, &editor, &flags);
    assert_eq!(loaded.config.permission_mode, PermissionMode::Auto);
    assert_eq!(loaded.files, [places.user_file(), places.project_file()]);
    let file = |path: PathBuf, line: usize| Origin::File { path, line: Some(line) };
    for (key, origin) in [
        ("model", Origin::Flag("--model")),
        ("base_url", Origin::Env("CLAW_BASE_URL")),
        ("limits.max_steps", Origin::Editor),
        ("limits.turn_timeout_s", Origin::Editor),
        ("limits.max_tokens", file(places.user_file(), 4)),
        ("limits.prompt_timeout_s", file(places.user_file(), 5)),
        ("permission_mode", Origin::Editor),
        ("context.map_tokens", Origin::Default),
    ] {
        assert_eq!(loaded.origin(key), origin, "{key}");
    }
}

#[test]
fn what_restricts_adds_up_over_the_sources() {
    let places = Places::new();
    let user = "[permissions]\nallow = [\"shell(ls)\"]\nask = [\"web_fetch\"]\ndeny = [\"shell(rm *)\"]\n[context]\nexclude = [\"*.pem\"]\n";
    std::fs::write(places.user_file(), user).unwrap();
    let project =
        "[permissions]\nallow = [\"shell(make)\"]\nask = []\ndeny = [\"shell(dd *)\"]\n[context]\nexclude = []\n";
    std::fs::write(places.project_file(), project).unwrap();
    let editor = json!({"permissions": {"deny": ["shell(rm *)", "shell(mv *)"]}, "context": {"exclude": ["*.key"]}});
    let config = places.load_with(&[], true, &[editor], &[]).config;
    assert_eq!(config.permissions.allow, ["shell(make)"]);
    assert_eq!(config.permissions.ask, ["web_fetch"]);
    assert_eq!(config.permissions.deny, ["shell(rm *)", "shell(dd *)", "shell(mv *)"]);
    assert_eq!(config.context.exclude, ["*.pem", "*.key"]);
}

#[test]
fn c01_a_project_that_is_not_trusted_sets_nothing() {
    let places = Places::new();
    std::fs::write(
        places.project_file(),
        "base_url = \"http://evil.example/v1\"\npermission_mode = \"auto\"\nnonsense = 1\n[hooks]\nprompt = \"evil\"\n",
    )
    .unwrap();
    let loaded = places.load_with(&[], false, &[], &[]);
    assert_eq!(loaded.config, Config::default());
    assert_eq!((loaded.problems.len(), loaded.files.len()), (0, 0));
    let mut ignored: Vec<_> =
        loaded.ignored.iter().map(|ignored| (ignored.key.as_str(), ignored.origin.to_string())).collect();
    ignored.sort();
    let at = |line: usize| format!("{}:{line}", places.project_file().display());
    assert_eq!(
        ignored,
        [("base_url", at(1)), ("hooks.prompt", at(5)), ("nonsense", at(3)), ("permission_mode", at(2))]
    );
    assert!(loaded.ignored[0].reason.contains("claw trust"));

    std::fs::write(places.project_file(), "not toml at all").unwrap();
    assert!(places.load_with(&[], false, &[], &[]).problems.is_empty());
}

#[test]
fn c04_unknown_keys_and_bad_values_are_located_and_the_rest_counts() {
    let config = check(
        "modle = \"x\"\nmodel = \"kept\"\n\n[limits]\nmax_step = 3\nmax_steps = \"many\"\nturn_timeout_s = 0\nprompt_timeout_s = 5\n",
        &[
            "6: limits.max_steps: invalid type: string \"many\", expected u32. The default stays",
            "7: limits.turn_timeout_s: it must be at least 1. The default stays",
            "5: unknown key limits.max_step: it is ignored; the nearest key is limits.max_steps",
            "1: unknown key modle: it is ignored; the nearest key is model",
        ],
    );
    assert_eq!(config.model.as_deref(), Some("kept"));
    assert_eq!((config.limits.max_steps, config.limits.turn_timeout_s, config.limits.prompt_timeout_s), (100, 1800, 5));

    check("provider = \"opnai\"\n", &["1: provider: unknown variant `opnai`, expected one of `openai`, "]);
    check("limits = 3\n", &["1: limits: invalid type: integer `3`"]);
    check("[model]\nname = \"x\"\n", &["1: model: invalid type: map, expected a string"]);
    check(
        "[limits]\nmax_steps = -1\nmax_cost = -0.5\n",
        &["3: limits.max_cost: it must not be", "2: limits.max_steps: invalid value"],
    );
    check("[limits]\nmax_steps = 99999999999999999999\n", &["2: limits.max_steps: "]);
    check("base_url = \"box:11434\"\n", &["1: base_url: it must begin with http:// or https://"]);
    check("[trace]\nredact = [\"ok\", \"(\"]\n", &["2: trace.redact: `(` is not a regular expression: "]);
    check("[context]\nexclude = [\"[\"]\n", &["2: context.exclude: `[` is not a glob: "]);
    let stars = "*".repeat(65);
    check(&format!("[context]\nexclude = [\"{stars}\"]\n"), &["2: context.exclude: a glob is too long: "]);
    check(
        "[mcp.servers.docs]\ncommnd = \"x\"\n",
        &["1: mcp.servers.docs: unknown field `commnd`, expected one of `command`"],
    );
}

#[test]
fn c04_a_file_that_is_no_toml_is_located_and_not_used() {
    let not_toml = |line: usize| format!("{line}: it is not valid TOML, so none of it is used: ");
    for (toml, line) in [("model = \"a\"\nmodel = \"b\"\n", 2), ("\nmodel = \n", 2), ("[limits\n", 1), ("x", 1)] {
        assert_eq!(check(toml, &[&not_toml(line)]), Config::default());
    }
    let deep = format!("model = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(check(&deep, &["1: it is not valid TOML"]), Config::default());
}

#[test]
fn c04_a_file_that_is_too_large_or_no_file_is_not_used() {
    let places = Places::new();
    let refused = |message: &str| {
        let loaded = places.load();
        assert_eq!(loaded.config, Config::default());
        assert_eq!(loaded.problems.len(), 1);
        assert!(loaded.problems[0].to_string().contains(message), "{}", loaded.problems[0]);
    };
    std::fs::write(places.user_file(), format!("model = \"a\"\n#{}", "x".repeat(1024 * 1024))).unwrap();
    refused("too many for a configuration");
    // A terabyte that takes no room.
    std::fs::File::options().write(true).open(places.user_file()).unwrap().set_len(1 << 40).unwrap();
    refused("too many for a configuration");
    std::fs::write(places.user_file(), b"model = \"\xff\"\n").unwrap();
    refused("not UTF-8");
    std::fs::remove_file(places.user_file()).unwrap();
    std::fs::create_dir(places.user_file()).unwrap();
    refused("it is not a file");
    std::fs::remove_dir(places.user_file()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(places.user_file()).status().unwrap();
    assert!(made.success());
    refused("it is not a file");
}

#[test]
fn c06_a_file_that_others_may_write_or_lead_elsewhere_is_refused() {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    let places = Places::new();
    let user_file = places.user_file();
    let outcome = || {
        let loaded = places.load();
        (loaded.config.model, loaded.problems.first().map(ToString::to_string).unwrap_or_default())
    };
    std::fs::write(&user_file, "model = \"mine\"\n").unwrap();
    assert_eq!(outcome(), (Some("mine".to_owned()), String::new()));

    std::fs::set_permissions(&user_file, std::fs::Permissions::from_mode(0o666)).unwrap();
    let (model, problem) = outcome();
    assert!(
        model.is_none() && problem.contains("everybody may write it") && problem.contains("chmod o-w"),
        "{problem}"
    );

    std::fs::set_permissions(&user_file, std::fs::Permissions::from_mode(0o644)).unwrap();
    // Only root can give a file away; anybody else reads one that is not his.
    if chown(&user_file, Some(12345), None).is_ok() {
        let (model, problem) = outcome();
        assert!(model.is_none() && problem.contains("belongs to another user (uid 12345)"), "{problem}");
    }

    let real = places.folder.path().join("real.toml");
    std::fs::write(&real, "model = \"mine\"\n").unwrap();
    std::fs::remove_file(&user_file).unwrap();
    symlink(&real, &user_file).unwrap();
    let (model, problem) = outcome();
    assert!(model.is_none() && problem.contains("it is a symbolic link"), "{problem}");

    let named = places.load_with(&[("CLAW_CONFIG", &real.display().to_string())], true, &[], &[]);
    assert_eq!((named.config.model.as_deref(), named.problems.len()), (Some("mine"), 0));
    let missing = places.load_with(&[("CLAW_CONFIG", "/nowhere/claw.toml")], true, &[], &[]);
    assert!(missing.problems[0].to_string().contains("/nowhere/claw.toml: there is no such file"));
}

#[test]
fn x01_a_key_in_the_wrong_place_is_not_repeated() {
    for toml in [
        "api_key = \"sk-canary-0123456789\"\n",
        "api_key_env = \"sk-canary-0123456789\"\n",
        "api_key_env = \"canaryAIzaSyA1b2C3d4E5f6G7h8\"\n",
    ] {
        let places = Places::new();
        std::fs::write(places.user_file(), toml).unwrap();
        let loaded = places.load();
        assert_eq!((loaded.config.api_key_env, loaded.problems.len()), (None, 1), "{toml}");
        let shown = format!("{} {:?}", loaded.problems[0], loaded.problems[0]);
        assert!(!shown.contains("canary") && shown.contains("api_key_env"), "{shown}");
    }
    let environment: Environment = [("OPENAI_API_KEY", "sk-canary")].into_iter().collect();
    assert!(!format!("{environment:?}").contains("canary"));
}

#[test]
fn every_key_of_the_contract_is_known() {
    let config = check(
        r#"
provider = "ollama"
model = "qwen2.5-coder:7b"
base_url = "http://127.0.0.1:11434/v1"
api_key_env = "OPENAI_API_KEY"
permission_mode = "read-only"
script = "turns.jsonl"
[limits]
max_steps = 100
turn_timeout_s = 1800
model_idle_timeout_s = 60
prompt_timeout_s = 300
max_tokens = 1_000_000
max_cost = 2.5
max_children = 4
[context]
map_tokens = 0
window = 32_768
exclude = ["**/*.pem"]
[review]
in_editor = "auto"
[check]
commands = ["cargo check -q"]
[permissions]
allow = ["shell(cargo test *)", "web_fetch(docs.rs)"]
ask = []
deny = ["shell(rm *)"]
[shell]
sandbox = "require"
network = false
timeout_s = 120
[search]
provider = "searxng"
url = "https://search.example"
api_key_env = "SEARCH_KEY"
[mcp.servers.docs]
command = "docs-server"
args = ["--stdio"]
env = { HOME_DIR = "/x", some-Key = "1" }
[mcp.servers."far.away"]
url = "https://mcp.example"
headers = { "X-Team" = "a" }
[hooks]
pre_tool = "a"
post_tool = ["b", "c"]
prompt = []
turn_end = "d"
[trace]
otlp_endpoint = "http://127.0.0.1:4318"
keep_days = 30
redact = ["secret-\\d+"]
"#,
        &[],
    );
    assert_eq!(config.provider, Some(Provider::Ollama));
    assert_eq!(config.shell.sandbox, Sandbox::Require);
    assert_eq!(config.hooks.post_tool, Commands::Several(vec!["b".to_owned(), "c".to_owned()]));
    assert_eq!(config.hooks.pre_tool, Commands::One("a".to_owned()));
    assert_eq!(config.mcp.servers["docs"].env["some-Key"], "1");
    assert_eq!(config.mcp.servers["far.away"].headers["X-Team"], "a");
    assert_eq!(config.limits.max_cost, Some(2.5));
}

#[test]
fn a_table_of_the_users_own_keys_has_an_origin() {
    let places = Places::new();
    std::fs::write(places.user_file(), "\n[mcp.servers.docs]\ncommand = \"x\"\n").unwrap();
    let loaded = places.load();
    let origin = Origin::File { path: places.user_file(), line: Some(2) };
    assert_eq!((loaded.origin("mcp.servers"), loaded.origin("mcp.servers.docs")), (origin.clone(), origin));
    assert_eq!(loaded.origin("mcp.serv"), Origin::Default);
}

#[test]
fn a_script_is_looked_for_in_the_workspace_and_then_beside_its_file() {
    let script = |places: &Places| places.load().config.script.unwrap();
    let places = Places::new();
    std::fs::write(places.user_file(), "script = \"turns.jsonl\"\n").unwrap();
    let beside = places.user_file().with_file_name("turns.jsonl");
    let in_workspace = places.workspace().join("turns.jsonl");
    assert_eq!(Path::new(&script(&places)), in_workspace);
    std::fs::write(&beside, "").unwrap();
    assert_eq!(Path::new(&script(&places)), beside);
    std::fs::write(&in_workspace, "").unwrap();
    assert_eq!(Path::new(&script(&places)), in_workspace);
    std::fs::write(places.user_file(), "script = \"/somewhere/else.jsonl\"\n").unwrap();
    assert_eq!(script(&places), "/somewhere/else.jsonl");
}

#[test]
fn d04_a_byte_order_mark_and_windows_line_ends_do_no_harm() {
    let config = check(
        "\u{feff}model = \"x\"\r\n[limits]\r\nmax_steps = 7\r\nmax_stepz = 1\r\n",
        &["4: unknown key limits.max_stepz"],
    );
    assert_eq!((config.model.as_deref(), config.limits.max_steps), (Some("x"), 7));
}

#[test]
fn models_small_ones_and_effort() {
    let config = check(
        "effort = \"xhigh\"\n[small_model]\nmodel = \"tiny\"\neffort = \"none\"\n[models.\"qwen2.5-coder:7b\"]\ninput = 0\noutput = 0.5\nwindow = 32768\n",
        &[],
    );
    assert_eq!((config.effort, config.small_model.effort), (Some(Effort::Xhigh), Some(Effort::None)));
    let facts = config.models["qwen2.5-coder:7b"];
    assert_eq!((facts.input, facts.output, facts.window), (Some(0.0), Some(0.5), Some(32768)));

    check("effort = \"very\"\n", &["1: effort: unknown variant `very`, expected one of `none`"]);
    check("[models.a]\ninput = 1\n", &["1: models.a: what it costs is known by `input` and `output` together"]);
    check("[models.a]\ninput = -1\noutput = 1\n", &["1: models.a: input must not be negative"]);
    check("[models.a]\nwindow = 0\n", &["1: models.a: window must be at least 1"]);
    check("[models.a]\nprice = 3\n", &["1: models.a: unknown field `price`, expected one of `input`"]);
    check("[small_model]\napi_key_env = \"sk-canary\"\n", &["2: small_model.api_key_env: it takes the name"]);
}

/// Names of models hold dots, in an editor's settings too.
#[test]
fn an_editor_names_models_as_they_are_named() {
    let places = Places::new();
    let settings = serde_json::json!({"models": {"qwen2.5-coder:7b": {"input": 0, "output": 0, "cacheWrite": 0}}});
    let loaded = places.load_with(&[], true, &[settings], &[]);
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.config.models["qwen2.5-coder:7b"].cache_write, Some(0.0));
}
