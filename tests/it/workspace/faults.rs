//! Workspaces that are made to hang, flood or mislead the tools.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use serde_json::json;

use super::tools::Bench;

/// Whatever stands under the old name, tools keep to the folder that was opened, or refuse.
#[test]
fn t04_a_root_that_is_replaced_is_not_followed() {
    let bench = Bench::new("//- /notes.txt\nmine\n");
    let root = bench.fixture.root_path();
    let other = root.with_file_name("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("notes.txt"), "a stranger's\n").unwrap();
    std::fs::write(other.join("more.txt"), "a stranger's\n").unwrap();
    for replace_by_link in [false, true] {
        let away = root.with_file_name(format!("away-{replace_by_link}"));
        std::fs::rename(&root, &away).unwrap();
        if replace_by_link {
            symlink(&other, &root).unwrap();
        } else {
            std::fs::create_dir(&root).unwrap();
            std::fs::write(root.join("notes.txt"), "a stranger's\n").unwrap();
        }
        for (tool, input) in [
            ("read_file", json!({"path": "notes.txt"})),
            ("search", json!({"pattern": "stranger"})),
            ("list_files", json!({})),
            ("symbols", json!({})),
            ("edit_file", json!({"path": "notes.txt", "old_string": "a stranger's", "new_string": "evil"})),
        ] {
            let told = bench.call(tool, input);
            assert!(!told.contains("stranger's") && !told.contains("more.txt"), "{tool}: {told}");
        }
        assert_eq!(std::fs::read_to_string(other.join("notes.txt")).unwrap(), "a stranger's\n");
        // Back, for the next.
        if replace_by_link {
            std::fs::remove_file(&root).unwrap();
        } else {
            std::fs::remove_dir_all(&root).unwrap();
        }
        std::fs::rename(&away, &root).unwrap();
    }
    assert!(bench.call("read_file", json!({"path": "notes.txt"})).contains("mine"));
}

#[test]
fn t07_many_files_loops_and_long_results_are_bounded() {
    let bench = Bench::new("//- /a.txt\nneedle\n");
    let root = bench.fixture.root_path();
    for folder in 0..100 {
        let path = root.join(format!("d{folder}"));
        std::fs::create_dir(&path).unwrap();
        symlink("..", path.join("loop")).unwrap();
        for file in 0..100 {
            std::fs::write(path.join(format!("f{file}.txt")), "needle and more\n").unwrap();
        }
    }
    bench.fixture.write("long.txt", format!("needle{}\n", "x".repeat(20_000_000)));
    bench.fixture.write("binary.bin", [b"needle\0".as_slice(), &vec![0; 5_000_000]].concat());
    let most = bench.context.max_output;
    let began = Instant::now();
    for (tool, input) in [
        ("search", json!({"pattern": "needle"})),
        ("search", json!({"pattern": "x+", "path": "long.txt"})),
        ("search", json!({"pattern": ".", "glob": "*.txt"})),
        ("list_files", json!({})),
        ("list_files", json!({"glob": "**/f*.txt"})),
        ("read_file", json!({"path": "long.txt"})),
        ("read_file", json!({"path": "binary.bin"})),
    ] {
        let told = bench.call(tool, input.clone());
        assert!(told.len() <= most + 500, "{tool} {input}: {} bytes", told.len());
        assert!(!told.contains("loop/"), "{tool} follows a link");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let began = Instant::now();
    for number in 0..2_000 {
        bench.call("read_file", json!({"path": format!("d{}/f{}.txt", number / 100, number % 100)}));
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(open_files(&root), 0, "files of the workspace are left open");
}

/// Descriptors of this process that lead beneath a folder, besides the folder itself.
fn open_files(folder: &std::path::Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let leads = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    leads.filter(|path| path.starts_with(folder) && path != folder).count()
}

#[test]
fn t08_a_file_of_rules_that_is_too_long_costs_little() {
    let bench = Bench::new("//- /a.txt\nneedle\n//- /.env\nDB_PASSWORD=canary-value-1\n");
    let rules: String = (0..1_000_000).map(|number| format!("folder-{number}/**/x*.tmp\n")).collect();
    bench.fixture.write(".gitignore", rules + "!.env\n");
    bench.fixture.write(".ignore", "!.env\n!*\n");
    let began = Instant::now();
    assert!(bench.call("search", json!({"pattern": "needle"})).contains("a.txt"));
    let told = bench.call("read_file", json!({"path": ".env"})) + &bench.call("search", json!({"pattern": "DB_"}));
    assert!(told.contains("DB_PASSWORD=") && !told.contains("canary"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn t09_names_that_act_are_shown_as_what_they_are() {
    let bench = Bench::new("//- /a.txt\nx\n");
    for name in [
        "--help",
        "-rf",
        "$(id)",
        "`id`",
        "two\nlines",
        "esc\u{1b}[2J",
        "rtl\u{202e}txt.exe",
        "; rm -rf ~",
        "a\tb",
        "%s%n",
    ] {
        bench.fixture.write(name, "needle\n");
    }
    let told = ["list_files", "search", "symbols"].map(|tool| {
        let input = if tool == "search" { json!({"pattern": "needle"}) } else { json!({}) };
        bench.call(tool, input)
    });
    for told in told {
        // A number and a tab are the tool's own.
        let number =
            |line: &&str| line.split_once('\t').is_some_and(|(number, _)| number.trim().parse::<u32>().is_ok());
        for line in told.lines() {
            let shown = if number(&line) { line.replacen('\t', "", 1) } else { line.to_owned() };
            let acts = shown.chars().find(|c| claw::text::hidden::is_hidden(*c, None, None));
            assert_eq!(acts, None, "{told}");
        }
        assert!(!told.lines().any(|line| line == "lines"), "a name makes a line: {told}");
    }
    assert!(bench.call("read_file", json!({"path": "--help"})).contains("needle"));
    assert!(bench.call("read_file", json!({"path": "$(id)"})).contains("needle"));
}

#[test]
fn t10_what_is_packed_stays_packed() {
    let bench = Bench::new("//- /a.txt\nx\n");
    let packed: [(&str, Vec<u8>); 6] = [
        ("bomb.zip", [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &[0; 4_000]].concat()),
        (
            "picture.png",
            [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff".as_slice(), &[0; 400]].concat(),
        ),
        ("paper.pdf", [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".as_slice(), &[0; 400]].concat()),
        ("deep.gz", [b"\x1f\x8b\x08\0\0\0\0\0".as_slice(), &[0xff; 400]].concat()),
        ("both.png.zip", [b"\x89PNG\r\n\x1a\nneedle PK\x03\x04".as_slice(), &[0; 400]].concat()),
        ("program", [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 400], b"needle"].concat()),
    ];
    for (name, bytes) in &packed {
        bench.fixture.write(name, bytes);
    }
    let began = Instant::now();
    for (name, bytes) in &packed {
        let told = bench.call("read_file", json!({"path": name}));
        assert!(told.len() < 500 && !told.contains('\0'), "{name}: {told:?}");
        assert!(told.contains("binary") || told.contains(&bytes.len().to_string()), "{name}: {told}");
    }
    // A picture of text is text, and nothing in it is carried out.
    let entities =
        "<!DOCTYPE svg [<!ENTITY a \"xxxxxxxxxx\"><!ENTITY b \"&a;&a;&a;&a;\">]><svg><text>&b;</text></svg>\n";
    bench.fixture.write("laughs.svg", entities);
    assert!(bench.call("read_file", json!({"path": "laughs.svg"})).contains("&b;"));
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// Files on which reading waits for somebody who never comes.
#[test]
fn s16_what_would_hang_is_not_waited_for() {
    let bench = Bench::new("//- /a.txt\nneedle\n");
    let root = bench.fixture.root_path();
    let made = std::process::Command::new("mkfifo")
        .args(["pipe", "AGENTS.md", ".gitignore", "b.rs"])
        .current_dir(&root)
        .status();
    assert!(made.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket.rs")).unwrap();
    symlink("/dev/zero", root.join("zero.rs")).unwrap();
    symlink("/dev/tty", root.join("terminal.rs")).unwrap();
    let began = Instant::now();
    for (tool, input) in [
        ("read_file", json!({"path": "pipe"})),
        ("read_file", json!({"path": "zero.rs"})),
        ("read_file", json!({"path": "socket.rs"})),
        ("search", json!({"pattern": "needle"})),
        ("list_files", json!({})),
        ("symbols", json!({})),
        ("symbols", json!({"path": "b.rs"})),
        ("write_file", json!({"path": "pipe", "content": "x"})),
        ("edit_file", json!({"path": "pipe", "old_string": "x", "new_string": "y"})),
        ("delete_file", json!({"path": "pipe"})),
    ] {
        let began = Instant::now();
        bench.call(tool, input.clone());
        assert!(began.elapsed() < Duration::from_secs(2), "{tool} {input}: {:?}", began.elapsed());
    }
    // What goes by the context of a task, and by the shadow of a command.
    let agent = claw::Agent::builder()
        .workspace(bench.fixture.workspace.clone())
        .config(claw::config::Config::default())
        .environment(claw::config::Environment::default())
        .without_state()
        .build()
        .unwrap();
    let receipt = agent.preview(&claw::agent::Ask { instruction: "Look".to_owned(), ..Default::default() });
    assert!(receipt.sections.iter().any(|section| section.name == "instruction"), "{receipt:?}");
    let mut shadow = claw::workspace::shadow::Shadow::take(
        &bench.fixture.folder.path().join("cache"),
        &bench.fixture.workspace.roots(),
    )
    .unwrap();
    shadow.sync(&bench.fixture.live(), &|| false).unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
